// Fuzz target: bytes -> parse_gguf() -> tokenizer_from_gguf().
#include <moonbeam/error.h>

#include "check_views.h"
#include "formats/gguf.h"
#include "formats/tokenizer_data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moonbeam;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const formats::GgufFile file = formats::parse_gguf(bytes, "fuzz");
    fuzz::check_views(file.weights.tensors, bytes);
    formats::tokenizer_from_gguf(file);
  } catch (const Error&) {
    // what broken files are for
  }
  return 0;
}
