// Visual Genome (data.md 2.9): six files, each an array with one record a picture. Its ids are its own; about
// half of the pictures are COCO's too, and only VgPicture::coco says which.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/formats/byte_source.h"
#include "data/formats/reading.h"
#include "data/formats/rle.h"

namespace moonbeam::data {

struct VgPicture {
  std::int64_t id = 0;
  int width = 0, height = 0;
  std::optional<std::int64_t> coco;  ///< its id there
  std::string url;
};

struct VgObject {
  std::int64_t id = 0;
  XywhBox box;                                          ///< pixels
  std::vector<std::string> names, synsets, attributes;  ///< attributes: of their own file alone
};
struct VgObjects {
  std::int64_t picture = 0;
  std::vector<VgObject> objects;
};

struct VgRelationship {
  std::int64_t id = 0;
  std::string predicate;
  VgObject subject, object;
};
struct VgRelationships {
  std::int64_t picture = 0;
  std::vector<VgRelationship> relationships;
};

struct VgRegion {
  std::int64_t id = 0;
  std::string phrase;
  XywhBox box;
};
struct VgRegions {
  std::int64_t picture = 0;
  std::vector<VgRegion> regions;
};

struct VgQuestion {
  std::int64_t id = 0;
  std::string question, answer;
};
struct VgQuestions {
  std::int64_t picture = 0;
  std::vector<VgQuestion> questions;
};

template <typename Record>
using VgUse = std::function<void(const Record&)>;

// One wrong element makes its picture's record wrong. Each @throws Error as each_row.

void read_vg_pictures(ByteSource& source, const VgUse<VgPicture>& use, Reading& reading);
void read_vg_objects(ByteSource& source, const VgUse<VgObjects>& use, Reading& reading);
void read_vg_attributes(ByteSource& source, const VgUse<VgObjects>& use, Reading& reading);
void read_vg_relationships(ByteSource& source, const VgUse<VgRelationships>& use, Reading& reading);
void read_vg_regions(ByteSource& source, const VgUse<VgRegions>& use, Reading& reading);
void read_vg_questions(ByteSource& source, const VgUse<VgQuestions>& use, Reading& reading);

}  // namespace moonbeam::data
