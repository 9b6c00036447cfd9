import { describeAiSdk } from '#test/clients/ai-sdk.ts';
import { startRealServer } from '#test/helpers/real-server.ts';

describeAiSdk('embedded', () => startRealServer());
