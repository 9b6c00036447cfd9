import { describeFalClient } from '#test/clients/fal.ts';
import { startRealServer } from '#test/helpers/real-server.ts';

describeFalClient('embedded', () => startRealServer());
