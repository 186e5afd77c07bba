// Lines of JSON: simdjson finds out what stands in one; where it finds none, the other parser says why.
#include <simdjson.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/formats/json_rows.h"
#include "data/formats/json_tree.h"

namespace moonbeam::data {

namespace {

using base::cat;
using base::fail;
using nlohmann::json;
namespace dom = simdjson::dom;

void build(const dom::element& element, JsonTree& tree) {
  switch (element.type()) {
    case dom::element_type::ARRAY:
      tree.open(false);
      for (const dom::element child : dom::array(element)) build(child, tree);
      return tree.close();
    case dom::element_type::OBJECT:
      tree.open(true);
      for (const auto& [key, child] : dom::object(element)) {
        std::string name(key);
        tree.key(name);
        build(child, tree);
      }
      return tree.close();
    case dom::element_type::INT64:
      return tree.value(std::int64_t(element));
    case dom::element_type::UINT64:
      return tree.value(std::uint64_t(element));
    case dom::element_type::DOUBLE:
      return tree.value(double(element));
    case dom::element_type::STRING:
      return tree.value(std::string(std::string_view(element)));
    case dom::element_type::BOOL:
      return tree.value(bool(element));
    default:
      return tree.value(nullptr);
  }
}

/// What the slower parser says of a line: whole numbers of more than 64 bits are numbers to it.
json parse_slowly(const std::string& line, const std::string& where, bool ended) {
  const auto refuse = [&](Reason reason, std::string_view what) {
    throw RecordError(reason, cat(where, ": ", what));
  };
  if (line.find('\0') != std::string::npos) refuse(Reason::kSyntax, "no text: a byte of 0");
  if (!ended && line.back() != '}') refuse(Reason::kCut, "the file ends in the middle of the line");
  const auto too_deep = [&](int depth, json::parse_event_t, json&) {
    if (depth >= kDeepestJson)
      refuse(Reason::kSyntax, cat("more than ", kDeepestJson, " brackets in brackets"));
    return true;
  };
  try {
    return json::parse(line, too_deep);
  } catch (const json::parse_error& error) {
    std::string_view what = error.what();
    for (const std::string_view mark : {"] ", "column ", ": "}) {
      const std::size_t at = what.find(mark);
      if (at != std::string_view::npos) what.remove_prefix(at + mark.size());
    }
    refuse(Reason::kSyntax,
           cat("no JSON: ", base::printable(what.substr(0, 200)), " (byte ", error.byte, ")"));
  } catch (const json::exception& error) {
    refuse(Reason::kSyntax, cat("no JSON: ", base::printable(error.what())));
  }
  return {};
}

class LineParser {
 public:
  LineParser() {
    if (const auto error = parser_.allocate(kFirstLine, kDeepestJson)) {
      fail(ErrorCode::kExhausted, "lines of JSON: ", simdjson::error_message(error));
    }
  }

  /// The line keeps room for the parser behind its end.
  void parse(std::string& line, const std::string& where, bool ended) {
    tree_.clear();
    line.reserve(line.size() + simdjson::SIMDJSON_PADDING);
    dom::element root;
    if (parser_.parse(line.data(), line.size(), false).get(root) == simdjson::SUCCESS) {
      build(root, tree_);
      slow_ = nullptr;
    } else {
      slow_ = parse_slowly(line, where, ended);
    }
    if (tree_.problem()) throw RecordError(tree_.problem()->reason, cat(where, ": ", tree_.problem()->what));
    if (!value().is_object()) {
      const json& got = value();
      throw RecordError(Reason::kBadValue, cat(where, ": expected an object, got ", json_in_short(&got)));
    }
  }
  const json& value() const { return slow_.is_null() ? tree_.root() : slow_; }

 private:
  static constexpr std::size_t kFirstLine = std::size_t{64} << 10;
  dom::parser parser_{kLongestLine + 1};
  JsonTree tree_;
  json slow_;
};

void drop_mark_of_order(std::string& line) {
  if (line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
}

}  // namespace

void each_line(ByteSource& source, FileKind expected, const UseLine& use, Reading& reading) {
  check_is_text(source, expected);
  LineParser parser;
  std::string line;
  bool whole = true, known = expected == FileKind::kUnknown;
  for (std::uint64_t number = 1; source.read_line(line, kLongestLine, whole); ++number) {
    if (number == 1) drop_mark_of_order(line);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = cat(source.name(), ":", number);
    const bool first = !known;
    known = true;
    bool parsed = false;
    try {
      if (!whole) {
        throw RecordError(Reason::kTooLarge, cat(where, ": a line of more than ", kLongestLine, " bytes"));
      }
      parser.parse(line, where, source.ended_line());
      parsed = true;
    } catch (const RecordError& error) {
      // A file of JSON over several lines is none of lines: not each of its lines is wrong.
      const std::string other = first ? looks_like(source, expected) : "";
      if (!other.empty()) {
        fail(ErrorCode::kInvalidArgument, error.what(), ": expected ", name(expected), other);
      }
      reading.refuse(error);
    }
    if (!parsed) continue;
    if (first) {
      const FileKind kind = kind_of_row("lines", parser.value());
      if (kind != FileKind::kUnknown && kind != expected) {
        fail(ErrorCode::kInvalidArgument, source.name(), ": expected ", name(expected),
             ", but it looks like ", name(kind));
      }
    }
    const JsonRow row(parser.value(), where, {}, &reading);
    reading.take([&] { use(row, number); });
  }
}

}  // namespace moonbeam::data
