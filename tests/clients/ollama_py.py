"""PyPI ollama against two servers: ADDRESS, ADDRESS that wants the key "right", PICTURE."""
import asyncio
import json
import os
import sys
import time

import ollama
from pydantic import BaseModel

open_to_all, locked, picture = sys.argv[1:]


def expect(condition, what):
    if not condition:
        sys.exit(f"ollama: {what}")


def refused(status, call):
    try:
        call()
    except ollama.ResponseError as error:
        expect(error.status_code == status and error.error, f"expected {status}, got {error.status_code} {error.error}")
        return error.error
    sys.exit(f"ollama: expected {status}")


client = ollama.Client(host=open_to_all)
names = [model.model for model in client.list().models]
expect(names[0] == "moondream:latest", "the name that programs know")
expect(client.ps().models[0].expires_at.tzinfo is not None, "a time with its zone")
shown = client.show("moondream")
expect("vision" in shown.capabilities and shown.modelinfo["phi2.context_length"] == 2048, "what it can do")
expect(client.pull("moondream").status == "success", "it is there")
expect([line.status for line in client.pull("moondream", stream=True)] == ["success"], "it is there, in lines")

got = client.generate("moondream", "How many apples are there?", images=[picture])
expect(got.response and got.done_reason == "stop" and got.prompt_eval_count > 49 and got.eval_duration > 0, "an answer")
lines = list(client.generate("moondream", "How many apples are there?", images=[picture], stream=True))
expect("".join(line.response for line in lines) == got.response and lines[-1].done, "the lines are the answer")
question = {"role": "user", "content": "How many apples are there?", "images": [picture]}
said = client.chat("moondream", [question], options={"num_predict": 64, "num_ctx": 2048}, keep_alive="5m", think=False)
expect(said.message.content == got.response and said.message.role == "assistant", "the same in a chat")
lines = list(client.chat("moondream", [question], stream=True))
expect("".join(line.message.content for line in lines) == got.response, "the same in lines")
caption = client.chat("moondream", [{"role": "user", "content": "", "images": [picture]}]).message.content
expect(caption and caption != got.response, "a caption where nothing is asked")
expect(client.generate("moondream").done_reason == "load", "loading")
expect(client.generate("moondream", keep_alive=0).done_reason == "unload", "unloading")


class Out(BaseModel):
    colour: str
    count: int


told = client.chat("moondream", [{**question, "content": "What colour is the apple?"}], format=Out.model_json_schema(),
                   options={"num_predict": 60})
Out.model_validate_json(told.message.content)
for skill, key in (("detect", "objects"), ("point", "points")):
    # The client's own class of options drops what it does not know; a plain dict goes as it is.
    found = client.generate("moondream", images=[picture], options={"moondream": {"skill": skill, "object": "apple"}})
    expect(json.loads(found.response)[key], f"{skill} by options")

expect("tools" in refused(400, lambda: client.chat("moondream", [question], tools=[expect])), "no tools")
refused(400, lambda: client.generate("moondream", "x", options={"top_p": 2}))
refused(400, lambda: list(client.generate("moondream", "x", options={"top_p": 2}, stream=True)))
refused(404, lambda: client.pull("llava"))
refused(501, lambda: client.embed("moondream", "x"))
refused(501, lambda: client.delete("moondream"))
refused(401, lambda: ollama.Client(host=locked).list())
with_key = ollama.Client(host=locked, headers={"Authorization": "Bearer right"})
expect(with_key.generate("moondream", "How many apples are there?", images=[picture]).response == got.response, "with a key")

strict = ollama.Client(host=os.environ["STRICT"])
expect(strict.show("moondream").details.format == "gguf", "known by this name")
refused(429, lambda: strict.show("moondream"))
time.sleep(1.2)
refused(404, lambda: strict.show("llava"))


async def later():
    return [line.response async for line in await ollama.AsyncClient(host=open_to_all).generate(
        "moondream", "How many apples are there?", images=[picture], stream=True)]


expect("".join(asyncio.run(later())) == got.response, "the same asynchronously")
print(f"ollama: {got.response} {caption}")
