// Reads tokenizer.json, any byte-level BPE that Hugging Face's library writes (model.md 7.2). What would
// change ids and is not known is refused by name; what has no effect on ids is passed over.
#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "formats/json_value.h"
#include "formats/sniff.h"
#include "formats/tokenizer_check.h"
#include "formats/tokenizer_data.h"

namespace moonbeam::formats {

namespace {

// An object of the file and the path to it, for messages.
struct Node {
  const JsonObject& object;
  std::string where;

  /// Null where the member is missing or null.
  const JsonValue* find(std::string_view key) const {
    const JsonValue* value = object.find(key);
    return value && !value->is_null() ? value : nullptr;
  }
  std::string at(std::string_view key) const { return base::cat(where, ": ", key); }
  [[noreturn]] void expected(std::string_view key, std::string_view what, const JsonValue* got) const {
    base::fail(ErrorCode::kCorrupt, at(key), ": expected ", what, ", got ", got ? got->kind() : "nothing");
  }

  bool boolean(std::string_view key, bool otherwise) const {
    const JsonValue* value = find(key);
    if (!value) return otherwise;
    if (!value->boolean()) expected(key, "true or false", value);
    return *value->boolean();
  }
  const std::string& string(std::string_view key) const {
    const JsonValue* value = find(key);
    if (!value || !value->string()) expected(key, "a string", value);
    return *value->string();
  }
  const JsonArray& array(std::string_view key) const {
    const JsonValue* value = find(key);
    if (!value || !value->array()) expected(key, "an array", value);
    return *value->array();
  }
  const JsonObject& child(std::string_view key) const {
    const JsonValue* value = find(key);
    if (!value || !value->object()) expected(key, "an object", value);
    return *value->object();
  }
  /// The step named `key` if there is one.
  std::optional<Node> step(std::string_view key) const {
    if (!find(key)) return std::nullopt;
    return Node{child(key), at(key)};
  }
};

// Calls visit(node, type) for a step, or for each step of a Sequence whose list is called `list`.
template <typename Visit>
void for_each_step(const Node& step, std::string_view list, const Visit& visit, int depth = 0) {
  const std::string& type = step.string("type");
  if (type != "Sequence") {
    visit(step, type);
    return;
  }
  if (depth == 4) base::fail(ErrorCode::kUnsupported, step.where, ": Sequence nested deeper than 4");
  for (const JsonValue& element : step.array(list)) {
    if (!element.object()) step.expected(list, "objects", &element);
    for_each_step(Node{*element.object(), step.at(list)}, list, visit, depth + 1);
  }
}

[[noreturn]] void fail_unknown(const Node& node, std::string_view type) {
  base::fail(ErrorCode::kUnsupported, node.where, ": type '", base::printable(type), "' is not known");
}

int read_id(const JsonValue* value, const std::string& where) {
  const std::uint64_t* id = value ? value->whole() : nullptr;
  if (!id || *id >= kMaxTokenIds) {
    base::fail(ErrorCode::kCorrupt, where, ": expected an id of 0..", kMaxTokenIds - 1, ", got ",
               id      ? base::cat(*id)
               : value ? std::string(value->kind())
                       : "nothing");
  }
  return static_cast<int>(*id);
}

void read_vocab(const Node& model, TokenizerData& out) {
  const JsonObject& vocab = model.child("vocab");
  const std::string where = model.at("vocab");
  int highest = -1;
  for (const auto& [token, id] : vocab.members) {
    highest = std::max(highest, read_id(&id, base::cat(where, ": '", base::printable(token), "'")));
  }
  out.tokens.resize(static_cast<std::size_t>(highest + 1));
  for (const auto& [token, id] : vocab.members) {
    std::string& slot = out.tokens[static_cast<std::size_t>(*id.whole())];
    if (token.empty()) base::fail(ErrorCode::kCorrupt, where, ": a token without text");
    if (!slot.empty()) {
      base::fail(ErrorCode::kCorrupt, where, ": '", base::printable(slot), "' and '", base::printable(token),
                 "' have the same id ", *id.whole());
    }
    slot = token;
  }
}

// "a b" or ["a", "b"]: both occur.
std::pair<std::string, std::string> read_merge(const JsonValue& merge, const std::string& where) {
  if (merge.string()) return split_merge(*merge.string(), where);
  const JsonArray* pair = merge.array();
  if (!pair || pair->size() != 2 || !(*pair)[0].string() || !(*pair)[1].string()) {
    base::fail(ErrorCode::kCorrupt, where, ": expected \"a b\" or [\"a\", \"b\"], got ", merge.kind());
  }
  return {*(*pair)[0].string(), *(*pair)[1].string()};
}

// Options of the model that would change ids.
void refuse_options(const Node& model) {
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (model.find(affix) && !model.string(affix).empty()) {
      base::fail(ErrorCode::kUnsupported, model.at(affix), ": '", base::printable(model.string(affix)),
                 "' is not supported");
    }
  }
  if (model.find("dropout")) base::fail(ErrorCode::kUnsupported, model.at("dropout"), ": is not supported");
}

void read_model(const Node& model, TokenizerData& out) {
  if (model.find("type") && model.string("type") != "BPE") fail_unknown(model, model.string("type"));
  refuse_options(model);
  out.byte_fallback = model.boolean("byte_fallback", false);
  out.ignore_merges = model.boolean("ignore_merges", false);
  read_vocab(model, out);
  const JsonArray& merges = model.array("merges");
  out.merges.reserve(merges.size());
  for (const JsonValue& merge : merges) {
    out.merges.push_back(read_merge(merge, base::cat(model.where, ": merge ", out.merges.size())));
  }
}

void read_added(const Node& root, TokenizerData& out) {
  if (!root.find("added_tokens")) return;
  for (const JsonValue& element : root.array("added_tokens")) {
    if (!element.object()) root.expected("added_tokens", "objects", &element);
    const Node node{*element.object(), root.at(base::cat("added token ", out.added.size()))};
    AddedToken token;
    token.id = read_id(node.find("id"), node.at("id"));
    token.content = node.string("content");
    token.special = node.boolean("special", false);
    token.normalized = node.boolean("normalized", !token.special);
    token.lstrip = node.boolean("lstrip", false);
    token.rstrip = node.boolean("rstrip", false);
    token.single_word = node.boolean("single_word", false);
    out.added.push_back(std::move(token));
  }
}

PreTokenizer read_split(const Node& step) {
  using Behavior = PreTokenizer::Behavior;
  constexpr std::pair<std::string_view, Behavior> kBehaviors[] = {
      {"Isolated", Behavior::kIsolated},
      {"Removed", Behavior::kRemoved},
      {"MergedWithPrevious", Behavior::kMergedWithPrevious},
      {"MergedWithNext", Behavior::kMergedWithNext},
      {"Contiguous", Behavior::kContiguous}};
  PreTokenizer out;
  out.kind = PreTokenizer::Kind::kSplit;
  const Node pattern{step.child("pattern"), step.at("pattern")};
  out.pattern_is_regex = pattern.find("Regex") != nullptr;
  out.pattern = pattern.string(out.pattern_is_regex ? "Regex" : "String");
  const std::string& behavior = step.string("behavior");
  const auto* known = std::find_if(std::begin(kBehaviors), std::end(kBehaviors),
                                   [&](const auto& row) { return row.first == behavior; });
  if (known == std::end(kBehaviors)) fail_unknown(Node{step.object, step.at("behavior")}, behavior);
  out.behavior = known->second;
  out.invert = step.boolean("invert", false);
  return out;
}

void read_pre_tokenizer(const Node& root, TokenizerData& out) {
  const auto step = root.step("pre_tokenizer");
  if (!step) return;
  for_each_step(*step, "pretokenizers", [&](const Node& node, const std::string& type) {
    if (type == "ByteLevel") {
      PreTokenizer bytes;
      bytes.add_prefix_space = node.boolean("add_prefix_space", true);
      bytes.use_regex = node.boolean("use_regex", true);
      out.pre_tokenizers.push_back(std::move(bytes));
    } else if (type == "Split") {
      out.pre_tokenizers.push_back(read_split(node));
    } else {
      fail_unknown(node, type);
    }
  });
}

void read_normalizer(const Node& root, TokenizerData& out) {
  const auto step = root.step("normalizer");
  if (!step) return;
  for_each_step(*step, "normalizers", [&](const Node& node, const std::string& type) {
    if (type != "NFC") fail_unknown(node, type);
    out.nfc = true;
  });
}

// A template may only say "the text itself": we encode without special tokens round it.
void check_template(const Node& node) {
  for (const JsonValue& piece : node.array("single")) {
    if (!piece.object()) node.expected("single", "objects", &piece);
    if (!piece.object()->find("Sequence")) {
      base::fail(ErrorCode::kUnsupported, node.where,
                 ": TemplateProcessing that adds special tokens would change ids: is not supported");
    }
  }
}

void check_post_processor(const Node& root) {
  const auto step = root.step("post_processor");
  if (!step) return;
  for_each_step(*step, "processors", [](const Node& node, const std::string& type) {
    if (type == "TemplateProcessing") {
      check_template(node);
    } else if (type != "ByteLevel") {  // which changes offsets alone
      fail_unknown(node, type);
    }
  });
}

void check_decoder(const Node& root) {
  const auto step = root.step("decoder");
  if (!step) {
    base::fail(ErrorCode::kUnsupported, root.where, ": decoder: expected 'ByteLevel', got none");
  }
  for_each_step(*step, "decoders", [](const Node& node, const std::string& type) {
    if (type != "ByteLevel") fail_unknown(node, type);
  });
}

// Both would change the ids of long or short texts. A prompt of 2048 tokens does not fit the model anyway.
void check_length_options(const Node& root) {
  constexpr std::uint64_t kMaxContext = 2048;
  if (const auto node = root.step("truncation")) {
    const JsonValue* length = node->find("max_length");
    if (!length || !length->whole() || *length->whole() < kMaxContext) {
      base::fail(ErrorCode::kUnsupported, node->where, ": expected none below ", kMaxContext, " tokens");
    }
  }
  if (const auto node = root.step("padding")) {
    const JsonValue* strategy = node->find("strategy");
    if (!strategy || !strategy->string() || *strategy->string() != "BatchLongest") {
      base::fail(ErrorCode::kUnsupported, node->where, ": a fixed length is not supported");
    }
  }
}

}  // namespace

TokenizerData parse_tokenizer_json(std::string_view text, const std::string& file_name) {
  const std::string name = base::printable(file_name);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos || !text.starts_with('{')) {
    refuse_foreign_file(std::as_bytes(std::span(text.data(), text.size())), name, "a tokenizer.json");
  }
  const JsonValue value = parse_json(text, name);
  if (!value.object()) base::fail(ErrorCode::kCorrupt, name, ": expected an object, got ", value.kind());
  const Node root{*value.object(), name};

  TokenizerData out;
  read_model(Node{root.child("model"), root.at("model")}, out);
  read_added(root, out);
  read_pre_tokenizer(root, out);
  read_normalizer(root, out);
  check_post_processor(root);
  check_decoder(root);
  check_length_options(root);
  finish_tokenizer(out, name);
  if (root.step("model")->find("unk_token") && !covers_all_bytes(out)) {
    base::fail(ErrorCode::kUnsupported, name,
               ": model: unk_token: is supported only where no text can need it");
  }
  return out;
}

}  // namespace moonbeam::formats
