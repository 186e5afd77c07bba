#include "base/key_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace moonbeam::base {

namespace {

constexpr ErrorCode kBad = ErrorCode::kInvalidArgument;

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// Text before a # that stands in no quotes.
std::string_view without_remark(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '#' && !quoted) return line.substr(0, i);
  }
  return line;
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.push_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

template <typename T>
bool parse_all(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void KeySection::add(std::string key, std::string value, int line) {
  if (const Entry* earlier = find(key)) {
    base::fail(kBad, file_, ":", line, ": '", base::printable(key), "' stands in line ", earlier->line,
               " already");
  }
  entries_.push_back({std::move(key), std::move(value), line});
}

const KeySection::Entry* KeySection::find(std::string_view key) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

const KeySection::Entry* KeySection::take(std::string_view key) {
  for (Entry& entry : entries_) {
    if (entry.key != key) continue;
    entry.read = true;
    return &entry;
  }
  return nullptr;
}

void KeySection::fail(const Entry& entry, std::string_view expected) const {
  base::fail(kBad, file_, ":", entry.line, ": ", entry.key, ": expected ", expected, ", got '",
             base::printable(entry.value), "'");
}

void KeySection::fail(std::string_view key, std::string_view expected) const {
  if (const Entry* entry = find(key)) fail(*entry, expected);
  base::fail(kBad, file_, ":", line_, ": [", base::printable(name_), "]: expected ", expected);
}

void KeySection::refuse_unread() const {
  for (const Entry& entry : entries_) {
    if (entry.read) continue;
    base::fail(kBad, file_, ":", entry.line, ": unknown key '", base::printable(entry.key), "'",
               name_.empty() ? "" : base::cat(" in [", base::printable(name_), "]"));
  }
}

double KeySection::number(const Entry& entry, std::string_view text, double low, double high) const {
  double value = 0;
  if (!parse_all(text, value) || !std::isfinite(value) || value < low || value > high) {
    fail(entry, base::cat("a number of ", low, " to ", high));
  }
  return value;
}

std::int64_t KeySection::whole(const Entry& entry, std::string_view text, std::int64_t low,
                               std::int64_t high) const {
  std::int64_t value = 0;
  if (!parse_all(text, value) || value < low || value > high) {
    fail(entry, base::cat("a whole number of ", low, " to ", high));
  }
  return value;
}

void KeySection::read(const char* key, bool& value) {
  const Entry* entry = take(key);
  if (entry == nullptr) return;
  if (entry->value != "true" && entry->value != "false") fail(*entry, "true or false");
  value = entry->value == "true";
}

void KeySection::read(const char* key, std::int64_t& value, std::int64_t low, std::int64_t high) {
  if (const Entry* entry = take(key)) value = whole(*entry, entry->value, low, high);
}

void KeySection::read(const char* key, int& value, std::int64_t low, std::int64_t high) {
  if (const Entry* entry = take(key)) value = static_cast<int>(whole(*entry, entry->value, low, high));
}

void KeySection::read(const char* key, std::uint64_t& value) {
  const Entry* entry = take(key);
  if (entry != nullptr && !parse_all(std::string_view(entry->value), value)) {
    fail(*entry, "a whole number from 0");
  }
}

void KeySection::read(const char* key, double& value, double low, double high) {
  if (const Entry* entry = take(key)) value = number(*entry, entry->value, low, high);
}

void KeySection::read(const char* key, Ramp& value, double low, double high) {
  const Entry* entry = take(key);
  if (entry == nullptr) return;
  const std::string_view text = entry->value;
  const std::size_t arrow = text.find("->");
  value.from = number(*entry, trim(text.substr(0, arrow)), low, high);
  value.to =
      arrow == std::string_view::npos ? value.from : number(*entry, trim(text.substr(arrow + 2)), low, high);
}

void KeySection::read(const char* key, std::string& value) {
  if (const Entry* entry = take(key)) value = entry->value;
}

void KeySection::read(const char* key, std::vector<int>& value, std::int64_t low, std::int64_t high) {
  const Entry* entry = take(key);
  if (entry == nullptr) return;
  value.clear();
  if (entry->value.empty()) return;
  for (const std::string_view part : split_list(entry->value)) {
    value.push_back(static_cast<int>(whole(*entry, part, low, high)));
  }
}

void KeySection::read(const char* key, std::vector<std::string>& value) {
  const Entry* entry = take(key);
  if (entry == nullptr) return;
  value.clear();
  for (const std::string_view part : split_list(entry->value)) {
    if (part.empty()) fail(*entry, "words with commas between");
    value.emplace_back(part);
  }
}

int KeySection::read_choice(const char* key, std::initializer_list<std::string_view> words, int value) {
  const Entry* entry = take(key);
  if (entry == nullptr) return value;
  std::string list;
  int index = 0;
  for (const std::string_view word : words) {
    if (entry->value == word) return index;
    list += base::cat(index == 0 ? "" : ", ", word);
    ++index;
  }
  fail(*entry, "one of " + list);
}

std::vector<KeySection> parse_key_file(std::string_view text, const std::string& file_name) {
  const std::string name = base::printable(file_name);
  std::vector<KeySection> sections;
  sections.emplace_back(name, "", 1);
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(without_remark(text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty()) continue;
    if (line.front() == '[') {
      const std::string_view inner =
          line.size() > 2 && line.back() == ']' ? trim(line.substr(1, line.size() - 2)) : "";
      if (inner.empty()) base::fail(kBad, name, ":", number, ": expected [section]");
      for (const KeySection& section : sections) {
        if (section.name() == inner) {
          base::fail(kBad, name, ":", number, ": a second section [", base::printable(inner), "]");
        }
      }
      sections.emplace_back(name, std::string(inner), number);
      continue;
    }
    const std::size_t equals = line.find('=');
    const std::string_view key = trim(line.substr(0, equals));
    if (equals == std::string_view::npos || key.empty()) {
      base::fail(kBad, name, ":", number, ": expected key = value, got '", base::printable(line), "'");
    }
    std::string_view value = trim(line.substr(equals + 1));
    if (value.size() > 1 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    sections.back().add(std::string(key), std::string(value), number);
  }
  return sections;
}

}  // namespace moonbeam::base
