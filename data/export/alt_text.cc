// Alt text as the web has it: 30 % fits, 30 % is partly wrong, 40 % is about something else (data.md 8.1).
// What it is stands below truth/ alone.
#include <array>

#include "data/export/format.h"
#include "data/scenes/caption.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr std::uint64_t kSalt = 0x616c74;
constexpr std::array<std::string_view, 12> kUnrelated = {"Free shipping on orders over 50",
                                                         "header-logo-small",
                                                         "Click to enlarge",
                                                         "Best deals of the week",
                                                         "Share this page",
                                                         "photo of the author",
                                                         "banner 728x90",
                                                         "Home - About - Help",
                                                         "Subscribe to our newsletter",
                                                         "image not available",
                                                         "untitled-1 copy 2",
                                                         "screenshot of the settings page"};
constexpr std::array<std::string_view, 6> kAround = {
    "{}", "Drawing of {}", "{} clip art", "{} - stock picture", "IMG_4182 {}", "cute {} for kids"};

std::vector<ExportFile> files(const SetInfo&) {
  return {json_lines("alttext/alttext.jsonl", 0), json_lines("truth/alttext.jsonl", 1)};
}

std::string around(const std::string& things, Stream& stream) {
  std::string text(kAround[stream.below(kAround.size())]);
  return text.replace(text.find("{}"), 2, things);
}

void add(const SceneRow& row, Lines& out) {
  Stream stream(row.scene.key.seed ^ kSalt, static_cast<std::uint64_t>(row.scene.key.split), row.id(),
                Part::kNarrative);
  const float draw = stream.uniform();
  std::string text, kind = "unrelated", wrong;
  std::vector<std::string> nouns;
  for (const CaptionGroup& group : caption_groups(row.scene, row.labels, false)) {
    const Label& label = row.labels[group.label];
    nouns.push_back(group.objects.size() > 1 ? plural(label, group.colour) : singular(label, group.colour));
  }
  if (draw < 0.6f && !nouns.empty()) {
    kind = "relevant";
    const std::vector<Asked> visible = visible_in(row.scene, row.labels);
    const std::optional<Asked> other = draw >= 0.3f ? row.things.absent(visible, stream) : std::nullopt;
    if (other) {
      kind = "partly wrong";
      wrong = singular(row.labels[other->label], other->colour);
      nouns[stream.below(static_cast<std::uint32_t>(nouns.size()))] = wrong;
    }
    text = around(listed(nouns), stream);
  } else {
    text = kUnrelated[stream.below(kUnrelated.size())];
  }
  add_line(out[0], {{"image_id", row.id()}, {"file_name", row.file}, {"alt", text}});
  add_line(out[1], {{"image_id", row.id()}, {"kind", kind}, {"wrong", wrong}});
}

}  // namespace

const Format kAltText = {"alttext", 2, false, files, add};

}  // namespace moonbeam::data
