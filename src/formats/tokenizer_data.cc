// Rules that the parts of a tokenizer obey together, and writing it as tokenizer.json. The readers are
// tokenizer_json.cc and tokenizer_gguf.cc.
#include "formats/tokenizer_data.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "formats/json_value.h"
#include "formats/tokenizer_check.h"

namespace moonbeam::formats {

namespace {

using IdByToken = std::unordered_map<std::string_view, int>;

IdByToken index_tokens(const TokenizerData& data) {
  IdByToken out;
  out.reserve(data.tokens.size());
  for (std::size_t id = 0; id < data.tokens.size(); ++id) {
    if (!data.tokens[id].empty()) out.emplace(data.tokens[id], static_cast<int>(id));
  }
  return out;
}

void check_merges(const TokenizerData& data, const IdByToken& ids, const std::string& name) {
  std::string joined;
  for (std::size_t rank = 0; rank < data.merges.size(); ++rank) {
    const auto& [left, right] = data.merges[rank];
    joined = left + right;
    for (const std::string_view part :
         {std::string_view(left), std::string_view(right), std::string_view(joined)}) {
      if (ids.count(part) == 0) {
        base::fail(ErrorCode::kCorrupt, name, ": merge ", rank, ": '", base::printable(part),
                   "' is not in the vocabulary");
      }
    }
  }
}

void check_added(const TokenizerData& data, const IdByToken& ids, const std::string& name) {
  std::unordered_set<std::string_view> seen;
  int last = -1;
  for (const AddedToken& token : data.added) {
    const std::string where =
        base::cat(name, ": added token ", token.id, " '", base::printable(token.content), "'");
    if (token.content.empty()) base::fail(ErrorCode::kCorrupt, where, ": expected text");
    if (token.id == last) base::fail(ErrorCode::kCorrupt, where, ": two added tokens of one id");
    if (!seen.insert(token.content).second) base::fail(ErrorCode::kCorrupt, where, ": stands there twice");
    const auto known = ids.find(token.content);
    if (known != ids.end() && known->second != token.id) {
      base::fail(ErrorCode::kCorrupt, where, ": the vocabulary has it as ", known->second);
    }
    const auto slot = static_cast<std::size_t>(token.id);
    if (slot < data.tokens.size() && !data.tokens[slot].empty() && data.tokens[slot] != token.content) {
      base::fail(ErrorCode::kCorrupt, where, ": the vocabulary has '", base::printable(data.tokens[slot]),
                 "' under that id");
    }
    last = token.id;
  }
}

const char* bool_text(bool value) {
  return value ? "true" : "false";
}

std::string added_text(const AddedToken& token) {
  return base::cat("{\"id\":", token.id, ",\"content\":", json_quote(token.content),
                   ",\"single_word\":", bool_text(token.single_word), ",\"lstrip\":", bool_text(token.lstrip),
                   ",\"rstrip\":", bool_text(token.rstrip), ",\"normalized\":", bool_text(token.normalized),
                   ",\"special\":", bool_text(token.special), "}");
}

std::string pre_tokenizer_text(const PreTokenizer& step) {
  if (step.kind == PreTokenizer::Kind::kByteLevel) {
    return base::cat("{\"type\":\"ByteLevel\",\"add_prefix_space\":", bool_text(step.add_prefix_space),
                     ",\"trim_offsets\":true,\"use_regex\":", bool_text(step.use_regex), "}");
  }
  constexpr std::string_view kBehaviors[] = {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext",
                                             "Contiguous"};
  return base::cat("{\"type\":\"Split\",\"pattern\":{\"", step.pattern_is_regex ? "Regex" : "String",
                   "\":", json_quote(step.pattern), "},\"behavior\":\"",
                   kBehaviors[static_cast<std::size_t>(step.behavior)],
                   "\",\"invert\":", bool_text(step.invert), "}");
}

// Adds the items with commas and one a line: files of 50,000 lines can still be read and compared.
template <typename Range, typename Text>
void append_list(std::string& out, const Range& items, Text text) {
  bool first = true;
  for (const auto& item : items) {
    out += first ? "\n" : ",\n";
    out += text(item);
    first = false;
  }
}

std::string pre_tokenizers_text(const std::vector<PreTokenizer>& steps) {
  if (steps.empty()) return "null";
  if (steps.size() == 1) return pre_tokenizer_text(steps.front());
  std::string out = "{\"type\":\"Sequence\",\"pretokenizers\":[";
  append_list(out, steps, pre_tokenizer_text);
  return out + "]}";
}

}  // namespace

std::pair<std::string, std::string> split_merge(std::string_view merge, const std::string& where) {
  const std::size_t space = merge.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == merge.size() ||
      merge.find(' ', space + 1) != std::string_view::npos) {
    base::fail(ErrorCode::kCorrupt, where, ": expected two parts and a space between, got '",
               base::printable(merge), "'");
  }
  return {std::string(merge.substr(0, space)), std::string(merge.substr(space + 1))};
}

void finish_tokenizer(TokenizerData& data, const std::string& name) {
  std::stable_sort(data.added.begin(), data.added.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  const IdByToken ids = index_tokens(data);
  check_merges(data, ids, name);
  check_added(data, ids, name);
}

bool covers_all_bytes(const TokenizerData& data) {
  const IdByToken ids = index_tokens(data);
  char32_t shifted = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    // GPT-2's alphabet: printable bytes stand for themselves, the others follow from U+0100.
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    std::string spelling;
    base::append_utf8(spelling, printable ? byte : shifted++);
    if (ids.count(spelling) == 0) return false;
  }
  return true;
}

std::string write_tokenizer_json(const TokenizerData& data) {
  std::string out = "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[";
  append_list(out, data.added, added_text);
  out += base::cat(
      "],\n\"normalizer\":", data.nfc ? "{\"type\":\"NFC\"}" : "null",
      ",\n\"pre_tokenizer\":", pre_tokenizers_text(data.pre_tokenizers),
      ",\n\"post_processor\":null,\n\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
      "\"trim_offsets\":true,\"use_regex\":true},\n\"model\":{\"type\":\"BPE\",\"dropout\":null,"
      "\"unk_token\":null,\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,"
      "\"fuse_unk\":false,\"byte_fallback\":",
      bool_text(data.byte_fallback), ",\"ignore_merges\":", bool_text(data.ignore_merges), ",\n\"vocab\":{");
  bool first = true;
  for (std::size_t id = 0; id < data.tokens.size(); ++id) {
    if (data.tokens[id].empty()) continue;
    out += base::cat(first ? "\n" : ",\n", json_quote(data.tokens[id]), ":", id);
    first = false;
  }
  out += "},\n\"merges\":[";
  append_list(out, data.merges, [](const auto& merge) {
    return base::cat("[", json_quote(merge.first), ",", json_quote(merge.second), "]");
  });
  return out + "]}}\n";
}

}  // namespace moonbeam::formats
