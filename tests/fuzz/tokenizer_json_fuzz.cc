// Fuzz target: text -> parse_tokenizer_json() -> write_tokenizer_json() -> the same again.
#include <moonbeam/error.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "formats/tokenizer_data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moonbeam;
  std::string written;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    written = formats::write_tokenizer_json(formats::parse_tokenizer_json(text, "fuzz"));
  } catch (const Error&) {
    return 0;  // what broken files are for
  }
  // No catch: what was accepted and written must be readable.
  if (formats::write_tokenizer_json(formats::parse_tokenizer_json(written, "written")) != written)
    __builtin_trap();
  return 0;
}
