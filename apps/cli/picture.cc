// load_picture(): the one place where the command line decodes pictures.
#include <span>

#include "cli/images.h"

namespace moonbeam::cli {

namespace {

Image decode(const PictureSource& source, const DecodeOptions& options) {
  if (source.kind == PictureSource::Kind::kFile) return load_image(source.name, options);
  const bool from_stdin = source.kind == PictureSource::Kind::kStdin;
  const std::string read = from_stdin ? read_standard_input() : std::string();
  const std::string& bytes = from_stdin ? read : source.bytes;
  return decode_image(std::as_bytes(std::span(bytes.data(), bytes.size())), options,
                      from_stdin ? "standard input" : source.name);
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
