#include "train/own/json_rows.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace moonbeam::train {

using base::fail;

namespace {

constexpr std::size_t kLongestFirstLine = std::size_t{1} << 20;

std::string kind_of(const Json* value) {
  if (value == nullptr) return "nothing";
  if (value->is_string() || value->is_number()) {
    std::string text = value->dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > 60) text.resize(60);
    return base::printable(text);
  }
  return value->type_name();
}

std::ifstream open_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    fail(ErrorCode::kNotFound, base::printable(path), ": expected a file, got a folder");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fail(ErrorCode::kNotFound, base::printable(path), ": cannot be opened: ", std::strerror(errno));
  }
  return file;
}

[[noreturn]] void fail_json(const std::string& where, const Json::exception& error) {
  fail(ErrorCode::kCorrupt, where, ": no JSON: ", base::printable(error.what()));
}

}  // namespace

const Json* Row::find(const char* key) const {
  const auto found = value_.find(key);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

void Row::fail(const char* key, std::string_view expected) const {
  base::fail(ErrorCode::kCorrupt, where_, ": ", key, ": expected ", expected, ", got ", kind_of(find(key)));
}

bool Row::has(const char* key) const {
  return find(key) != nullptr;
}

std::string Row::text(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_string()) fail(key, "a string");
  return value->get<std::string>();
}

std::int64_t Row::whole(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_number_integer()) fail(key, "a whole number");
  return value->get<std::int64_t>();
}

double Row::number(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_number()) fail(key, "a number");
  return value->get<double>();
}

std::vector<double> Row::numbers(const char* key, std::size_t count) const {
  const Json* value = find(key);
  const bool list = value != nullptr && value->is_array() && value->size() == count;
  std::vector<double> out;
  for (std::size_t i = 0; list && i < count; ++i) {
    const Json& one = (*value)[i];
    if (one.is_number() && std::isfinite(one.get<double>())) out.push_back(one.get<double>());
  }
  if (out.size() != count) fail(key, base::cat(count, " numbers"));
  return out;
}

std::vector<Row> Row::rows(const char* key, bool optional) const {
  const Json* value = find(key);
  std::vector<Row> out;
  if (value == nullptr && optional) return out;
  if (value == nullptr || !value->is_array()) fail(key, "a list");
  for (std::size_t i = 0; i < value->size(); ++i) {
    const Json& one = (*value)[i];
    Row row(one, base::cat(where_, ": ", key, " ", i + 1));
    if (!one.is_object())
      base::fail(ErrorCode::kCorrupt, row.where(), ": expected an object, got ", kind_of(&one));
    out.push_back(std::move(row));
  }
  return out;
}

Row Row::object(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_object()) fail(key, "an object");
  return {*value, base::cat(where_, ": ", key)};
}

void each_row(const std::string& path,
              const std::function<void(std::string_view, const Json&, std::int64_t)>& use) {
  std::ifstream file = open_file(path);
  const std::string name = base::printable(path);
  std::string key;
  std::int64_t number = 0;
  bool is_object = false;
  // Rows are dropped when they have been used, outlines of masks before they are made.
  const auto callback = [&](int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    const int row_depth = is_object ? 2 : 1;
    if (depth == 0 && event == Event::object_start) is_object = true;
    if (event == Event::key && depth == 1 && is_object) {
      key = parsed.get<std::string>();
      number = 0;
    }
    if (event == Event::key && parsed == "segmentation") return false;
    if (depth != row_depth || event == Event::key) return true;
    const bool element = event == Event::object_end || event == Event::array_end || event == Event::value;
    if (!element) return true;
    ++number;
    if (event == Event::object_end) {
      use(key, parsed, number);
    } else if (!is_object) {
      fail(ErrorCode::kCorrupt, name, ": row ", number, ": expected an object, got ", kind_of(&parsed));
    }
    return false;
  };
  try {
    const Json rest = Json::parse(file, callback);
    if (!rest.is_structured()) fail(ErrorCode::kCorrupt, name, ": expected rows, got ", kind_of(&rest));
  } catch (const Json::exception& error) {
    fail_json(name, error);
  }
}

void each_line(const std::string& path, const std::function<void(const Json&, std::int64_t)>& use) {
  std::ifstream file = open_file(path);
  std::int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = base::cat(base::printable(path), ":", number);
    Json row;
    try {
      row = Json::parse(line);
    } catch (const Json::exception& error) {
      fail_json(where, error);
    }
    if (!row.is_object()) fail(ErrorCode::kCorrupt, where, ": expected an object, got ", kind_of(&row));
    use(row, number);
  }
}

Json first_line(const std::string& path) {
  std::ifstream file = open_file(path);
  std::string line(kLongestFirstLine, '\0');
  file.getline(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(std::strlen(line.c_str()));
  Json row = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  return row.is_object() ? row : Json(nullptr);
}

char first_character(const std::string& path) {
  std::ifstream file = open_file(path);
  char c = 0;
  return file >> c ? c : '\0';
}

}  // namespace moonbeam::train
