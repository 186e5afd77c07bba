#include "data/formats/json_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/formats/json_tree.h"

namespace moonbeam::data {

namespace {

using base::cat;
using base::fail;
using nlohmann::json;

/// "annotation" of "annotations".
std::string singular(std::string_view array) {
  if (array.empty()) return "row";
  if (array == "categories") return "category";
  if (array.ends_with('s')) array.remove_suffix(1);
  return std::string(array);
}

/// Hears the parser's events and makes trees of the records alone.
class RowEvents {
 public:
  enum class Want { kRows, kFirst, kNothing };
  struct Listener {
    std::function<Want(std::string_view array)> want;
    /// A record of an array that is wanted; `tree` is the listener's until the next.
    std::function<void(std::string_view array, const JsonTree& tree, std::uint64_t number, JsonPlace place)>
        row;
    /// One that is no object.
    std::function<void(std::string_view array, const json& value, std::uint64_t number, JsonPlace place)>
        other;
  };
  RowEvents(ByteSource& source, const std::vector<std::string_view>& skip, const Listener& listener)
      : source_(source), skipped_keys_(skip), listener_(listener) {}

  bool null() { return scalar(nullptr); }
  bool boolean(bool value) { return scalar(value); }
  bool number_integer(json::number_integer_t value) { return scalar(value); }
  bool number_unsigned(json::number_unsigned_t value) { return scalar(value); }
  bool number_float(json::number_float_t value, const json::string_t&) { return scalar(value); }
  bool string(json::string_t& value) { return scalar(std::move(value)); }
  bool binary(json::binary_t&) { return false; }  // not in text
  bool start_object(std::size_t) { return open(true); }
  bool start_array(std::size_t) { return open(false); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(json::string_t& name) {
    source_.mark();
    if (skip_depth_ > 0) return true;
    if (in_row_) {
      skip_next_ = depth_ == row_depth() &&
                   std::find(skipped_keys_.begin(), skipped_keys_.end(), name) != skipped_keys_.end();
      if (!skip_next_) tree_.key(name);
    } else {
      array_ = std::move(name);
      if (keys_.size() < kShownKeys) keys_.push_back(array_);
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const json::exception& error) {
    const std::string inside =
        in_row_ || number_ > 0 ? cat(": ", singular(array_), " ", number_ + !in_row_) : "";
    const std::string place = cat(" (line ", source_.line(), ", byte ", source_.offset(), ")");
    std::string_view what = error.what();  // "[json...101] parse error at line 1, column 2: syntax error ..."
    const auto says = [&](std::string_view part) { return what.find(part) != std::string_view::npos; };
    if (!source_.more() && (says("unexpected end of input") || says("missing closing quote"))) {
      fail(ErrorCode::kCorrupt, source_.name(), inside, ": the file ends in the middle", place);
    }
    for (const std::string_view mark : {"] ", "column ", ": "}) {
      const std::size_t at = what.find(mark);
      if (at != std::string_view::npos) what.remove_prefix(at + mark.size());
    }
    fail(ErrorCode::kCorrupt, source_.name(), inside, ": no JSON: ", base::printable(what.substr(0, 200)),
         place);
  }

  bool is_object() const { return is_object_; }
  const std::vector<std::string>& keys() const { return keys_; }  ///< of the file's object, the first ones

 private:
  static constexpr std::size_t kShownKeys = 8;

  int row_depth() const { return is_object_ ? 3 : 2; }  ///< brackets open inside a record

  JsonPlace here() const { return {source_.line(), source_.offset() - 1}; }

  bool open(bool object) {
    source_.mark();
    if (++depth_ > kDeepestJson) {
      fail(ErrorCode::kCorrupt, source_.name(), ": more than ", kDeepestJson, " brackets in brackets (line ",
           source_.line(), ", byte ", source_.offset(), ")");
    }
    if (skip_depth_ > 0) return true;
    if (in_row_) {
      if (skip_next_) {
        skip_next_ = false;
        skip_depth_ = depth_;
      } else {
        tree_.open(object);
      }
    } else if (depth_ == 1) {
      is_object_ = object;
      if (!object) begin_array("");
    } else if (depth_ < row_depth()) {
      if (object) {
        skip_depth_ = depth_;
      } else {
        begin_array(array_);
      }
    } else {
      open_row(object);
    }
    return true;
  }

  void begin_array(const std::string& array) {
    array_ = array;
    number_ = 0;
    want_ = listener_.want(array);
    if (want_ == Want::kNothing) skip_depth_ = depth_;
  }

  bool wanted() const { return want_ == Want::kRows || (want_ == Want::kFirst && number_ == 1); }

  void open_row(bool object) {
    ++number_;
    if (!wanted() || !object) {
      skip_depth_ = depth_;
      if (wanted()) listener_.other(array_, json::array(), number_, here());
      return;
    }
    in_row_ = true;
    row_place_ = here();
    tree_.clear();
    tree_.open(true);
  }

  bool close() {
    source_.mark();
    const int closed = depth_--;
    if (skip_depth_ > 0) {
      if (closed == skip_depth_) skip_depth_ = 0;
      return true;
    }
    if (!in_row_) {
      if (closed == row_depth() - 1) number_ = 0;
      return true;
    }
    tree_.close();
    if (closed == row_depth()) {
      in_row_ = false;
      listener_.row(array_, tree_, number_, row_place_);
    }
    return true;
  }

  bool scalar(json value) {
    source_.mark();
    if (skip_depth_ > 0) return true;
    if (in_row_) {
      if (!skip_next_) tree_.value(std::move(value));
      skip_next_ = false;
    } else if (depth_ == 0) {
      fail(ErrorCode::kCorrupt, source_.name(), ": expected records, got ", json_in_short(&value));
    } else if (depth_ == row_depth() - 1) {
      ++number_;
      if (wanted()) listener_.other(array_, value, number_, here());
    }
    return true;
  }

  ByteSource& source_;
  const std::vector<std::string_view>& skipped_keys_;
  const Listener& listener_;
  JsonTree tree_;
  std::string array_;
  std::vector<std::string> keys_;
  Want want_ = Want::kNothing;
  std::uint64_t number_ = 0;
  JsonPlace row_place_;
  int depth_ = 0, skip_depth_ = 0;  // of the bracket whose contents are passed over; 0: none
  bool is_object_ = false, in_row_ = false, skip_next_ = false;
};

void parse(ByteSource& source, RowEvents& events) {
  source.expect_text();
  json::sax_parse(ByteIterator{&source}, ByteIterator{}, &events);
}

void check_kind(ByteSource& source, FileKind expected, std::string_view array, const json& row) {
  if (expected == FileKind::kUnknown) return;
  const FileKind kind = kind_of_row(array, row);
  if (kind == FileKind::kUnknown || kind == expected) return;
  fail(ErrorCode::kInvalidArgument, source.name(), ": expected ", name(expected), ", but it looks like ",
       name(kind));
}

[[noreturn]] void fail_without_arrays(ByteSource& source, const RowRules& rules, const RowEvents& events) {
  std::string wanted, found;
  for (const std::string_view one : rules.arrays) {
    wanted += cat(wanted.empty() ? "" : " or ", one.empty() ? "an array" : cat("'", one, "'"));
  }
  for (const std::string& one : events.keys()) {
    found += cat(found.empty() ? "'" : ", '", base::printable(one.substr(0, 40)), "'");
  }
  if (!events.is_object()) found = "an array";
  fail(ErrorCode::kInvalidArgument, source.name(), ": expected ", name(rules.expected), " with ", wanted,
       ", found ", found.empty() ? "nothing" : found, looks_like(source, rules.expected));
}

}  // namespace

void each_row(ByteSource& source, const RowRules& rules, const UseRow& use, Reading& reading) {
  check_is_text(source, rules.expected);
  bool found = false;
  RowEvents::Listener listener;
  listener.want = [&](std::string_view array) {
    const bool wanted = std::find(rules.arrays.begin(), rules.arrays.end(), array) != rules.arrays.end();
    found = found || wanted;
    return wanted                                 ? RowEvents::Want::kRows
           : rules.expected == FileKind::kUnknown ? RowEvents::Want::kNothing
                                                  : RowEvents::Want::kFirst;
  };
  const auto row_at = [&](std::string_view array, const json& value, std::uint64_t number, JsonPlace place) {
    return JsonRow(value, cat(source.name(), ": ", singular(array), " ", number), place, &reading);
  };
  listener.row = [&](std::string_view array, const JsonTree& tree, std::uint64_t number, JsonPlace place) {
    if (number == 1) check_kind(source, rules.expected, array, tree.root());
    if (listener.want(array) != RowEvents::Want::kRows) return;
    const JsonRow row = row_at(array, tree.root(), number, place);
    reading.take([&] {
      if (tree.problem()) row.fail_with(tree.problem()->reason, tree.problem()->what);
      use(array, row, number);
    });
  };
  listener.other = [&](std::string_view array, const json& value, std::uint64_t number, JsonPlace place) {
    if (listener.want(array) != RowEvents::Want::kRows) return;
    reading.take([&] {
      row_at(array, value, number, place)
          .fail_with(Reason::kBadValue, cat("expected an object, got ", json_in_short(&value)));
    });
  };
  RowEvents events(source, rules.skip, listener);
  parse(source, events);
  if (!found) fail_without_arrays(source, rules, events);
}

void first_rows(ByteSource& source, const std::function<bool(std::string_view, const json&)>& use) {
  struct Enough {};
  RowEvents::Listener listener;
  listener.want = [](std::string_view) { return RowEvents::Want::kFirst; };
  listener.row = [&](std::string_view array, const JsonTree& tree, std::uint64_t, JsonPlace) {
    if (!use(array, tree.root())) throw Enough();
  };
  listener.other = [](std::string_view, const json&, std::uint64_t, JsonPlace) {};
  const std::vector<std::string_view> skip;
  RowEvents events(source, skip, listener);
  try {
    parse(source, events);
  } catch (const Enough&) {
  } catch (const Error&) {  // what was seen until there counts
  }
}

}  // namespace moonbeam::data
