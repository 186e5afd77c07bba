// The tokenizer that llama.cpp's converters put into a GGUF file's keys: byte-level BPE, model "gpt2".
#include <algorithm>

#include "base/error.h"
#include "formats/tokenizer_check.h"
#include "formats/tokenizer_data.h"

namespace moonbeam::formats {

namespace {

// Values of tokenizer.ggml.token_type.
enum TokenType : std::int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5 };

template <typename List>
const List* list(const GgufFile& file, const char* key, const std::string& name) {
  const GgufValue* value = file.find(key);
  if (!value) return nullptr;
  const auto* held = std::get_if<List>(value);
  if (!held) base::fail(ErrorCode::kCorrupt, name, ": ", key, ": expected an array, got another type");
  return held;
}

template <typename List>
const List& required(const GgufFile& file, const char* key, const std::string& name) {
  const List* held = list<List>(file, key, name);
  if (!held) base::fail(ErrorCode::kCorrupt, name, ": expected a key '", key, "', got none");
  return *held;
}

// How text is cut before merging. Files older than the key are all GPT-2's.
void check_kind(const GgufFile& file, const std::string& name) {
  const std::string model = file.string("tokenizer.ggml.model").value_or("");
  if (model != "gpt2") {
    base::fail(ErrorCode::kUnsupported, name, ": tokenizer.ggml.model: expected 'gpt2', got '",
               base::printable(model), "'");
  }
  const std::string pre = file.string("tokenizer.ggml.pre").value_or("gpt-2");
  if (pre != "gpt-2" && pre != "gpt2" && pre != "phi-2") {
    base::fail(ErrorCode::kUnsupported, name, ": tokenizer.ggml.pre '", base::printable(pre),
               "' is not known");
  }
}

// Rows without a token are filled with "[PAD50295]", the row's own number in it.
bool is_pad(const std::string& token, std::size_t id) {
  return token == base::cat("[PAD", id, "]");
}

void read_tokens(const GgufFile& file, const std::string& name, TokenizerData& out) {
  using Types = std::vector<std::int64_t>;
  const auto& tokens = required<std::vector<std::string>>(file, "tokenizer.ggml.tokens", name);
  const auto* types = list<Types>(file, "tokenizer.ggml.token_type", name);
  if (types && types->size() != tokens.size()) {
    base::fail(ErrorCode::kCorrupt, name, ": tokenizer.ggml.token_type: expected ", tokens.size(),
               " values, got ", types->size());
  }
  if (tokens.size() > kMaxTokenIds) {
    base::fail(ErrorCode::kUnsupported, name, ": tokenizer.ggml.tokens: more than ", kMaxTokenIds);
  }
  out.tokens.resize(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const std::string& token = tokens[id];
    const std::string where = base::cat(name, ": token ", id, " '", base::printable(token), "'");
    const std::int64_t type = types ? (*types)[id] : kNormal;
    if (!base::is_valid_utf8(token)) base::fail(ErrorCode::kCorrupt, where, ": expected UTF-8");
    if (type == kUnused || is_pad(token, id)) continue;
    if (type == kControl || type == kUnknown || type == kUserDefined) {
      const bool special = type != kUserDefined;
      out.added.push_back(
          {.id = static_cast<int>(id), .content = token, .special = special, .normalized = !special});
    } else if (type == kNormal) {
      if (token.empty()) base::fail(ErrorCode::kCorrupt, where, ": expected text");
      out.tokens[id] = token;
    } else {
      base::fail(ErrorCode::kUnsupported, where, ": token type ", type, " is not known");
    }
  }
  while (!out.tokens.empty() && out.tokens.back().empty()) out.tokens.pop_back();
}

// An array of names that repeats one would make encode() depend on which comes first.
void check_unique(const TokenizerData& data, const std::string& name) {
  std::vector<std::string_view> sorted;
  for (const std::string& token : data.tokens) {
    if (!token.empty()) sorted.push_back(token);
  }
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    base::fail(ErrorCode::kCorrupt, name, ": tokenizer.ggml.tokens: '", base::printable(*twice),
               "' stands there twice");
  }
}

}  // namespace

TokenizerData tokenizer_from_gguf(const GgufFile& file) {
  const std::string name = base::printable(file.weights.path);
  check_kind(file, name);
  TokenizerData out;
  read_tokens(file, name, out);
  check_unique(out, name);
  const auto& merges = required<std::vector<std::string>>(file, "tokenizer.ggml.merges", name);
  out.merges.reserve(merges.size());
  for (const std::string& merge : merges) {
    out.merges.push_back(
        split_merge(merge, base::cat(name, ": tokenizer.ggml.merges: merge ", out.merges.size())));
  }
  out.pre_tokenizers.emplace_back();  // ByteLevel with its own pattern, no space in front
  finish_tokenizer(out, name);
  return out;
}

}  // namespace moonbeam::formats
