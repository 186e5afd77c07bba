#include "data/export/tar.h"

#include <algorithm>

#include "base/error.h"

namespace moonbeam::data {

namespace {

void put(std::string& header, std::size_t at, std::string_view text) {
  std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(at));
}

/// `digits` octal digits, zeros in front.
std::string octal(std::uint64_t value, std::size_t digits) {
  std::string out(digits, '0');
  for (std::size_t i = digits; i > 0 && value > 0; --i, value >>= 3)
    out[i - 1] = static_cast<char>('0' + (value & 7));
  return out;
}

}  // namespace

std::string tar_member(std::string_view name, std::string_view content) {
  if (name.empty() || name.size() > 100) {
    base::fail(ErrorCode::kInvalidArgument, "tar: name of ", name.size(), " bytes, at most 100 go in");
  }
  if (content.size() >= (std::uint64_t{1} << 33)) base::fail(ErrorCode::kUnsupported, "tar: member of 8 GiB");
  std::string header(kTarBlock, '\0');
  put(header, 0, name);
  put(header, 100, "0000644");
  put(header, 108, "0000000");
  put(header, 116, "0000000");
  put(header, 124, octal(content.size(), 11));
  put(header, 136, "00000000000");
  put(header, 148, "        ");  // the checksum is summed with spaces in its place
  header[156] = '0';
  put(header, 257,
      std::string_view("ustar\0"
                       "00",
                       8));
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(header, 148, octal(sum, 6));
  header[154] = '\0';
  const std::size_t padding = (kTarBlock - content.size() % kTarBlock) % kTarBlock;
  header.append(content).append(padding, '\0');
  return header;
}

std::string tar_end() {
  return std::string(2 * kTarBlock, '\0');
}

}  // namespace moonbeam::data
