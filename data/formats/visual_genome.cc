#include "data/formats/visual_genome.h"

#include "data/formats/json_rows.h"
#include "data/formats/record_box.h"
#include "data/formats/record_text.h"

namespace moonbeam::data {

namespace {

constexpr std::int64_t kLongestSide = 65'535;

/// Subjects of relationships have `name` or `names`.
std::vector<std::string> names_of(const JsonRow& row) {
  std::vector<std::string> names = row.texts("names");
  if (names.empty() && row.has("name")) names.push_back(row.text("name"));
  for (std::string& name : names) name = squeezed(name);
  if (names.empty() || names[0].empty()) row.fail(row.has("name") ? "name" : "names", "a name");
  return names;
}

VgObject object_of(const JsonRow& row) {
  VgObject out;
  out.id = row.whole("object_id");
  out.box = box_of(row, "x", "y", "w", "h");
  out.names = names_of(row);
  out.synsets = row.texts("synsets");
  out.attributes = row.texts("attributes");
  for (std::string& attribute : out.attributes) attribute = squeezed(attribute);
  return out;
}

VgObjects objects_of(const JsonRow& row, const char* key) {
  row.count_keys("image", {"image_id", key}, {});
  VgObjects out{row.whole("image_id"), {}};
  for (const JsonRow& one : row.rows(key)) out.objects.push_back(object_of(one));
  return out;
}

/// Regions and questions name the picture `id` outside and `image_id` inside: both have to say the same.
void check_picture(const JsonRow& row, std::int64_t picture) {
  if (row.has("image_id") && row.whole("image_id") != picture) {
    row.fail(Reason::kUnknownId, "image_id", "the picture that it stands under");
  }
}

std::string text_of(const JsonRow& row, const char* key) {
  std::string text = squeezed(row.text(key));
  if (text.empty()) row.fail(key, "text");
  return text;
}

/// @param record  what a row becomes
template <typename Record, typename Make>
void read(ByteSource& source, FileKind kind, const VgUse<Record>& use, Reading& reading, Make make) {
  each_row(
      source, {kind, {""}}, [&](std::string_view, const JsonRow& row, std::uint64_t) { use(make(row)); },
      reading);
}

}  // namespace

void read_vg_pictures(ByteSource& source, const VgUse<VgPicture>& use, Reading& reading) {
  read(source, FileKind::kVgImages, use, reading, [](const JsonRow& row) {
    row.count_keys("image", {"image_id", "width", "height"}, {"coco_id", "flickr_id", "url"});
    VgPicture out;
    out.id = row.whole("image_id");
    out.width = static_cast<int>(row.whole("width", 1, kLongestSide));
    out.height = static_cast<int>(row.whole("height", 1, kLongestSide));
    if (row.has("coco_id")) out.coco = row.whole("coco_id");
    out.url = row.text_or("url", "");
    return out;
  });
}

void read_vg_objects(ByteSource& source, const VgUse<VgObjects>& use, Reading& reading) {
  read(source, FileKind::kVgObjects, use, reading,
       [](const JsonRow& row) { return objects_of(row, "objects"); });
}

void read_vg_attributes(ByteSource& source, const VgUse<VgObjects>& use, Reading& reading) {
  // Releases differ in what they call the list.
  read(source, FileKind::kVgAttributes, use, reading,
       [](const JsonRow& row) { return objects_of(row, row.has("objects") ? "objects" : "attributes"); });
}

void read_vg_relationships(ByteSource& source, const VgUse<VgRelationships>& use, Reading& reading) {
  read(source, FileKind::kVgRelationships, use, reading, [](const JsonRow& row) {
    row.count_keys("image", {"image_id", "relationships"}, {});
    VgRelationships out{row.whole("image_id"), {}};
    for (const JsonRow& one : row.rows("relationships")) {
      out.relationships.push_back({one.whole("relationship_id"), text_of(one, "predicate"),
                                   object_of(one.object("subject")), object_of(one.object("object"))});
    }
    return out;
  });
}

void read_vg_regions(ByteSource& source, const VgUse<VgRegions>& use, Reading& reading) {
  read(source, FileKind::kVgRegions, use, reading, [](const JsonRow& row) {
    row.count_keys("image", {"id", "regions"}, {});
    VgRegions out{row.whole("id"), {}};
    for (const JsonRow& one : row.rows("regions")) {
      check_picture(one, out.picture);
      out.regions.push_back(
          {one.whole("region_id"), text_of(one, "phrase"), box_of(one, "x", "y", "width", "height")});
    }
    return out;
  });
}

void read_vg_questions(ByteSource& source, const VgUse<VgQuestions>& use, Reading& reading) {
  read(source, FileKind::kVgQuestions, use, reading, [](const JsonRow& row) {
    row.count_keys("image", {"id", "qas"}, {});
    VgQuestions out{row.whole("id"), {}};
    for (const JsonRow& one : row.rows("qas")) {
      check_picture(one, out.picture);
      out.questions.push_back({one.whole("qa_id"), text_of(one, "question"), text_of(one, "answer")});
    }
    return out;
  });
}

}  // namespace moonbeam::data
