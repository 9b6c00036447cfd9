"""The quick start of fastmcp's client against /mcp."""

import asyncio
import os

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport


async def main():
    headers = {"Authorization": "Bearer " + os.environ["ONESTEP_KEY"]}
    transport = StreamableHttpTransport(os.environ["ONESTEP_URL"] + "/mcp", headers=headers)
    async with Client(transport) as client:
        tools = {tool.name for tool in await client.list_tools()}
        assert tools == {"generate", "get_prediction", "list_models"}, tools
        result = await client.call_tool("generate", {"prompt": "a mill", "seed": 7})
        kinds = [block.type for block in result.content]
        assert kinds == ["image", "text"], kinds


asyncio.run(main())
