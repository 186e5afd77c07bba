// For tests of readers: files put together byte by byte, without our writers, so that they can be wrong in
// one place; a folder that goes away; what an error said.
#pragma once

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace moonbeam::formats::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <typename T>
std::string le(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string safetensors(std::string_view header, std::size_t data_bytes) {
  return le(static_cast<std::uint64_t>(header.size())) + std::string(header) + std::string(data_bytes, '\1');
}

/// A GGUF file by its pieces; each may be set to a lie.
struct GgufBytes {
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::optional<std::uint64_t> tensor_count, key_count;  // instead of the true ones
  std::string keys, table, data;
  std::uint64_t keys_added = 0, tensors_added = 0;
  std::size_t alignment = 32;

  static std::string text(std::string_view value) {
    return le(static_cast<std::uint64_t>(value.size())) + std::string(value);
  }
  GgufBytes& key(std::string_view name, std::uint32_t type, std::string_view value) {
    keys += text(name) + le(type) + std::string(value);
    ++keys_added;
    return *this;
  }
  /// `ne`: fastest first, as in the file.
  GgufBytes& tensor(std::string_view name, std::initializer_list<std::uint64_t> ne, std::uint32_t type,
                    std::uint64_t offset) {
    table += text(name) + le(static_cast<std::uint32_t>(ne.size()));
    for (const std::uint64_t size : ne) table += le(size);
    table += le(type) + le(offset);
    ++tensors_added;
    return *this;
  }
  std::string build() const {
    std::string out = magic + le(version) + le(tensor_count.value_or(tensors_added)) +
                      le(key_count.value_or(keys_added)) + keys + table;
    if (!data.empty()) out.resize((out.size() + alignment - 1) / alignment * alignment, '\0');
    return out + data;
  }
};

/// Removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "moonbeam_formats_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::string file(std::string_view name) const { return (path_ / name).string(); }
  std::string write(std::string_view name, std::string_view content) const {
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Fails unless `call` throws an Error of `code` with a one-line message that contains `part`.
template <typename Call>
void expect_error(ErrorCode code, std::string_view part, Call call) {
  try {
    call();
    ADD_FAILURE() << "no error; expected one with: " << part;
  } catch (const Error& error) {
    const std::string_view message = error.what();
    EXPECT_EQ(error_code_name(error.code()), std::string_view(error_code_name(code))) << message;
    EXPECT_NE(message.find(part), std::string_view::npos) << "got: " << message << "\nexpected: " << part;
    EXPECT_EQ(message.find('\n'), std::string_view::npos) << message;
  }
}

}  // namespace moonbeam::formats::test
