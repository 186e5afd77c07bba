#include "data/export/format.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace moonbeam::data {

std::span<const Format> formats() {
  static const std::array kFormats = {kCoco,    kNarratives, kVqaV2, kGqa,     kTextVqa,  kPope,
                                      kRefCoco, kTallyQa,    kLlava, kAltText, kCanonical};
  return kFormats;
}

const Format* find_format(std::string_view name) {
  for (const Format& format : formats()) {
    if (format.name == name) return &format;
  }
  return nullptr;
}

void add_line(std::string& stream, const Json& value) {
  stream += value.dump();
  stream += '\n';
}

ExportFile json_lines(std::string path, int stream) {
  return {std::move(path), {{"", stream}}, Join::kLines};
}

ExportFile json_file(std::string path, std::string before, int stream, std::string after) {
  return {std::move(path), {{std::move(before), stream}, {std::move(after), -1}}, Join::kArray};
}

std::string image_key(const SceneRow& row) {
  return "moonscenes-" + std::string(name(row.scene.key.split)) + "-" + padded(row.id(), 12);
}

std::string padded(std::uint64_t number, int digits) {
  const std::string text = std::to_string(number);
  return std::string(static_cast<std::size_t>(std::max(0, digits - static_cast<int>(text.size()))), '0') +
         text;
}

double rounded(double value, int decimals) {
  double scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;
  return std::round(value * scale) / scale;
}

}  // namespace moonbeam::data
