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


def values_of(media_type, text):
    if media_type == "text/event-stream":
        return events(text.replace("data: [DONE]\n\n", ""))
    if media_type == "application/x-ndjson":
        return [json.loads(line) for line in text.splitlines()]
    return [json.loads(text)]


def check(path, method="POST", body=None, status=200, under=None, address=None, **rest):
    got, headers, text = ask(address or open_to_all, method, path, body, **rest)
    what = f"{method} {path} {got}"
    if got != status:
        sys.exit(f"{what}: expected {status}: {text[:300]}")
    operation = described["paths"][under or path.split("?")[0]][method.lower()]
    if isinstance(body, dict) and status == 200 and "requestBody" in operation:
        matches(operation["requestBody"]["content"]["application/json"]["schema"], body, what + " request")
    response = follow(operation["responses"].get(str(status), operation["responses"]["default"]))
    media_type = headers["Content-Type"].split(";")[0]
    schema = response["content"][media_type]["schema"]
    if media_type == "text/event-stream":
        schema = follow(schema)["properties"]["data"]["anyOf"][0]["contentSchema"]
    for value in values_of(media_type, text):
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

for stream in (False, True):
    said = {"role": "user", "content": [{"type": "text", "text": "How many?"}, {"type": "image_url", "image_url": {"url": uri}}]}
    check("/v1/chat/completions", body={"messages": [said, said], "stream": stream, "max_tokens": 16, "seed": 1, "temperature": 0,
                                        "stop": ["x"], "stream_options": {"include_usage": True}})
    check("/v1/chat/completions", body={"messages": [said], "stream": stream, "moondream": {"skill": "detect", "object": "apple"}})
    check("/api/generate", body={"prompt": "How many?", "images": [uri], "stream": stream, "options": {"num_predict": 9}})
    check("/api/generate", body={"model": "moondream", "stream": stream, "keep_alive": 0})
    said = {"role": "user", "content": "How many?", "images": [uri]}
    check("/api/chat", body={"messages": [said], "stream": stream, "format": "json", "options": {"num_predict": 9}, "tools": []})
    check("/api/pull", body={"model": "moondream", "stream": stream})
for path in ("tags", "ps", "version"):
    check(f"/api/{path}", "GET")
check("/api/show", body={"model": "moondream"})
check("/v1/chat/completions", body={"messages": []}, status=400)
check("/v1/chat/completions", body={}, address=locked, status=401)
check("/api/chat", body={"tools": [{}]}, status=400)
check("/api/tags", "GET", address=locked, status=401)
check("/api/show", body={}, status=400)
for path in ("completions", "embeddings", "responses", "messages"):
    check(f"/v1/{path}", body={}, status=404)
check("/v1/audio/speech", body={}, under="/v1/audio/{id}", status=404)
for path in ("create", "copy", "push", "embed", "embeddings"):
    check(f"/api/{path}", body={}, status=501)
check("/api/delete", "DELETE", body={}, status=501)

# Errors of every kind have one shape.
check("/v1/segment", body={"image_url": uri, "object": "apple"}, status=501)
check("/v1/models/other", "GET", under="/v1/models/{id}", status=404)
check("/v1/caption", body={}, status=400)
check("/v1/query", body=b"{", status=400)
check("/v1/query", body={"question": 5}, status=400)
check("/v1/detect", body={"object": "x", "image_url": "https://example.invalid/x.png"}, status=400)
check("/v1/caption", body=b"x", content_type="text/plain", status=415)
check("/v1/caption", body={"image_url": uri}, address=locked, status=401)

known = {(path, method) for path, of in described["paths"].items() for method in of if method != "parameters"}
if known - used:
    sys.exit(f"described and not asked: {sorted(known - used)}")
print(f"{len(used)} operations are as described")
