#include "data/scenes/labels.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "base/file.h"

namespace moonbeam::data {

namespace {

constexpr std::array<std::string_view, kColours> kColourNames = {
    "red", "green", "blue", "yellow", "orange", "purple", "pink", "white", "black", "brown", "gray"};

constexpr std::string_view kHeader =
    "noun\tplural\tarticle\tcategory\tgroup\tslugs\tcolours\tparents\talike\tconfusable\tflags";
constexpr std::size_t kFields = 11;
constexpr std::size_t kMostBytes = std::size_t{4} << 20;
constexpr int kMostLabels = 4096;

constexpr std::uint8_t kRelated = 1, kConfusable = 2;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0;;) {
    const std::size_t end = text.find(separator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

/// A cell that holds a list; "-" is none.
std::vector<std::string> list(std::string_view cell) {
  if (cell == "-") return {};
  std::vector<std::string> out;
  for (const std::string_view part : split(cell, ',')) out.emplace_back(part);
  return out;
}

/// Where a message is about.
struct Place {
  const std::string& path;
  int line;

  template <typename... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    base::fail(ErrorCode::kCorrupt, path, ": line ", line, ": ", parts...);
  }
};

std::vector<Colour> parse_colours(std::string_view cell, const Place& place) {
  if (cell == "any") {
    return {Colour::kRed,    Colour::kGreen,  Colour::kBlue, Colour::kYellow,
            Colour::kOrange, Colour::kPurple, Colour::kPink};
  }
  std::vector<Colour> out;
  for (const std::string& word : list(cell)) {
    const std::optional<Colour> colour = find_colour(word);
    if (!colour) place.fail("expected basic colours, 'any' or '-', got '", base::printable(word), "'");
    out.push_back(*colour);
  }
  return out;
}

Label parse_row(std::string_view line, const Place& place) {
  const std::vector<std::string_view> cells = split(line, '\t');
  if (cells.size() != kFields) place.fail("expected ", kFields, " fields, got ", cells.size());
  for (const std::string_view cell : cells) {
    if (cell.empty()) place.fail("empty field; '-' stands for none");
    if (!base::is_valid_utf8(cell)) place.fail("not UTF-8");
  }
  Label label;
  label.noun = cells[0];
  label.plural = cells[1];
  label.article = cells[2];
  if (label.article != "a" && label.article != "an" && label.article != "some") {
    place.fail("expected article a, an or some, got '", base::printable(label.article), "'");
  }
  label.category = cells[3];
  label.group = cells[4];
  label.slugs = list(cells[5]);
  label.colours = parse_colours(cells[6], place);
  label.parents = list(cells[7]);
  label.alike = list(cells[8]);
  label.confusable = list(cells[9]);
  for (const std::string& flag : list(cells[10])) {
    if (flag != "text") place.fail("expected flag 'text', got '", base::printable(flag), "'");
    label.letters = true;
  }
  return label;
}

struct ShapeRow {
  std::string_view noun, plural;
  std::string_view alike;
};
// The order is part of the data's definition, and that of shapes.cc.
constexpr ShapeRow kShapeRows[] = {
    {"circle", "circles", ""}, {"square", "squares", "diamond"},  {"triangle", "triangles", ""},
    {"star", "stars", ""},     {"diamond", "diamonds", "square"}, {"cross", "crosses", ""},
    {"heart", "hearts", ""},   {"arrow", "arrows", ""},
};

Label own_label(std::string_view noun, std::string_view plural, std::string_view category) {
  Label label;
  label.noun = noun;
  label.plural = plural;
  label.article = noun == "arrow" ? "an" : "a";
  label.category = category;
  label.parents = {std::string(category)};
  label.group = category;
  return label;
}

}  // namespace

std::string_view name(Colour colour) {
  return kColourNames[static_cast<std::size_t>(colour)];
}

std::optional<Colour> find_colour(std::string_view text) {
  const auto at = std::find(kColourNames.begin(), kColourNames.end(), text);
  if (at == kColourNames.end()) return std::nullopt;
  return static_cast<Colour>(at - kColourNames.begin());
}

bool Label::shown_by(std::string_view set, std::string_view slug) const {
  bool shown = false;
  for (const std::string& entry : slugs) {
    std::string_view rest = entry;
    const bool excludes = rest.starts_with('!');
    if (excludes) rest.remove_prefix(1);
    const std::size_t colon = rest.find(':');
    if (colon != std::string_view::npos && rest.substr(0, colon) != set) continue;
    if (rest.substr(colon == std::string_view::npos ? 0 : colon + 1) != slug) continue;
    if (excludes) return false;
    shown = true;
  }
  return shown;
}

LabelTable LabelTable::load(const std::filesystem::path& tsv) {
  const std::string path = tsv.string();
  const std::string text = base::read_file(path, kMostBytes);
  LabelTable table;
  std::vector<int> lines;  // of each label; 0 for our own
  for (const ShapeRow& row : kShapeRows) {
    table.labels_.push_back(own_label(row.noun, row.plural, "shape"));
    table.labels_.back().shape = true;
    table.labels_.back().alike = row.alike.empty() ? std::vector<std::string>{} : list(row.alike);
    table.labels_.back().confusable = table.labels_.back().alike;
    lines.push_back(0);
  }
  table.shapes_ = table.size();

  int line_number = 0;
  bool header = false;
  for (const std::string_view line : split(text, '\n')) {
    const Place place{path, ++line_number};
    if (line.empty() || line.starts_with('#')) continue;
    if (!header) {
      if (line != kHeader) place.fail("expected the header line that starts with noun, plural, article");
      header = true;
      continue;
    }
    table.labels_.push_back(parse_row(line, place));
    lines.push_back(line_number);
    if (table.size() > kMostLabels) place.fail("more than ", kMostLabels, " labels");
  }
  if (table.size() == table.shapes_) base::fail(ErrorCode::kCorrupt, path, ": no labels");
  table.labels_.push_back(own_label("sign", "signs", "sign"));
  lines.push_back(0);

  for (int id = 0; id < table.size(); ++id) {
    const Label& label = table[id];
    const Place place{path, lines[static_cast<std::size_t>(id)]};
    if (!table.ids_.emplace(label.noun, id).second) place.fail("'", base::printable(label.noun), "' twice");
    const auto [at, is_new] = table.ids_.emplace(label.plural, id);
    if (!is_new && at->second != id) place.fail("'", base::printable(label.plural), "' twice");
  }
  const auto mark = [&](int a, int b, std::uint8_t bit) {
    const auto n = static_cast<std::size_t>(table.size());
    table.relations_[static_cast<std::size_t>(a) * n + static_cast<std::size_t>(b)] |= bit;
    table.relations_[static_cast<std::size_t>(b) * n + static_cast<std::size_t>(a)] |= bit;
  };
  table.relations_.assign(static_cast<std::size_t>(table.size()) * static_cast<std::size_t>(table.size()), 0);
  for (int id = 0; id < table.size(); ++id) {
    const Place place{path, lines[static_cast<std::size_t>(id)]};
    mark(id, id, kRelated);
    const auto mark_all = [&](const std::vector<std::string>& nouns, std::string_view column,
                              std::uint8_t bit) {
      for (const std::string& noun : nouns) {
        const auto at = table.ids_.find(noun);
        if (at == table.ids_.end()) place.fail(column, ": '", base::printable(noun), "' is no label");
        mark(id, at->second, bit);
      }
    };
    mark_all(table[id].alike, "alike", kRelated);
    mark_all(table[id].confusable, "confusable", kConfusable);
    // Parents that are labels, and theirs: dog -> animal is a word alone, sailboat -> boat -> vehicle is not.
    std::vector<std::string> waiting = table[id].parents;
    std::set<std::string, std::less<>> seen;
    while (!waiting.empty()) {
      const std::string parent = std::move(waiting.back());
      waiting.pop_back();
      if (!seen.insert(parent).second) continue;
      const auto at = table.ids_.find(parent);
      if (at == table.ids_.end()) continue;
      mark(id, at->second, kRelated);
      const std::vector<std::string>& above = table[at->second].parents;
      waiting.insert(waiting.end(), above.begin(), above.end());
    }
  }
  return table;
}

std::optional<int> LabelTable::find(std::string_view noun_or_plural) const {
  const auto at = ids_.find(noun_or_plural);
  if (at == ids_.end()) return std::nullopt;
  return at->second;
}

bool LabelTable::related(int a, int b) const {
  return (relations_[static_cast<std::size_t>(a) * labels_.size() + static_cast<std::size_t>(b)] &
          kRelated) != 0;
}

bool LabelTable::confusable(int a, int b) const {
  return (relations_[static_cast<std::size_t>(a) * labels_.size() + static_cast<std::size_t>(b)] &
          kConfusable) != 0;
}

}  // namespace moonbeam::data
