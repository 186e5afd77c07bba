#include "data/export/sheet.h"

#include <moonbeam/draw.h>

#include <algorithm>

#include "image/font.h"

namespace moonbeam::data {

namespace {

constexpr int kLines = 6, kLineHeight = image::kGlyphHeight + 3, kGap = 8;
constexpr std::uint8_t kPaper = 250, kInk = 20;

void draw_text(Image& sheet, int x, int y, std::string_view text) {
  for (const char c : text) {
    const image::Glyph& glyph = image::glyph(static_cast<unsigned char>(c));
    for (int row = 0; row < image::kGlyphHeight; ++row) {
      for (int column = 0; column < image::kGlyphWidth; ++column) {
        const bool ink = (glyph[static_cast<std::size_t>(row)] >> (image::kGlyphWidth - 1 - column)) & 1;
        const int px = x + column, py = y + row;
        if (!ink || px < 0 || py < 0 || px >= sheet.width || py >= sheet.height) continue;
        const std::size_t at = (static_cast<std::size_t>(py) * sheet.width + px) * 3;
        std::fill_n(sheet.pixels.begin() + static_cast<std::ptrdiff_t>(at), 3, kInk);
      }
    }
    x += image::kGlyphAdvance;
  }
}

/// Lines of at most `most` characters, broken at spaces.
std::vector<std::string> wrapped(const std::string& text, std::size_t most) {
  std::vector<std::string> lines(1);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", start), text.size());
    const std::string word = text.substr(start, end - start);
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > most) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
    start = end + 1;
  }
  return lines;
}

Image with_boxes(const Scene& scene, const LabelTable& labels) {
  Image picture = scene.image;
  for (int i = 0; i < static_cast<int>(scene.objects.size()); ++i) {
    const SceneObject& object = scene.objects[static_cast<std::size_t>(i)];
    std::string label = labels[object.label].noun;
    if (object.colour) label = std::string(name(*object.colour)) + " " + label;
    const Box box = unit_box(scene, i);
    draw_boxes(picture, std::span(&box, 1), label);
  }
  return picture;
}

void paste(Image& sheet, const Image& picture, int x, int y) {
  for (int row = 0; row < picture.height; ++row) {
    const auto from = picture.pixels.begin() + static_cast<std::ptrdiff_t>(row) * picture.width * 3;
    std::copy_n(from, picture.width * 3,
                sheet.pixels.begin() + (static_cast<std::ptrdiff_t>(y + row) * sheet.width + x) * 3);
  }
}

/// A question of another kind in each cell, as far as the scene has it.
const Question* question_for(const SheetCell& cell, std::size_t number) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(kKinds); ++i) {
    const auto kind = static_cast<Kind>((number + i) % kKinds);
    for (const Question& question : cell.questions) {
      if (question.kind == kind) return &question;
    }
  }
  return nullptr;
}

std::string question_line(const Question& question) {
  const std::string kind(name(question.kind));
  if (question.kind == Kind::kDetect || question.kind == Kind::kPoint) {
    return kind + " " + question.text + " -> " + std::to_string(question.targets.size());
  }
  return (question.text.empty() ? kind : question.text) + " -> " + question.answer;
}

}  // namespace

Image contact_sheet(const std::vector<SheetCell>& cells, const LabelTable& labels, int columns) {
  Image sheet;
  if (cells.empty()) return sheet;
  const int width = cells[0].scene.image.width, height = cells[0].scene.image.height;
  const int rows = (static_cast<int>(cells.size()) + columns - 1) / columns;
  const int cell_height = height + kLines * kLineHeight + kGap;
  sheet.width = columns * (width + kGap) + kGap;
  sheet.height = rows * cell_height + kGap;
  sheet.pixels.assign(static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height) * 3,
                      kPaper);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const int x = kGap + static_cast<int>(i) % columns * (width + kGap);
    const int y = kGap + static_cast<int>(i) / columns * cell_height;
    paste(sheet, with_boxes(cells[i].scene, labels), x, y);
    const Question* question = question_for(cells[i], i);
    if (question == nullptr) continue;
    const auto lines =
        wrapped(question_line(*question), static_cast<std::size_t>(width / image::kGlyphAdvance));
    for (std::size_t line = 0; line < std::min<std::size_t>(lines.size(), kLines); ++line) {
      draw_text(sheet, x, y + height + 4 + static_cast<int>(line) * kLineHeight, lines[line]);
    }
  }
  return sheet;
}

}  // namespace moonbeam::data
