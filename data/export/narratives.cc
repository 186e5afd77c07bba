// Localized Narratives: spoken-like text, timed words, and mouse traces over what is spoken of (data.md 2.7).
#include <algorithm>
#include <array>
#include <optional>

#include "data/export/format.h"
#include "data/scenes/caption.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr double kRate = 30;  // trace points a second
constexpr std::uint64_t kSalt = 0x6e617272;
constexpr int kRows = 0, kMistakes = 1;

// Noise model of data.md 8.1, odds a word or a thing.
constexpr double kFiller = 0.06, kDropArticle = 0.10, kHomophone = 0.5, kRepeatWord = 0.03,
                 kWrongColour = 0.03, kPhantom = 0.02;
constexpr double kShift = 0.5;  // seconds
constexpr std::array<std::string_view, 5> kFillers = {"um", "uh", "okay", "so", "like"};
struct Homophone {
  std::string_view word, other;
};
constexpr Homophone kHomophones[] = {
    {"bear", "bare"},  {"pear", "pair"},    {"sail", "sale"},   {"deer", "dear"},   {"hare", "hair"},
    {"bee", "be"},     {"flower", "flour"}, {"plane", "plain"}, {"sun", "son"},     {"whale", "wail"},
    {"bread", "bred"}, {"key", "quay"},     {"see", "sea"},     {"there", "their"}, {"red", "read"},
    {"blue", "blew"},  {"right", "write"},  {"two", "too"}};

/// Words that are spoken in one breath; `objects` is what the pointer goes over meanwhile.
struct Utterance {
  std::string text;
  std::vector<int> objects = {};
};

class Narrator {
 public:
  Narrator(const SceneRow& row, bool noisy)
      : row_(row),
        noisy_(noisy),
        stream_(row.scene.key.seed ^ kSalt, static_cast<std::uint64_t>(row.scene.key.split), row.id(),
                Part::kNarrative) {}

  void tell(Lines& out) {
    write_text();
    Json timed = Json::array(), traces = Json::array();
    std::string caption;
    double time = rounded(0.2 + 0.4 * stream_.uniform(), 2);
    for (const Utterance& one : spoken_) {
      const double end = time + duration(one.text);
      // The recogniser's clock and the pointer's drift apart in noisy sets.
      const double shift = noisy_ ? kShift * (2.0 * stream_.uniform() - 1) : 0;
      timed.push_back({{"utterance", one.text},
                       {"start_time", rounded(std::max(0.0, time + shift), 2)},
                       {"end_time", rounded(std::max(0.0, end + shift), 2)}});
      for (const int object : one.objects) {
        traces.push_back(trace(object, time, end, one.objects.size()));
      }
      caption += (caption.empty() || one.text == "." ? "" : " ") + one.text;
      time = end;
    }
    add_line(out[kRows], {{"dataset_id", "moonscenes_" + std::string(name(row_.scene.key.split))},
                          {"image_id", std::to_string(row_.id())},
                          {"annotator_id", static_cast<int>(row_.id() % 97)},
                          {"caption", caption},
                          {"timed_caption", timed},
                          {"traces", traces}});
    if (noisy_) add_line(out[kMistakes], {{"image_id", std::to_string(row_.id())}, {"mistakes", mistakes_}});
  }

 private:
  void write_text() {
    constexpr std::array<std::string_view, 4> kOpenings = {
        "In this image we can see", "In this picture there is", "This is an image where we can see",
        "Here we can see"};
    say_words(std::string(kOpenings[stream_.below(kOpenings.size())]));
    const std::vector<CaptionGroup> groups = caption_groups(row_.scene, row_.labels, false);
    if (groups.empty()) say_words("nothing");
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (i > 0) say_words(i + 1 == groups.size() ? "and" : "");
      say_group(groups[i]);
      if (noisy_ && stream_.chance(kPhantom)) say_phantom();
    }
    if (!row_.scene.background.empty()) say_words("on a " + row_.scene.background + " background");
    spoken_.back().text += ".";
  }

  void say_group(const CaptionGroup& group) {
    std::optional<Colour> colour = group.colour;
    const Label& label = row_.labels[group.label];
    if (noisy_ && colour && stream_.chance(kWrongColour)) {
      const std::span<const Colour> all = shape_colours();
      const Colour other = all[stream_.below(static_cast<std::uint32_t>(all.size()))];
      if (other != *colour) {
        mistakes_.push_back(
            {{"kind", "wrong colour"}, {"said", name(other)}, {"true", name(*colour)}, {"noun", label.noun}});
        colour = other;
      }
    }
    std::string text = counted(label, colour, static_cast<int>(group.objects.size()));
    if (noisy_) text = misheard(text);
    spoken_.push_back({text, group.objects});
    if (group.objects.size() == 1) {
      say_words(std::string(place_across(unit_centre(row_.scene, group.objects[0]).x)));
    }
  }

  void say_phantom() {
    const std::vector<Asked> visible = visible_in(row_.scene, row_.labels);
    const std::optional<Asked> phantom = row_.things.absent(visible, stream_);
    if (!phantom) return;
    mistakes_.push_back({{"kind", "phantom"}, {"noun", row_.labels[phantom->label].noun}});
    say_words("and");
    spoken_.push_back({with_article(row_.labels[phantom->label], phantom->colour)});
  }

  /// One utterance a word.
  void say_words(std::string text) {
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = std::min(text.find(' ', start), text.size());
      std::string word = text.substr(start, end - start);
      if (noisy_ && stream_.chance(kFiller))
        spoken_.push_back({std::string(kFillers[stream_.below(kFillers.size())])});
      if (noisy_) word = misheard(word);
      if (!word.empty()) {
        spoken_.push_back({word});
        if (noisy_ && stream_.chance(kRepeatWord)) spoken_.push_back({word});
      }
      start = end + 1;
    }
  }

  /// Articles dropped, words of the same sound.
  std::string misheard(const std::string& text) {
    std::string out;
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = std::min(text.find(' ', start), text.size());
      std::string word = text.substr(start, end - start);
      start = end + 1;
      const bool article = word == "a" || word == "an" || word == "the";
      if (article && stream_.chance(kDropArticle)) continue;
      for (const Homophone& pair : kHomophones) {
        if (word != pair.word || !stream_.chance(kHomophone)) continue;
        mistakes_.push_back({{"kind", "homophone"}, {"said", pair.other}, {"true", pair.word}});
        word = pair.other;
        break;
      }
      out += (out.empty() ? "" : " ") + word;
    }
    return out;
  }

  double duration(const std::string& text) {
    return rounded(0.12 + 0.055 * static_cast<double>(text.size()) + 0.1 * stream_.uniform(), 2);
  }

  /// A smoothed random walk over the object while it is spoken of; several share the time.
  Json trace(int object, double start, double end, std::size_t sharing) {
    const Box box = unit_box(row_.scene, object);
    const double share = (end - start + 0.6) / static_cast<double>(sharing);
    const int points = std::max(8, static_cast<int>(share * kRate));
    Json out = Json::array();
    double x = (box.x_min + box.x_max) / 2, y = (box.y_min + box.y_max) / 2, goal_x = x, goal_y = y;
    for (int i = 0; i < points; ++i) {
      if (i % 5 == 0) {
        goal_x = box.x_min + (box.x_max - box.x_min) * (1.16 * stream_.uniform() - 0.08);
        goal_y = box.y_min + (box.y_max - box.y_min) * (1.16 * stream_.uniform() - 0.08);
      }
      x += (goal_x - x) * 0.3;
      y += (goal_y - y) * 0.3;
      out.push_back({{"x", rounded(x, 4)},
                     {"y", rounded(y, 4)},
                     {"t", rounded(std::max(0.0, start - 0.3) + i / kRate, 3)}});
    }
    return out;
  }

  const SceneRow& row_;
  bool noisy_;
  Stream stream_;
  std::vector<Utterance> spoken_;
  Json mistakes_ = Json::array();
};

std::vector<ExportFile> files(const SetInfo& set) {
  ExportFile mistakes = json_lines("narratives/mistakes.jsonl", kMistakes);
  mistakes.twin = false;
  return {json_lines("narratives/" + std::string(name(set.split)) + "_localized_narratives.jsonl", kRows),
          mistakes};
}

void add(const SceneRow& row, Lines& out) {
  Narrator(row, row.noisy).tell(out);
}

}  // namespace

const Format kNarratives = {"narratives", 2, true, files, add};

}  // namespace moonbeam::data
