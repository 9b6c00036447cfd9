import { describeFalClient } from '../clients/fal.ts';
import { startRealServer } from '../helpers/real-server.ts';

describeFalClient('embedded', () => startRealServer());
