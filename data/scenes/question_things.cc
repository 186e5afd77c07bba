// Questions about what there is: exist, count, colour, detect and point, read, false premises.
#include <algorithm>
#include <array>

#include "data/scenes/question_kinds.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

// Odds that a group of 1 .. 5 equal things is counted, so that the answers are flat over scenes that were
// drawn with repeat_for(): measured there, see docs/data.md.
constexpr std::array kCountOdds = {0.117, 0.905, 0.98, 0.965, 1.0};
// Odds that a thing of a colour is asked for it, in the order of Colour, so that the answers are flat: what
// is repainted is blue more often than black. Too few drawings are gray.
constexpr std::array<double, kColours> kColourOdds = {0.385, 0.44, 0.26, 0.60, 0.59, 0.50,
                                                      0.455, 0.82, 1,    0.84, 0};
constexpr double kOutermost = 0.06;  // of the width: between the leftmost one and the next of its kind

constexpr std::string_view kBrief[] = {" Answer briefly.", " Answer with one word.",
                                       "\nAnswer with a single word or phrase.", " Short answer."};

std::vector<std::string_view> instructions(std::string_view own = {}, std::string_view other = {}) {
  std::vector<std::string_view> out(std::begin(kBrief), std::end(kBrief));
  for (const std::string_view one : {own, other}) {
    if (!one.empty()) out.push_back(one);
  }
  return out;
}

}  // namespace

std::optional<Question> ask_exist(const Asking& asking, bool positive, Stream& stream) {
  const std::optional<Asked> asked =
      positive ? asking.things.present(asking.visible, stream) : asking.things.absent(asking.visible, stream);
  if (!asked) return std::nullopt;
  const Label& label = asking.labels[asked->label];
  const std::string one = with_article(label, asked->colour), many = plural(label, asked->colour);
  const std::string is = plural_only(label) ? "Are" : "Is";
  const std::vector<std::string> forms = {
      is + " there " + one + "?", is + " there " + one + " in the picture?", "Do you see " + one + "?",
      "Can you see " + one + " in the image?", "Are there any " + many + "?"};
  Question question{
      .kind = Kind::kExist, .positive = positive, .label = asked->label, .colour = asked->colour};
  question.text = forms[stream.chance(0.5) ? 0 : 1 + stream.below(4)];
  if (positive) question.targets = matching(asking, *asked);
  const std::string there = "there " + std::string(verb(label)) + " ";
  finish(
      question,
      positive ? "Yes, " + there + one + "." : "No, " + there + "no " + singular(label, asked->colour) + ".",
      positive ? "yes" : "no", instructions(" Answer yes or no.", "\nAnswer with yes or no."), stream);
  return question;
}

namespace {

Question count_question(const Asking& asking, const Asked& asked, int count, Stream& stream) {
  const Label& label = asking.labels[asked.label];
  const std::string many = plural(label, asked.colour);
  Question question{
      .kind = Kind::kCount, .positive = count > 0, .label = asked.label, .colour = asked.colour};
  question.text = filled(pick_form({"How many {} are there?", "How many {} are in the picture?",
                                    "How many {} do you see?", "What is the number of {}?", "Count the {}."},
                                   stream),
                         many);
  question.targets = matching(asking, asked);
  const std::string there = count == 1
                                ? "There is 1 " + singular(label, asked.colour)
                                : "There are " + (count == 0 ? "no" : std::to_string(count)) + " " + many;
  finish(question, there + ".", std::to_string(count),
         instructions(" Answer with a number.", "\nAnswer with a bare number."), stream);
  return question;
}

}  // namespace

std::vector<Question> ask_counts(const Asking& asking, int most, Stream& stream) {
  std::vector<Question> out;
  std::vector<int> seen;
  for (const Asked& one : asking.visible) {
    if (std::find(seen.begin(), seen.end(), one.label) != seen.end()) continue;
    seen.push_back(one.label);
    Asked asked{one.label};
    if (one.colour && stream.chance(0.3)) asked.colour = one.colour;
    if (uncounted(asking.labels[asked.label]) || ambiguous(asked.label, asking.visible, asking.labels))
      continue;
    const std::size_t count = matching(asking, asked).size();
    const bool wanted = count <= kCountOdds.size() && stream.chance(kCountOdds[count - 1]);
    if (wanted && static_cast<int>(out.size()) < most) {
      out.push_back(count_question(asking, asked, static_cast<int>(count), stream));
    }
  }
  return out;
}

std::optional<Question> ask_zero(const Asking& asking, Stream& stream) {
  for (int tries = 0; tries < 8; ++tries) {
    const std::optional<Asked> asked = asking.things.absent(asking.visible, stream);
    if (asked && !uncounted(asking.labels[asked->label])) return count_question(asking, *asked, 0, stream);
  }
  return std::nullopt;
}

namespace {

constexpr std::array<std::string_view, 4> kColourForms = {"What color is the {}?",
                                                          "What is the color of the {}?",
                                                          "What colour is the {}?", "Which color is the {}?"};

std::string colour_text(const Label& label, const std::string& noun, Stream& stream) {
  std::string text = filled(pick_form({kColourForms.begin(), kColourForms.end()}, stream), noun);
  const std::size_t is = text.find(" is the " + noun);
  if (plural_only(label) && is != std::string::npos) text.replace(is, 3, " are");
  return text;
}

/// "star" where there is one, "leftmost star" where it is that by a margin, else nothing.
std::optional<std::string> name_for_colour(const Asking& asking, int object) {
  const int label = asking.visible[static_cast<std::size_t>(object)].label;
  const double x = unit_centre(asking.scene, object).x;
  double left = 1, right = 1;  // how far the next one is on either side; negative: it is further out
  for (const int other : matching(asking, {label})) {
    if (other == object) continue;
    const double gap = unit_centre(asking.scene, other).x - x;
    left = std::min(left, gap);
    right = std::min(right, -gap);
  }
  const std::string& noun = asking.labels[label].noun;
  if (left == 1 && right == 1) return noun;
  if (left > kOutermost) return "leftmost " + noun;
  if (right > kOutermost) return "rightmost " + noun;
  return std::nullopt;
}

}  // namespace

std::optional<Question> ask_colour(const Asking& asking, Stream& stream) {
  std::vector<int> accepted;
  for (int i = 0; i < static_cast<int>(asking.scene.objects.size()); ++i) {
    const SceneObject& object = asking.scene.objects[static_cast<std::size_t>(i)];
    // Drawings that are never repainted give their colour away by their noun.
    const Label& candidate = asking.labels[object.label];
    if (!object.colour || (!candidate.shape && candidate.colours.empty())) continue;
    if (!name_for_colour(asking, i) || ambiguous(object.label, asking.visible, asking.labels)) continue;
    if (stream.chance(kColourOdds[static_cast<std::size_t>(*object.colour)])) accepted.push_back(i);
  }
  if (accepted.empty()) return std::nullopt;
  const int target = accepted[stream.below(static_cast<std::uint32_t>(accepted.size()))];
  const SceneObject& object = asking.scene.objects[static_cast<std::size_t>(target)];
  const Label& label = asking.labels[object.label];
  const std::string noun = *name_for_colour(asking, target), colour(name(*object.colour));
  Question question{.kind = Kind::kColour, .targets = {target}, .label = object.label};
  question.text = colour_text(label, noun, stream);
  finish(question, "The " + noun + " " + std::string(verb(label)) + " " + colour + ".", colour,
         instructions(" Name the color only."), stream);
  return question;
}

std::optional<Question> ask_objects(const Asking& asking, Kind kind, bool positive, Stream& stream) {
  const std::optional<Asked> asked =
      positive ? asking.things.present(asking.visible, stream) : asking.things.absent(asking.visible, stream);
  if (!asked) return std::nullopt;
  const Label& label = asking.labels[asked->label];
  Question question{.kind = kind, .positive = positive, .label = asked->label, .colour = asked->colour};
  question.text = stream.chance(0.25) ? plural(label, asked->colour) : singular(label, asked->colour);
  question.plain = question.text;
  question.targets = matching(asking, *asked);
  return question;
}

std::optional<Question> ask_read(const Asking& asking, Stream& stream) {
  std::vector<int> signs;
  for (int i = 0; i < static_cast<int>(asking.scene.objects.size()); ++i) {
    if (!asking.scene.objects[static_cast<std::size_t>(i)].text.empty()) signs.push_back(i);
  }
  if (signs.size() != 1) return std::nullopt;
  const std::string& text = asking.scene.objects[static_cast<std::size_t>(signs[0])].text;
  Question question{.kind = Kind::kRead, .targets = signs};
  question.text = pick_form({"What does the sign say?", "What is written on the sign?", "Read the text.",
                             "What is the text in the picture?"},
                            stream);
  finish(question, "The sign says \"" + text + "\".", text, {" Answer briefly.", " Only the text."}, stream);
  return question;
}

std::optional<Question> ask_premise(const Asking& asking, Stream& stream) {
  const std::optional<Asked> asked = asking.things.absent(asking.visible, stream);
  if (!asked) return std::nullopt;
  const Label& label = asking.labels[asked->label];
  Question question{
      .kind = Kind::kPremise, .positive = false, .label = asked->label, .colour = asked->colour};
  // In the forms, and about the nouns, of questions that have an answer where the thing is there: the words
  // must not tell.
  if ((label.shape || !label.colours.empty()) && !asked->colour && stream.chance(0.6)) {
    question.text = colour_text(label, label.noun, stream);
  } else {
    question.text = ask_relation_of(asking, *asked, stream);
  }
  const std::string answer = denial(label, asked->colour) + ".";
  finish(question, answer, answer, instructions(), stream);
  return question;
}

}  // namespace moonbeam::data
