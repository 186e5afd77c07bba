// A file that is read once from front to back through a buffer of fixed size, and where in it one is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::data {

class ByteSource {
 public:
  /// @throws Error kNotFound (missing, a folder, not readable), and while reading where the system fails.
  explicit ByteSource(const std::string& path);
  /// Text in memory, which has to outlive it; `name` for messages.
  ByteSource(std::string_view text, const std::string& name);
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  ~ByteSource();

  const std::string& name() const { return name_; }  ///< printable

  bool more() { return at_ < end_ || refill(); }
  char peek() const { return *at_; }  ///< where there is more()
  void skip() { ++at_; }

  std::uint64_t offset() const { return start_offset_ + static_cast<std::uint64_t>(at_ - start_); }
  std::uint64_t line();  ///< of the next byte, from 1

  /// The first bytes, up to 512; before anything else was read.
  std::string_view head();

  /// Without its end. One of more than `most` bytes is cut off there, and `whole` is false.
  /// @return false at the end of the source.
  bool read_line(std::string& line, std::size_t most, bool& whole);
  /// Whether the last line that was read ended with one.
  bool ended_line() const { return ended_line_; }

  /// For parsers: something was understood up to here. More than kLongestToken bytes without it are refused,
  /// and bytes of 0, which end a text for some. @throws Error kCorrupt from more().
  void expect_text() {
    is_text_ = true;
    mark();
    check_text();
  }
  void mark() { mark_ = offset(); }
  static constexpr std::uint64_t kLongestToken = std::uint64_t{16} << 20;

  /// The same from its front; none where it cannot be read twice (a pipe).
  std::unique_ptr<ByteSource> again() const;

 private:
  bool refill();
  void check_text();

  std::string name_, path_;
  int fd_ = -1;  // none: text in memory
  std::vector<char> buffer_;
  const char *start_ = nullptr, *at_ = nullptr, *end_ = nullptr;  // of what is in memory
  const char* counted_ = nullptr;                                 // lines are counted up to here
  std::uint64_t start_offset_ = 0, lines_ = 1, mark_ = 0;
  bool is_file_ = false, is_text_ = false, ended_line_ = true;
};

/// For parsers that take two iterators; the second is a default one.
struct ByteIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  ByteSource* source = nullptr;

  char operator*() const { return source->peek(); }
  ByteIterator& operator++() {
    source->skip();
    return *this;
  }
  ByteIterator operator++(int) { return ++*this; }
  /// With the end alone.
  bool operator==(const ByteIterator&) const { return !source->more(); }
};

}  // namespace moonbeam::data
