import { describeMcpClient } from '../clients/mcp.ts';
import { startRealServer } from '../helpers/real-server.ts';

describeMcpClient('embedded', () => startRealServer());
