"""/openapi.json against the real answers: every one is what its schema says. ADDRESS, ADDRESS with a key, PICTURE."""
import base64
import json
import sys
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator

open_to_all, locked, picture = sys.argv[1:]
image = open(picture, "rb").read()
uri = "data:image/png;base64," + base64.b64encode(image).decode()


def ask(address, method, path, body=None, content_type="application/json"):
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = {"Content-Type": content_type} if data is not None else {}
    request = urllib.request.Request(address + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


described = json.loads(ask(open_to_all, "GET", "/openapi.json")[2])
used = set()


def follow(part):
    while "$ref" in part:
        place = described
        for name in part["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        part = place
    return part


def matches(schema, value, what):
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": described["components"], **schema}
    errors = list(Draft202012Validator(whole).iter_errors(value))
    if errors:
        sys.exit(f"{what}: {errors[0].message} at {list(errors[0].absolute_path)}")


def events(text):
    return [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line.startswith("data: ")]


def check(path, method="POST", body=None, status=200, under=None, address=None, **rest):
    got, headers, text = ask(address or open_to_all, method, path, body, **rest)
    what = f"{method} {path} {got}"
    if got != status:
        sys.exit(f"{what}: expected {status}: {text[:300]}")
    operation = described["paths"][under or path.split("?")[0]][method.lower()]
    if isinstance(body, dict) and status == 200:
        matches(operation["requestBody"]["content"]["application/json"]["schema"], body, what + " request")
    response = follow(operation["responses"].get(str(status), operation["responses"]["default"]))
    media_type = headers["Content-Type"].split(";")[0]
    schema = response["content"][media_type]["schema"]
    if media_type == "text/event-stream":
        schema = follow(schema)["properties"]["data"]["anyOf"][0]["contentSchema"]
    for value in events(text) if media_type == "text/event-stream" else [json.loads(text)]:
        matches(schema, value, what)
    used.add((under or path.split("?")[0], method.lower()))


for schema in described["components"]["schemas"].values():
    Draft202012Validator.check_schema(schema)

greedy = {"temperature": 0, "max_tokens": 16, "seed": 1}
for stream in (False, True):
    check("/v1/caption", body={"image_url": uri, "length": "short", "stream": stream, "settings": greedy})
    check("/v1/query", body={"image_url": uri, "question": "How many apples?", "stream": stream, "settings": greedy})
check("/v1/caption", body={"image_url": uri, "length": "long", "model": "moondream2", "variant": "x", "timeout": 60})
check("/v1/caption", body={"image_url": uri, "length": None, "settings": None, "stream": None})
check("/v1/query", body={"question": "What is red?", "spatial_refs": None, "reasoning": False})
check("/v1/caption?length=short", body=image, content_type="image/png")
check("/v1/detect", body={"image_url": uri, "object": "apple", "settings": {"max_objects": 2}})
check("/v1/detect", body={"image_url": uri, "object": "apple"})
check("/v1/point", body={"image_url": uri, "object": "apple"})
check("/v1/count_tokens", body={"text": "a red apple"})
check("/v1/models", "GET")
name = json.loads(ask(open_to_all, "GET", "/v1/models")[2])["data"][0]["id"]
check(f"/v1/models/{name}", "GET", under="/v1/models/{id}")
check("/v1/stats", "GET")
check("/openapi.json", "GET")

# Errors of every kind have one shape.
check("/v1/segment", body={"image_url": uri, "object": "apple"}, status=501)
check("/v1/models/other", "GET", under="/v1/models/{id}", status=404)
check("/v1/caption", body={}, status=400)
check("/v1/query", body=b"{", status=400)
check("/v1/query", body={"question": 5}, status=400)
check("/v1/detect", body={"object": "x", "image_url": "https://example.invalid/x.png"}, status=400)
check("/v1/caption", body=b"x", content_type="text/plain", status=415)
check("/v1/caption", body={"image_url": uri}, address=locked, status=401)

native = {(path, method) for path, of in described["paths"].items() for method, what in of.items() if
          "native" in what["tags"]}
if native - used:
    sys.exit(f"described and not asked: {sorted(native - used)}")
print(f"{len(used)} operations are as described")
