// Generated weights that anybody can make again, bit by bit: a function of a tensor's plain name and the
// index of the value (tests/goldens/README.md, section 1, which is normative).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/tokenizer_data.h"
#include "model/config.h"
#include "tensor/tensor_view.h"

namespace moonbeam::model {

enum class SynthProfile { kTiny, kFull };  ///< gains for the small and for the published sizes

/// How one tensor is made.
struct SynthRule {
  std::uint64_t hash = 0;  ///< FNV-1a of the name
  float step = 0, offset = 0;
  double gain = 0;
  std::int64_t fan = 1;
  bool lm_head_bias = false;  ///< a few ids are raised, so that EOS, answer and coordinate ids do occur
};

SynthRule synth_rule(std::string_view name, const tensor::Shape& shape, SynthProfile profile);

/// Values [first, first + count) of the tensor.
void synth_values(const SynthRule& rule, std::uint64_t first, std::int64_t count, float* out) noexcept;

/// Integer before scaling, -131070..131070, of this deviation and about normal.
inline constexpr double kSynthDeviation = 37837.0;
std::int32_t synth_integer(std::uint64_t hash, std::uint64_t index) noexcept;

/// Configuration of "tiny" (the parity model) or of a row of the variant table.
ModelConfig synth_config(const std::string& name);

/// A byte-level tokenizer of `config`'s vocabulary: bytes, the ids that the prompts name, fillers. Encodes
/// any text, byte by byte; decodes any id.
formats::TokenizerData synth_tokenizer(const ModelConfig& config);

}  // namespace moonbeam::model
