// load_picture(): the one place where the command line decodes pictures; a server gets them as they are.
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>

#include "cli/images.h"

namespace moonbeam::cli {

namespace {

Image decode(const PictureSource& source, const DecodeOptions& options) {
  using Kind = PictureSource::Kind;
  if (source.kind == Kind::kFile && !may_block(source.name)) return load_image(source.name, options);
  std::string read;
  if (source.kind == Kind::kFile) read = read_blocking(source.name);
  if (source.kind == Kind::kStdin) read = read_standard_input();
  const std::string& bytes = source.kind == Kind::kData ? source.bytes : read;
  return decode_image(std::as_bytes(std::span(bytes.data(), bytes.size())), options,
                      source.kind == Kind::kStdin ? "standard input" : source.name);
}

std::string read_regular(const std::string& name) {
  constexpr std::uintmax_t kMost = std::uintmax_t{1} << 30;  // bytes; servers take less
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(name, error);
  std::ifstream file(name, std::ios::binary);
  if (!file || error)
    throw Error(ErrorCode::kNotFound, name + ": " + (error ? error.message() : "cannot be read"));
  if (size > kMost) throw Error(ErrorCode::kExhausted, name + ": more than 1 GiB");
  return (std::ostringstream() << file.rdbuf()).str();
}

}  // namespace

std::string read_picture(const PictureSource& source) {
  if (source.error) throw *source.error;
  std::string bytes = source.kind == PictureSource::Kind::kData    ? source.bytes
                      : source.kind == PictureSource::Kind::kStdin ? read_standard_input()
                      : may_block(source.name)                     ? read_blocking(source.name)
                                                                   : read_regular(source.name);
  if (bytes.empty()) throw Error(ErrorCode::kCorrupt, source.name + ": an empty file");
  return bytes;
}

Image load_picture(const PictureSource& source, bool apply_orientation) {
  if (source.error) throw *source.error;
  try {
    return decode(source, {.apply_orientation = apply_orientation});
  } catch (const Error& error) {
    // Nobody's usage is wrong where a file is empty.
    if (error.code() == ErrorCode::kInvalidArgument) throw Error(ErrorCode::kCorrupt, error.what());
    throw;
  }
}

}  // namespace moonbeam::cli
