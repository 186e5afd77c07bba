// Records on their way through a temporary file of this process.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"

namespace moonbeam::data {

class RecordWriter {
 public:
  template <typename T>
  requires(std::is_trivially_copyable_v<T>) void put(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <typename T>
  void list(const std::vector<T>& values) {
    put(static_cast<std::uint64_t>(values.size()));
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  void text(std::string_view value) {
    put(static_cast<std::uint64_t>(value.size()));
    bytes_ += value;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  requires(std::is_trivially_copyable_v<T>) T get() {
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  template <typename T>
  std::vector<T> list() {
    const std::uint64_t count = length(sizeof(T));
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), take(count * sizeof(T)), count * sizeof(T));
    return values;
  }
  std::string text() {
    const std::uint64_t size = length(1);
    return {take(size), size};
  }

 private:
  std::uint64_t length(std::size_t each) {
    const auto count = get<std::uint64_t>();
    if (count > bytes_.size() / each) fail();
    return count;
  }
  const char* take(std::size_t size) {
    if (size > bytes_.size()) fail();
    const char* at = bytes_.data();
    bytes_.remove_prefix(size);
    return at;
  }
  [[noreturn]] static void fail() { base::fail(ErrorCode::kCorrupt, "a temporary file was damaged"); }

  std::string_view bytes_;
};

}  // namespace moonbeam::data
