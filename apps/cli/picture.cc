// load_picture(): the one place where the command line decodes pictures.
#include <span>

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

}  // namespace

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
