// Fuzz target: a media type's letter, a query string up to the first line's end, a body -> Fields, and every
// way of asking them; base64 and data URIs from the same bytes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "server/api/base64.h"
#include "server/api/fields.h"
#include "server/http/refusal.h"

namespace {

using namespace moonbeam::server;

const char* media_type(char letter) {
  switch (letter) {
    case 'f':
      return "application/x-www-form-urlencoded";
    case 'm':
      return "multipart/form-data; boundary=b";
    case 'p':
      return "image/png";
    default:
      return "application/json";
  }
}

template <typename Ask>
void refusable(Ask ask) {
  try {
    ask();
  } catch (const Refusal& refusal) {
    if (refusal.status != 400 && refusal.status != 415) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t line = text.find('\n');
  Request request;
  request.headers.add("Content-Type", media_type(static_cast<char>(data[0])));
  request.query = text.substr(0, line);
  request.body = line == std::string::npos ? "" : text.substr(line + 1);
  request.body.shrink_to_fit();
  refusable([&] {
    const Fields fields(request);
    for (const char* name : {"image_url", "object", "question", "settings", "model"}) {
      refusable([&] { fields.string(name); });
      refusable([&] { fields.required_string(name, 64); });
    }
    for (const char* name : {"temperature", "max_tokens", "max_objects"}) {
      refusable([&] { fields.number(name); });
      refusable([&] {
        const auto count = fields.count(name, 1, 1000);
        if (count && (*count < 1 || *count > 1000)) __builtin_trap();
      });
    }
    refusable([&] { fields.boolean("stream"); });
    refusable([&] { fields.seed(); });
    refusable([&] { fields.array("spatial_refs"); });
  });
  const DataUri uri = read_data_uri(text);
  const auto bytes = decode_base64(uri.payload);
  if (bytes && bytes->size() > uri.payload.size()) __builtin_trap();
  return 0;
}
