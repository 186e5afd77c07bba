// Each rule of safetensors has a file here that breaks it alone; good files give what they hold.
#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "formats/test_bytes.h"

namespace moonbeam::formats {
namespace {

using test::bytes_of;
using test::expect_error;
using test::le;
using test::safetensors;
using test::TemporaryFolder;

std::vector<NamedTensor> parse(const std::string& file,
                               std::map<std::string, std::string>* metadata = nullptr) {
  return parse_safetensors(bytes_of(file), "m.safetensors", metadata);
}

TEST(Safetensors, GivesTensorsInOrderOfNameWithTheirPlaces) {
  const std::string file = safetensors(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("a":{"dtype":"BF16","shape":[5],"data_offsets":[24,34]},"s":{"dtype":"U8","shape":[],"data_offsets":[34,35]}} )",
      35);
  std::map<std::string, std::string> metadata;
  const auto tensors = parse(file, &metadata);
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].view.dtype, tensor::DType::kBF16);
  EXPECT_EQ(tensors[1].view.shape, (tensor::Shape{2, 3}));
  EXPECT_EQ(tensors[2].view.shape.rank(), 0);
  const auto* data = reinterpret_cast<const std::byte*>(file.data()) + file.size() - 35;
  EXPECT_EQ(tensors[0].view.data, data + 24);
  EXPECT_EQ(tensors[1].view.data, data);
  EXPECT_EQ(metadata.at("format"), "pt");
}

TEST(Safetensors, AcceptsTensorsWithoutElementsAndFilesWithoutTensors) {
  EXPECT_TRUE(parse(safetensors("{}", 0)).empty());
  const auto tensors = parse(safetensors(
      R"({"z":{"dtype":"F32","shape":[4,0],"data_offsets":[0,0]},"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},)"
      R"("e":{"dtype":"F32","shape":[0],"data_offsets":[1,1]}})",
      1));
  EXPECT_EQ(tensors.size(), 3u);
}

TEST(Safetensors, ReadsTheParityModel) {
  const WeightFile file = open_safetensors(MOONBEAM_SOURCE_DIR "/tests/goldens/tiny/model.safetensors");
  EXPECT_EQ(file.tensors.size(), 72u);
  EXPECT_EQ(file.format, "safetensors");
  EXPECT_EQ(file.metadata.at("format"), "pt");
  const auto* wte = file.find("model.text.wte");
  ASSERT_NE(wte, nullptr);
  EXPECT_EQ(wte->shape, (tensor::Shape{1024, 128}));
  EXPECT_EQ(file.find("model.text.wt"), nullptr);
}

struct Broken {
  const char* why;
  std::string file;
  ErrorCode code;
  const char* part;
};

// One tensor "t" with the given three members and `bytes` of data.
std::string one(std::string_view dtype, std::string_view shape, std::string_view offsets, std::size_t bytes) {
  return safetensors(R"({"t":{"dtype":)" + std::string(dtype) + R"(,"shape":)" + std::string(shape) +
                         R"(,"data_offsets":)" + std::string(offsets) + "}}",
                     bytes);
}

std::string nested(int depth) {
  return R"({"t":)" + std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']') + "}";
}

std::vector<Broken> broken_files() {
  using enum ErrorCode;
  const std::string two = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)";
  const auto pair = [&](const char* a, const char* b, std::size_t bytes) {
    return safetensors(two + a + R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}", bytes);
  };
  return {
      {"empty", "", kCorrupt, "got an empty file"},
      {"seven bytes", std::string("\2\0\0\0\0\0\0", 7), kCorrupt, "at least 8 bytes, got 7"},
      {"header over the bound", le(std::uint64_t{100'000'001}) + "{}", kCorrupt, "at most 100000000 bytes"},
      {"header of 2^64-1 bytes", le(~std::uint64_t{0}) + "{}", kCorrupt, "got 18446744073709551615"},
      {"header longer than the file", le(std::uint64_t{3}) + "{}", kCorrupt, "truncated?"},
      {"no header", le(std::uint64_t{0}), kCorrupt, "begins with '{'"},
      {"space before the brace", safetensors(" {}", 0), kCorrupt, "begins with '{'"},
      {"not JSON", safetensors("{]", 0), kCorrupt, "header: not valid JSON at byte 2"},
      {"unfinished JSON", safetensors(R"({"a")", 0), kCorrupt, "not valid JSON"},
      {"text after the object", safetensors("{}x", 0), kCorrupt, "not valid JSON"},
      {"two objects", safetensors("{}{}", 0), kCorrupt, "not valid JSON"},
      {"NUL after the object", safetensors(std::string("{}\0", 3), 0), kCorrupt, "not valid JSON"},
      {"invalid UTF-8", safetensors("{\"\xff\":{}}", 0), kCorrupt, "not valid JSON"},
      {"number past double", one("\"U8\"", "[1e999]", "[0,1]", 1), kCorrupt, "not valid JSON"},
      {"nesting", safetensors(nested(64), 0), kCorrupt, "nested deeper than 32"},
      {"nesting of 10 million", safetensors(nested(5'000'000), 0), kCorrupt, "nested deeper than 32"},
      {"name twice",
       safetensors(R"({"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"t":{"dtype":"U8",)"
                   R"("shape":[0],"data_offsets":[0,0]}})",
                   0),
       kCorrupt, "'t' stands there twice"},
      {"member twice", safetensors(R"({"t":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}})", 0),
       kCorrupt, "'shape' stands there twice"},
      {"metadata is no object", safetensors(R"({"__metadata__":[]})", 0), kCorrupt,
       "__metadata__: expected an object"},
      {"metadata with a number", safetensors(R"({"__metadata__":{"k":1}})", 0), kCorrupt,
       "'k': expected a string"},
      {"tensor is no object", safetensors(R"({"t":7})", 0), kCorrupt,
       "'t': expected an object, got a number"},
      {"no dtype", safetensors(R"({"t":{"shape":[0],"data_offsets":[0,0]}})", 0), kCorrupt,
       "a member 'dtype'"},
      {"no shape", safetensors(R"({"t":{"dtype":"U8","data_offsets":[0,0]}})", 0), kCorrupt,
       "a member 'shape'"},
      {"no offsets", safetensors(R"({"t":{"dtype":"U8","shape":[0]}})", 0), kCorrupt,
       "a member 'data_offsets'"},
      {"dtype is a number", one("3", "[1]", "[0,1]", 1), kCorrupt, "dtype: expected a string"},
      {"unknown dtype", one("\"Q9\"", "[1]", "[0,1]", 1), kUnsupported, "dtype 'Q9' is not known"},
      {"empty dtype", one("\"\"", "[1]", "[0,1]", 1), kUnsupported, "dtype '' is not known"},
      {"shape is a number", one("\"U8\"", "1", "[0,1]", 1), kCorrupt, "shape: expected an array"},
      {"negative size", one("\"U8\"", "[-1]", "[0,1]", 1), kCorrupt, "shape: expected whole numbers"},
      {"minus zero", one("\"U8\"", "[-0]", "[0,0]", 0), kCorrupt, "shape: expected whole numbers"},
      {"fractional size", one("\"U8\"", "[1.0]", "[0,1]", 1), kCorrupt, "shape: expected whole numbers"},
      {"exponent", one("\"U8\"", "[1e0]", "[0,1]", 1), kCorrupt, "shape: expected whole numbers"},
      {"size as text", one("\"U8\"", "[\"1\"]", "[0,1]", 1), kCorrupt,
       "shape: expected whole numbers, got a string"},
      {"size past 2^64", one("\"U8\"", "[18446744073709551616]", "[0,1]", 1), kCorrupt, "whole numbers"},
      {"rank 9", one("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]", 1), kCorrupt, "at most 8 dimensions, got 9"},
      {"product overflows", one("\"U8\"", "[4294967296,4294967296]", "[0,0]", 0), kCorrupt, "overflows"},
      {"bytes overflow", one("\"F32\"", "[4611686018427387904]", "[0,0]", 0), kCorrupt, "overflows"},
      {"overflow behind a zero", one("\"U8\"", "[4294967296,4294967296,0]", "[0,0]", 0), kCorrupt,
       "overflows"},
      {"size past int64", one("\"U8\"", "[9223372036854775808]", "[0,0]", 0), kCorrupt, "overflows"},
      {"one offset", one("\"U8\"", "[1]", "[0]", 1), kCorrupt, "data_offsets: expected 2 numbers, got 1"},
      {"three offsets", one("\"U8\"", "[1]", "[0,1,1]", 1), kCorrupt,
       "data_offsets: expected 2 numbers, got 3"},
      {"negative offset", one("\"U8\"", "[1]", "[-1,0]", 1), kCorrupt,
       "data_offsets: expected whole numbers"},
      {"begin after end", one("\"U8\"", "[1]", "[1,0]", 1), kCorrupt, "begin 1 > end 0"},
      {"end past the data", one("\"U8\"", "[2]", "[0,2]", 1), kCorrupt, "within the 1 bytes of data, got 2"},
      {"too few bytes for the shape", one("\"F32\"", "[2]", "[0,4]", 4), kCorrupt,
       "expected 8 bytes for [2] f32, got 4"},
      {"too many bytes for the shape", one("\"U8\"", "[1]", "[0,4]", 4), kCorrupt,
       "expected 1 bytes for [1] u8, got 4"},
      {"overlap", pair("[0,4]", "[2,6]", 6), kCorrupt, "'b': expected to begin at 4, got 2 (overlap)"},
      {"same place", pair("[0,4]", "[0,4]", 4), kCorrupt, "(overlap)"},
      {"hole", pair("[0,4]", "[5,9]", 9), kCorrupt, "'b': expected to begin at 4, got 5 (hole)"},
      {"hole in front", one("\"U8\"", "[1]", "[1,2]", 2), kCorrupt,
       "'t': expected to begin at 0, got 1 (hole)"},
      {"data left over", one("\"U8\"", "[1]", "[0,1]", 2), kCorrupt,
       "expected 1 bytes of data by its header, got 2"},
      {"an HTML page", "<!DOCTYPE html><html><body>404</body></html>", kCorrupt, "got an HTML page"},
      {"a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", kCorrupt,
       "got a Git LFS pointer"},
      {"PyTorch's zip", std::string("PK\3\4\0\0\0\0\0\0\0\0archive/data.pkl", 28), kUnsupported,
       "got a zip archive"},
      {"a pickle", std::string("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15), kUnsupported,
       "got a Python pickle"},
      {"GGUF", std::string("GGUF\3\0\0\0\0\0\0\0\0\0\0\0", 16), kUnsupported, "got a GGUF file"},
      {"JSON text", R"({"weight_map": {"a": "b.safetensors"}})", kCorrupt, "got JSON text"},
  };
}

TEST(Safetensors, RefusesAFileForEachRuleThatItBreaks) {
  for (const Broken& broken : broken_files()) {
    SCOPED_TRACE(broken.why);
    expect_error(broken.code, broken.part, [&] { parse(broken.file); });
    expect_error(broken.code, "m.safetensors: ", [&] { parse(broken.file); });
  }
}

TEST(Safetensors, NamesMissingFilesAndFolders) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::kNotFound, "no.safetensors",
               [&] { open_safetensors(folder.file("no.safetensors")); });
  expect_error(ErrorCode::kNotFound, "directory", [&] { open_safetensors(folder.file("")); });
  expect_error(ErrorCode::kCorrupt, "empty file", [&] { open_safetensors(folder.write("e", "")); });
}

// A tensor that writes `data` in pieces of three bytes.
TensorToWrite piece(std::string name, tensor::DType dtype, tensor::Shape shape, const std::string& data) {
  return {std::move(name), dtype, shape, [data](const auto& sink) {
            for (std::size_t i = 0; i < data.size(); i += 3)
              sink(bytes_of(std::string_view(data).substr(i, 3)));
          }};
}

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
  const TemporaryFolder folder;
  const TensorToWrite tensors[] = {
      piece("zwei \"\\\n\xc3\xa4", tensor::DType::kF32, {3}, "abcdefghijkl"),
      piece("eins", tensor::DType::kU8, {2, 2}, "1234"),
      piece("leer", tensor::DType::kBF16, {0, 7}, ""),
      piece("zahl", tensor::DType::kI64, {}, "12345678"),
  };
  const std::string path = folder.file("out.safetensors");
  write_safetensors(path, tensors, {{"licence", "Apache-2.0"}, {"a", "\xe2\x82\xac"}});
  const WeightFile file = open_safetensors(path);
  ASSERT_EQ(file.tensors.size(), 4u);
  EXPECT_EQ(std::memcmp(file.find("zwei \"\\\n\xc3\xa4")->data, "abcdefghijkl", 12), 0);
  EXPECT_EQ(std::memcmp(file.find("eins")->data, "1234", 4), 0);
  EXPECT_EQ(file.find("leer")->shape, (tensor::Shape{0, 7}));
  EXPECT_EQ(file.metadata.at("a"), "\xe2\x82\xac");
  EXPECT_EQ((file.find("zwei \"\\\n\xc3\xa4")->data - file.files[0]->bytes().data()) % 64, 0);

  write_safetensors(folder.file("again"), tensors, {{"licence", "Apache-2.0"}, {"a", "\xe2\x82\xac"}});
  EXPECT_EQ(test::read_all(path), test::read_all(folder.file("again")));
}

TEST(SafetensorsWriter, LeavesNothingBehindWhenItFails) {
  const TemporaryFolder folder;
  const auto refuse = [&](TensorToWrite tensor, ErrorCode code, const char* part) {
    expect_error(code, part, [&] { write_safetensors(folder.file("out"), {&tensor, 1}, {}); });
    EXPECT_EQ(folder.entries(), 0u);
  };
  refuse(piece("t", tensor::DType::kU8, {4}, "123"), ErrorCode::kInvalidArgument,
         "expected 4 bytes to write, got 3");
  refuse(piece("t", tensor::DType::kU8, {4}, "12345"), ErrorCode::kInvalidArgument,
         "expected 4 bytes to write, got 5");
  refuse(piece("__metadata__", tensor::DType::kU8, {0}, ""), ErrorCode::kInvalidArgument, "__metadata__");
  refuse(piece("\xff", tensor::DType::kU8, {0}, ""), ErrorCode::kInvalidArgument, "\\xff");
  TensorToWrite throwing = piece("t", tensor::DType::kU8, {4}, "");
  throwing.write = [](const auto&) { throw Error(ErrorCode::kCancelled, "stopped"); };
  refuse(throwing, ErrorCode::kCancelled, "stopped");

  const TensorToWrite twice[] = {piece("t", tensor::DType::kU8, {0}, ""),
                                 piece("t", tensor::DType::kU8, {0}, "")};
  expect_error(ErrorCode::kInvalidArgument, "two tensors named 't'",
               [&] { write_safetensors(folder.file("out"), twice, {}); });
  expect_error(ErrorCode::kNotFound, "no/such/out",
               [&] { write_safetensors(folder.file("no/such/out"), {}, {}); });
}

class Sharded : public ::testing::Test {
 protected:
  std::string index(std::string_view weight_map) {
    return folder_.write("model.safetensors.index.json",
                         R"({"metadata":{"total_size":3},"weight_map":)" + std::string(weight_map) + "}");
  }
  void SetUp() override {
    folder_.write("1.safetensors",
                  safetensors(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[2],)"
                              R"("data_offsets":[0,2]}})",
                              2));
    folder_.write("2.safetensors",
                  safetensors(R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1));
  }
  TemporaryFolder folder_;
};

TEST_F(Sharded, JoinsTheFilesThatTheIndexNames) {
  const WeightFile file = open_sharded_safetensors(index(R"({"b":"1.safetensors","a":"2.safetensors"})"));
  ASSERT_EQ(file.tensors.size(), 2u);
  EXPECT_EQ(file.files.size(), 2u);
  EXPECT_EQ(file.format, "safetensors (sharded)");
  EXPECT_EQ(file.tensors[0].name, "a");
  EXPECT_EQ(file.find("b")->shape, (tensor::Shape{2}));
  EXPECT_EQ(file.metadata.at("format"), "pt");
}

TEST_F(Sharded, RefusesIndexesThatLieOrReachOut) {
  for (const char* name :
       {"../1.safetensors", "/etc/passwd", "", ".", "..", "a/b", "a\\\\b", "C:x", "\\u0000"}) {
    SCOPED_TRACE(name);
    const std::string path = index(R"({"b":")" + std::string(name) + R"("})");
    expect_error(ErrorCode::kCorrupt, "a file beside the index", [&] { open_sharded_safetensors(path); });
  }
  const auto refuse = [&](std::string_view map, ErrorCode code, const char* part) {
    const std::string path = index(map);
    expect_error(code, part, [&] { open_sharded_safetensors(path); });
  };
  refuse(R"({"c":"1.safetensors"})", ErrorCode::kCorrupt,
         "'c': expected in '1.safetensors', which has no such");
  refuse(R"({"b":"3.safetensors"})", ErrorCode::kNotFound, "3.safetensors");
  refuse(R"({"b":1})", ErrorCode::kCorrupt, "'b': expected a string");
  refuse(R"({"b":"1.safetensors","b":"1.safetensors"})", ErrorCode::kCorrupt, "'b' stands there twice");
  refuse("[]", ErrorCode::kCorrupt, "'weight_map'");
  expect_error(ErrorCode::kCorrupt, "'weight_map'",
               [&] { open_sharded_safetensors(folder_.write("i", "{}")); });
  expect_error(ErrorCode::kCorrupt, "Git LFS pointer",
               [&] { open_sharded_safetensors(folder_.write("i", "version https://git-lfs.github.com")); });
  expect_error(ErrorCode::kCorrupt, "empty file", [&] { open_sharded_safetensors(folder_.write("i", "")); });
}

}  // namespace
}  // namespace moonbeam::formats
