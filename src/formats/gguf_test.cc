// Each rule of GGUF has a file here that breaks it alone; what the writer writes, the reader reads.
#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "formats/test_bytes.h"

namespace moonbeam::formats {
namespace {

using test::bytes_of;
using test::expect_error;
using test::GgufBytes;
using test::le;
using test::TemporaryFolder;

GgufFile parse(const std::string& file) {
  return parse_gguf(bytes_of(file), "m.gguf");
}

std::string array(std::uint32_t type, std::uint64_t count, std::string_view elements) {
  return le(type) + le(count) + std::string(elements);
}

GgufBytes one_tensor() {
  GgufBytes file;
  file.tensor("t", {4, 3}, 0, 0);
  file.data = std::string(48, '\1');
  return file;
}

TEST(Gguf, ReadsEveryTypeOfValue) {
  GgufBytes bytes;
  bytes.key("u8", 0, le(std::uint8_t{200}))
      .key("i8", 1, le(std::int8_t{-3}))
      .key("u16", 2, le(std::uint16_t{60000}));
  bytes.key("i16", 3, le(std::int16_t{-300})).key("u32", 4, le(std::uint32_t{4'000'000'000u}));
  bytes.key("i32", 5, le(std::int32_t{-70000})).key("f32", 6, le(0.5f)).key("bool", 7, "\1");
  bytes.key("string", 8, GgufBytes::text("hello")).key("u64", 10, le(~std::uint64_t{0}));
  bytes.key("i64", 11, le(std::numeric_limits<std::int64_t>::min())).key("f64", 12, le(1e300));
  bytes.key("strings", 9, array(8, 2, GgufBytes::text("a") + GgufBytes::text("")));
  bytes.key("bools", 9, array(7, 2, std::string("\1\0", 2))).key("floats", 9, array(6, 1, le(2.0f)));
  bytes.key("bytes", 9, array(1, 2, "\xff\x01")).key("none", 9, array(8, 0, ""));
  bytes.key("nested", 9, array(9, 2, array(0, 1, "x") + array(8, 1, GgufBytes::text("y"))));
  const GgufFile file = parse(bytes.build());
  EXPECT_EQ(file.integer("u8"), 200);
  EXPECT_EQ(file.integer("i8"), -3);
  EXPECT_EQ(file.integer("u16"), 60000);
  EXPECT_EQ(file.integer("i16"), -300);
  EXPECT_EQ(file.integer("u32"), 4'000'000'000);
  EXPECT_EQ(file.integer("i32"), -70000);
  EXPECT_EQ(file.number("f32"), 0.5);
  EXPECT_EQ(file.number("i8"), -3.0);
  EXPECT_EQ(file.number("u8"), 200.0);
  EXPECT_EQ(std::get<bool>(*file.find("bool")), true);
  EXPECT_EQ(file.string("string"), "hello");
  EXPECT_EQ(std::get<std::uint64_t>(*file.find("u64")), ~std::uint64_t{0});
  EXPECT_EQ(file.integer("i64"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(file.number("f64"), 1e300);
  EXPECT_EQ(std::get<std::vector<std::string>>(*file.find("strings")), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(*file.find("bools")), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(*file.find("bytes")), (std::vector<std::int64_t>{-1, 1}));
  EXPECT_EQ(std::get<std::vector<double>>(*file.find("floats")), std::vector<double>{2});
  EXPECT_TRUE(std::get<std::vector<std::string>>(*file.find("none")).empty());
  EXPECT_NE(file.find("nested"), nullptr);
  EXPECT_FALSE(file.integer("missing").has_value());
  EXPECT_FALSE(file.string("missing").has_value());
  EXPECT_FALSE(file.number("missing").has_value());
  expect_error(ErrorCode::kCorrupt, "m.gguf: string: expected a whole number",
               [&] { file.integer("string"); });
  expect_error(ErrorCode::kCorrupt, "u64: expected a whole number below 2^63", [&] { file.integer("u64"); });
  expect_error(ErrorCode::kCorrupt, "u8: expected a string", [&] { file.string("u8"); });
  expect_error(ErrorCode::kCorrupt, "string: expected a number", [&] { file.number("string"); });
}

TEST(Gguf, TurnsSizesRoundAndFindsTheData) {
  GgufBytes bytes = one_tensor();
  bytes.version = 2;
  bytes.tensor("a.weight", {64, 2}, 1, 64);
  bytes.data.resize(64 + 256, '\2');
  const std::string text = bytes.build();
  const GgufFile file = parse(text);
  ASSERT_EQ(file.weights.tensors.size(), 2u);
  EXPECT_EQ(file.weights.tensors[0].name, "a.weight");
  EXPECT_EQ(file.weights.find("t")->shape, (tensor::Shape{3, 4}));
  EXPECT_EQ(file.weights.find("a.weight")->shape, (tensor::Shape{2, 64}));
  EXPECT_EQ(file.weights.find("a.weight")->data, bytes_of(text).data() + text.size() - 256);
}

TEST(Gguf, AcceptsAFileWithoutTensorsAndOneWithoutThePaddingAtItsEnd) {
  EXPECT_TRUE(parse(GgufBytes().build()).weights.tensors.empty());
  EXPECT_EQ(parse(one_tensor().build()).weights.tensors.size(), 1u);
  GgufBytes eight = one_tensor();
  eight.key("general.alignment", 4, le(std::uint32_t{8}));
  eight.alignment = 8;
  EXPECT_EQ(parse(eight.build()).weights.tensors.size(), 1u);
}

struct Broken {
  const char* why;
  GgufBytes file;
  ErrorCode code;
  const char* part;
};

template <typename Change>
GgufBytes with(Change change) {
  GgufBytes file = one_tensor();
  change(file);
  return file;
}

std::string nested_arrays(int depth) {
  std::string out = array(0, 0, "");
  for (int i = 1; i < depth; ++i) out = array(9, 1, out);
  return out;
}

GgufBytes key(std::uint32_t type, std::string_view value) {
  return with([&](GgufBytes& f) { f.key("k", type, value); });
}

GgufBytes tensor(std::initializer_list<std::uint64_t> ne, std::uint32_t type, std::uint64_t offset) {
  GgufBytes file;
  file.tensor("t", ne, type, offset);
  file.data = std::string(128, '\1');
  return file;
}

std::vector<Broken> broken_files() {
  using enum ErrorCode;
  const std::uint64_t many = ~std::uint64_t{0};
  return {
      {"magic", with([](GgufBytes& f) { f.magic = "GGUX"; }), kCorrupt, "begins with 'GGUF'"},
      {"version 1", with([](GgufBytes& f) { f.version = 1; }), kUnsupported, "version 2 or 3, got 1"},
      {"version 4", with([](GgufBytes& f) { f.version = 4; }), kUnsupported, "version 2 or 3, got 4"},
      {"big-endian", with([](GgufBytes& f) { f.version = 0x03000000; }), kUnsupported, "big-endian"},
      {"tensor count", with([&](GgufBytes& f) { f.tensor_count = many; }), kCorrupt, "tensors do not fit"},
      {"tensor count that wraps", with([&](GgufBytes& f) { f.tensor_count = many / 32 + 2; }), kCorrupt,
       "tensors do not fit"},
      {"key count", with([&](GgufBytes& f) { f.key_count = many; }), kCorrupt, "keys do not fit"},
      {"a tensor too many", with([](GgufBytes& f) { f.tensor_count = 2; }), kCorrupt, "m.gguf: tensor 1"},
      {"key type", key(13, "x"), kCorrupt, "'k': expected a value type of 0..12, got 13"},
      {"key twice", with([](GgufBytes& f) { f.key("k", 0, "x").key("k", 1, "x"); }), kCorrupt,
       "key 'k' stands there twice"},
      {"key without text", with([](GgufBytes& f) { f.key("", 0, "x"); }), kCorrupt, "key 0: expected a key"},
      {"key not UTF-8", with([](GgufBytes& f) { f.key("\xff", 0, "x"); }), kCorrupt, "got '\\xff'"},
      {"key of 64 KiB", with([](GgufBytes& f) { f.key(std::string(65536, 'k'), 0, "x"); }), kCorrupt,
       "at most 65535 bytes, got 65536"},
      {"bool of 2", key(7, "\2"), kCorrupt, "bool of 0 or 1, got 2"},
      {"string past the end", key(8, le(std::uint64_t{1'000'000}) + "x"), kCorrupt,
       "'k': expected 1000000 bytes"},
      {"string of 2^64-1", key(8, le(many) + "x"), kCorrupt, "expected 18446744073709551615 bytes"},
      {"array longer than the file", key(9, array(0, 1'000'000, "x")), kCorrupt, "array elements do not fit"},
      {"array count that wraps", key(9, array(10, many / 8 + 2, "x")), kCorrupt, "array elements do not fit"},
      {"array of unknown type", key(9, array(77, 1, "x")), kCorrupt, "value type of 0..12, got 77"},
      {"array of strings that end early", key(9, array(8, 2, GgufBytes::text("a") + le(many))), kCorrupt,
       "'k': expected 18446744073709551615 bytes"},
      {"array element past int64", key(9, array(10, 1, le(many))), kUnsupported, "larger than 2^63 - 1"},
      {"bool of 2 in an array", key(9, array(7, 1, "\2")), kCorrupt, "bool of 0 or 1"},
      {"nested arrays", key(9, nested_arrays(5)), kCorrupt, "nested deeper than 4"},
      {"nested arrays that end early", key(9, array(9, 3, array(0, 1, "x"))), kCorrupt, "'k'"},
      {"too many elements", key(9, array(0, 4'000'001, std::string(4'000'001, 'x'))), kUnsupported,
       "more than 4000000 array elements"},
      {"alignment 0", with([](GgufBytes& f) { f.key("general.alignment", 4, le(0u)); }), kCorrupt,
       "general.alignment: expected a power of two"},
      {"alignment 4", with([](GgufBytes& f) { f.key("general.alignment", 4, le(4u)); }), kCorrupt,
       "general.alignment: expected a power of two"},
      {"alignment 24", with([](GgufBytes& f) { f.key("general.alignment", 4, le(24u)); }), kCorrupt,
       "general.alignment: expected a power of two"},
      {"alignment as text", with([](GgufBytes& f) { f.key("general.alignment", 8, GgufBytes::text("32")); }),
       kCorrupt, "general.alignment: expected a power of two"},
      {"alignment past the file", with([](GgufBytes& f) { f.key("general.alignment", 4, le(1u << 30)); }),
       kCorrupt, "truncated?"},
      {"name twice", with([](GgufBytes& f) { f.tensor("t", {4}, 0, 64).data.resize(128); }), kCorrupt,
       "two tensors named 't'"},
      {"tensor without a name", with([](GgufBytes& f) { f.tensor("", {4}, 0, 64); }), kCorrupt,
       "tensor 1: expected a tensor name"},
      {"no dimensions", tensor({}, 0, 0), kCorrupt, "1 to 4 dimensions, got 0"},
      {"5 dimensions", tensor({1, 1, 1, 1, 1}, 0, 0), kCorrupt, "1 to 4 dimensions, got 5"},
      {"unknown ggml type", tensor({4}, 99, 0), kUnsupported, "'t': ggml type 99 is not known"},
      {"ggml type of 2^32-1", tensor({4}, ~0u, 0), kUnsupported, "ggml type 4294967295 is not known"},
      {"ggml type that was removed", tensor({32}, 4, 0), kUnsupported, "ggml type 4 is not known"},
      {"sizes overflow", tensor({1ull << 32, 1ull << 32}, 0, 0), kCorrupt,
       "'t': the product of its sizes overflows"},
      {"overflow behind a zero", tensor({0, 1ull << 32, 1ull << 32}, 0, 0), kCorrupt, "overflows"},
      {"size of 2^64-1", tensor({many}, 0, 0), kCorrupt, "overflows"},
      {"bytes overflow", tensor({1ull << 62}, 0, 0), kCorrupt, "overflows"},
      {"offset not aligned", tensor({4}, 0, 8), kCorrupt,
       "'t': expected an offset of a multiple of 32, got 8"},
      {"offset past the data", tensor({4}, 0, 128), kCorrupt, "expected 16 bytes at data offset 128"},
      {"offset that wraps", tensor({4}, 0, many - 31), kCorrupt, "at data offset 18446744073709551584"},
      {"data too short", tensor({33}, 0, 0), kCorrupt,
       "expected 132 bytes at data offset 0, got data of 128"},
      {"overlap", with([](GgufBytes& f) { f.tensor("u", {4}, 0, 32).data.resize(128); }), kCorrupt,
       "'u': overlaps the tensor before it"},
  };
}

TEST(Gguf, RefusesAFileForEachRuleThatItBreaks) {
  for (const Broken& broken : broken_files()) {
    SCOPED_TRACE(broken.why);
    const std::string file = broken.file.build();
    expect_error(broken.code, broken.part, [&] { parse(file); });
    expect_error(broken.code, "m.gguf", [&] { parse(file); });
  }
}

TEST(Gguf, RefusesRowsThatDoNotFitBlocks) {
  const tensor::DTypeInfo* q8 = tensor::find_gguf_dtype(8);
  if (!q8) GTEST_SKIP() << "no block types in this build's table";
  expect_error(ErrorCode::kCorrupt, "a multiple of 32 values (q8_0), got 48", [] {
    parse(tensor({48, 2}, 8, 0).build());
  });
  EXPECT_EQ(parse(tensor({32, 3}, 8, 0).build()).weights.tensors[0].view.bytes(), 102);
}

TEST(Gguf, NamesForeignAndMissingFiles) {
  expect_error(ErrorCode::kCorrupt, "got an empty file", [] { parse(""); });
  expect_error(ErrorCode::kUnsupported, "got a safetensors file: name it .safetensors",
               [] { parse(test::safetensors("{}", 0)); });
  expect_error(ErrorCode::kCorrupt, "got an HTML page", [] { parse("<html>"); });
  expect_error(ErrorCode::kUnsupported, "older than GGUF", [] { parse("tjgg\3"); });
  expect_error(ErrorCode::kCorrupt, "truncated?", [] { parse("GGUF"); });
  const TemporaryFolder folder;
  expect_error(ErrorCode::kNotFound, "no.gguf", [&] { open_gguf(folder.file("no.gguf")); });
  expect_error(ErrorCode::kNotFound, "directory", [&] { open_gguf(folder.file("")); });
}

TensorToWrite piece(std::string name, tensor::DType dtype, tensor::Shape shape, const std::string& data) {
  return {std::move(name), dtype, shape, [data](const auto& sink) { sink(bytes_of(data)); }};
}

TEST(GgufWriter, WritesWhatTheReaderReads) {
  const std::vector<std::pair<std::string, GgufValue>> keys = {
      {"general.architecture", std::string("moonbeam")},
      {"bool", true},
      {"i32", std::int64_t{-5}},
      {"i64", std::int64_t{-5'000'000'000}},
      {"u32", std::uint64_t{4'000'000'000u}},
      {"u64", std::uint64_t{5'000'000'000u}},
      {"f32", static_cast<double>(1e-5f)},
      {"f64", 1e-5},
      {"inf", std::numeric_limits<double>::infinity()},
      {"ints", std::vector<std::int64_t>{1, -2}},
      {"long ints", std::vector<std::int64_t>{1, 1ll << 40}},
      {"floats", std::vector<double>{0.5, 0.1}},
      {"short floats", std::vector<double>{0.5, 0.25}},
      {"strings", std::vector<std::string>{"a", "", std::string("\xff\0", 2)}},
      {"none", std::vector<std::string>{}},
  };
  const TensorToWrite tensors[] = {
      piece("b", tensor::DType::kF32, {1, 3}, "abcdefghijkl"),
      piece("a", tensor::DType::kBF16, {2, 1, 3}, "0123456789ab"),
  };
  const TemporaryFolder folder;
  const std::string path = folder.file("out.gguf");
  write_gguf(path, keys, tensors);
  const GgufFile file = open_gguf(path);
  EXPECT_EQ(file.keys.size(), keys.size() + 1);
  EXPECT_EQ(file.integer("general.alignment"), 64);
  for (const auto& [key, value] : keys) EXPECT_EQ(*file.find(key), value) << key;
  EXPECT_EQ(file.weights.find("b")->shape, (tensor::Shape{1, 3}));
  EXPECT_EQ(file.weights.find("a")->shape, (tensor::Shape{2, 1, 3}));
  EXPECT_EQ(std::memcmp(file.weights.find("a")->data, "0123456789ab", 12), 0);
  for (const NamedTensor& tensor : file.weights.tensors) {
    EXPECT_EQ((tensor.view.data - file.weights.files[0]->bytes().data()) % 64, 0) << tensor.name;
  }
  write_gguf(folder.file("again"), keys, tensors);
  EXPECT_EQ(test::read_all(path), test::read_all(folder.file("again")));
}

TEST(GgufWriter, LeavesNothingBehindWhenItFails) {
  const TemporaryFolder folder;
  const auto refuse = [&](const TensorToWrite& tensor, ErrorCode code, const char* part) {
    expect_error(code, part, [&] { write_gguf(folder.file("out"), {}, {&tensor, 1}); });
    EXPECT_EQ(folder.entries(), 0u);
  };
  refuse(piece("t", tensor::DType::kF32, {4}, "123"), ErrorCode::kInvalidArgument,
         "expected 16 bytes to write, got 3");
  refuse(piece("t", tensor::DType::kBool, {1}, "1"), ErrorCode::kUnsupported, "GGUF has no type bool");
  refuse(piece("t", tensor::DType::kF32, {}, "1234"), ErrorCode::kUnsupported, "1 to 4 dimensions, got 0");
  refuse(piece("", tensor::DType::kF32, {1}, "1234"), ErrorCode::kInvalidArgument, "the name is empty");
  for (const char* key : {"general.alignment", "", "twice"}) {
    expect_error(ErrorCode::kInvalidArgument, "key", [&] {
      write_gguf(folder.file("out"), {{"twice", true}, {key, true}}, {});
    });
  }
  EXPECT_EQ(folder.entries(), 0u);
}

}  // namespace
}  // namespace moonbeam::formats
