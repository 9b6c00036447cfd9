import { describeOpenAiClient } from '../clients/openai.ts';
import { startRealServer } from '../helpers/real-server.ts';

describeOpenAiClient('embedded', () => startRealServer());
