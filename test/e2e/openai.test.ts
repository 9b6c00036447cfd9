import { describeOpenAiClient } from '#test/clients/openai.ts';
import { startRealServer } from '#test/helpers/real-server.ts';

describeOpenAiClient('embedded', () => startRealServer());
