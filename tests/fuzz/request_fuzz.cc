// Fuzz target: bytes of a connection -> RequestParser, in pieces whose sizes the input chooses; whole and in
// pieces they mean the same.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/parser.h"

namespace {

using namespace moonbeam::server;

struct Parsed {
  int status = 0;  // 200: whole, 0: not yet, else the refusal's
  std::string path, body;
  bool operator==(const Parsed&) const = default;
};

Parsed parse(std::string_view bytes, std::size_t step) {
  RequestParser parser({.head = 2048, .line = 1024, .headers = 20, .body = 4096});
  std::string in;
  Parsed parsed;
  try {
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      in += bytes.substr(at, step);
      auto progress = RequestParser::Progress::kHead;
      while (progress == RequestParser::Progress::kHead) progress = parser.take(in);
      if (progress != RequestParser::Progress::kDone) continue;
      parsed = {200, parser.request().path, parser.request().body};
      if (parsed.body.size() > 4096) __builtin_trap();
      return parsed;
    }
  } catch (const Refusal& refusal) {
    parsed.status = refusal.status;
  }
  return parsed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Parsed whole = parse(bytes, bytes.size() + 1), pieces = parse(bytes, data[0] % 64 + 1U);
  // Two faults in one message may be told in either order, and a long chunk's line is only seen to be too
  // long where it comes in pieces; but no message may be one thing to one reader and another to the next.
  const bool same = whole == pieces || (whole.status >= 400 && pieces.status >= 400) || pieces.status == 431;
  if (!same) __builtin_trap();
  return 0;
}
