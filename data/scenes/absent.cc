#include "data/scenes/absent.h"

#include <algorithm>
#include <array>
#include <mutex>

namespace moonbeam::data {

namespace {

constexpr std::array kShapeColours = {Colour::kRed,    Colour::kGreen,  Colour::kBlue, Colour::kYellow,
                                      Colour::kOrange, Colour::kPurple, Colour::kPink, Colour::kWhite,
                                      Colour::kBlack,  Colour::kBrown};
constexpr int kTries = 24;
constexpr std::uint64_t kCalibrationSeed = 0x6d6f6f6e;  // part of the data's definition
constexpr int kSimulated = 60'000;                      // scenes a round
constexpr int kRounds = 4;

bool same_names(const LabelTable& a, const LabelTable& b) {
  if (a.size() != b.size() || a.shapes() != b.shapes()) return false;
  for (int i = 0; i < a.size(); ++i) {
    if (a[i].noun != b[i].noun) return false;
  }
  return true;
}

std::vector<int> distinct_labels(std::span<const Asked> visible) {
  std::vector<int> out;
  for (const Asked& one : visible) {
    if (std::find(out.begin(), out.end(), one.label) == out.end()) out.push_back(one.label);
  }
  return out;
}

}  // namespace

std::span<const Colour> shape_colours() {
  return kShapeColours;
}

std::vector<Asked> visible_in(const Scene& scene, const LabelTable& labels) {
  std::vector<Asked> out;
  for (const SceneObject& object : scene.objects) {
    out.push_back({object.label, labels[object.label].shape ? object.colour : std::nullopt});
  }
  return out;
}

bool fairly_absent(const Asked& asked, std::span<const Asked> visible, const LabelTable& labels) {
  for (const Asked& one : visible) {
    if (one.label == asked.label) {
      if (!asked.colour || !one.colour || *one.colour == *asked.colour) return false;
    } else if (labels.related(asked.label, one.label) && !labels.confusable(asked.label, one.label)) {
      return false;
    }
  }
  return true;
}

bool ambiguous(int label, std::span<const Asked> visible, const LabelTable& labels) {
  return std::any_of(visible.begin(), visible.end(), [&](const Asked& one) {
    return one.label != label && labels.related(label, one.label) && !labels.confusable(label, one.label);
  });
}

AskedThings::AskedThings(const LabelTable& labels, int classes)
    : labels_(labels), names_(labels.shapes() + std::min(labels.things(), classes)) {
  mates_.resize(static_cast<std::size_t>(names_));
  groups_.resize(static_cast<std::size_t>(names_));
  for (int a = 0; a < names_; ++a) {
    for (int b = 0; b < names_; ++b) {
      if (b >= labels_.shapes() && labels_[a].group == labels_[b].group)
        groups_[static_cast<std::size_t>(a)].push_back(b);
      const bool alike = labels_[a].category == labels_[b].category ||
                         (!labels_[a].group.empty() && labels_[a].group == labels_[b].group);
      if (a != b && (alike || labels_.confusable(a, b))) mates_[static_cast<std::size_t>(a)].push_back(b);
    }
  }
  calibrate();
}

std::shared_ptr<const AskedThings> AskedThings::of(const LabelTable& labels, int classes) {
  struct Entry {
    int classes;
    std::shared_ptr<const AskedThings> things;
  };
  static std::mutex mutex;
  static std::vector<Entry> cache;
  const std::lock_guard lock(mutex);
  for (const Entry& entry : cache) {
    if (entry.classes == classes && same_names(entry.things->labels_, labels)) return entry.things;
  }
  cache.push_back({classes, std::make_shared<const AskedThings>(labels, classes)});
  return cache.back().things;
}

std::size_t AskedThings::row(const Asked& asked) const {
  return static_cast<std::size_t>(asked.label) * 2 + (asked.colour ? 1 : 0);
}

Asked AskedThings::coloured_or_not(int label, Stream& stream) const {
  if (!labels_[label].shape || stream.chance(0.5)) return {label};
  return {label, kShapeColours[stream.below(kShapeColours.size())]};
}

Asked AskedThings::any(Stream& stream) const {
  return coloured_or_not(static_cast<int>(stream.below(static_cast<std::uint32_t>(names_))), stream);
}

Asked AskedThings::propose_present(std::span<const Asked> visible, Stream& stream) const {
  const std::vector<int> distinct = distinct_labels(visible);
  const int label = distinct[stream.below(static_cast<std::uint32_t>(distinct.size()))];
  std::vector<Asked> same;
  std::copy_if(visible.begin(), visible.end(), std::back_inserter(same),
               [&](const Asked& one) { return one.label == label; });
  const Asked& one = same[stream.below(static_cast<std::uint32_t>(same.size()))];
  return one.colour && stream.chance(0.5) ? one : Asked{label};
}

// What layout.cc draws, without sprites and places: how many, which, how often again.
std::vector<Asked> AskedThings::simulated_scene(Stream& stream) const {
  constexpr std::array kCounts = {1, 2, 2, 3, 3, 4};
  constexpr std::size_t kMost = 6;
  const int wanted = kCounts[stream.below(kCounts.size())];
  const bool grouped = stream.chance(0.5);
  const int first = stream.chance(0.4) ? stream.between(2, 5) : 1;
  std::vector<Asked> out;
  std::vector<int> drawn;
  for (int i = 0; i < wanted && out.size() < kMost; ++i) {
    const std::optional<int> label = simulated_label(drawn, grouped, stream);
    if (!label) continue;
    for (int n = 0; n < (drawn.empty() ? first : 1) && out.size() < kMost; ++n) {
      out.push_back({*label});
      if (labels_[*label].shape) out.back().colour = kShapeColours[stream.below(kShapeColours.size())];
    }
    drawn.push_back(*label);
  }
  return out;
}

std::optional<int> AskedThings::simulated_label(const std::vector<int>& drawn, bool grouped,
                                                Stream& stream) const {
  const int things = names_ - labels_.shapes();
  const bool shape = things == 0 || stream.chance(0.2);
  const std::vector<int>* companions = nullptr;
  if (!shape && grouped && !drawn.empty()) {
    const std::vector<int>& group = groups_[static_cast<std::size_t>(drawn.front())];
    if (group.size() >= 4) companions = &group;
  }
  for (int attempt = 0; attempt < 8; ++attempt) {
    const int label =
        companions ? (*companions)[stream.below(static_cast<std::uint32_t>(companions->size()))]
        : shape    ? static_cast<int>(stream.below(static_cast<std::uint32_t>(labels_.shapes())))
                   : labels_.shapes() + static_cast<int>(stream.below(static_cast<std::uint32_t>(things)));
    if (std::none_of(drawn.begin(), drawn.end(), [&](int other) { return labels_.related(label, other); }))
      return label;
  }
  return std::nullopt;
}

std::optional<Asked> AskedThings::propose_confusable(std::span<const Asked> visible, Stream& stream) const {
  const Asked& one = visible[stream.below(static_cast<std::uint32_t>(visible.size()))];
  if (one.colour && stream.chance(0.5)) {
    return Asked{one.label, kShapeColours[stream.below(kShapeColours.size())]};
  }
  if (one.label >= names_) return std::nullopt;  // the sign, which is in no class list
  const std::vector<int>& mates = mates_[static_cast<std::size_t>(one.label)];
  if (mates.empty()) return std::nullopt;
  return coloured_or_not(mates[stream.below(static_cast<std::uint32_t>(mates.size()))], stream);
}

std::optional<Asked> AskedThings::propose_absent(Way way, std::span<const Asked> visible,
                                                 Stream& stream) const {
  if (way == Way::kRandom || (way == Way::kConfusable && visible.empty())) return any(stream);
  if (way == Way::kConfusable) return propose_confusable(visible, stream);
  const std::vector<Asked> elsewhere = simulated_scene(stream);
  return propose_present(elsewhere, stream);
}

std::optional<Asked> AskedThings::absent_by(Way way, std::span<const Asked> visible, Stream& stream) const {
  for (int i = 0; i < kTries; ++i) {
    const std::optional<Asked> asked = propose_absent(way, visible, stream);
    if (asked && fairly_absent(*asked, visible, labels_)) return asked;
  }
  return std::nullopt;
}

std::optional<Asked> AskedThings::present(std::span<const Asked> visible, Stream& stream) const {
  if (visible.empty()) return std::nullopt;
  for (int i = 0; i < kTries; ++i) {
    const Asked asked = propose_present(visible, stream);
    if (asked.label >= names_ || ambiguous(asked.label, visible, labels_)) continue;
    if (stream.chance(keep_present_[row(asked)])) return asked;
  }
  return std::nullopt;
}

std::optional<Asked> AskedThings::absent(std::span<const Asked> visible, Stream& stream) const {
  for (int i = 0; i < kTries; ++i) {
    const std::optional<Asked> asked = propose_absent(static_cast<Way>(stream.below(3)), visible, stream);
    if (asked && fairly_absent(*asked, visible, labels_) && stream.chance(keep_absent_[row(*asked)]))
      return asked;
  }
  return std::nullopt;
}

// Raises and lowers the odds of each name until both sides name it equally often: a name too frequent among
// the absent ones loses there, one too frequent among the present ones loses there.
void AskedThings::calibrate() {
  const std::size_t rows = static_cast<std::size_t>(names_) * 2;
  keep_present_.assign(rows, 1);
  keep_absent_.assign(rows, 1);
  Stream stream(kCalibrationSeed, 0, static_cast<std::uint64_t>(names_), Part::kQuestions);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> yes(rows, 0), no(rows, 0);
    for (int i = 0; i < kSimulated; ++i) {
      const std::vector<Asked> visible = simulated_scene(stream);
      const std::optional<Asked> there = present(visible, stream), missing = absent(visible, stream);
      if (!there || !missing) continue;
      ++yes[row(*there)];
      ++no[row(*missing)];
    }
    for (std::size_t i = 0; i < rows; ++i) {
      const double ratio = (yes[i] + 1) / (no[i] + 1);
      keep_absent_[i] *= std::min(1.0, ratio);
      keep_present_[i] *= std::min(1.0, 1 / ratio);
      const double most = std::max(keep_absent_[i], keep_present_[i]);
      keep_absent_[i] /= most;
      keep_present_[i] /= most;
    }
  }
}

}  // namespace moonbeam::data
