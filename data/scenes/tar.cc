#include "data/scenes/tar.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.h"

namespace moonbeam::data {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameSize = 100, kModeAt = 100, kUidAt = 108, kGidAt = 116, kSizeAt = 124,
                      kTimeAt = 136, kSumAt = 148, kTypeAt = 156, kMagicAt = 257, kPrefixAt = 345,
                      kPrefixSize = 155;

void put_octal(char* field, std::size_t digits, std::uint64_t value) {
  for (std::size_t i = digits; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
}

/// Octal digits, spaces before, NUL or space after.
std::optional<std::uint64_t> octal(std::string_view field) {
  const std::size_t first = field.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  std::size_t i = first;
  for (; i < field.size() && field[i] >= '0' && field[i] <= '7'; ++i)
    value = value * 8 + static_cast<unsigned>(field[i] - '0');
  if (i == first || (i < field.size() && field[i] != '\0' && field[i] != ' ')) return std::nullopt;
  return value;
}

std::uint64_t checksum(const char* block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    sum += i >= kSumAt && i < kSumAt + 8 ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

std::string_view text_field(const char* at, std::size_t size) {
  return {at, strnlen(at, size)};
}

}  // namespace

std::vector<TarMember> read_tar(std::span<const std::byte> archive, const std::string& path) {
  std::vector<TarMember> members;
  std::size_t at = 0;
  while (at + kBlock <= archive.size()) {
    const char* block = reinterpret_cast<const char*>(archive.data() + at);
    if (std::all_of(block, block + kBlock, [](char c) { return c == 0; })) return members;
    if (octal({block + kSumAt, 8}) != checksum(block)) {
      base::fail(ErrorCode::kCorrupt, path, ": no tar header at byte ", at);
    }
    const std::optional<std::uint64_t> size = octal({block + kSizeAt, 12});
    const std::size_t content = at + kBlock;
    if (!size || *size > archive.size() - content) {
      base::fail(ErrorCode::kCorrupt, path, ": the file at byte ", at, " is cut off");
    }
    if (block[kTypeAt] == '0' || block[kTypeAt] == '\0') {
      std::string name(text_field(block + kPrefixAt, kPrefixSize));
      if (!name.empty()) name += '/';
      name += text_field(block, kNameSize);
      members.push_back({std::move(name), archive.subspan(content, static_cast<std::size_t>(*size))});
    }
    at = content + (static_cast<std::size_t>(*size) + kBlock - 1) / kBlock * kBlock;
  }
  base::fail(ErrorCode::kCorrupt, path, ": the archive is cut off after ", members.size(), " files");
}

void append_tar(std::string& archive, std::string_view name, std::string_view content) {
  if (name.empty() || name.size() > kNameSize) {
    base::fail(ErrorCode::kInvalidArgument, "tar: expected a name of 1 to ", kNameSize, " bytes, got '", name,
               "'");
  }
  char block[kBlock] = {};
  std::copy(name.begin(), name.end(), block);
  put_octal(block + kModeAt, 7, 0644);
  put_octal(block + kUidAt, 7, 0);
  put_octal(block + kGidAt, 7, 0);
  put_octal(block + kSizeAt, 11, content.size());
  put_octal(block + kTimeAt, 11, 0);
  block[kTypeAt] = '0';
  std::memcpy(block + kMagicAt, "ustar\00000", 8);
  put_octal(block + kSumAt, 6, checksum(block));
  block[kSumAt + 7] = ' ';
  archive.append(block, kBlock);
  archive.append(content);
  archive.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

void finish_tar(std::string& archive) {
  archive.append(2 * kBlock, '\0');
}

}  // namespace moonbeam::data
