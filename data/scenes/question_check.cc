#include "data/scenes/question_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "data/scenes/mentions.h"

namespace moonbeam::data {

namespace {

struct Phrase {
  int label = -1;
  std::optional<Colour> colour;
};

bool eat(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<std::string_view> between(std::string_view text, std::string_view before,
                                        std::string_view after) {
  if (!text.starts_with(before) || !text.ends_with(after) || text.size() <= before.size() + after.size())
    return std::nullopt;
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

class Check {
 public:
  Check(const Question& question, const Scene& scene, const LabelTable& labels)
      : q_(question), scene_(scene), labels_(labels) {
    const std::string_view text = q_.text;
    const std::size_t end = text.find_first_of("?.");
    core_ = q_.kind == Kind::kDetect || q_.kind == Kind::kPoint ? text
            : end == std::string_view::npos                     ? text
                                                                : text.substr(0, end);
  }

  std::string run() const {
    switch (q_.kind) {
      case Kind::kCaption:
        return caption();
      case Kind::kExist:
        return exist();
      case Kind::kCount:
        return count();
      case Kind::kColour:
        return colour();
      case Kind::kName:
        return name_by_place();
      case Kind::kRelation:
        return relation();
      case Kind::kDetect:
      case Kind::kPoint:
        return objects();
      case Kind::kRead:
        return read();
      case Kind::kPremise:
        return premise();
    }
    return "no such kind";
  }

 private:
  std::optional<Phrase> phrase(std::string_view text) const {
    for (const std::string_view article : {"the ", "a ", "an ", "some "}) {
      if (eat(text, article)) break;
    }
    if (const auto label = labels_.find(text)) return Phrase{*label, {}};
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto colour = find_colour(text.substr(0, space));
    const auto label = labels_.find(text.substr(space + 1));
    if (!colour || !label) return std::nullopt;
    return Phrase{*label, colour};
  }

  std::vector<int> of(const Phrase& asked) const {
    std::vector<int> found;
    for (std::size_t i = 0; i < scene_.objects.size(); ++i) {
      const SceneObject& object = scene_.objects[i];
      if (object.label == asked.label && (!asked.colour || object.colour == asked.colour))
        found.push_back(static_cast<int>(i));
    }
    return found;
  }

  /// Parents, children, look-alikes by the columns of the table themselves.
  bool kin(int a, int b) const {
    const auto lists = [&](int x, int y) {
      const Label& one = labels_[x];
      const auto has = [&](const std::vector<std::string>& names) {
        return std::find(names.begin(), names.end(), labels_[y].noun) != names.end();
      };
      return std::pair(has(one.parents) || has(one.alike), has(one.confusable));
    };
    const auto [ab, ab_fair] = lists(a, b);
    const auto [ba, ba_fair] = lists(b, a);
    return (ab || ba) && !ab_fair && !ba_fair;
  }

  std::string must_be_absent(const Phrase& asked) const {
    if (!of(asked).empty()) return "it is there";
    for (const SceneObject& object : scene_.objects) {
      if (object.label != asked.label && kin(object.label, asked.label))
        return "a relative is there: " + labels_[object.label].noun;
    }
    return {};
  }

  std::string must_be_plain(const Phrase& asked) const {
    for (const SceneObject& object : scene_.objects) {
      if (object.label != asked.label && kin(object.label, asked.label))
        return "a relative is there too: " + labels_[object.label].noun;
    }
    return {};
  }

  std::string same_targets(const std::vector<int>& truth) const {
    return q_.targets == truth ? "" : "other objects than the question's";
  }

  /// The same scene with other words to read.
  Check(std::string_view core, const Check& other)
      : q_(other.q_), scene_(other.scene_), labels_(other.labels_), core_(core) {}

  std::optional<Phrase> by_forms(
      std::initializer_list<std::pair<std::string_view, std::string_view>> forms) const {
    for (const auto& [before, after] : forms) {
      const auto inner = between(core_, before, after);
      if (!inner) continue;
      if (const auto found = phrase(*inner)) return found;
    }
    return std::nullopt;
  }

  std::string exist() const {
    const auto asked = by_forms({{"Is there ", ""},
                                 {"Are there ", ""},
                                 {"Is there ", " in the picture"},
                                 {"Are there ", " in the picture"},
                                 {"Do you see ", ""},
                                 {"Can you see ", " in the image"},
                                 {"Are there any ", ""}});
    if (!asked) return "unknown form";
    const bool there = !of(*asked).empty();
    if (there != q_.positive) return "polarity";
    if (!there) {
      if (std::string fault = must_be_absent(*asked); !fault.empty()) return fault;
    }
    if (q_.brief) return q_.answer == (there ? "yes" : "no") ? "" : "answer";
    const auto said = there ? between(q_.answer, "Yes, there ", ".") : between(q_.answer, "No, there ", ".");
    if (!said) return "answer";
    const std::vector<Mention> named = mentions(*said, labels_);
    return named.size() == 1 && named[0].label == asked->label && named[0].colour == asked->colour
               ? ""
               : "answer's noun";
  }

  std::string count() const {
    const auto asked = by_forms({{"How many ", " are there"},
                                 {"How many ", " are in the picture"},
                                 {"How many ", " do you see"},
                                 {"What is the number of ", ""},
                                 {"Count the ", ""}});
    if (!asked) return "unknown form";
    const int truth = static_cast<int>(of(*asked).size());
    std::string fault = truth == 0 ? must_be_absent(*asked) : must_be_plain(*asked);
    if (!fault.empty()) return fault;
    if (q_.brief) return q_.answer == std::to_string(truth) ? "" : "answer";
    const std::vector<Mention> named = mentions(q_.answer, labels_);
    return named.size() == 1 && named[0].label == asked->label && named[0].count == truth ? "" : "answer";
  }

  /// Of "the leftmost star" the star; the core's other words stay.
  std::optional<std::pair<Phrase, int>> coloured_one() const {
    for (const std::string_view edge : {"", "leftmost ", "rightmost "}) {
      std::string core(core_);
      if (!edge.empty()) {
        const std::size_t at = core.find(edge);
        if (at == std::string::npos) continue;
        core.erase(at, edge.size());
      }
      const Check plain(core, *this);
      const auto asked = plain.by_forms({{"What color is ", ""},
                                         {"What color are ", ""},
                                         {"What is the color of ", ""},
                                         {"What colour is ", ""},
                                         {"What colour are ", ""},
                                         {"Which color is ", ""},
                                         {"Which color are ", ""}});
      if (asked) return std::pair(*asked, edge.empty() ? 0 : edge == "leftmost " ? -1 : 1);
    }
    return std::nullopt;
  }

  std::string colour() const {
    const auto asked = coloured_one();
    if (!asked) return "unknown form";
    std::vector<int> truth = of(asked->first);
    if (std::string fault = must_be_plain(asked->first); !fault.empty()) return fault;
    if (asked->second != 0) {
      std::sort(truth.begin(), truth.end(), [&](int a, int b) {
        return asked->second * across(static_cast<std::size_t>(a)) >
               asked->second * across(static_cast<std::size_t>(b));
      });
      if (truth.size() < 2) return "the only one";
      if (std::abs(across(static_cast<std::size_t>(truth[0])) - across(static_cast<std::size_t>(truth[1]))) <
          0.06 - 1e-9)
        return "two compete";
      truth.erase(truth.begin() + 1, truth.end());
    }
    if (truth.size() != 1) return "not the only one";
    const std::optional<Colour> colour = scene_.objects[static_cast<std::size_t>(truth[0])].colour;
    if (!colour) return "no colour";
    const std::string word(moonbeam::data::name(*colour));
    if (q_.brief) return q_.answer == word ? "" : "answer";
    return q_.answer.ends_with(" " + word + ".") ? "" : "answer";
  }

  double across(std::size_t i) const {
    const PixelBox& box = scene_.objects[i].box;
    return (box.x_min + box.x_max) * 0.5 / scene_.image.width;
  }
  double down(std::size_t i) const {
    const PixelBox& box = scene_.objects[i].box;
    return (box.y_min + box.y_max) * 0.5 / scene_.image.height;
  }

  std::string answers_label(int object) const {
    const std::vector<Mention> named = mentions(q_.answer, labels_);
    return !named.empty() && named[0].label == scene_.objects[static_cast<std::size_t>(object)].label
               ? ""
               : "answer";
  }

  std::string name_by_place() const {
    std::vector<std::pair<double, int>> ranked;
    std::string_view edge;
    for (const std::string_view word : {"leftmost", "rightmost", "topmost", "bottommost"}) {
      if (core_.find(word) != std::string_view::npos) edge = word;
    }
    for (std::size_t i = 0; i < scene_.objects.size(); ++i) {
      const double rank = edge == "leftmost"    ? across(i)
                          : edge == "rightmost" ? -across(i)
                          : edge == "topmost"   ? down(i)
                                                : -down(i);
      ranked.emplace_back(rank, static_cast<int>(i));
    }
    if (!edge.empty()) {
      std::sort(ranked.begin(), ranked.end());
      if (ranked.size() < 2 || ranked[1].first - ranked[0].first < 0.06) return "two compete";
      return answers_label(ranked[0].second);
    }
    return in_region();
  }

  std::string in_region() const {
    const bool middle = core_.find("middle") != std::string_view::npos;
    const bool top = core_.find("top ") != std::string_view::npos,
               left = core_.find(" left") != std::string_view::npos;
    if (!middle && !top && core_.find("bottom ") == std::string_view::npos) return "unknown form";
    int found = -1;
    for (std::size_t i = 0; i < scene_.objects.size(); ++i) {
      const double x = left ? across(i) : 1 - across(i), y = top ? down(i) : 1 - down(i);
      // How far into the region; negative outside.
      const double depth = middle ? 0.14 - std::max(std::abs(across(i) - 0.5), std::abs(down(i) - 0.5))
                                  : 0.40 - std::max(x, y);
      if (depth <= -0.06) continue;
      if (depth <= 0 || found >= 0) return "something else is near";
      found = static_cast<int>(i);
    }
    return found < 0 ? "nothing there" : answers_label(found);
  }

  /// The object that "the dog" means, -1 if it means none or several.
  int referent(const Phrase& phrase) const {
    const std::vector<int> found = of(phrase);
    return found.size() == 1 && must_be_plain(phrase).empty() ? found[0] : -1;
  }

  std::string relation() const {
    for (const bool horizontal : {true, false}) {
      for (const std::string_view between_them :
           horizontal
               ? std::vector<std::string_view>{" left or right of ", " to the left or to the right of "}
               : std::vector<std::string_view>{" above or below "}) {
        const std::size_t at = core_.find(between_them);
        if (at == std::string_view::npos) continue;
        std::string_view first = core_.substr(0, at);
        if (!eat(first, "Is ") && !eat(first, "Are ")) return "unknown form";
        const auto a = phrase(first), b = phrase(core_.substr(at + between_them.size()));
        if (!a || !b) return "unknown noun";
        const int i = referent(*a), j = referent(*b);
        if (i < 0 || j < 0) return "which one?";
        const auto along = [&](int k) {
          return horizontal ? across(static_cast<std::size_t>(k)) : down(static_cast<std::size_t>(k));
        };
        const double gap = along(i) - along(j);
        if (std::abs(gap) < 0.1 - 1e-9) return "too near";
        const std::string word = horizontal ? (gap < 0 ? "left" : "right") : (gap < 0 ? "above" : "below");
        if (q_.brief) return q_.answer == word ? "" : "answer";
        return q_.answer.find(" " + word + " ") != std::string::npos ? "" : "answer";
      }
    }
    return what_is_there();
  }

  std::string what_is_there() const {
    constexpr std::array<std::string_view, 4> kBefore = {"What is left of ", "What is right of ",
                                                         "What is above ", "What is below "};
    for (std::size_t side = 0; side < kBefore.size(); ++side) {
      const auto inner = between(core_, kBefore[side], "");
      if (!inner) continue;
      const auto from = phrase(*inner);
      const int base = from ? referent(*from) : -1;
      if (base < 0) return "which one?";
      int found = -1;
      for (std::size_t i = 0; i < scene_.objects.size(); ++i) {
        const auto b = static_cast<std::size_t>(base);
        if (i == b) continue;
        const double gap = side == 0   ? across(b) - across(i)
                           : side == 1 ? across(i) - across(b)
                           : side == 2 ? down(b) - down(i)
                                       : down(i) - down(b);
        if (gap <= -0.05) continue;
        if (gap < 0.1 - 1e-9 || found >= 0) return "more than one";
        found = static_cast<int>(i);
      }
      return found < 0 ? "nothing there" : answers_label(found);
    }
    return "unknown form";
  }

  std::string objects() const {
    const auto asked = phrase(core_);
    if (!asked) return "unknown noun";
    const std::vector<int> truth = of(*asked);
    if (truth.empty() == q_.positive) return "polarity";
    std::string fault = truth.empty() ? must_be_absent(*asked) : must_be_plain(*asked);
    if (!fault.empty()) return fault;
    for (std::size_t i = 1; i < truth.size(); ++i) {
      const PixelBox& a = scene_.objects[static_cast<std::size_t>(truth[i - 1])].box;
      const PixelBox& b = scene_.objects[static_cast<std::size_t>(truth[i])].box;
      if (std::pair(a.y_min, a.x_min) > std::pair(b.y_min, b.x_min)) return "order";
    }
    return same_targets(truth);
  }

  std::string read() const {
    std::vector<std::string> texts;
    for (const SceneObject& object : scene_.objects) {
      if (!object.text.empty()) texts.push_back(object.text);
    }
    if (texts.size() != 1) return "not the only sign";
    return q_.answer == (q_.brief ? texts[0] : "The sign says \"" + texts[0] + "\".") ? "" : "answer";
  }

  /// Of "Is the dog left or right of the cup?" the one that is not there.
  std::optional<Phrase> missing_one() const {
    for (const std::string_view middle :
         {" left or right of ", " to the left or to the right of ", " above or below "}) {
      const std::size_t at = core_.find(middle);
      if (at == std::string_view::npos) continue;
      std::string_view first = core_.substr(0, at);
      if (!eat(first, "Is ") && !eat(first, "Are ")) return std::nullopt;
      const auto a = phrase(first), b = phrase(core_.substr(at + middle.size()));
      if (!a || !b || of(*a).empty() == of(*b).empty()) return std::nullopt;
      return of(*a).empty() ? a : b;
    }
    return std::nullopt;
  }

  std::string premise() const {
    auto asked = by_forms({{"What color is ", ""},
                           {"What color are ", ""},
                           {"What is the color of ", ""},
                           {"What colour is ", ""},
                           {"What colour are ", ""},
                           {"Which color is ", ""},
                           {"Which color are ", ""},
                           {"What is above ", ""},
                           {"What is below ", ""},
                           {"What is left of ", ""},
                           {"What is right of ", ""}});
    if (!asked) asked = missing_one();
    if (!asked) return "unknown form";
    if (std::string fault = must_be_absent(*asked); !fault.empty()) return fault;
    const std::vector<Mention> named = mentions(q_.answer, labels_);
    const bool denies = q_.answer.starts_with("There is no ") || q_.answer.starts_with("There are no ");
    return denies && named.size() == 1 && named[0].label == asked->label && named[0].colour == asked->colour
               ? ""
               : "answer";
  }

  bool one_colour(int label) const {
    std::map<int, int> colours;
    for (const SceneObject& object : scene_.objects) {
      if (object.label == label) ++colours[object.colour ? static_cast<int>(*object.colour) : -1];
    }
    const bool doubled = colours.size() == 1 && labels_[label].noun == "orange" &&
                         colours.begin()->first == static_cast<int>(Colour::kOrange);
    return colours.size() == 1 && !doubled;
  }

  std::string caption() const {
    const std::vector<Mention> named = mentions(q_.answer, labels_);
    std::map<std::pair<int, int>, int> said, truth;
    std::map<int, int> said_of, truth_of;
    for (const Mention& one : named) {
      said[{one.label, one.colour ? static_cast<int>(*one.colour) : -1}] += one.count;
      said_of[one.label] += one.count;
    }
    const bool all_colours = q_.length == CaptionLength::kLong;
    for (const SceneObject& object : scene_.objects) {
      const bool coloured =
          object.colour && (labels_[object.label].shape || (all_colours && one_colour(object.label)));
      ++truth[{object.label, coloured ? static_cast<int>(*object.colour) : -1}];
      ++truth_of[object.label];
    }
    if (said_of != truth_of) return "objects or counts";
    if (said != truth) return "colours";
    return scene_.objects.empty() || q_.length == CaptionLength::kShort ? "" : places(named);
  }

  /// Single things of a caption stand where it says: their place follows their noun, in the order of x.
  std::string places(const std::vector<Mention>& named) const {
    std::string_view rest = q_.answer;
    double last = -1;
    for (const Mention& one : named) {
      double leftmost = 2;
      std::size_t object = 0;
      for (std::size_t i = 0; i < scene_.objects.size(); ++i) {
        const SceneObject& candidate = scene_.objects[i];
        const bool told =
            labels_[one.label].shape || (q_.length == CaptionLength::kLong && one_colour(one.label));
        const bool same = candidate.label == one.label && (!told || candidate.colour == one.colour);
        if (same && across(i) < leftmost) {
          leftmost = across(i);
          object = i;
        }
      }
      if (leftmost < last) return "not from left to right";
      last = leftmost;
      const Label& label = labels_[one.label];
      const std::string& noun = one.count == 1 ? label.noun : label.plural;
      const std::size_t at = rest.find(noun);
      if (at == std::string_view::npos) return "order of nouns";
      rest.remove_prefix(at + noun.size());
      if (one.count != 1) continue;
      if (!rest.starts_with(" " + expected_place(object))) return "place of " + noun;
    }
    return {};
  }

  std::string expected_place(std::size_t i) const {
    const double x = across(i), y = down(i);
    const std::string side = x < 0.36 ? "left" : x > 0.64 ? "right" : "";
    const std::string level = y < 0.36 ? "top" : y > 0.64 ? "bottom" : "";
    if (q_.length == CaptionLength::kNormal || level.empty())
      return side.empty() ? "in the middle" : "on the " + side;
    return "at the " + level + (side.empty() ? "" : " " + side);
  }

  const Question& q_;
  const Scene& scene_;
  const LabelTable& labels_;
  std::string_view core_;
};

}  // namespace

std::string find_fault(const Question& question, const Scene& scene, const LabelTable& labels) {
  return Check(question, scene, labels).run();
}

}  // namespace moonbeam::data
