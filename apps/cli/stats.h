// --stats: where the time went and how much memory was used.
#pragma once

#include <cstdint>
#include <string>

#include "cli/answer.h"

namespace moonbeam::cli {

struct PictureStats {
  double decode_ms = 0;  ///< file to pixels
  int crops = 0;
  int positions = 0;  ///< in the context, BOS included
};

/// Lines about one picture and its answers.
std::string picture_stats(const PictureAnswers& picture, const PictureStats& stats);
/// The line at the end.
std::string run_stats(double load_ms, const std::string& isa, const std::string& mode, int threads,
                      std::int64_t peak_bytes);
/// Highest resident set of this process so far, bytes.
std::int64_t peak_bytes();

}  // namespace moonbeam::cli
