// COCO's instances: for each picture its categories as detect and point, and some that are not there. A
// category of which a crowd is marked is not asked for in that picture: not every one has a box.
#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "data/formats/coco.h"
#include "train/own/order.h"
#include "train/own/set_builder.h"

namespace moonbeam::train {

using base::fail;

namespace {

struct ImageRow {
  std::int64_t id = 0;
  std::uint64_t number = 0;
  std::string file;
  int width = 0, height = 0;
};

struct Annotation {
  std::int64_t id = 0;
  std::uint64_t number = 0;
  std::int64_t image = 0, category = 0;
  data::XywhBox box;
  bool crowd = false;
};

/// What the file holds, masks left out. Categories may stand behind the annotations.
struct Instances {
  std::string name;
  std::vector<ImageRow> images;
  std::vector<Annotation> annotations;
  std::map<std::int64_t, std::string> categories;
  std::map<std::string, std::int64_t> first_of_name;  ///< the id that stands for all of a name

  /// @throws Error kCorrupt where the file does not list the annotation's category.
  std::int64_t category_of(const Annotation& one) const {
    const auto found = categories.find(one.category);
    if (found == categories.end()) {
      fail(ErrorCode::kCorrupt, where(one), ": category_id ", one.category, ": no such category");
    }
    return first_of_name.at(found->second);
  }
  std::string where(const Annotation& one) const {
    return base::cat(name, ": annotation ", one.number, " (id ", one.id, ")");
  }
  std::string where(const ImageRow& one) const {
    return base::cat(name, ": image ", one.number, " (id ", one.id, ")");
  }
};

void add_category(Instances& to, const data::CocoCategory& one, const data::RecordPlace& place) {
  if (!to.categories.emplace(one.id, one.name).second) {
    fail(ErrorCode::kCorrupt, place.where, ": id: expected one that no other category has, got ", one.id);
  }
  // Some programs list a name once more as the group of itself: what is there is not absent under the other
  // id.
  to.first_of_name.emplace(one.name, one.id);
}

Instances read_instances(const std::string& path) {
  data::ByteSource source(path);
  Instances out;
  out.name = source.name();
  data::CocoUse use;
  use.masks = false;
  use.picture = [&](const data::CocoPicture& one, const data::RecordPlace& place) {
    out.images.push_back({one.id, place.number, one.file, one.width, one.height});
  };
  use.category = [&](const data::CocoCategory& one, const data::RecordPlace& place) {
    add_category(out, one, place);
  };
  use.instance = [&](const data::CocoInstance& one, const data::RecordPlace& place) {
    out.annotations.push_back({one.id, place.number, one.picture, one.category, one.box, one.crowd});
  };
  data::Reading reading;
  data::read_coco_instances(source, use, reading);
  if (out.images.empty() || out.categories.empty()) {
    fail(ErrorCode::kCorrupt, out.name, ": expected LLaVA's array, samples by lines or COCO's images, ",
         "annotations and categories; found ", out.images.size(), " images and ", out.categories.size(),
         " categories");
  }
  return out;
}

/// In [0,1]; what sticks out is cut off.
Box unit_box(const Instances& file, const ImageRow& image, const Annotation& one) {
  const double width = image.width, height = image.height;
  const auto in_unit = [](double value) { return std::clamp(value, 0.0, 1.0); };
  const Box box = {in_unit(one.box.x / width), in_unit(one.box.y / height),
                   in_unit((one.box.x + one.box.width) / width),
                   in_unit((one.box.y + one.box.height) / height)};
  if (box.x_min >= box.x_max || box.y_min >= box.y_max) {
    fail(ErrorCode::kCorrupt, file.where(one), ": bbox: expected a box in the picture of ", image.width, "x",
         image.height, " pixels, got one outside");
  }
  return box;
}

/// What is known of one picture, by category.
struct Contents {
  std::map<std::int64_t, std::vector<Box>> boxes;
  std::set<std::int64_t> crowds;
};

void ask(OwnPicture& picture, const std::string& object, const std::vector<Box>& boxes,
         const std::string& where) {
  OwnQuestion detect, point;
  detect.task = OwnQuestion::Task::kDetect;
  point.task = OwnQuestion::Task::kPoint;
  detect.text = point.text = object;
  detect.where = point.where = where;
  detect.boxes = boxes;
  for (const Box& box : boxes) {
    point.points.push_back({(box.x_min + box.x_max) / 2, (box.y_min + box.y_max) / 2});
  }
  picture.questions.push_back(std::move(detect));
  picture.questions.push_back(std::move(point));
}

void ask_absent(OwnPicture& picture, const Instances& file, const Contents& contents,
                const std::string& where, std::uint64_t index, const OwnSetOptions& options) {
  std::vector<const std::string*> absent;
  for (const auto& [id, name] : file.categories) {
    if (file.first_of_name.at(name) == id && !contents.boxes.contains(id) && !contents.crowds.contains(id))
      absent.push_back(&name);
  }
  const std::size_t count = std::min(absent.size(), static_cast<std::size_t>(options.absent));
  for (std::size_t i = 0; i < count; ++i) {
    ask(picture, *absent[shuffled(options.seed, index, i, absent.size())], {}, where);
  }
}

}  // namespace

void read_coco(const OwnFile& file, const OwnSetOptions& options, SetBuilder& to) {
  const Instances instances = read_instances(file.path);
  std::map<std::int64_t, const ImageRow*> images;
  for (const ImageRow& image : instances.images) {
    if (!images.emplace(image.id, &image).second) {
      fail(ErrorCode::kCorrupt, instances.where(image), ": expected an id that no other image has");
    }
  }
  std::map<std::int64_t, Contents> contents;
  std::int64_t flat = 0;
  for (const Annotation& one : instances.annotations) {
    const auto image = images.find(one.image);
    if (image == images.end()) {
      fail(ErrorCode::kCorrupt, instances.where(one), ": image_id ", one.image, ": no such image");
    }
    const std::int64_t category = instances.category_of(one);
    if (one.crowd) {
      contents[one.image].crowds.insert(category);
    } else if (one.box.width == 0 || one.box.height == 0) {
      ++flat;
    } else {
      contents[one.image].boxes[category].push_back(unit_box(instances, *image->second, one));
    }
  }
  if (instances.annotations.empty())
    to.note(base::cat(instances.name, ": no annotations: nothing is there in any of its pictures"));
  if (flat > 0) to.note(base::cat(instances.name, ": ", flat, " boxes without an area were left out"));
  std::uint64_t index = 0;
  for (const ImageRow& image : instances.images) {
    const std::string where = instances.where(image);
    OwnPicture& picture = to.picture(image.file, /*upright=*/false, where);
    set_size(picture, image.width, image.height, where);
    const Contents& what = contents[image.id];
    for (const auto& [category, boxes] : what.boxes) {
      if (!what.crowds.contains(category)) ask(picture, instances.categories.at(category), boxes, where);
    }
    ask_absent(picture, instances, what, where, index++, options);
  }
}

}  // namespace moonbeam::train
