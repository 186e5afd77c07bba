// Which format a file of annotations has, told by what stands in it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "data/formats/byte_source.h"

namespace moonbeam::data {

enum class FileKind {
  kUnknown,
  kCocoInstances,
  kCocoCaptions,
  kCocoPanoptic,
  kCocoDetections,  ///< results
  kCocoCaptionResults,
  kNarratives,
  kRefCoco,
  kVgImages,
  kVgObjects,
  kVgAttributes,
  kVgRelationships,
  kVgRegions,
  kVgQuestions,
  kVqaQuestions,
  kVqaAnnotations,
  kTextVqa,
  kDocVqa,
  kVizWiz,
  kChartQa,
  kTallyQa,
  kPope,
  kLlava,
  kLlavaLines,
  kCanonical,
  kManifest,
  kTar,
};

/// "COCO instances"
std::string_view name(FileKind kind);

/// From the first record of `array` ("" where the file is an array, "lines" where it is lines).
FileKind kind_of_row(std::string_view array, const nlohmann::json& row);

/// Reads as much as it takes, which may be all of it, through the source's buffer, and leaves it somewhere.
FileKind guess_kind(ByteSource& source);
FileKind guess_kind(const std::string& path);

/// "; it looks like COCO captions", or nothing where that is `expected` or it is not known. Reads the source
/// again.
std::string looks_like(const ByteSource& source, FileKind expected);

/// Refuses what is no text at all and says what it is: compressed, an archive, a picture, Python's pickle, an
/// empty file. @throws Error kCorrupt, kInvalidArgument.
void check_is_text(ByteSource& source, FileKind expected);

}  // namespace moonbeam::data
