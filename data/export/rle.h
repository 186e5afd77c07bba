// COCO's run lengths as the string of pycocotools (data.md 2.4).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::data {

std::string compress_runs(std::span<const std::uint32_t> runs);
/// @throws Error kCorrupt (a character out of range, a run cut off or negative).
std::vector<std::uint32_t> decompress_runs(std::string_view text);

}  // namespace moonbeam::data
