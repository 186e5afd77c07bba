// moonbeam train tokenizer: text files in, a tokenizer.json out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/tokenizer/bpe_trainer.h"

namespace moonbeam::train {

struct TokenizerReport {
  int tokens = 0;  ///< ids of the file
  std::size_t pieces = 0;
  std::uint64_t lines = 0, bytes = 0;
};

/// Learns from `inputs`, each line a text of its own, and writes `out` whole or not at all.
/// @throws Error kInvalidArgument (options; no text), kNotFound, kExhausted (a line over 16 MiB, disk full).
TokenizerReport train_tokenizer(const std::vector<std::string>& inputs, const TokenizerOptions& options,
                                const std::string& out);

}  // namespace moonbeam::train
