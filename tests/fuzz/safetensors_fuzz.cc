// Fuzz target: bytes -> parse_safetensors().
#include <moonbeam/error.h>

#include "check_views.h"
#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moonbeam;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    std::map<std::string, std::string> metadata;
    fuzz::check_views(formats::parse_safetensors(bytes, "fuzz", &metadata), bytes);
  } catch (const Error&) {
    // what broken files are for
  }
  return 0;
}
