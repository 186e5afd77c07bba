#include "train/own/own_set.h"

#include "base/error.h"
#include "data/formats/kind.h"
#include "train/own/set_builder.h"

namespace moonbeam::train {

namespace {

bool is_lines(const OwnFile& file) {
  if (file.path.ends_with(".jsonl") || file.path.ends_with(".ndjson")) return true;
  const data::FileKind kind = data::guess_kind(file.path);
  return kind == data::FileKind::kCanonical || kind == data::FileKind::kLlavaLines;
}

/// 0 in a file that has none.
char first_character(const OwnFile& file) {
  data::ByteSource source(file.path);
  const std::string_view head = source.head();
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? '\0' : head[first];
}

void read_file(const OwnFile& file, const OwnSetOptions& options, SetBuilder& to) {
  switch (first_character(file)) {
    case '[':
      return read_llava(file, to);
    case '{':
      return is_lines(file) ? read_lines(file, to) : read_coco(file, options, to);
    case '\0':
      base::fail(ErrorCode::kInvalidArgument, base::printable(file.path), ": the file is empty");
    default:
      base::fail(ErrorCode::kCorrupt, base::printable(file.path),
                 ": expected JSON: LLaVA's conversations, COCO's instances or samples by lines");
  }
}

}  // namespace

OwnSet read_own_set(const std::vector<OwnFile>& files, const OwnSetOptions& options) {
  SetBuilder builder;
  for (const OwnFile& file : files) {
    builder.begin_file(file);
    const std::size_t before = builder.size();
    read_file(file, options, builder);
    if (builder.size() == before && files.size() == 1) {
      base::fail(ErrorCode::kInvalidArgument, base::printable(file.path), ": no picture in it");
    }
  }
  OwnSet out = builder.finish();
  if (out.pictures.empty()) {
    base::fail(ErrorCode::kInvalidArgument, "data: expected questions about pictures, found none");
  }
  return out;
}

}  // namespace moonbeam::train
