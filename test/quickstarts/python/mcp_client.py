"""The quick start of the Python SDK of MCP against /mcp."""

import asyncio
import os

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main():
    headers = {"Authorization": "Bearer " + os.environ["ONESTEP_KEY"]}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        url = os.environ["ONESTEP_URL"] + "/mcp"
        async with streamable_http_client(url, http_client=http) as streams:
            async with ClientSession(streams[0], streams[1]) as session:
                await session.initialize()
                tools = await session.list_tools()
                assert len(tools.tools) == 3, tools
                result = await session.call_tool("generate", {"prompt": "a mill"})
                assert result.content[0].type == "image", result
                refused = await session.call_tool("generate", {"prompt": "a mill", "colour": "red"})
                assert "colour" in str(refused.content), refused


asyncio.run(main())
