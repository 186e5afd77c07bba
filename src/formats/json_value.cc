#include "formats/json_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"

namespace moonbeam::formats {

namespace {

// Builds the tree from nlohmann's events. The parser keeps its own stack on the heap, so depth is a matter of
// memory, not of the call stack; the limit here keeps the tree's destructor shallow too.
class TreeBuilder {
 public:
  using Json = nlohmann::json;
  explicit TreeBuilder(const std::string& where) : where_(where) {}

  bool null() { return add(JsonValue()); }
  bool boolean(bool value) { return add(JsonValue(value)); }
  bool number_integer(Json::number_integer_t value) { return add(JsonValue(std::int64_t{value})); }
  bool number_unsigned(Json::number_unsigned_t value) { return add(JsonValue(std::uint64_t{value})); }
  bool number_float(Json::number_float_t value, const Json::string_t&) { return add(JsonValue(value)); }
  bool string(Json::string_t& value) { return add(JsonValue(std::move(value))); }
  bool binary(Json::binary_t&) { return false; }  // not in text
  bool start_object(std::size_t) { return open(Frame{std::make_unique<JsonObject>(), nullptr, {}}); }
  bool start_array(std::size_t) { return open(Frame{nullptr, std::make_unique<JsonArray>(), {}}); }

  bool key(Json::string_t& value) {
    stack_.back().key = std::move(value);
    return true;
  }

  bool end_object() {
    Frame frame = close();
    auto& members = frame.object->members;
    sort(members, frame.object->written);
    const auto twice = std::adjacent_find(members.begin(), members.end(),
                                          [](const auto& a, const auto& b) { return a.first == b.first; });
    if (twice != members.end()) {
      base::fail(ErrorCode::kCorrupt, where_, ": '", base::printable(twice->first), "' stands there twice");
    }
    return place(JsonValue(std::move(frame.object)));
  }
  bool end_array() { return place(JsonValue(std::move(close().array))); }

  bool parse_error(std::size_t position, const std::string&, const Json::exception&) {
    base::fail(ErrorCode::kCorrupt, where_, ": not valid JSON at byte ", position);
  }

  JsonValue take() { return std::move(root_); }

 private:
  struct Frame {
    std::unique_ptr<JsonObject> object;
    std::unique_ptr<JsonArray> array;
    std::string key;
  };

  // Members in order of key, and where each of the text went.
  static void sort(std::vector<std::pair<std::string, JsonValue>>& members,
                   std::vector<std::uint32_t>& written) {
    std::vector<std::uint32_t> order(members.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return members[a].first < members[b].first; });
    std::vector<std::pair<std::string, JsonValue>> sorted;
    sorted.reserve(members.size());
    written.resize(members.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      sorted.push_back(std::move(members[order[i]]));
      written[order[i]] = i;
    }
    members = std::move(sorted);
  }

  bool open(Frame frame) {
    count();
    if (stack_.size() >= static_cast<std::size_t>(kMaxJsonDepth)) {
      base::fail(ErrorCode::kCorrupt, where_, ": JSON nested deeper than ", kMaxJsonDepth);
    }
    stack_.push_back(std::move(frame));
    return true;
  }
  Frame close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    return frame;
  }
  bool add(JsonValue value) {
    count();
    return place(std::move(value));
  }
  bool place(JsonValue value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (Frame& top = stack_.back(); top.object) {
      top.object->members.emplace_back(std::move(top.key), std::move(value));
    } else {
      top.array->push_back(std::move(value));
    }
    return true;
  }
  void count() {
    if (++values_ > kMaxJsonValues) {
      base::fail(ErrorCode::kUnsupported, where_, ": more than ", kMaxJsonValues, " JSON values");
    }
  }

  const std::string& where_;
  std::vector<Frame> stack_;
  std::size_t values_ = 0;
  JsonValue root_;
};

}  // namespace

const JsonValue* JsonObject::find(std::string_view key) const noexcept {
  const auto at = std::lower_bound(members.begin(), members.end(), key,
                                   [](const auto& member, std::string_view k) { return member.first < k; });
  return at != members.end() && at->first == key ? &at->second : nullptr;
}

const JsonArray* JsonValue::array() const noexcept {
  const auto* held = std::get_if<std::unique_ptr<JsonArray>>(&data_);
  return held ? held->get() : nullptr;
}

const JsonObject* JsonValue::object() const noexcept {
  const auto* held = std::get_if<std::unique_ptr<JsonObject>>(&data_);
  return held ? held->get() : nullptr;
}

std::optional<double> JsonValue::number() const noexcept {
  if (const auto* held = std::get_if<std::uint64_t>(&data_)) return static_cast<double>(*held);
  if (const auto* held = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*held);
  if (const auto* held = std::get_if<double>(&data_)) return *held;
  return std::nullopt;
}

std::string_view JsonValue::kind() const noexcept {
  constexpr std::string_view kNames[] = {
      "null",     "true or false", "a number", "a negative number", "a fractional number",
      "a string", "an array",      "an object"};
  return kNames[data_.index()];
}

std::string JsonValue::described() const {
  constexpr std::size_t kShown = 40;
  const std::string name(kind());
  if (const auto* held = std::get_if<bool>(&data_)) return *held ? "true" : "false";
  if (const auto* held = std::get_if<std::uint64_t>(&data_)) return base::cat(name, " ", *held);
  if (const auto* held = std::get_if<std::int64_t>(&data_)) return base::cat(name, " ", *held);
  if (const auto* held = std::get_if<double>(&data_)) return base::cat(name, " ", *held);
  if (const auto* held = std::get_if<std::string>(&data_); held && held->size() <= kShown) {
    return base::cat(name, " \"", base::printable(*held), "\"");
  }
  return name;
}

JsonValue parse_json(std::string_view text, const std::string& where) {
  // The parser takes a NUL for the end: what stands behind it would be hidden.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    base::fail(ErrorCode::kCorrupt, where, ": not valid JSON at byte ", nul + 1);
  }
  TreeBuilder builder(where);
  try {
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
      base::fail(ErrorCode::kCorrupt, where, ": not valid JSON");
    }
  } catch (const nlohmann::json::exception& error) {  // a number past the range of double
    base::fail(ErrorCode::kCorrupt, where, ": not valid JSON: ", base::printable(error.what()));
  }
  return builder.take();
}

std::string json_quote(std::string_view text) {
  if (!base::is_valid_utf8(text)) {
    base::fail(ErrorCode::kInvalidArgument, "'", base::printable(text), "': expected UTF-8");
  }
  return nlohmann::json(text).dump();
}

}  // namespace moonbeam::formats
