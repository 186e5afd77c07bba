"""PyPI moondream against two servers: ADDRESS, ADDRESS that wants the key "right", PICTURE."""
import json
import os
import sys
import urllib.error

import moondream
from PIL import Image

open_to_all, locked, picture = sys.argv[1:]
version = os.environ["CLIENT_VERSION"]
old = version == "0.0.6"
image = Image.open(picture)
greedy = {} if old else {"settings": {"temperature": 0}}


def client(address, key="any"):
    return moondream.vl(api_key=key, **{"api_url" if old else "endpoint": address})


def expect(condition, what):
    if not condition:
        sys.exit(f"moondream {version}: {what}")


def status(call):
    """Of the HTTPError that `call` is to raise."""
    try:
        call()
    except urllib.error.HTTPError as error:
        body = json.loads(error.read())["error"]
        expect(set(body) == {"message", "type", "param", "code"}, f"an error's body has {sorted(body)}")
        return error.code
    sys.exit(f"moondream {version}: expected an HTTPError")


model = client(open_to_all + "/v1")

caption = model.caption(image, **greedy)["caption"]
expect(isinstance(caption, str) and caption, "a caption")
for length in ("short", "normal", "long") if not old else ("short", "normal"):
    expect(model.caption(image, length=length, **greedy)["caption"], f"a caption of length {length}")
pieces = list(model.caption(image, stream=True, **greedy)["caption"])
expect(len(pieces) > 2 and all(isinstance(piece, str) for piece in pieces), "a caption in pieces")
if greedy:
    expect("".join(pieces) == caption, "the pieces are the caption")

question = "How many apples are there?"
answer = model.query(image, question, **greedy)["answer"]
expect(isinstance(answer, str) and answer, "an answer")
pieces = list(model.query(image, question, stream=True, **greedy)["answer"])
if greedy:
    expect("".join(pieces) == answer, "the pieces are the answer")
    expect(model.query(question="What is red?", **greedy)["answer"], "an answer without a picture")

objects = model.detect(image, "apple")["objects"]
expect(objects and all(set(box) == {"x_min", "y_min", "x_max", "y_max"} for box in objects), "boxes")
expect(all(0 <= value <= 1 for box in objects for value in box.values()), "boxes inside the picture")
points = model.point(image, "apple")["points"]
expect(points and all(set(point) == {"x", "y"} for point in points), "points")
if not old:
    expect(len(model.detect(image, "apple", settings={"max_objects": 1})["objects"]) == 1, "one box")
# A slash too many makes the client ask for /v1//point.
expect(client(open_to_all + "/v1/").point(image, "apple")["points"] == points, "points by way of //")
expect(client(open_to_all).caption(image, **greedy)["caption"], "a caption without /v1")

# An encoded picture is asked about again.
encoded = model.encode_image(image)
expect(model.query(encoded, question, **greedy)["answer"], "an answer about an encoded picture")

expect(status(lambda: client(open_to_all + "/v9").caption(image)) == 404, "404 for a route that is none")
expect(status(lambda: list(client(open_to_all + "/v9").caption(image, stream=True)["caption"])) == 404,
       "404 in a stream")
expect(status(lambda: client(locked + "/v1", "wrong").caption(image)) == 401, "401 for a wrong key")
expect(client(locked + "/v1", "right").caption(image, **greedy)["caption"] == caption or old, "a caption with a key")
expect(status(lambda: model.caption(image, length="endless")) == 400, "400 for an unknown length")
expect(status(lambda: model.query(image, " ")) == 400, "400 for a blank question")
if not old:
    expect(status(lambda: model.query(image, question, reasoning=True)) == 400, "400: the starter does not reason")
    expect(status(lambda: model.caption(image, settings={"top_p": 2})) == 400, "400 for a value out of range")
if hasattr(model, "segment"):
    expect(status(lambda: model.segment(image, "apple")) == 501, "501: the starter does not segment")
if hasattr(model, "chat"):
    said = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": encoded.image_url}},
                                         {"type": "text", "text": question}]}]
    answered = model.chat(said, **greedy)
    expect(answered["message"]["content"] == answer and answered["finish_reason"] == "stop", "an answer in a chat")
    expect("".join(model.chat(said, stream=True, **greedy)["message"]) == answer, "the same in pieces")
    expect(status(lambda: model.chat(said, reasoning=True)) == 400, "400: no reasoning in a chat either")
if not old and version != "0.1.1":
    named = moondream.vl(endpoint=open_to_all + "/v1", model="moondream2")
    expect(named.caption(image, **greedy)["caption"] == caption, "any model's name will do")
print(f"moondream {version}: {caption}")
