#include "data/pipeline/run/join.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include "base/error.h"
#include "base/text.h"
#include "data/formats/coco_join.h"
#include "data/formats/json_rows.h"
#include "data/formats/narratives.h"
#include "data/formats/visual_genome.h"
#include "data/pipeline/record/record_json.h"
#include "data/pipeline/run/centre.h"

namespace moonbeam::pipeline {

namespace {

using data::Reading;

class Join {
 public:
  explicit Join(const RunInputs& inputs) : inputs_(inputs) {
    reading_.on_refused = [this](const data::RecordError& error) {
      ++refused_[std::string(data::name(error.reason()))];
    };
  }

  void read() {
    read_coco();
    for (const std::string& path : inputs_.narratives) {
      data::ByteSource source(path);
      data::read_narratives(
          source, [&](const data::Narrative& one, std::uint64_t) { add_narrative(one); }, reading_);
    }
    for (const std::string& path : inputs_.alt) read_alt(path);
    if (!inputs_.vg_regions.empty()) read_regions();
  }

  std::map<std::string, std::int64_t> finish(const std::function<void(Input&)>& use) {
    Input whole;
    const auto end = [&] {
      if (whole.key.empty()) return;
      if (whole.file.empty()) name_file(whole);
      if (whole.file.empty()) {
        ++refused_[whole.narratives.empty() ? "text-without-picture" : "narrative-without-picture"];
        return;
      }
      order(whole);
      use(whole);
    };
    sort_.finish([&](std::string_view key, std::string_view value) {
      Input part = input_of(value, "joined annotations");
      if (whole.key != key) {
        end();
        whole = Input();
        whole.key = key;
      }
      add(std::move(part), whole);
    });
    end();
    return refused_;
  }

 private:
  std::string key_of(std::int64_t id) const { return base::cat(inputs_.name, '-', id); }

  void put(const Input& part) { sort_.add(part.key, input_line(part)); }

  void read_coco() {
    if (inputs_.instances.empty() && inputs_.captions.empty()) return;
    data::CocoJoinOptions options;
    data::join_coco(
        {inputs_.instances, inputs_.captions, inputs_.panoptic}, options,
        [&](const data::CocoGroup& group, const data::CocoCategories& categories) {
          put(picture_of(group, categories));
        },
        reading_);
  }

  Input picture_of(const data::CocoGroup& group, const data::CocoCategories& categories) {
    Input out;
    out.key = key_of(group.picture.id);
    out.file = group.picture.file;
    out.width = group.picture.width;
    out.height = group.picture.height;
    for (const data::CocoInstance& one : group.instances) {
      InputInstance instance;
      instance.id = one.id;
      instance.name = categories.at(one.category).name;
      instance.box = {one.box.x, one.box.y, one.box.width, one.box.height};
      const MaskFacts mask = mask_facts(one.mask, out.height, out.width);
      instance.area = one.area.value_or(mask.centre.empty() ? one.box.width * one.box.height : mask.area);
      instance.centre = mask.centre;
      instance.crowd = one.crowd;
      out.instances.push_back(std::move(instance));
    }
    for (const data::CocoCaption& one : group.captions) {
      out.texts.push_back({.kind = "caption", .text = one.text, .source = base::cat("caption#", one.id)});
    }
    for (const data::CocoPanoptic& one : group.panoptic) {
      for (const data::CocoSegment& segment : one.segments) {
        const data::CocoCategory& category = categories.at(segment.category);
        if (!category.is_thing) out.stuff.push_back(category.name);
      }
    }
    if (group.picture.federated) {
      add_searched(group, categories, out);
    } else if (inputs_.exhaustive && !inputs_.instances.empty()) {
      for (const auto& [id, category] : categories) {
        if (category.is_thing) out.things.push_back(category.name);
      }
    }
    return out;
  }

  /// Of a federated set nothing is known of a class that the picture was not searched for.
  static void add_searched(const data::CocoGroup& group, const data::CocoCategories& categories, Input& out) {
    for (const std::int64_t id : group.picture.negatives) {
      if (const auto found = categories.find(id); found != categories.end()) {
        out.negatives.push_back(found->second.name);
      }
    }
    const std::vector<std::int64_t>& partly = group.picture.not_exhaustive;
    for (const data::CocoInstance& one : group.instances) {
      if (std::find(partly.begin(), partly.end(), one.category) != partly.end()) continue;
      out.things.push_back(categories.at(one.category).name);
    }
  }

  void add_narrative(const data::Narrative& one) {
    const std::optional<std::int64_t> id = one.coco_picture();
    Input part;
    part.key = id ? key_of(*id) : base::cat(inputs_.name, '-', one.picture);
    part.narratives.push_back(one);
    put(part);
  }

  void read_alt(const std::string& path) {
    data::ByteSource source(path);
    data::each_line(
        source, data::FileKind::kUnknown,
        [&](const data::JsonRow& row, std::uint64_t) {
          Input part;
          part.key = row.has("image_id") && row.value()["image_id"].is_string()
                         ? base::cat(inputs_.name, '-', row.text("image_id"))
                         : key_of(row.whole("image_id"));
          part.texts.push_back({.kind = "alt", .text = row.text("alt"), .source = "alt"});
          put(part);
        },
        reading_);
  }

  void read_regions() {
    std::map<std::int64_t, std::int64_t> coco;
    {
      data::ByteSource source(inputs_.vg_pictures);
      data::read_vg_pictures(
          source,
          [&](const data::VgPicture& one) {
            if (one.coco) coco[one.id] = *one.coco;
          },
          reading_);
    }
    data::ByteSource source(inputs_.vg_regions);
    data::read_vg_regions(
        source,
        [&](const data::VgRegions& all) {
          const auto found = coco.find(all.picture);
          if (found == coco.end()) {
            ++refused_["region-without-coco-picture"];
            return;
          }
          Input part;
          part.key = key_of(found->second);
          for (const data::VgRegion& one : all.regions) {
            part.texts.push_back({.kind = "region",
                                  .text = one.phrase,
                                  .source = base::cat("region#", one.id),
                                  .box = {one.box.x, one.box.y, one.box.width, one.box.height}});
          }
          put(part);
        },
        reading_);
  }

  template <typename T>
  static void append(std::vector<T>&& from, std::vector<T>& to) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }

  static void add(Input&& part, Input& whole) {
    if (!part.file.empty()) {
      whole.file = part.file;
      whole.width = part.width;
      whole.height = part.height;
    }
    append(std::move(part.instances), whole.instances);
    append(std::move(part.stuff), whole.stuff);
    append(std::move(part.things), whole.things);
    append(std::move(part.negatives), whole.negatives);
    append(std::move(part.texts), whole.texts);
    append(std::move(part.narratives), whole.narratives);
  }

  /// Of a picture that only narratives know: the recipe's pattern with its id.
  void name_file(Input& whole) const {
    const std::size_t begin = inputs_.file.find("{id"), end = inputs_.file.find('}', begin);
    if (whole.narratives.empty() || begin == std::string::npos || end == std::string::npos) return;
    const std::string id = whole.narratives.front().picture;
    std::size_t digits = 0;
    for (std::size_t i = begin + 4; i < end; ++i)
      digits = digits * 10 + static_cast<std::size_t>(inputs_.file[i] - '0');
    const std::string zeros(id.size() < digits ? digits - id.size() : 0, '0');
    whole.file = inputs_.file.substr(0, begin) + zeros + id + inputs_.file.substr(end + 1);
  }

  /// What does not depend on the order in the files.
  void order(Input& input) const {
    input.licence = inputs_.licence;
    const auto by = [](auto& list, auto key) {
      std::sort(list.begin(), list.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    };
    const auto unique = [](std::vector<std::string>& list) {
      const std::set<std::string> all(list.begin(), list.end());
      list.assign(all.begin(), all.end());
    };
    by(input.instances, [](const InputInstance& one) { return one.id; });
    by(input.texts, [](const InputText& one) { return std::tie(one.kind, one.source, one.text); });
    by(input.narratives, [](const data::Narrative& one) { return std::tie(one.annotator, one.caption); });
    unique(input.stuff);
    unique(input.things);
    unique(input.negatives);
  }

  const RunInputs& inputs_;
  Reading reading_{Reading::Bad::kCount};
  std::map<std::string, std::int64_t> refused_;
  data::SpillSort sort_;
};

}  // namespace

std::map<std::string, std::int64_t> join_inputs(const RunInputs& inputs,
                                                const std::function<void(Input&)>& use) {
  Join join(inputs);
  join.read();
  return join.finish(use);
}

}  // namespace moonbeam::pipeline
