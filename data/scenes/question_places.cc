// Questions about where things are: what is leftmost, what is in a corner, what is left of what. Margins keep
// out what a person would argue about.
#include <algorithm>
#include <array>
#include <cmath>

#include "data/scenes/question_kinds.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr double kNameMargin = 0.06;      // of the side: between the outermost thing and the next one
constexpr double kRelationMargin = 0.10;  // of the side: between the centres

int object_count(const Asking& asking) {
  return static_cast<int>(asking.scene.objects.size());
}

/// "dog", "red star": what an object is called when it is the answer.
std::string answer_noun(const Asking& asking, int object, bool with_colour) {
  const SceneObject& one = asking.scene.objects[static_cast<std::size_t>(object)];
  const Label& label = asking.labels[one.label];
  return with_colour && label.shape ? singular(label, one.colour) : label.noun;
}

std::string answer_with_article(const Asking& asking, int object) {
  const SceneObject& one = asking.scene.objects[static_cast<std::size_t>(object)];
  const Label& label = asking.labels[one.label];
  return with_article(label, label.shape ? one.colour : std::nullopt);
}

/// The object that is furthest out, by more than the margin; -1 if two compete.
int outermost(const Asking& asking, bool horizontal, bool low) {
  int best = -1;
  double first = 2, second = 2;
  for (int i = 0; i < object_count(asking); ++i) {
    const Point centre = unit_centre(asking.scene, i);
    const double along = horizontal ? centre.x : centre.y;
    const double rank = low ? along : 1 - along;
    if (rank < first) {
      second = first;
      first = rank;
      best = i;
    } else {
      second = std::min(second, rank);
    }
  }
  return second - first > kNameMargin ? best : -1;
}

/// A part of the picture; an object is in it, out of it, or on its border: then nothing is asked about it.
struct Region {
  std::string_view words;
  double x_min, y_min, x_max, y_max;
};
constexpr std::array kRegions = {
    Region{"top left", 0, 0, 0.40, 0.40},     Region{"top right", 0.60, 0, 1, 0.40},
    Region{"bottom left", 0, 0.60, 0.40, 1},  Region{"bottom right", 0.60, 0.60, 1, 1},
    Region{"middle", 0.36, 0.36, 0.64, 0.64},
};

int only_one_in(const Asking& asking, const Region& region) {
  int found = -1;
  for (int i = 0; i < object_count(asking); ++i) {
    const Point c = unit_centre(asking.scene, i);
    const auto inside = [&](double margin) {
      return c.x > region.x_min - margin && c.x < region.x_max + margin && c.y > region.y_min - margin &&
             c.y < region.y_max + margin;
    };
    if (!inside(kNameMargin)) continue;
    if (!inside(0) || found >= 0) return -1;
    found = i;
  }
  return found;
}

struct Direction {
  std::string_view words, of;  // "left", "left of"
  bool horizontal, low;
};
constexpr std::array kDirections = {
    Direction{"left", "left of", true, true}, Direction{"right", "right of", true, false},
    Direction{"above", "above", false, true}, Direction{"below", "below", false, false}};

/// How far `a` lies from `b` in the direction, in parts of the side.
double towards(const Asking& asking, int a, int b, const Direction& direction) {
  const Point p = unit_centre(asking.scene, a), q = unit_centre(asking.scene, b);
  const double way = direction.horizontal ? q.x - p.x : q.y - p.y;
  return direction.low ? way : -way;
}

/// The only object in the direction, with nothing near the border; -1 if there is none or more.
int only_one_towards(const Asking& asking, int from, const Direction& direction) {
  int found = -1;
  for (int i = 0; i < object_count(asking); ++i) {
    if (i == from) continue;
    const double way = towards(asking, i, from, direction);
    if (way <= -kRelationMargin / 2) continue;
    if (way < kRelationMargin || found >= 0) return -1;
    found = i;
  }
  return found;
}

}  // namespace

std::optional<Question> ask_name(const Asking& asking, Stream& stream) {
  struct Choice {
    std::string text;
    int object;
  };
  constexpr std::string_view kEdges[] = {"leftmost", "rightmost", "topmost", "bottommost"};
  std::vector<Choice> choices;
  for (int edge = 0; edge < 4 && object_count(asking) > 1; ++edge) {
    const int object = outermost(asking, edge < 2, edge % 2 == 0);
    if (object < 0) continue;
    const std::string_view form =
        pick_form({"What is the {} object?", "What is the {} thing?", "Name the {} object."}, stream);
    choices.push_back({filled(form, kEdges[edge]), object});
  }
  for (const Region& region : kRegions) {
    const int object = only_one_in(asking, region);
    if (object < 0) continue;
    const std::string_view form = pick_form(
        {"What is in the {}?", "What is in the {} of the picture?", "What do you see in the {}?"}, stream);
    choices.push_back({filled(form, region.words), object});
  }
  if (choices.empty()) return std::nullopt;
  const Choice& choice = choices[stream.below(static_cast<std::uint32_t>(choices.size()))];
  const SceneObject& object = asking.scene.objects[static_cast<std::size_t>(choice.object)];
  Question question{
      .kind = Kind::kName, .text = choice.text, .targets = {choice.object}, .label = object.label};
  const Label& label = asking.labels[object.label];
  const std::string it = plural_only(label) ? "They are " : "It is ";
  const std::string noun = plural_only(label) ? label.noun : answer_with_article(asking, choice.object);
  finish(question, it + noun + ".", answer_noun(asking, choice.object, false),
         {" Answer briefly.", " Answer with one word.", "\nAnswer with a single word or phrase.",
          " Name it only."},
         stream);
  return question;
}

namespace {

constexpr double kWhichSide = 0.65;  // of the relations; the others ask what is there

std::string which_side_text(const Asking& asking, const Asked& a, const Asked& b, bool horizontal,
                            Stream& stream) {
  const Label& first = asking.labels[a.label];
  const std::string_view form =
      horizontal ? pick_form({"left or right of", "to the left or to the right of"}, stream)
                 : pick_form({"above or below"}, stream);
  return capitalised(std::string(verb(first))) + " the " + singular(first, a.colour) + " " +
         std::string(form) + " the " + singular(asking.labels[b.label], b.colour) + "?";
}

std::string what_is_text(const Asking& asking, const Asked& from, const Direction& direction) {
  return "What is " + std::string(direction.of) + " the " + singular(asking.labels[from.label], from.colour) +
         "?";
}

/// "Is the dog left or right of the cup?"
std::optional<Question> ask_which_side(const Asking& asking, Stream& stream) {
  const Direction& wanted = kDirections[stream.below(4)];  // each answer as often as the others
  struct Pair {
    int a, b;
    Asked a_name, b_name;
  };
  std::vector<Pair> pairs;
  for (int a = 0; a < object_count(asking); ++a) {
    for (int b = 0; b < object_count(asking); ++b) {
      if (a == b || towards(asking, a, b, wanted) < kRelationMargin) continue;
      const std::optional<Asked> a_name = unique_name(asking, a, stream),
                                 b_name = unique_name(asking, b, stream);
      if (a_name && b_name) pairs.push_back({a, b, *a_name, *b_name});
    }
  }
  if (pairs.empty()) return std::nullopt;
  const Pair& pair = pairs[stream.below(static_cast<std::uint32_t>(pairs.size()))];
  const std::string a = "the " + singular(asking.labels[pair.a_name.label], pair.a_name.colour);
  const std::string b = "the " + singular(asking.labels[pair.b_name.label], pair.b_name.colour);
  const std::string is(verb(asking.labels[pair.a_name.label]));
  Question question{.kind = Kind::kRelation, .targets = {pair.a, pair.b}};
  question.text = which_side_text(asking, pair.a_name, pair.b_name, wanted.horizontal, stream);
  finish(question, capitalised(a) + " " + is + " " + std::string(wanted.of) + " " + b + ".",
         std::string(wanted.words),
         {" Answer briefly.", " Answer with one word.", "\nAnswer with a single word or phrase."}, stream);
  return question;
}

/// "What is above the cup?"
std::optional<Question> ask_what_is_there(const Asking& asking, Stream& stream) {
  const Direction& wanted = kDirections[stream.below(4)];
  struct Pair {
    int object, from;
    Asked name;
  };
  std::vector<Pair> pairs;
  for (int from = 0; from < object_count(asking); ++from) {
    const int object = only_one_towards(asking, from, wanted);
    const std::optional<Asked> from_name = unique_name(asking, from, stream);
    if (object >= 0 && from_name) pairs.push_back({object, from, *from_name});
  }
  if (pairs.empty()) return std::nullopt;
  const Pair& pair = pairs[stream.below(static_cast<std::uint32_t>(pairs.size()))];
  const SceneObject& object = asking.scene.objects[static_cast<std::size_t>(pair.object)];
  const std::string there =
      std::string(wanted.of) + " the " + singular(asking.labels[pair.name.label], pair.name.colour);
  Question question{.kind = Kind::kRelation, .targets = {pair.object, pair.from}, .label = object.label};
  question.text = what_is_text(asking, pair.name, wanted);
  finish(question,
         capitalised(answer_with_article(asking, pair.object)) + " " +
             std::string(verb(asking.labels[object.label])) + " " + there + ".",
         answer_noun(asking, pair.object, false),
         {" Answer briefly.", " Answer with one word.", "\nAnswer with a single word or phrase."}, stream);
  return question;
}

}  // namespace

std::optional<Question> ask_relation(const Asking& asking, Stream& stream) {
  if (stream.chance(1 - kWhichSide)) return ask_what_is_there(asking, stream);
  return ask_which_side(asking, stream);
}

std::string ask_relation_of(const Asking& asking, const Asked& absent, Stream& stream) {
  const Direction& direction = kDirections[stream.below(4)];
  std::vector<Asked> others;
  for (int i = 0; i < object_count(asking); ++i) {
    if (const std::optional<Asked> other = unique_name(asking, i, stream)) others.push_back(*other);
  }
  if (others.empty() || stream.chance(1 - kWhichSide)) return what_is_text(asking, absent, direction);
  const Asked& other = others[stream.below(static_cast<std::uint32_t>(others.size()))];
  return stream.chance(0.5) ? which_side_text(asking, absent, other, direction.horizontal, stream)
                            : which_side_text(asking, other, absent, direction.horizontal, stream);
}

}  // namespace moonbeam::data
