"""The official Python client of the Model Context Protocol against `moonbeam mcp`.

    python3 mcp_client.py PROGRAM MODEL FOLDER_OF_SAMPLES
"""

import asyncio
import base64
import json
import pathlib
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def check(condition, what):
    if not condition:
        raise SystemExit(f"failed: {what}")
    print("ok:", what)


async def run(program, model, samples):
    expected = {
        (picture["file"], request["task"], request["arg"]): request
        for picture in json.loads((samples / "expected.json").read_text())["samples"]
        for request in picture["requests"]
    }
    caption = expected["s1.png", "caption", "normal"]["text"]
    server = StdioServerParameters(command=program, args=["mcp", "-m", model, "--root", str(samples)])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        hello = await session.initialize()
        check(hello.capabilities.tools is not None, "the server says that it has tools")
        await session.send_ping()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        check(sorted(tools) == ["caption", "detect", "point", "query"], "four tools")

        async def call(name, **arguments):
            result = await session.call_tool(name, arguments)
            return result.model_dump(mode="json", by_alias=True)

        answer = await call("caption", image="s1.png")
        check(answer["structuredContent"]["caption"] == caption, "a caption, by the output schema")
        check(answer["content"][0]["text"] == caption, "a caption as text")
        data = base64.b64encode((samples / "s1.png").read_bytes()).decode()
        answer = await call("caption", image=f"data:image/png;base64,{data}")
        check(answer["structuredContent"]["caption"] == caption, "a picture in the call itself")
        answer = await call("query", image=str(samples / "s1.png"), question="Is there a dog?")
        check(answer["structuredContent"]["answer"] == "Yes.", "an answer")
        answer = await call("detect", image="s1.png", object="apple")
        check(len(answer["structuredContent"]["objects"]) == 2, "boxes")
        answer = await call("point", image="s1.png", object="apples")
        check(answer["structuredContent"]["count"] == 2, "points")
        answer = await call("caption", image="/etc/passwd")
        check(answer["isError"] and "outside of the folders" in answer["content"][0]["text"], "no other folder")


asyncio.run(run(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])))
