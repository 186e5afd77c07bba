// Run lengths as text: differences in groups of five bits.
#include "base/error.h"
#include "data/formats/rle.h"

namespace moonbeam::data {

std::string compress_runs(std::span<const std::uint32_t> runs) {
  std::string out;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::int64_t value = runs[i];
    if (i > 2) value -= runs[i - 2];
    bool more = true;
    while (more) {  // groups of 5 bits with a sign, least significant first
      std::int64_t group = value & 31;
      value >>= 5;
      more = (group & 16) != 0 ? value != -1 : value != 0;
      if (more) group |= 32;
      out += static_cast<char>(group + 48);
    }
  }
  return out;
}

std::vector<std::uint32_t> decompress_runs(std::string_view text) {
  std::vector<std::uint32_t> runs;
  for (std::size_t at = 0; at < text.size();) {
    std::int64_t value = 0;
    int shift = 0;
    bool more = true;
    while (more) {
      const int group = at < text.size() ? text[at] - 48 : -1;
      if (group < 0 || group > 63 || shift > 35)
        base::fail(ErrorCode::kCorrupt, "run lengths: broken at ", at);
      value |= static_cast<std::int64_t>(group & 31) << shift;
      more = (group & 32) != 0;
      shift += 5;
      if (!more && (group & 16) != 0) value -= std::int64_t{1} << shift;
      ++at;
    }
    if (runs.size() > 2) value += runs[runs.size() - 2];
    if (value < 0 || value > UINT32_MAX) base::fail(ErrorCode::kCorrupt, "run lengths: run of ", value);
    runs.push_back(static_cast<std::uint32_t>(value));
  }
  return runs;
}

}  // namespace moonbeam::data
