// IMAGE arguments: from what the user typed to a list of pictures. Reads folders and lists, no pictures.
#pragma once

#include <moonbeam/error.h>
#include <moonbeam/image.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::cli {

struct PictureSource {
  enum class Kind { kFile, kStdin, kData };
  Kind kind = Kind::kFile;
  std::string name;            ///< as printed and as key "image": the path, "-", or "data:image/png"
  std::string bytes;           ///< kData: the decoded picture file
  std::optional<Error> error;  ///< an argument that gave no picture; thrown by load_picture()
};

/// Files stay as they are; a folder gives its pictures by name (with its subfolders if `recursive`), a glob
/// that the shell left alone its matches, `@FILE` the arguments in its lines, `-` standard input, `data:`
/// URIs the bytes in them. What cannot be expanded becomes a source with `error`, so that one bad argument
/// among many does not end the run. @throws Error kInvalidArgument (`-` named twice).
std::vector<PictureSource> expand_images(const std::vector<std::string>& arguments, bool recursive);

/// From the last dot, in lower case: ".png"; empty without a dot.
std::string lower_suffix(std::string_view name);

/// Whether the name ends like a picture's; what folders are searched for.
bool has_picture_suffix(std::string_view name);

/// Bytes of the picture's file, not decoded. @throws Error as load_picture().
std::string read_picture(const PictureSource& source);

/// Reads and decodes. @throws Error as decode_image() and load_image().
Image load_picture(const PictureSource& source, bool apply_orientation);

/// Where --draw writes each picture: `draw` itself, or <stem>.<what>.png in it where it is a folder (exists,
/// or ends in '/'); two pictures of one stem get numbers. @throws Error kInvalidArgument (one file, many
/// pictures; a file that is neither PNG nor JPEG by its name).
std::vector<std::string> drawing_paths(const std::vector<PictureSource>& sources, const std::string& draw,
                                       std::string_view what);

/// Standard input to its end. @throws Error kExhausted (too long), kNotFound (closed), kCancelled.
std::string read_standard_input();

/// Whether `path` is a pipe or device, whose reading may take for ever.
bool may_block(const std::string& path);
/// Such a file to its end, from anyone who opens it to write. @throws Error as read_standard_input().
std::string read_blocking(const std::string& path);

}  // namespace moonbeam::cli
