// POPE: of pictures with three different things, three questions with yes, each followed by one with no; a
// file for each way of choosing what is not there (data.md 2.18, 3.5).
#include <algorithm>
#include <array>

#include "data/export/format.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr std::array<std::string_view, 3> kWays = {"random", "popular", "adversarial"};
constexpr std::uint64_t kMostOfImage = 10, kSalt = 0x706f7065;
constexpr std::size_t kPositives = 3;

std::vector<ExportFile> files(const SetInfo&) {
  std::vector<ExportFile> out;
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    out.push_back(
        json_lines("pope/moonscenes_pope_" + std::string(kWays[way]) + ".json", static_cast<int>(way)));
  }
  return out;
}

void add(const SceneRow& row, Lines& out) {
  std::vector<Asked> whole;  // without colours: POPE asks for classes
  for (const SceneObject& object : row.scene.objects) {
    if (std::find(whole.begin(), whole.end(), Asked{object.label}) == whole.end())
      whole.push_back({object.label});
  }
  if (whole.size() < kPositives) return;
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    Stream stream(row.scene.key.seed ^ kSalt, static_cast<std::uint64_t>(row.scene.key.split),
                  row.id() * kWays.size() + way, Part::kQuestions);
    std::uint64_t number = 0;
    std::vector<int> used;
    const auto ask_about = [&](int label, std::string_view answer) {
      add_line(out[way], {{"question_id", row.id() * kMostOfImage + ++number},
                          {"image", row.file},
                          {"text", "Is there " + with_article(row.labels[label]) + " in the image?"},
                          {"label", answer}});
    };
    for (std::size_t i = 0; i < kPositives; ++i) {
      std::optional<Asked> absent;
      for (int tries = 0; tries < 20; ++tries) {
        // The confusable one belongs to this very thing.
        const std::span<const Asked> beside =
            way == 2 ? std::span(whole).subspan(i, 1) : std::span<const Asked>(whole);
        absent = row.things.absent_by(static_cast<AskedThings::Way>(way), beside, stream);
        const bool fair = absent && fairly_absent({absent->label}, whole, row.labels) &&
                          std::find(used.begin(), used.end(), absent->label) == used.end();
        if (fair) break;
        absent.reset();
      }
      if (!absent) continue;
      used.push_back(absent->label);
      ask_about(whole[i].label, "yes");
      ask_about(absent->label, "no");
    }
  }
}

}  // namespace

const Format kPope = {"pope", 3, false, files, add};

}  // namespace moonbeam::data
