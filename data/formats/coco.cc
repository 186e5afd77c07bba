#include "data/formats/coco.h"

#include <nlohmann/json.hpp>

#include "data/formats/coco_mask.h"
#include "data/formats/json_rows.h"
#include "data/formats/record_box.h"
#include "data/formats/record_text.h"

namespace moonbeam::data {

namespace {

constexpr std::int64_t kLongestSide = 65'535;

std::vector<std::int64_t> ids_of(const JsonRow& row, const char* key) {
  std::vector<std::int64_t> out;
  if (!row.has(key)) return out;
  if (!row.value()[key].is_array()) row.fail(key, "a list of ids");
  for (const auto& one : row.value()[key]) {
    if (!one.is_number_integer()) row.fail(key, "a list of ids");
    out.push_back(one.get<std::int64_t>());
  }
  return out;
}

/// "val2017/000000000007.jpg" of an address: LVIS names its pictures by that alone.
std::string file_in(const std::string& url) {
  const std::size_t name = url.rfind('/');
  if (name == std::string::npos || name == 0) return "";
  const std::size_t folder = url.rfind('/', name - 1);
  return folder == std::string::npos ? "" : url.substr(folder + 1);
}

CocoPicture picture_of(const JsonRow& row) {
  row.count_keys(
      "image",
      {"id", "file_name", "width", "height", "coco_url", "neg_category_ids", "not_exhaustive_category_ids"},
      {});
  CocoPicture out;
  out.id = row.whole("id");
  const bool named_by_url = !row.has("file_name") && row.has("coco_url");
  out.file = named_by_url ? file_in(row.text("coco_url")) : row.text("file_name");
  out.federated = row.has("neg_category_ids") || row.has("not_exhaustive_category_ids");
  out.negatives = ids_of(row, "neg_category_ids");
  out.not_exhaustive = ids_of(row, "not_exhaustive_category_ids");
  if (out.file.empty()) row.fail("file_name", "the name of a file");
  out.width = static_cast<int>(row.whole("width", 1, kLongestSide));
  out.height = static_cast<int>(row.whole("height", 1, kLongestSide));
  return out;
}

CocoCategory category_of(const JsonRow& row) {
  row.count_keys("category", {"id", "name"}, {"supercategory"});
  CocoCategory out;
  out.id = row.whole("id");
  out.name = squeezed(row.text("name"));
  if (out.name.empty()) row.fail("name", "a name");
  out.supercategory = row.text_or("supercategory", "");
  out.is_thing = row.flag_or("isthing", true);
  return out;
}

double area_of(const JsonRow& row) {
  const double area = row.number("area");
  if (area < 0) row.fail("area", "a number of pixels");
  return area;
}

CocoInstance instance_of(const JsonRow& row, std::uint64_t number, bool masks) {
  row.count_keys("annotation", {"image_id", "category_id", "bbox"},
                 {"id", "area", "iscrowd", "segmentation"});
  CocoInstance out;
  out.id = row.has("id") ? row.whole("id") : static_cast<std::int64_t>(number);
  out.picture = row.whole("image_id");
  out.category = row.whole("category_id");
  out.box = box_of(row, "bbox");
  if (row.has("area")) out.area = area_of(row);
  out.crowd = row.flag_or("iscrowd", false);
  if (masks) out.mask = coco_mask_of(row);
  return out;
}

CocoCaption caption_of(const JsonRow& row, std::uint64_t number) {
  row.count_keys("annotation", {"image_id", "caption"}, {"id"});
  CocoCaption out;
  out.id = row.has("id") ? row.whole("id") : static_cast<std::int64_t>(number);
  out.picture = row.whole("image_id");
  out.text = squeezed(row.text("caption"));
  if (out.text.empty()) row.fail("caption", "text");
  return out;
}

CocoPanoptic panoptic_of(const JsonRow& row) {
  row.count_keys("annotation", {"image_id", "file_name", "segments_info"}, {});
  CocoPanoptic out;
  out.picture = row.whole("image_id");
  out.file = row.text("file_name");
  for (const JsonRow& one : row.rows("segments_info")) {
    CocoSegment segment;
    segment.id = static_cast<std::uint32_t>(one.whole("id", 1, (1 << 24) - 1));
    segment.category = one.whole("category_id");
    segment.area = static_cast<std::uint64_t>(one.whole("area", 0, INT64_MAX));
    segment.box = box_of(one, "bbox");
    segment.crowd = one.flag_or("iscrowd", false);
    for (const CocoSegment& other : out.segments) {
      if (other.id == segment.id) one.fail(Reason::kDuplicateId, "id", "one that no other segment has");
    }
    out.segments.push_back(segment);
  }
  return out;
}

/// The arrays that all three have, and what `annotation` makes of the third.
void read_coco(ByteSource& source, FileKind kind, const CocoUse& use, bool masks, Reading& reading,
               const std::function<void(const JsonRow&, const RecordPlace&)>& annotation) {
  RowRules rules{kind, {"images", "annotations", "categories"}};
  if (!masks) rules.skip = {"segmentation"};
  const auto use_row = [&](std::string_view array, const JsonRow& row, std::uint64_t number) {
    const RecordPlace place = {number, row.where()};
    if (array == "annotations") {
      if (annotation) annotation(row, place);
    } else if (array == "images") {
      if (use.picture) use.picture(picture_of(row), place);
    } else if (use.category) {
      use.category(category_of(row), place);
    }
  };
  each_row(source, rules, use_row, reading);
}

}  // namespace

void read_coco_instances(ByteSource& source, const CocoUse& use, Reading& reading) {
  read_coco(source, FileKind::kCocoInstances, use, use.masks, reading,
            [&](const JsonRow& row, const RecordPlace& place) {
              if (use.instance) use.instance(instance_of(row, place.number, use.masks), place);
            });
}

void read_coco_captions(ByteSource& source, const CocoUse& use, Reading& reading) {
  read_coco(source, FileKind::kCocoCaptions, use, false, reading,
            [&](const JsonRow& row, const RecordPlace& place) {
              if (use.caption) use.caption(caption_of(row, place.number), place);
            });
}

void read_coco_panoptic(ByteSource& source, const CocoUse& use, Reading& reading) {
  read_coco(source, FileKind::kCocoPanoptic, use, false, reading,
            [&](const JsonRow& row, const RecordPlace& place) {
              if (use.panoptic) use.panoptic(panoptic_of(row), place);
            });
}

}  // namespace moonbeam::data
