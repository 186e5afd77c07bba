// Which questions a scene is asked: how many of each kind, each from a stream of its own.
#include "data/scenes/questions.h"

#include <algorithm>
#include <array>

#include "data/scenes/caption.h"
#include "data/scenes/noise.h"
#include "data/scenes/question_kinds.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr std::array<std::string_view, kKinds> kNames = {"caption",  "exist",  "count", "colour", "name",
                                                         "relation", "detect", "point", "read",   "premise"};

// Questions that are tried for each one of `most`. They are more than the shares of section 5 where scenes
// often do not allow the question: measured over drawn scenes, see docs/data.md.
constexpr std::array<double, kKinds> kTries = {0.100, 0.195, 0.17,  0.455, 0.084,
                                               0.165, 0.118, 0.067, 0.034, 0.0175};

constexpr double kAbsent = 0.15;  // of detect and point
constexpr std::uint64_t kRepeatSalt = 0x72657065;

/// A stream a kind: a change in one does not shift the others.
Stream kind_stream(const SceneKey& key, Kind kind, Part part) {
  const std::uint64_t salt = (static_cast<std::uint64_t>(kind) + 1) * 0x9e3779b97f4a7c15u;
  return {key.seed ^ salt, static_cast<std::uint64_t>(key.split), key.index, part};
}

/// `expected` rounded up or down, so that it holds on average.
int how_many(double expected, Stream& stream) {
  const int whole = static_cast<int>(expected);
  return whole + (stream.chance(expected - whole) ? 1 : 0);
}

class Sheet {
 public:
  explicit Sheet(std::vector<Question>& out) : out_(out) {}
  /// The same thing asked once more, if in other words.
  bool taken(const Question& question) const {
    return std::any_of(out_.begin(), out_.end(), [&](const Question& other) {
      const bool same = other.kind == question.kind && other.length == question.length;
      // Few things have a colour that can be asked for: each once in each style.
      if (question.kind == Kind::kColour &&
          (other.brief != question.brief || other.targets != question.targets))
        return false;
      const bool places = question.kind == Kind::kName || question.kind == Kind::kRelation;
      return same && (places ? other.plain == question.plain
                             : other.label == question.label && other.colour == question.colour);
    });
  }
  /// Whether there was a question, and it is new.
  bool add(std::optional<Question> question) {
    if (!question || taken(*question)) return false;
    out_.push_back(std::move(*question));
    return true;
  }

 private:
  std::vector<Question>& out_;
};

void add_captions(const Asking& asking, int count, Stream& stream, Sheet& sheet) {
  std::array lengths = {CaptionLength::kShort, CaptionLength::kNormal, CaptionLength::kLong};
  const std::uint32_t first = stream.below(3);
  for (int i = 0; i < std::min(count, 3); ++i) {
    Question question{.kind = Kind::kCaption, .length = lengths[(first + static_cast<std::uint32_t>(i)) % 3]};
    question.answer = caption(asking.scene, asking.labels, question.length, stream);
    question.short_answer = question.sentence = question.answer;
    sheet.add(std::move(question));
  }
}

/// In pairs of a yes and a no: exactly half of the answers are no.
void add_exist(const Asking& asking, double expected, Stream& stream, Sheet& sheet) {
  const int pairs = how_many(expected / 2, stream);
  for (int i = 0; i < pairs; ++i) {
    std::optional<Question> yes = ask_exist(asking, true, stream), no = ask_exist(asking, false, stream);
    if (!yes || !no || sheet.taken(*yes) || sheet.taken(*no)) continue;
    sheet.add(std::move(yes));
    sheet.add(std::move(no));
  }
}

/// Each counted group has one ninth of a question about what is not there: one tenth of the answers is 0.
void add_counts(const Asking& asking, int count, Stream& stream, Sheet& sheet) {
  for (Question& question : ask_counts(asking, count, stream)) {
    sheet.add(std::move(question));
    if (stream.chance(1.0 / 9)) sheet.add(ask_zero(asking, stream));
  }
}

/// Whether the thing is there is drawn first, so that scenes of few things do not ask more for absent ones.
void add_objects(const Asking& asking, Kind kind, Stream& stream, Sheet& sheet) {
  const bool positive = !stream.chance(kAbsent);
  for (int tries = 0; tries < 4; ++tries) {
    if (sheet.add(ask_objects(asking, kind, positive, stream))) return;
  }
}

void add_kind(const Asking& asking, Kind kind, double expected, Stream& stream, Sheet& sheet) {
  if (kind == Kind::kExist) return add_exist(asking, expected, stream, sheet);
  const int count = how_many(expected, stream);
  if (kind == Kind::kCaption) return add_captions(asking, count, stream, sheet);
  if (kind == Kind::kCount) return add_counts(asking, count, stream, sheet);
  for (int i = 0; i < count; ++i) {
    switch (kind) {
      case Kind::kColour:
        sheet.add(ask_colour(asking, stream));
        break;
      case Kind::kName:
        sheet.add(ask_name(asking, stream));
        break;
      case Kind::kRelation:
        sheet.add(ask_relation(asking, stream));
        break;
      case Kind::kRead:
        sheet.add(ask_read(asking, stream));
        break;
      case Kind::kPremise:
        sheet.add(ask_premise(asking, stream));
        break;
      default:
        add_objects(asking, kind, stream, sheet);
    }
  }
}

void add_noise(Question& question, const Scene& scene, const LabelTable& labels, Stream& stream) {
  if (question.kind == Kind::kCaption) return;
  if (question.kind == Kind::kDetect || question.kind == Kind::kPoint) {
    question.noise = add_noun_noise(question.text, stream);
    return;
  }
  std::string deciding =
      "left right above below top bottom leftmost rightmost topmost bottommost middle many number count "
      "color colour yes no ";
  for (const Colour colour : shape_colours()) deciding.append(name(colour)).append(" ");
  std::vector<int> nouns = {question.label};
  for (const int target : question.targets)
    nouns.push_back(scene.objects[static_cast<std::size_t>(target)].label);
  for (const int label : nouns) {
    if (label >= 0) deciding += labels[label].noun + " " + labels[label].plural + " ";
  }
  question.noise = add_user_noise(question.text, deciding, stream);
}

/// Fisher-Yates, so that what is cut off a sequence is not always the same kind.
void shuffle(std::vector<Question>& questions, Stream& stream) {
  for (std::size_t i = questions.size(); i > 1; --i) {
    std::swap(questions[i - 1], questions[stream.below(static_cast<std::uint32_t>(i))]);
  }
}

/// To `most`, from the end. Questions of existence last: they stand in pairs of a yes and a no.
void cut(std::vector<Question>& questions, std::size_t most) {
  for (std::size_t i = questions.size(); i > 0 && questions.size() > most; --i) {
    if (questions[i - 1].kind != Kind::kExist)
      questions.erase(questions.begin() + static_cast<std::ptrdiff_t>(i - 1));
  }
  if (questions.size() > most)
    questions.erase(questions.begin() + static_cast<std::ptrdiff_t>(most), questions.end());
}

}  // namespace

std::string_view name(Kind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

int repeat_for(const SceneKey& key, int max_objects) {
  Stream stream(key.seed ^ kRepeatSalt, static_cast<std::uint64_t>(key.split), key.index, Part::kQuestions);
  return stream.chance(0.4) ? 0 : std::min(stream.between(2, 5), max_objects);
}

std::vector<Question> ask(const Scene& scene, const LabelTable& labels, const QuestionOptions& options) {
  const std::shared_ptr<const AskedThings> things = AskedThings::of(labels, options.classes);
  const Asking asking{scene, labels, *things, visible_in(scene, labels)};
  std::vector<Question> questions;
  Sheet sheet(questions);
  for (int k = 0; k < kKinds; ++k) {
    const auto kind = static_cast<Kind>(k);
    if ((kind == Kind::kCaption && !options.captions) || (kind == Kind::kRead && !options.reading)) continue;
    Stream stream = kind_stream(scene.key, kind, Part::kQuestions);
    add_kind(asking, kind, kTries[static_cast<std::size_t>(k)] * options.most, stream, sheet);
  }
  if (options.noise) {
    for (Question& question : questions) {
      const auto which = static_cast<std::uint64_t>(&question - questions.data());
      Stream stream(scene.key.seed ^ (which << 32), static_cast<std::uint64_t>(scene.key.split),
                    scene.key.index, Part::kNoise);
      add_noise(question, scene, labels, stream);
    }
  }
  Stream order(scene.key.seed, static_cast<std::uint64_t>(scene.key.split), scene.key.index,
               Part::kQuestions);
  shuffle(questions, order);
  cut(questions, static_cast<std::size_t>(std::max(0, options.most)));
  return questions;
}

Box unit_box(const Scene& scene, int object) {
  const PixelBox& box = scene.objects[static_cast<std::size_t>(object)].box;
  const double width = scene.image.width, height = scene.image.height;
  return {box.x_min / width, box.y_min / height, box.x_max / width, box.y_max / height};
}

Point unit_centre(const Scene& scene, int object) {
  const Box box = unit_box(scene, object);
  return {(box.x_min + box.x_max) / 2, (box.y_min + box.y_max) / 2};
}

// Shared by the kinds.

std::vector<int> matching(const Asking& asking, const Asked& asked) {
  std::vector<int> out;
  for (int i = 0; i < static_cast<int>(asking.visible.size()); ++i) {
    const Asked& one = asking.visible[static_cast<std::size_t>(i)];
    if (one.label == asked.label && (!asked.colour || asked.colour == one.colour)) out.push_back(i);
  }
  return out;
}

std::optional<Asked> unique_name(const Asking& asking, int object, Stream& stream) {
  const Asked& one = asking.visible[static_cast<std::size_t>(object)];
  if (ambiguous(one.label, asking.visible, asking.labels)) return std::nullopt;
  const bool by_noun = matching(asking, {one.label}).size() == 1;
  if (one.colour && matching(asking, one).size() == 1 && (!by_noun || stream.chance(0.5))) return one;
  return by_noun ? std::optional<Asked>(Asked{one.label}) : std::nullopt;
}

void finish(Question& question, std::string sentence, std::string brief,
            std::vector<std::string_view> instructions, Stream& stream) {
  question.plain = question.text;
  question.brief = stream.chance(0.5);
  question.answer = question.brief ? brief : sentence;
  question.short_answer = std::move(brief);
  question.sentence = std::move(sentence);
  if (question.brief)
    question.text += instructions[stream.below(static_cast<std::uint32_t>(instructions.size()))];
}

std::string_view pick_form(const std::vector<std::string_view>& forms, Stream& stream) {
  if (forms.size() == 1 || stream.chance(0.5)) return forms[0];
  return forms[1 + stream.below(static_cast<std::uint32_t>(forms.size() - 1))];
}

std::string filled(std::string_view form, std::string_view text) {
  const std::size_t at = form.find("{}");
  std::string out(form.substr(0, at));
  out += text;
  if (at != std::string_view::npos) out += form.substr(at + 2);
  return out;
}

}  // namespace moonbeam::data
