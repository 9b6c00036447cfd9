import { describeAiSdk } from '../clients/ai-sdk.ts';
import { startRealServer } from '../helpers/real-server.ts';

describeAiSdk('embedded', () => startRealServer());
