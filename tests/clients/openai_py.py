"""PyPI openai against two servers: ADDRESS, ADDRESS that wants the key "right", PICTURE."""
import base64
import json
import os
import sys
import time
from typing import Literal

import openai
from pydantic import BaseModel

open_to_all, locked, picture = sys.argv[1:]
uri = "data:image/png;base64," + base64.b64encode(open(picture, "rb").read()).decode()
picture_part = {"type": "image_url", "image_url": {"url": uri, "detail": "low"}}


def client(address, key="any", **more):
    return openai.OpenAI(base_url=address + "/v1", api_key=key, **more)


def expect(condition, what):
    if not condition:
        sys.exit(f"openai {openai.__version__}: {what}")


def ask(text=None, of=None, **more):
    parts = [picture_part] + ([{"type": "text", "text": text}] if text else [])
    more = {"model": "moondream2", "temperature": 0, **more}
    return (of or model).chat.completions.create(messages=[{"role": "user", "content": parts}], **more)


def refused(kind, call):
    try:
        call()
    except openai.APIStatusError as error:
        expect(type(error) is kind, f"expected {kind.__name__}, got {error!r}")
        expect(error.request_id and error.type and error.code and error.message, "an error tells everything")
        return error
    sys.exit(f"openai: expected {kind.__name__}")


model = client(open_to_all)
listed = list(model.models.list())
expect(len(listed) == 1 and listed[0].object == "model", "one model")
expect(model.models.retrieve(listed[0].id).id == listed[0].id, "the same by its name")

got = ask("How many apples are there?")
answer = got.choices[0].message.content
expect(got.object == "chat.completion" and got.model == listed[0].id and got.choices[0].finish_reason == "stop", "a completion")
expect(answer and got.choices[0].message.role == "assistant", "an answer")
expect(got.usage.prompt_tokens > 49 and got.usage.total_tokens == got.usage.prompt_tokens + got.usage.completion_tokens,
       "usage counts the picture")
expect(got._request_id, "an id")
caption = ask().choices[0].message.content
expect(caption and caption != answer, "a caption where nothing is asked")
expect(ask("Describe.", max_completion_tokens=2).choices[0].finish_reason == "length", "a cut answer")

chunks = list(ask("How many apples are there?", stream=True, stream_options={"include_usage": True}))
expect("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == answer, "the pieces are the answer")
expect(chunks[0].choices[0].delta.role == "assistant" and chunks[-2].choices[0].finish_reason == "stop", "first and last")
expect(not chunks[-1].choices and chunks[-1].usage == got.usage, "usage at the end")
with model.chat.completions.stream(model="x", messages=[{"role": "user", "content": [picture_part]}], temperature=0) as stream:
    expect(stream.get_final_completion().choices[0].message.content == caption, "the helper's own stream")


class Out(BaseModel):
    colour: Literal["red", "green", "blue"]
    several: bool


parsed = model.chat.completions.parse(model="x", temperature=0, max_tokens=60, response_format=Out, messages=[
    {"role": "user", "content": [picture_part, {"type": "text", "text": "What colour is the apple?"}]}])
expect(isinstance(parsed.choices[0].message.parsed, Out), "an answer after a schema")
for skill, key in (("detect", "objects"), ("point", "points")):
    found = json.loads(ask(extra_body={"moondream": {"skill": skill, "object": "apple"}}).choices[0].message.content)
    expect(found[key], f"{skill} by the extension")

refused(openai.BadRequestError, lambda: ask("What?", n=2))
refused(openai.BadRequestError, lambda: ask("What?", tools=[{"type": "function", "function": {"name": "f"}}]))
error = refused(openai.BadRequestError, lambda: ask("What?", top_p=2))
expect(error.param == "top_p" and error.code == "invalid_value" and error.type == "invalid_request_error", "the field is named")
refused(openai.BadRequestError, lambda: ask("What?", top_p=2, stream=True))
refused(openai.NotFoundError, lambda: model.models.retrieve("other"))
refused(openai.NotFoundError, lambda: model.responses.create(model="x", input="x"))
refused(openai.NotFoundError, lambda: model.embeddings.create(model="x", input="x"))
refused(openai.AuthenticationError, lambda: ask(of=client(locked, "wrong")))
expect(ask(of=client(locked, "right")).choices[0].message.content == caption, "an answer with a key")

# A server that takes one request a second, and only by its model's name.
name = listed[0].id
strict = client(os.environ["STRICT"])
ask(of=strict, model=name)
error = refused(openai.RateLimitError, lambda: ask(of=strict.with_options(max_retries=0), model=name))
expect(error.code == "rate_limited" and int(error.response.headers["retry-after"]) >= 1, "when to come again")
start = time.monotonic()
expect(ask(of=strict, model=name).choices[0].message.content == caption, "an answer by trying again")
expect(time.monotonic() - start < 10, "not much later than it was told")
error = refused(openai.NotFoundError, lambda: ask(of=strict.with_options(max_retries=5), model="gpt-4o-mini"))
expect(error.code == "model_not_found" and error.param == "model", "the model is named")
print(f"openai {openai.__version__}: {answer} {caption}")
