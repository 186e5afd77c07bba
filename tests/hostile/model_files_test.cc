// Every one-byte change and every truncation of a small safetensors and a small GGUF file, and seeded mutants
// of tokenizers: each gives an Error in one line that names the file, or what is well-formed; never a crash,
// a read outside the file or a large allocation. The sanitizer presets run the same tests. MOONBEAM_MUTANTS
// sets the number of seeded mutants.
#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <functional>

#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "formats/test_bytes.h"
#include "formats/tokenizer_data.h"
#include "hostile/judge.h"

namespace moonbeam::formats {
namespace {

using test::bytes_of;
using test::GgufBytes;
using test::le;
using testing::judge;
using testing::judge_mutants;
using testing::mutants;
using testing::Tally;

constexpr const char* kName = testing::kHostileName;

// Each byte of [0, changed) set to each other value, then each shorter file.
Tally judge_all(const std::string& file, std::size_t changed,
                const std::function<void(std::string_view)>& read) {
  Tally tally;
  std::string broken = file;
  for (std::size_t at = 0; at < changed; ++at) {
    for (int value = 0; value < 256; ++value) {
      if (static_cast<unsigned char>(file[at]) == value) continue;
      broken[at] = static_cast<char>(value);
      judge(tally, read, broken);
    }
    broken[at] = file[at];
  }
  for (std::size_t size = 0; size < file.size(); ++size) {
    judge(tally, read, std::string(file, 0, size));  // its own memory: a read past its end is seen
  }
  return tally;
}

// A view that leads out of the file is the fault that all these files are after.
void expect_inside(const std::vector<NamedTensor>& tensors, std::string_view file) {
  const auto* begin = reinterpret_cast<const std::byte*>(file.data());
  for (const NamedTensor& tensor : tensors) {
    const std::int64_t bytes = tensor.view.bytes();
    ASSERT_TRUE(tensor.view.data >= begin && tensor.view.data + bytes <= begin + file.size()) << tensor.name;
    ASSERT_GE(tensor.view.numel(), 0) << tensor.name;
  }
}

void expect_modest(const Tally& tally, std::size_t file_size) {
  EXPECT_LT(tally.slowest_ms, 100);
  EXPECT_LE(tally.largest, 16 * file_size + 4096);
  ::testing::Test::RecordProperty("files", tally.total());
}

// ------------------------------------------------------------------------------- safetensors

void read_safetensors(std::string_view file) {
  std::map<std::string, std::string> metadata;
  expect_inside(parse_safetensors(bytes_of(file), kName, &metadata), file);
}

std::string small_safetensors(std::size_t& header_bytes) {
  const std::string header =
      R"({"__metadata__":{"format":"pt","licence":"Apache-2.0"},)"
      R"("model.text.wte":{"dtype":"BF16","shape":[16,4],"data_offsets":[0,128]},)"
      R"("model.text.blocks.0.ln.weight":{"dtype":"F32","shape":[4],"data_offsets":[128,144]},)"
      R"("model.text.blocks.0.ln.bias":{"dtype":"F32","shape":[4],"data_offsets":[144,160]},)"
      R"("model.vision.patch_emb.weight":{"dtype":"F16","shape":[2,12],"data_offsets":[160,208]},)"
      R"("model.vision.pos_emb":{"dtype":"F16","shape":[1,2,2],"data_offsets":[208,216]},)"
      R"("scale":{"dtype":"F64","shape":[],"data_offsets":[216,224]},)"
      R"("empty":{"dtype":"I64","shape":[0],"data_offsets":[224,224]}})";
  header_bytes = 8 + header.size();
  return test::safetensors(header, 224);
}

TEST(HostileSafetensors, AllOneByteChangesAndTruncationsAreClean) {
  std::size_t header = 0;
  const std::string file = small_safetensors(header);
  ASSERT_NO_THROW(read_safetensors(file));
  const Tally tally = judge_all(file, header, read_safetensors);
  EXPECT_GE(tally.total(), 140'000);
  // Letters of names and spaces may change and leave the file well-formed; nothing else may.
  EXPECT_GT(tally.accepted, tally.total() / 20);
  EXPECT_LT(tally.accepted, tally.total() / 3);
  expect_modest(tally, file.size());
}

// ------------------------------------------------------------------------------- GGUF

void read_gguf(std::string_view file) {
  const GgufFile gguf = parse_gguf(bytes_of(file), kName);
  expect_inside(gguf.weights.tensors, file);
  tokenizer_from_gguf(gguf);
}

std::string small_gguf(std::size_t& metadata_bytes) {
  const auto strings = [](std::initializer_list<const char*> values) {
    std::string out = le(std::uint32_t{8}) + le(static_cast<std::uint64_t>(values.size()));
    for (const char* value : values) out += GgufBytes::text(value);
    return out;
  };
  GgufBytes file;
  file.key("general.architecture", 8, GgufBytes::text("phi2"))
      .key("general.alignment", 4, le(std::uint32_t{32}));
  file.key("phi2.attention.layer_norm_epsilon", 6, le(1e-5f))
      .key("phi2.block_count", 4, le(std::uint32_t{24}));
  file.key("tokenizer.ggml.add_bos_token", 7, std::string(1, '\0'));
  file.key("tokenizer.ggml.model", 8, GgufBytes::text("gpt2"));
  file.key("tokenizer.ggml.tokens", 9, strings({"a", "b", "ab", "<|endoftext|>", "[PAD4]"}));
  file.key("tokenizer.ggml.merges", 9, strings({"a b"}));
  std::string types = le(std::uint32_t{5}) + le(std::uint64_t{5});
  for (const int type : {1, 1, 1, 3, 4}) types += le(type);
  file.key("tokenizer.ggml.token_type", 9, types);
  file.key("nested", 9, le(std::uint32_t{9}) + le(std::uint64_t{1}) + strings({"x"}));
  file.tensor("token_embd.weight", {8, 5}, 1, 0).tensor("blk.0.attn_norm.weight", {8}, 0, 96);
  file.tensor("v.patch_embd.weight", {2, 2, 3, 4}, 1, 128).tensor("output.bias", {5}, 0, 224);
  metadata_bytes = file.build().size();
  file.data = std::string(224 + 20, '\1');
  return file.build();
}

TEST(HostileGguf, AllOneByteChangesAndTruncationsAreClean) {
  std::size_t metadata = 0;
  const std::string file = small_gguf(metadata);
  ASSERT_GE(metadata, 700u);
  ASSERT_NO_THROW(read_gguf(file));
  const Tally tally = judge_all(file, metadata, read_gguf);
  EXPECT_GE(tally.total(), 178'000);
  EXPECT_GT(tally.accepted, tally.total() / 20);
  EXPECT_LT(tally.accepted, tally.total() / 2);
  expect_modest(tally, file.size());
}

// ------------------------------------------------------------------------------- seeded mutants

// What was accepted can also be written and is the same when read again.
void read_tokenizer(std::string_view file) {
  const TokenizerData data = parse_tokenizer_json(file, kName);
  const std::string written = write_tokenizer_json(data);
  EXPECT_EQ(write_tokenizer_json(parse_tokenizer_json(written, kName)), written);
}

const std::string kSmallTokenizer =
    R"x({"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":0,"content":"<|endoftext|>",)x"
    R"x("single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},{"id":7,"content":"  ",)x"
    R"x("single_word":true,"lstrip":true,"rstrip":true,"normalized":true,"special":false}],"normalizer":)x"
    R"x({"type":"Sequence","normalizers":[{"type":"NFC"}]},"pre_tokenizer":{"type":"Sequence","pretokenizers":[)x"
    R"x({"type":"Split","pattern":{"Regex":"\\s+(?!\\S)|\\p{L}+"},"behavior":"Isolated","invert":false},)x"
    R"x({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]},"post_processor":)x"
    R"x({"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}},)x"
    R"x("decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},"model":)x"
    R"x({"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":"",)x"
    R"x("fuse_unk":false,"byte_fallback":false,"ignore_merges":true,"vocab":{"<|endoftext|>":0,"a":1,"b":2,"ab":3,)x"
    R"x("\u0120":4,"\u0120a":5,"\ud83d\ude00":6},"merges":[["a","b"],"\u0120 a"]}})x";

TEST(HostileTokenizer, SeededMutantsOfASmallFileAreClean) {
  ASSERT_NO_THROW(read_tokenizer(kSmallTokenizer));
  const Tally tally = judge_mutants(kSmallTokenizer, mutants(20'000), read_tokenizer);
  EXPECT_GT(tally.accepted, tally.total() / 100);
  EXPECT_GT(tally.refused, tally.total() / 2);
  EXPECT_LT(tally.slowest_ms, 100);
  EXPECT_LE(tally.largest, 32u << 20);  // the list by id, if the highest legal id is named
}

TEST(HostileTokenizer, AllTruncationsOfASmallFileAreRefused) {
  const Tally tally = judge_all(kSmallTokenizer, 0, read_tokenizer);
  EXPECT_EQ(tally.accepted, 0);
  EXPECT_EQ(tally.refused, static_cast<int>(kSmallTokenizer.size()));
}

TEST(HostileTokenizer, SeededMutantsOfTheParityModelsFileAreClean) {
  const std::string file = test::read_all(MOONBEAM_SOURCE_DIR "/tests/goldens/tiny/tokenizer.json");
  const Tally tally = judge_mutants(file, mutants(20'000) / 40, read_tokenizer);
  EXPECT_GT(tally.refused, 0);
  EXPECT_LT(tally.slowest_ms, 1000);
}

TEST(HostileGguf, SeededMutantsAreClean) {
  std::size_t metadata = 0;
  const Tally tally = judge_mutants(small_gguf(metadata), mutants(20'000), read_gguf);
  EXPECT_GT(tally.refused, tally.total() / 2);
  expect_modest(tally, 1200);
}

TEST(HostileSafetensors, SeededMutantsAreClean) {
  std::size_t header = 0;
  const Tally tally = judge_mutants(small_safetensors(header), mutants(20'000), read_safetensors);
  EXPECT_GT(tally.refused, tally.total() / 2);
  expect_modest(tally, 1200);
}

}  // namespace
}  // namespace moonbeam::formats
