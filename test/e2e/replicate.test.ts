import { describeReplicateClient } from '../clients/replicate.ts';
import { startRealServer } from '../helpers/real-server.ts';

describeReplicateClient('embedded', () => startRealServer());
