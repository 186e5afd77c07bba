// COCO's annotations (data.md 2.2, 2.3, 2.5), record by record in the order of the file: pictures and
// categories may stand behind what refers to them, so ids are not looked up here. coco_join.h brings together
// what belongs to one picture.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/formats/byte_source.h"
#include "data/formats/reading.h"
#include "data/formats/rle.h"

namespace moonbeam::data {

/// Where a record stands in its file.
struct RecordPlace {
  std::uint64_t number = 0;  ///< in its array, from 1
  std::string where;         ///< "instances.json: annotation 17", for messages
};

struct CocoPicture {
  std::int64_t id = 0;
  std::string file;
  int width = 0, height = 0;  ///< 1 to 65,535
  /// Of federated sets, LVIS and its like: a picture is searched for some categories alone.
  bool federated = false;
  std::vector<std::int64_t> negatives = {};       ///< neg_category_ids: searched for, and not there
  std::vector<std::int64_t> not_exhaustive = {};  ///< there, and not all of them are annotated
};

struct CocoCategory {
  std::int64_t id = 0;
  std::string name, supercategory;
  bool is_thing = true;  ///< of panoptic files
};

/// Rings of an outline, x0, y0, x1, y1, ... each.
using CocoPolygons = std::vector<std::vector<double>>;
using CocoMask = std::variant<std::monostate, CocoPolygons, RunMask>;

struct CocoInstance {
  std::int64_t id = 0, picture = 0, category = 0;
  XywhBox box;                 ///< pixels as stored, whatever EXIF says; may be flat, and stick out
  std::optional<double> area;  ///< of the mask, not of the box: sizes small, medium and large are meant so
  bool crowd = false;          ///< one region for many things: no number may be read from it
  CocoMask mask;
};

struct CocoCaption {
  std::int64_t id = 0, picture = 0;
  std::string text;  ///< white space at both ends removed, and single spaces inside
};

struct CocoSegment {
  std::uint32_t id = 0;  ///< pixels of panoptic_id()
  std::int64_t category = 0;
  std::uint64_t area = 0;
  XywhBox box;
  bool crowd = false;
};
struct CocoPanoptic {
  std::int64_t picture = 0;
  std::string file;  ///< the PNG
  std::vector<CocoSegment> segments;
};
/// Of an 8-bit RGB pixel of a panoptic PNG; 0 is not labelled.
constexpr std::uint32_t panoptic_id(std::uint8_t r, std::uint8_t g, std::uint8_t b) {
  return static_cast<std::uint32_t>(r | g << 8 | b << 16);
}

/// What to do with each kind of record; those left empty are not read.
struct CocoUse {
  std::function<void(const CocoPicture&, const RecordPlace&)> picture = {};
  std::function<void(const CocoCategory&, const RecordPlace&)> category = {};
  std::function<void(const CocoInstance&, const RecordPlace&)> instance = {};
  std::function<void(const CocoCaption&, const RecordPlace&)> caption = {};
  std::function<void(const CocoPanoptic&, const RecordPlace&)> panoptic = {};
  bool masks = true;  ///< false: they are passed over unseen
};

// Each @throws Error as each_row.

/// Pictures, categories, instances. An annotation without an id gets its number.
void read_coco_instances(ByteSource& source, const CocoUse& use, Reading& reading);
void read_coco_captions(ByteSource& source, const CocoUse& use, Reading& reading);
void read_coco_panoptic(ByteSource& source, const CocoUse& use, Reading& reading);

/// Runs of the picture's size, drawn where they are outlines. @throws Error kCorrupt (runs of another size).
RunMask mask_of(const CocoMask& mask, int height, int width);

/// Names of COCO's 80 things by their ids, which have gaps; empty for those.
std::string_view coco_thing(std::int64_t category);

}  // namespace moonbeam::data
