// Fuzz target: a string of runs, which has to come back; or corners of an outline, drawn and measured.
#include <moonbeam/error.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "data/formats/rle.h"

namespace {

using namespace moonbeam::data;

void check_runs(std::string_view text) {
  const std::vector<std::uint32_t> runs = decompress_runs(text);
  if (decompress_runs(compress_runs(runs)) != runs) __builtin_trap();
  const RunMask mask = checked_mask(16, 16, runs);
  if (mask_area(encode_mask(decode_mask(mask), 16, 16)) != mask_area(mask)) __builtin_trap();
}

void check_outline(std::string_view bytes) {
  std::vector<double> ring(bytes.size() / sizeof(double));
  std::memcpy(ring.data(), bytes.data(), ring.size() * sizeof(double));
  for (double& value : ring) {
    if (value > -1e4 && value < 1e4) continue;
    value = static_cast<double>(static_cast<std::int64_t>(bytes[0]) * 3);  // most numbers are of no use
  }
  const RunMask mask = polygon_mask(std::span(&ring, 1), 23, 17);
  checked_mask(mask.height, mask.width, mask.runs);
  if (decode_mask(mask) != decode_mask(encode_mask(decode_mask(mask), 23, 17))) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    data[0] % 2 == 0 ? check_runs(bytes) : check_outline(bytes);
  } catch (const moonbeam::Error&) {
  }
  return 0;
}
