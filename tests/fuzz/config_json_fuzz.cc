// Fuzz target: text -> parse_config_json() -> validate() -> write_config_json() -> the same again.
#include <moonbeam/error.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "model/config.h"
#include "model/variants.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moonbeam;
  const model::ModelConfig& base = model::variants().back().config;
  std::string written;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const model::ModelConfig config = model::parse_config_json(text, base, "fuzz");
    config.validate();
    written = model::write_config_json(config);
  } catch (const Error&) {
    return 0;  // what broken files are for
  }
  // No catch: what was accepted and written must be readable.
  const model::ModelConfig again = model::parse_config_json(written, base, "written");
  again.validate();
  if (model::write_config_json(again) != written) __builtin_trap();
  return 0;
}
