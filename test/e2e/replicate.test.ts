import { describeReplicateClient } from '#test/clients/replicate.ts';
import { startRealServer } from '#test/helpers/real-server.ts';

describeReplicateClient('embedded', () => startRealServer());
