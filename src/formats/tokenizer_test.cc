// Tokenizer files: the published shapes, every step that is known, and those that must be refused by name.
#include <gtest/gtest.h>

#include "formats/test_bytes.h"
#include "formats/tokenizer_check.h"
#include "formats/tokenizer_data.h"

namespace moonbeam::formats {

static bool operator==(const AddedToken& a, const AddedToken& b) {
  return std::tie(a.id, a.content, a.special, a.normalized, a.lstrip, a.rstrip, a.single_word) ==
         std::tie(b.id, b.content, b.special, b.normalized, b.lstrip, b.rstrip, b.single_word);
}
static bool operator==(const PreTokenizer& a, const PreTokenizer& b) {
  return std::tie(a.kind, a.add_prefix_space, a.use_regex, a.pattern, a.pattern_is_regex, a.behavior,
                  a.invert) == std::tie(b.kind, b.add_prefix_space, b.use_regex, b.pattern,
                                        b.pattern_is_regex, b.behavior, b.invert);
}
static bool operator==(const TokenizerData& a, const TokenizerData& b) {
  return std::tie(a.tokens, a.merges, a.added, a.pre_tokenizers, a.nfc, a.ignore_merges, a.byte_fallback) ==
         std::tie(b.tokens, b.merges, b.added, b.pre_tokenizers, b.nfc, b.ignore_merges, b.byte_fallback);
}

namespace {

using test::expect_error;

TokenizerData parse(const std::string& text) {
  return parse_tokenizer_json(text, "tokenizer.json");
}

// A small file; each part can be replaced.
struct Parts {
  std::string added = "[]", normalizer = "null", pre = "null", post = "null",
              decoder = R"({"type":"ByteLevel"})", vocab = R"({"a":0,"b":1,"ab":2})",
              merges = R"([["a","b"]])", options, extra;
  std::string build() const {
    return R"({"version":"1.0","added_tokens":)" + added + R"(,"normalizer":)" + normalizer +
           R"(,"pre_tokenizer":)" + pre + R"(,"post_processor":)" + post + R"(,"decoder":)" + decoder +
           R"(,"model":{"type":"BPE","vocab":)" + vocab + R"(,"merges":)" + merges + options + "}" + extra +
           "}";
  }
};

template <typename Change>
std::string with(Change change) {
  Parts parts;
  change(parts);
  return parts.build();
}

std::string source(const char* path) {
  std::string text = test::read_all(std::string(MOONBEAM_SOURCE_DIR "/tests/") + path);
  EXPECT_FALSE(text.empty()) << path;
  return text;
}

TEST(TokenizerJson, ReadsTheParityModelsFile) {
  const TokenizerData data = parse(source("goldens/tiny/tokenizer.json"));
  EXPECT_EQ(data.tokens.size(), 655u);
  EXPECT_EQ(data.merges.size(), 389u);
  ASSERT_EQ(data.added.size(), 10u);
  EXPECT_EQ(data.added[0].content, "<|endoftext|>");
  EXPECT_TRUE(data.added[9].special);
  ASSERT_EQ(data.pre_tokenizers.size(), 1u);
  EXPECT_TRUE(data.pre_tokenizers[0].use_regex);
  EXPECT_FALSE(data.pre_tokenizers[0].add_prefix_space);
  EXPECT_TRUE(covers_all_bytes(data));
}

TEST(TokenizerJson, ReadsPhisFileWithAddedTokensPastTheVocabulary) {
  const TokenizerData data = parse(source("goldens/tokenizer/phi-tokenizer.json"));
  EXPECT_EQ(data.tokens.size(), 50257u);
  EXPECT_EQ(data.merges.size(), 50000u);
  ASSERT_EQ(data.added.size(), 39u);
  EXPECT_EQ(data.added[0].id, 50256);
  EXPECT_TRUE(data.added[0].special);
  EXPECT_EQ(data.added[1].content, std::string(31, ' '));
  EXPECT_FALSE(data.added[1].special);
  EXPECT_TRUE(data.added[1].normalized);
  EXPECT_EQ(data.added[38].content, "\t\t");
}

TEST(TokenizerJson, IsTheSameAfterWritingAndReading) {
  for (const char* path : {"goldens/tiny/tokenizer.json", "goldens/tokenizer/phi-tokenizer.json",
                           "data/starter/tokenizer.json"}) {
    SCOPED_TRACE(path);
    const TokenizerData data = parse(source(path));
    const std::string text = write_tokenizer_json(data);
    EXPECT_TRUE(parse(text) == data);
    EXPECT_EQ(write_tokenizer_json(parse(text)), text);
  }
  const TokenizerData rich = parse(with([](Parts& p) {
    p.added =
        R"([{"id":9,"content":"\u00e9","lstrip":true,"single_word":true},{"id":7,"content":"x","special":true,"rstrip":true}])";
    p.normalizer = R"({"type":"NFC"})";
    p.pre =
        R"x({"type":"Sequence","pretokenizers":[)x"
        R"x({"type":"Split","pattern":{"Regex":"\\s+(?!\\S)"},"behavior":"MergedWithNext","invert":true},)x"
        R"x({"type":"Split","pattern":{"String":"\""},"behavior":"Removed","invert":false},)x"
        R"x({"type":"ByteLevel","add_prefix_space":true,"use_regex":false}]})x";
    p.options = R"(,"byte_fallback":true,"ignore_merges":true)";
  }));
  ASSERT_EQ(rich.pre_tokenizers.size(), 3u);
  EXPECT_EQ(rich.pre_tokenizers[0].pattern, "\\s+(?!\\S)");
  EXPECT_EQ(rich.pre_tokenizers[0].behavior, PreTokenizer::Behavior::kMergedWithNext);
  EXPECT_TRUE(rich.pre_tokenizers[0].invert);
  EXPECT_FALSE(rich.pre_tokenizers[1].pattern_is_regex);
  EXPECT_TRUE(rich.pre_tokenizers[2].add_prefix_space);
  EXPECT_EQ(rich.added[0].id, 7);  // in order of id
  EXPECT_FALSE(rich.added[0].normalized);
  EXPECT_TRUE(rich.added[1].normalized);
  EXPECT_TRUE(rich.nfc && rich.byte_fallback && rich.ignore_merges);
  EXPECT_TRUE(parse(write_tokenizer_json(rich)) == rich);
}

TEST(TokenizerJson, ReadsMergesInBothForms) {
  const TokenizerData pairs = parse(Parts().build());
  const TokenizerData strings = parse(with([](Parts& p) { p.merges = R"(["a b"])"; }));
  EXPECT_TRUE(pairs == strings);
  EXPECT_EQ(pairs.merges[0], std::pair(std::string("a"), std::string("b")));
}

TEST(TokenizerJson, PassesOverWhatHasNoEffectOnIds) {
  const TokenizerData plain = parse(Parts().build());
  const auto same = [&](auto change) { EXPECT_TRUE(parse(with(change)) == plain) << with(change); };
  same([](Parts& p) { p.post = R"({"type":"ByteLevel","trim_offsets":true})"; });
  same([](Parts& p) {
    p.post = R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}}],"pair":[],)"
             R"("special_tokens":{}})";
  });
  same([](Parts& p) { p.post = R"({"type":"Sequence","processors":[{"type":"ByteLevel"}]})"; });
  same([](Parts& p) { p.normalizer = R"({"type":"Sequence","normalizers":[]})"; });
  same([](Parts& p) { p.decoder = R"({"type":"Sequence","decoders":[{"type":"ByteLevel"}]})"; });
  same([](Parts& p) {
    p.extra = R"(,"truncation":{"max_length":2048},"padding":{"strategy":"BatchLongest"})";
  });
  same([](Parts& p) {
    p.options = R"(,"dropout":null,"continuing_subword_prefix":"","end_of_word_suffix":null)";
  });
  same([](Parts& p) { p.extra = R"(,"future":[1,{"deep":[]}])"; });
}

TEST(TokenizerJson, LeavesIdsWithoutATokenEmpty) {
  const TokenizerData data = parse(with([](Parts& p) { p.vocab = R"({"a":0,"b":5,"ab":2})"; }));
  ASSERT_EQ(data.tokens.size(), 6u);
  EXPECT_EQ(data.tokens[1], "");
  EXPECT_EQ(data.tokens[5], "b");
}

struct Broken {
  const char* why;
  std::string text;
  ErrorCode code;
  const char* part;
};

std::string added(std::string_view tokens) {
  return with([&](Parts& p) { p.added = tokens; });
}
std::string pre(std::string_view step) {
  return with([&](Parts& p) { p.pre = step; });
}
std::string post(std::string_view step) {
  return with([&](Parts& p) { p.post = step; });
}
std::string vocab(std::string_view object) {
  return with([&](Parts& p) { p.vocab = object; });
}
std::string merges(std::string_view array) {
  return with([&](Parts& p) { p.merges = array; });
}
std::string options(std::string_view members) {
  return with([&](Parts& p) { p.options = members; });
}

std::string nested_sequences(int depth) {
  std::string out = R"({"type":"ByteLevel","add_prefix_space":false})";
  for (int i = 0; i < depth; ++i) out = R"({"type":"Sequence","pretokenizers":[)" + out + "]}";
  return out;
}

std::vector<Broken> broken_files() {
  using enum ErrorCode;
  return {
      {"empty", "", kCorrupt, "got an empty file"},
      {"spaces", "  ", kCorrupt, "not valid JSON"},
      {"HTML", "<!DOCTYPE html>", kCorrupt, "got an HTML page"},
      {"Git LFS pointer", "version https://git-lfs.github.com/spec/v1", kCorrupt, "got a Git LFS pointer"},
      {"safetensors", test::safetensors("{}", 0), kUnsupported, "got a safetensors file"},
      {"an array", "[]", kCorrupt, "expected an object, got an array"},
      {"truncated", Parts().build().substr(0, 150), kCorrupt, "not valid JSON"},
      {"no model", "{}", kCorrupt, "model: expected an object, got nothing"},
      {"a key twice", R"({"model":{},"model":{}})", kCorrupt, "'model' stands there twice"},
      {"WordPiece", R"({"model":{"type":"WordPiece"}})", kUnsupported,
       "model: type 'WordPiece' is not known"},
      {"Unigram", R"({"model":{"type":"Unigram","vocab":[]}})", kUnsupported, "model: type 'Unigram'"},
      {"prefix", options(R"(,"continuing_subword_prefix":"##")"), kUnsupported,
       "continuing_subword_prefix: '##'"},
      {"suffix", options(R"(,"end_of_word_suffix":"</w>")"), kUnsupported, "end_of_word_suffix: '</w>'"},
      {"dropout", options(R"(,"dropout":0.1)"), kUnsupported, "dropout: is not supported"},
      {"unknown token", options(R"(,"unk_token":"a")"), kUnsupported, "unk_token"},
      {"byte_fallback", options(R"(,"byte_fallback":"yes")"), kCorrupt,
       "byte_fallback: expected true or false"},
      {"vocab is an array", vocab("[]"), kCorrupt, "vocab: expected an object, got an array"},
      {"negative id", vocab(R"({"a":-1})"), kCorrupt, "vocab: 'a': expected an id of 0..1048575"},
      {"fractional id", vocab(R"({"a":1.5})"), kCorrupt, "vocab: 'a': expected an id"},
      {"id as text", vocab(R"({"a":"1"})"), kCorrupt, "expected an id of 0..1048575, got a string"},
      {"huge id", vocab(R"({"a":4294967296})"), kCorrupt, "got 4294967296"},
      {"id twice", vocab(R"({"a":0,"b":0})"), kCorrupt, "'a' and 'b' have the same id 0"},
      {"token twice", vocab(R"({"a":0,"a":1})"), kCorrupt, "'a' stands there twice"},
      {"token without text", vocab(R"({"":0})"), kCorrupt, "a token without text"},
      {"no merges", R"({"model":{"vocab":{}}})", kCorrupt, "merges: expected an array, got nothing"},
      {"merge of one part", merges(R"(["ab"])"), kCorrupt, "merge 0: expected two parts"},
      {"merge of three parts", merges(R"(["a b ab"])"), kCorrupt, "merge 0: expected two parts"},
      {"merge with an empty part", merges(R"(["a "])"), kCorrupt, "merge 0: expected two parts"},
      {"merge as a triple", merges(R"([["a","b","ab"]])"), kCorrupt, "merge 0: expected \"a b\" or"},
      {"merge as numbers", merges(R"([[0,1]])"), kCorrupt, "merge 0: expected \"a b\" or"},
      {"merge of unknown parts", merges(R"(["a b","a x"])"), kCorrupt,
       "merge 1: 'x' is not in the vocabulary"},
      {"merge into nothing", merges(R"(["b a"])"), kCorrupt, "merge 0: 'ba' is not in the vocabulary"},
      {"added tokens no array", added("{}"), kCorrupt, "added_tokens: expected an array"},
      {"added token no object", added("[1]"), kCorrupt, "added_tokens: expected objects"},
      {"added token without id", added(R"([{"content":"x"}])"), kCorrupt,
       "added token 0: id: expected an id"},
      {"added token of 10^9", added(R"([{"id":1000000000,"content":"x"}])"), kCorrupt, "got 1000000000"},
      {"added token without content", added(R"([{"id":3}])"), kCorrupt, "content: expected a string"},
      {"added token without text", added(R"([{"id":3,"content":""}])"), kCorrupt,
       "added token 3 '': expected text"},
      {"added id twice", added(R"([{"id":3,"content":"x"},{"id":3,"content":"y"}])"), kCorrupt, "of one id"},
      {"added text twice", added(R"([{"id":3,"content":"x"},{"id":4,"content":"x"}])"), kCorrupt,
       "stands there twice"},
      {"added under another id", added(R"([{"id":3,"content":"a"}])"), kCorrupt,
       "the vocabulary has it as 0"},
      {"added over another token", added(R"([{"id":0,"content":"x"}])"), kCorrupt,
       "the vocabulary has 'a' under"},
      {"added flag", added(R"([{"id":3,"content":"x","special":1}])"), kCorrupt,
       "special: expected true or false"},
      {"unknown pre-tokenizer", pre(R"({"type":"Whitespace"})"), kUnsupported,
       "pre_tokenizer: type 'Whitespace'"},
      {"pre-tokenizer without type", pre("{}"), kCorrupt, "pre_tokenizer: type: expected a string"},
      {"pre-tokenizer as text", pre("\"ByteLevel\""), kCorrupt, "pre_tokenizer: expected an object"},
      {"unknown in a sequence", pre(R"({"type":"Sequence","pretokenizers":[{"type":"Digits"}]})"),
       kUnsupported, "type 'Digits'"},
      {"sequence without list", pre(R"({"type":"Sequence"})"), kCorrupt, "pretokenizers: expected an array"},
      {"sequence of numbers", pre(R"({"type":"Sequence","pretokenizers":[1]})"), kCorrupt,
       "expected objects"},
      {"deep sequences", pre(nested_sequences(5)), kUnsupported, "Sequence nested deeper than 4"},
      {"split without pattern", pre(R"({"type":"Split","behavior":"Isolated"})"), kCorrupt,
       "pattern: expected an object"},
      {"split of no kind", pre(R"({"type":"Split","pattern":{"Glob":"x"},"behavior":"Isolated"})"), kCorrupt,
       "pattern: String: expected a string"},
      {"split behaviour", pre(R"({"type":"Split","pattern":{"String":"x"},"behavior":"Sideways"})"),
       kUnsupported, "behavior: type 'Sideways'"},
      {"normalizer", with([](Parts& p) { p.normalizer = R"({"type":"Lowercase"})"; }), kUnsupported,
       "normalizer: type 'Lowercase'"},
      {"template with specials",
       post(R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>",)"
            R"("type_id":0}},{"Sequence":{"id":"A","type_id":0}}]})"),
       kUnsupported, "adds special tokens would change ids"},
      {"template without single", post(R"({"type":"TemplateProcessing"})"), kCorrupt,
       "single: expected an array"},
      {"BertProcessing", post(R"({"type":"BertProcessing"})"), kUnsupported,
       "post_processor: type 'BertProcessing'"},
      {"no decoder", with([](Parts& p) { p.decoder = "null"; }), kUnsupported,
       "decoder: expected 'ByteLevel'"},
      {"decoder", with([](Parts& p) { p.decoder = R"({"type":"Metaspace"})"; }), kUnsupported,
       "type 'Metaspace'"},
      {"truncation", with([](Parts& p) { p.extra = R"(,"truncation":{"max_length":512})"; }), kUnsupported,
       "truncation: expected none below 2048"},
      {"padding", with([](Parts& p) { p.extra = R"(,"padding":{"strategy":{"Fixed":64}})"; }), kUnsupported,
       "padding: a fixed length"},
      {"nesting", with([](Parts& p) { p.extra = ",\"x\":" + std::string(100'000, '['); }), kCorrupt,
       "nested deeper"},
  };
}

TEST(TokenizerJson, RefusesAFileForEachRuleThatItBreaks) {
  for (const Broken& broken : broken_files()) {
    SCOPED_TRACE(broken.why);
    expect_error(broken.code, broken.part, [&] { parse(broken.text); });
    expect_error(broken.code, "tokenizer.json: ", [&] { parse(broken.text); });
  }
}

TEST(TokenizerJson, TakesAnUnknownTokenWhereEveryByteIsKnown) {
  std::string text = source("goldens/tiny/tokenizer.json");
  const std::string from = "\"unk_token\":null", spaced = "\"unk_token\": null";
  const bool has_space = text.find(from) == std::string::npos;
  const std::size_t at = text.find(has_space ? spaced : from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, has_space ? spaced.size() : from.size(), R"("unk_token":"<|endoftext|>")");
  EXPECT_TRUE(parse(text) == parse(source("goldens/tiny/tokenizer.json")));
}

GgufFile gguf_tokenizer() {
  GgufFile file;
  file.weights.path = "text.gguf";
  file.keys["tokenizer.ggml.model"] = std::string("gpt2");
  file.keys["tokenizer.ggml.tokens"] =
      std::vector<std::string>{"a", "b", "ab", "<|endoftext|>", "   ", "[PAD5]", "[PAD7]", "gone"};
  file.keys["tokenizer.ggml.token_type"] = std::vector<std::int64_t>{1, 1, 1, 3, 4, 4, 1, 5};
  file.keys["tokenizer.ggml.merges"] = std::vector<std::string>{"a b"};
  return file;
}

TEST(TokenizerGguf, ReadsTokensTypesAndMergesAndLeavesOutPads) {
  const TokenizerData data = tokenizer_from_gguf(gguf_tokenizer());
  EXPECT_EQ(data.tokens, (std::vector<std::string>{"a", "b", "ab", "", "", "", "[PAD7]"}));
  ASSERT_EQ(data.added.size(), 2u);
  EXPECT_EQ(data.added[0].content, "<|endoftext|>");
  EXPECT_TRUE(data.added[0].special);
  EXPECT_EQ(data.added[1].content, "   ");
  EXPECT_FALSE(data.added[1].special);
  EXPECT_EQ(data.merges.size(), 1u);
  ASSERT_EQ(data.pre_tokenizers.size(), 1u);
  EXPECT_TRUE(data.pre_tokenizers[0].use_regex);
  EXPECT_FALSE(data.pre_tokenizers[0].add_prefix_space);
  EXPECT_TRUE(parse(write_tokenizer_json(data)) == data);
}

TEST(TokenizerGguf, TakesAllTokensForNormalWithoutTypes) {
  GgufFile file = gguf_tokenizer();
  file.keys.erase("tokenizer.ggml.token_type");
  const TokenizerData data = tokenizer_from_gguf(file);
  EXPECT_TRUE(data.added.empty());
  EXPECT_EQ(data.tokens[3], "<|endoftext|>");
  EXPECT_EQ(data.tokens[5], "");
}

TEST(TokenizerGguf, RefusesWhatContradictsItself) {
  const auto refuse = [](ErrorCode code, const char* part, const char* key,
                         const std::optional<GgufValue>& value) {
    SCOPED_TRACE(part);
    GgufFile file = gguf_tokenizer();
    file.keys.erase(key);
    if (value) file.keys.emplace(key, *value);
    expect_error(code, part, [&] { tokenizer_from_gguf(file); });
  };
  using Strings = std::vector<std::string>;
  using Numbers = std::vector<std::int64_t>;
  refuse(ErrorCode::kUnsupported, "text.gguf: tokenizer.ggml.model: expected 'gpt2', got 'llama'",
         "tokenizer.ggml.model", std::string("llama"));
  refuse(ErrorCode::kUnsupported, "expected 'gpt2', got ''", "tokenizer.ggml.model", std::nullopt);
  refuse(ErrorCode::kUnsupported, "tokenizer.ggml.pre 'qwen2'", "tokenizer.ggml.pre", std::string("qwen2"));
  refuse(ErrorCode::kCorrupt, "a key 'tokenizer.ggml.tokens'", "tokenizer.ggml.tokens", std::nullopt);
  refuse(ErrorCode::kCorrupt, "tokenizer.ggml.tokens: expected an array", "tokenizer.ggml.tokens", true);
  refuse(ErrorCode::kCorrupt, "a key 'tokenizer.ggml.merges'", "tokenizer.ggml.merges", std::nullopt);
  refuse(ErrorCode::kCorrupt, "merge 0: expected two parts", "tokenizer.ggml.merges", Strings{"ab"});
  refuse(ErrorCode::kCorrupt, "merge 0: 'x' is not", "tokenizer.ggml.merges", Strings{"a x"});
  refuse(ErrorCode::kCorrupt, "token_type: expected 8 values, got 1", "tokenizer.ggml.token_type",
         Numbers{1});
  refuse(ErrorCode::kUnsupported, "token 0 'a': token type 9", "tokenizer.ggml.token_type",
         Numbers{9, 1, 1, 1, 1, 1, 1, 1});
  refuse(ErrorCode::kCorrupt, "token 7 '\\xff': expected UTF-8", "tokenizer.ggml.tokens",
         Strings{"a", "b", "ab", "c", "d", "e", "f", "\xff"});
  refuse(ErrorCode::kCorrupt, "token 0 '': expected text", "tokenizer.ggml.tokens",
         Strings{"", "b", "ab", "c", "d", "e", "f", "g"});
  refuse(ErrorCode::kCorrupt, "'a' stands there twice", "tokenizer.ggml.tokens",
         Strings{"a", "b", "a", "c", "d", "e", "f", "g"});
}

}  // namespace
}  // namespace moonbeam::formats
