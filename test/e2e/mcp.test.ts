import { describeMcpClient } from '#test/clients/mcp.ts';
import { startRealServer } from '#test/helpers/real-server.ts';

describeMcpClient('embedded', () => startRealServer());
