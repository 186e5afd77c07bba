#include "data/formats/coco_join.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "data/formats/record_bytes.h"

namespace moonbeam::data {

namespace {

using base::cat;

constexpr std::size_t kMostCategories = 1'000'000;
constexpr std::size_t kMostTwins = 1'000'000;
constexpr std::size_t kIdMemory = std::size_t{16} << 20;

/// Kinds of records of a picture, in the order in which they are wanted.
enum class Tag : char { kPicture, kInstance, kCaption, kPanoptic };

/// Where a record stands, small enough to be kept with it.
struct Origin {
  std::uint32_t file = 0;
  std::uint64_t number = 0;

  auto operator<=>(const Origin&) const = default;
};

void put(RecordWriter& to, const CocoMask& mask) {
  to.put(static_cast<char>(mask.index()));
  if (const auto* rings = std::get_if<CocoPolygons>(&mask)) {
    to.put(static_cast<std::uint64_t>(rings->size()));
    for (const std::vector<double>& ring : *rings) to.list(ring);
  } else if (const auto* runs = std::get_if<RunMask>(&mask)) {
    to.put(runs->height);
    to.put(runs->width);
    to.list(runs->runs);
  }
}

CocoMask get_mask(RecordReader& from) {
  const char kind = from.get<char>();
  if (kind == 1) {
    CocoPolygons rings;
    for (auto left = from.get<std::uint64_t>(); left > 0; --left) rings.push_back(from.list<double>());
    return rings;
  }
  if (kind == 2) {
    RunMask runs;
    runs.height = from.get<int>();
    runs.width = from.get<int>();
    runs.runs = from.list<std::uint32_t>();
    return runs;
  }
  return {};
}

void put(RecordWriter& to, const CocoInstance& one) {
  to.put(one.id);
  to.put(one.category);
  to.put(one.box);
  to.put(one.area.value_or(-1));
  to.put(one.crowd);
  put(to, one.mask);
}

CocoInstance get_instance(RecordReader& from, std::int64_t picture) {
  CocoInstance out;
  out.picture = picture;
  out.id = from.get<std::int64_t>();
  out.category = from.get<std::int64_t>();
  out.box = from.get<XywhBox>();
  const auto area = from.get<double>();
  if (area >= 0) out.area = area;
  out.crowd = from.get<bool>();
  out.mask = get_mask(from);
  return out;
}

bool touches(const XywhBox& box, const CocoPicture& picture) {
  return box.x <= picture.width && box.y <= picture.height && box.x + box.width >= 0 &&
         box.y + box.height >= 0;
}

class Join {
 public:
  using Use = std::function<void(const CocoGroup&, const CocoCategories&)>;
  Join(const CocoJoinOptions& options, const Use& use, Reading& reading)
      : options_(options), use_(use), reading_(reading), records_(options.spill), ids_([&] {
          SpillOptions ids = options.spill;
          ids.memory = std::min(ids.memory, kIdMemory);
          return ids;
        }()) {}

  void read(const std::string& path, void (*read_file)(ByteSource&, const CocoUse&, Reading&)) {
    ByteSource source(path);
    const auto file = static_cast<std::uint32_t>(names_.size());
    names_.push_back(source.name());
    CocoUse use;
    use.masks = options_.masks;
    use.picture = [&](const CocoPicture& one, const RecordPlace& place) {
      add_picture(one, {file, place.number});
    };
    use.category = [&](const CocoCategory& one, const RecordPlace& place) { add_category(one, file, place); };
    use.instance = [&](const CocoInstance& one, const RecordPlace& place) {
      add_id(one.id, {file, place.number});
      RecordWriter bytes = begin({file, place.number});
      put(bytes, one);
      add(one.picture, Tag::kInstance, bytes);
    };
    use.caption = [&](const CocoCaption& one, const RecordPlace& place) {
      add_id(one.id, {file, place.number});
      RecordWriter bytes = begin({file, place.number});
      bytes.put(one.id);
      bytes.text(one.text);
      add(one.picture, Tag::kCaption, bytes);
    };
    use.panoptic = [&](const CocoPanoptic& one, const RecordPlace& place) {
      RecordWriter bytes = begin({file, place.number});
      bytes.text(one.file);
      bytes.list(one.segments);
      add(one.picture, Tag::kPanoptic, bytes);
    };
    read_file(source, use, reading_);
  }

  void finish() {
    find_twins();
    records_.finish([&](std::string_view key, std::string_view value) {
      const std::int64_t picture = number_of_key(key);
      if (!begun_ || picture != group_.picture.id) next_group(picture);
      RecordReader bytes(value);
      Origin origin;
      origin.file = bytes.get<std::uint32_t>();
      origin.number = bytes.get<std::uint64_t>();
      bytes_ += value.size();
      try {
        add_to_group(static_cast<Tag>(key.back()), origin, bytes);
      } catch (const RecordError& error) {
        reading_.take_back(error);
      }
    });
    give_group();
  }

 private:
  std::string where(const Origin& origin, std::string_view what = "annotation") const {
    return cat(names_[origin.file], ": ", what, " ", origin.number);
  }

  static RecordWriter begin(const Origin& origin) {
    RecordWriter bytes;
    bytes.put(origin.file);
    bytes.put(origin.number);
    return bytes;
  }

  void add(std::int64_t picture, Tag tag, const RecordWriter& bytes) {
    records_.add(sort_key(picture) + static_cast<char>(tag), bytes.bytes());
  }

  void add_picture(const CocoPicture& one, const Origin& origin) {
    RecordWriter bytes = begin(origin);
    bytes.text(one.file);
    bytes.put(one.width);
    bytes.put(one.height);
    bytes.put(one.federated);
    bytes.list(one.negatives);
    bytes.list(one.not_exhaustive);
    add(one.id, Tag::kPicture, bytes);
  }

  void add_category(const CocoCategory& one, std::uint32_t file, const RecordPlace& place) {
    const auto [known, fresh] = categories_.emplace(one.id, one);
    const bool twin = !fresh && category_file_[one.id] == file;
    if (twin || known->second.name != one.name) {
      throw RecordError(Reason::kDuplicateId, cat(place.where, ": category ", one.id, " is '",
                                                  base::printable(known->second.name), "' already"));
    }
    category_file_[one.id] = file;
    if (categories_.size() > kMostCategories) {
      base::fail(ErrorCode::kCorrupt, place.where, ": more than ", kMostCategories, " categories");
    }
  }

  void add_id(std::int64_t id, const Origin& origin) {
    RecordWriter bytes = begin(origin);
    ids_.add(sort_key(id) + sort_key(origin.file), bytes.bytes());
  }

  /// Annotations that have the id of one before them.
  void find_twins() {
    std::string last;
    ids_.finish([&](std::string_view key, std::string_view value) {
      if (key == last) {
        RecordReader bytes(value);
        Origin origin;
        origin.file = bytes.get<std::uint32_t>();
        origin.number = bytes.get<std::uint64_t>();
        twins_.insert(origin);
        reading_.take_back(RecordError(Reason::kDuplicateId, cat(where(origin), ": id ", number_of_key(key),
                                                                 " belongs to another one before it")));
        if (twins_.size() > kMostTwins) {
          base::fail(ErrorCode::kCorrupt, names_[origin.file], ": more than ", kMostTwins,
                     " ids that stand there twice");
        }
      }
      last = key;
    });
  }

  void next_group(std::int64_t picture) {
    give_group();
    group_ = {};
    group_.picture.id = picture;
    begun_ = true;
    has_picture_ = too_large_ = false;
    bytes_ = 0;
  }

  void give_group() {
    if (!begun_ || !has_picture_ || too_large_) return;
    try {
      use_(group_, categories_);
    } catch (const RecordError& error) {
      reading_.take_back(error);
    }
  }

  void add_to_group(Tag tag, const Origin& origin, RecordReader& bytes) {
    if (tag == Tag::kPicture) return add_picture_to_group(origin, bytes);
    if (tag != Tag::kPanoptic && twins_.contains(origin)) return;  // counted already
    if (!has_picture_) {
      throw RecordError(Reason::kUnknownId,
                        cat(where(origin), ": image_id ", group_.picture.id, ": no such image"));
    }
    if (too_large_) return;
    if (bytes_ > options_.most_of_picture) {
      too_large_ = true;
      throw RecordError(Reason::kTooLarge, cat(group_.where, ": more than ", options_.most_of_picture,
                                               " bytes of annotations of one picture"));
    }
    if (tag == Tag::kInstance) {
      add_instance(origin, bytes);
    } else if (tag == Tag::kCaption) {
      const auto id = bytes.get<std::int64_t>();
      group_.captions.push_back({id, group_.picture.id, bytes.text()});
    } else {
      CocoPanoptic one;
      one.picture = group_.picture.id;
      one.file = bytes.text();
      one.segments = bytes.list<CocoSegment>();
      for (const CocoSegment& segment : one.segments) check_category(segment.category, origin);
      group_.panoptic.push_back(std::move(one));
    }
  }

  void add_picture_to_group(const Origin& origin, RecordReader& bytes) {
    CocoPicture one;
    one.id = group_.picture.id;
    one.file = bytes.text();
    one.width = bytes.get<int>();
    one.height = bytes.get<int>();
    one.federated = bytes.get<bool>();
    one.negatives = bytes.list<std::int64_t>();
    one.not_exhaustive = bytes.list<std::int64_t>();
    if (!has_picture_) {
      group_.picture = std::move(one);
      group_.where = where(origin, "image");
      has_picture_ = true;
    } else if (last_file_ == origin.file) {
      throw RecordError(Reason::kDuplicateId,
                        cat(where(origin, "image"), ": id ", one.id, " belongs to another one before it"));
    } else if (one.file != group_.picture.file || one.width != group_.picture.width ||
               one.height != group_.picture.height) {
      throw RecordError(Reason::kBadValue, cat(where(origin, "image"), ": id ", one.id, " is ",
                                               base::printable(one.file), " of ", one.width, "x", one.height,
                                               " pixels, but in ", group_.where, " another"));
    } else {
      CocoPicture& known = group_.picture;
      known.federated = known.federated || one.federated;
      known.negatives.insert(known.negatives.end(), one.negatives.begin(), one.negatives.end());
      known.not_exhaustive.insert(known.not_exhaustive.end(), one.not_exhaustive.begin(),
                                  one.not_exhaustive.end());
    }
    last_file_ = origin.file;
  }

  void check_category(std::int64_t category, const Origin& origin) const {
    if (categories_.contains(category)) return;
    throw RecordError(Reason::kUnknownId,
                      cat(where(origin), ": category_id ", category, ": no such category"));
  }

  void add_instance(const Origin& origin, RecordReader& bytes) {
    CocoInstance one = get_instance(bytes, group_.picture.id);
    const CocoPicture& picture = group_.picture;
    check_category(one.category, origin);
    if (!touches(one.box, picture)) {
      throw RecordError(Reason::kBadBox,
                        cat(where(origin), ": bbox: expected a box in the picture of ", picture.width, "x",
                            picture.height, " pixels, got one outside (id ", one.id, ")"));
    }
    if (const auto* runs = std::get_if<RunMask>(&one.mask);
        runs != nullptr && (runs->height != picture.height || runs->width != picture.width)) {
      throw RecordError(Reason::kBadMask, cat(where(origin), ": segmentation: runs of a picture of ",
                                              runs->width, "x", runs->height, " pixels, but it has ",
                                              picture.width, "x", picture.height, " (id ", one.id, ")"));
    }
    group_.instances.push_back(std::move(one));
  }

  const CocoJoinOptions& options_;
  const Use& use_;
  Reading& reading_;
  std::vector<std::string> names_;  // of files
  SpillSort records_, ids_;
  CocoCategories categories_;
  std::map<std::int64_t, std::uint32_t> category_file_;
  std::set<Origin> twins_;
  CocoGroup group_;
  std::size_t bytes_ = 0;
  std::uint32_t last_file_ = 0;  // of a picture's row
  bool begun_ = false, has_picture_ = false, too_large_ = false;
};

}  // namespace

void join_coco(const CocoFiles& files, const CocoJoinOptions& options,
               const std::function<void(const CocoGroup&, const CocoCategories&)>& use, Reading& reading) {
  Join join(options, use, reading);
  for (const std::string& path : files.instances) join.read(path, read_coco_instances);
  for (const std::string& path : files.captions) join.read(path, read_coco_captions);
  for (const std::string& path : files.panoptic) join.read(path, read_coco_panoptic);
  join.finish();
}

}  // namespace moonbeam::data
