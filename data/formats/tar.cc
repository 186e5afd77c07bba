#include "data/formats/tar.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.h"

namespace moonbeam::data {

namespace {

constexpr std::size_t kBlock = 512;
struct Field {
  std::size_t at, size;
};
constexpr Field kName = {0, 100}, kMode = {100, 8}, kUid = {108, 8}, kGid = {116, 8}, kSize = {124, 12},
                kTime = {136, 12}, kSum = {148, 8}, kMagic = {257, 8}, kPrefix = {345, 155};
constexpr std::size_t kType = 156;
constexpr std::size_t kLongestName = 4096;                          // as file systems have it
constexpr std::uint64_t kMostBytes = (std::uint64_t{1} << 33) - 1;  // eleven octal digits
constexpr char kEmpty[2 * kBlock] = {};

void put_octal(char* block, Field field, std::uint64_t value) {
  for (std::size_t i = field.size - 1; i-- > 0; value >>= 3) {
    block[field.at + i] = static_cast<char>('0' + (value & 7));
  }
}

/// Octal digits, spaces before, NUL or space after; or, for sizes of 8 GiB and more, GNU's 8 bytes at the end
/// of a field whose first byte is 0x80.
std::optional<std::uint64_t> number(const char* block, Field field) {
  const std::string_view text(block + field.at, field.size);
  if (static_cast<unsigned char>(text[0]) == 0x80) {
    std::uint64_t value = 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (value >> 55) return std::nullopt;
      value = value << 8 | static_cast<unsigned char>(text[i]);
    }
    return value;
  }
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  std::size_t i = first;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '7'; ++i) {
    value = value * 8 + static_cast<unsigned>(text[i] - '0');
  }
  if (i == first || (i < text.size() && text[i] != '\0' && text[i] != ' ')) return std::nullopt;
  return value;
}

std::uint64_t checksum(const char* block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    sum += i >= kSum.at && i < kSum.at + kSum.size ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

std::string_view text_field(const char* block, Field field) {
  return {block + field.at, strnlen(block + field.at, field.size)};
}

std::uint64_t padded_size(std::uint64_t size) {
  return (size + kBlock - 1) / kBlock * kBlock;
}

/// Where a long name is divided into prefix and name; npos if it cannot be.
std::size_t division(std::string_view name) {
  if (name.size() <= kName.size) return 0;
  const std::size_t slash = name.find('/', name.size() - kName.size - 1);
  return slash == 0 || slash == std::string_view::npos || slash > kPrefix.size || slash + 1 == name.size()
             ? std::string_view::npos
             : slash;
}

}  // namespace

// --------------------------------------------------------------------------------------------- reading

struct TarReader::Header {
  std::uint64_t at = 0, size = 0;
  char type = 0;
  std::string name;
};

TarReader::TarReader(std::span<const std::byte> archive, std::string path)
    : archive_(archive), path_(std::move(path)) {}

void TarReader::fail_at(std::uint64_t at, std::string_view what) const {
  base::fail(ErrorCode::kCorrupt, base::printable(path_), ": byte ", at, ": ", what);
}

/// None at the end, and end_ says which.
std::optional<TarReader::Header> TarReader::read_header() {
  if (at_ >= archive_.size()) {
    end_ = End::kNoMark;
    return std::nullopt;
  }
  if (archive_.size() - at_ < kBlock) {
    end_ = End::kCut;
    return std::nullopt;
  }
  const char* block = reinterpret_cast<const char*>(archive_.data() + at_);
  if (std::memcmp(block, kEmpty, kBlock) == 0) {
    end_ = End::kWhole;
    return std::nullopt;
  }
  if (number(block, kSum) != checksum(block)) fail_at(at_, "expected a tar header");
  const std::optional<std::uint64_t> size = number(block, kSize);
  if (!size) fail_at(at_, "a size that is no number");
  Header header;
  header.at = at_;
  header.size = *size;
  header.type = block[kType];
  // Old GNU archives have times where the prefix stands in ustar.
  if (std::memcmp(block + kMagic.at, "ustar\0", 6) == 0) header.name = text_field(block, kPrefix);
  if (!header.name.empty()) header.name += '/';
  header.name += text_field(block, kName);
  return header;
}

std::span<const std::byte> TarReader::content_of(const Header& header) const {
  return archive_.subspan(header.at + kBlock, header.size);
}

/// "27 path=some/long/name\n" and the like; the number counts its own digits.
void TarReader::read_pax(std::span<const std::byte> records, std::uint64_t at) {
  std::string_view text(reinterpret_cast<const char*>(records.data()), records.size());
  while (!text.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const std::size_t digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || length <= digits + 1 || length > text.size() || *end != ' ' ||
        text[length - 1] != '\n') {
      fail_at(at, "a pax header that is no list of records");
    }
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    if (record.starts_with("path=")) long_name_ = record.substr(5);
    if (record.starts_with("size=")) {
      std::uint64_t size = 0;
      const char* last = record.data() + record.size();
      const auto parsed = std::from_chars(record.data() + 5, last, size);
      if (parsed.ec != std::errc() || parsed.ptr != last) fail_at(at, "a size that is no number");
      long_size_ = size;
    }
    text.remove_prefix(length);
  }
}

std::optional<TarMember> TarReader::next() {
  bool first = true;
  while (end_ == End::kNone) {
    std::optional<Header> header = read_header();
    if (!header) {
      // What a long name was for has not come.
      if (!first && end_ == End::kNoMark) end_ = End::kCut;
      return std::nullopt;
    }
    if (first) header_ = header->at;
    const bool is_file = header->type == '0' || header->type == '\0' || header->type == '7';
    if (is_file && long_size_) header->size = *long_size_;
    if (header->size > archive_.size() - at_ - kBlock) {
      end_ = End::kCut;
      return std::nullopt;
    }
    at_ += kBlock + std::min<std::uint64_t>(padded_size(header->size), archive_.size() - at_ - kBlock);
    const std::span<const std::byte> content = content_of(*header);
    if (header->type == 'L' || header->type == 'x') {
      if (header->size > kLongestName * 4) fail_at(header->at, "a header that is too long");
      if (header->type == 'x') {
        read_pax(content, header->at);
      } else {
        const char* text = reinterpret_cast<const char*>(content.data());
        long_name_.assign(text, strnlen(text, content.size()));
      }
      first = false;
      continue;
    }
    std::string name = long_name_.empty() ? std::move(header->name) : std::move(long_name_);
    long_name_.clear();
    long_size_.reset();
    first = true;
    if (!is_file) continue;  // folders, links, global pax headers
    if (name.empty() || name.size() > kLongestName || name.find('\0') != std::string::npos) {
      fail_at(header->at, "a name that no file has");
    }
    offset_ = header->at + kBlock;
    return TarMember{std::move(name), content};
  }
  return std::nullopt;
}

std::vector<TarMember> read_tar(std::span<const std::byte> archive, const std::string& path) {
  TarReader reader(archive, path);
  std::vector<TarMember> members;
  while (std::optional<TarMember> member = reader.next()) members.push_back(std::move(*member));
  if (reader.end() != TarReader::End::kWhole) {
    base::fail(ErrorCode::kCorrupt, base::printable(path), ": the archive is cut off after ", members.size(),
               " files");
  }
  return members;
}

// --------------------------------------------------------------------------------------------- writing

void TarWriter::put(std::string_view piece) {
  sink_(piece);
  bytes_ += piece.size();
}

std::uint64_t TarWriter::add(std::string_view name, std::string_view content) {
  const std::size_t divided = division(name);
  if (name.empty() || name[0] == '/' || name.find('\0') != std::string_view::npos ||
      divided == std::string_view::npos) {
    base::fail(ErrorCode::kInvalidArgument, "tar: expected a name of 1 to ", kName.size,
               " bytes, or one that can be divided at a '/', got '", base::printable(name), "'");
  }
  if (content.size() > kMostBytes) {
    base::fail(ErrorCode::kInvalidArgument, "tar: '", base::printable(name), "': expected less than 8 GiB");
  }
  char block[kBlock] = {};
  const std::string_view last = divided > 0 ? name.substr(divided + 1) : name;
  std::copy(last.begin(), last.end(), block + kName.at);
  std::copy_n(name.begin(), divided, block + kPrefix.at);
  put_octal(block, kMode, 0644);
  put_octal(block, kUid, 0);
  put_octal(block, kGid, 0);
  put_octal(block, kSize, content.size());
  put_octal(block, kTime, 0);
  block[kType] = '0';
  std::memcpy(block + kMagic.at, "ustar\00000", kMagic.size);
  put_octal(block, {kSum.at, kSum.size - 1}, checksum(block));
  block[kSum.at + 7] = ' ';
  put({block, kBlock});
  const std::uint64_t offset = bytes_;
  put(content);
  put({kEmpty, padded_size(content.size()) - content.size()});
  return offset;
}

void TarWriter::finish() {
  put({kEmpty, sizeof kEmpty});
}

std::uint64_t TarWriter::bytes_with(std::uint64_t content) const {
  return bytes_ + kBlock + padded_size(content) + sizeof kEmpty;
}

}  // namespace moonbeam::data
