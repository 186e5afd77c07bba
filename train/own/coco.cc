// COCO's instances: for each picture its categories as detect and point, and some that are not there. A
// category of which a crowd is marked is not asked for in that picture: not every one has a box.
#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "train/own/json_rows.h"
#include "train/own/order.h"
#include "train/own/set_builder.h"

namespace moonbeam::train {

using base::fail;

namespace {

struct ImageRow {
  std::int64_t id = 0, number = 0;
  std::string file;
  std::int64_t width = 0, height = 0;
};

struct Annotation {
  std::int64_t id = 0, number = 0, image = 0, category = 0;
  double x = 0, y = 0, width = 0, height = 0;  ///< pixels
  bool crowd = false;
};

/// What the file holds, masks left out. Categories may stand behind the annotations.
struct Instances {
  std::string name;
  std::vector<ImageRow> images;
  std::vector<Annotation> annotations;
  std::map<std::int64_t, std::string> categories;

  std::string where(const Annotation& one) const {
    return base::cat(name, ": annotation ", one.number, " (id ", one.id, ")");
  }
  std::string where(const ImageRow& one) const {
    return base::cat(name, ": image ", one.number, " (id ", one.id, ")");
  }
};

void add_image(Instances& to, const Row& row, std::int64_t number) {
  to.images.push_back(
      {row.whole("id"), number, row.text("file_name"), row.whole("width"), row.whole("height")});
}

void add_annotation(Instances& to, const Row& row, std::int64_t number) {
  Annotation out;
  out.number = number;
  out.id = row.has("id") ? row.whole("id") : number;
  out.image = row.whole("image_id");
  out.category = row.whole("category_id");
  out.crowd = row.has("iscrowd") && row.whole("iscrowd") != 0;
  const std::vector<double> box = row.numbers("bbox", 4);
  out.x = box[0], out.y = box[1], out.width = box[2], out.height = box[3];
  if (out.width < 0 || out.height < 0) row.fail("bbox", "x, y, a width and a height");
  to.annotations.push_back(out);
}

void add_category(Instances& to, const Row& row) {
  const std::string name = trimmed(row.text("name"), base::cat(row.where(), ": name"));
  if (!to.categories.emplace(row.whole("id"), name).second) row.fail("id", "one that no other category has");
}

Instances read_instances(const std::string& path) {
  Instances out;
  out.name = base::printable(path);
  each_row(path, [&](std::string_view key, const Json& value, std::int64_t number) {
    if (key == "images") {
      add_image(out, Row(value, base::cat(out.name, ": image ", number)), number);
    } else if (key == "annotations") {
      add_annotation(out, Row(value, base::cat(out.name, ": annotation ", number)), number);
    } else if (key == "categories") {
      add_category(out, Row(value, base::cat(out.name, ": category ", number)));
    }
  });
  if (out.images.empty() || out.categories.empty()) {
    fail(ErrorCode::kCorrupt, out.name, ": expected LLaVA's array, samples by lines or COCO's images, ",
         "annotations and categories; found ", out.images.size(), " images and ", out.categories.size(),
         " categories");
  }
  return out;
}

/// In [0,1]; what sticks out is cut off.
Box unit_box(const Instances& file, const ImageRow& image, const Annotation& one) {
  const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  const auto in_unit = [](double value) { return std::clamp(value, 0.0, 1.0); };
  const Box box = {in_unit(one.x / width), in_unit(one.y / height), in_unit((one.x + one.width) / width),
                   in_unit((one.y + one.height) / height)};
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
    if (!contents.boxes.contains(id) && !contents.crowds.contains(id)) absent.push_back(&name);
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
    if (image.width < 1 || image.height < 1) {
      fail(ErrorCode::kCorrupt, instances.where(image), ": expected a width and a height from 1");
    }
  }
  std::map<std::int64_t, Contents> contents;
  std::int64_t flat = 0;
  for (const Annotation& one : instances.annotations) {
    const auto image = images.find(one.image);
    if (image == images.end()) {
      fail(ErrorCode::kCorrupt, instances.where(one), ": image_id ", one.image, ": no such image");
    }
    if (!instances.categories.contains(one.category)) {
      fail(ErrorCode::kCorrupt, instances.where(one), ": category_id ", one.category, ": no such category");
    }
    if (one.crowd) {
      contents[one.image].crowds.insert(one.category);
    } else if (one.width == 0 || one.height == 0) {
      ++flat;
    } else {
      contents[one.image].boxes[one.category].push_back(unit_box(instances, *image->second, one));
    }
  }
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
