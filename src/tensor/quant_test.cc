// Block types and bf16 against tests/goldens/ops/quant.safetensors, made by the gguf package.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/float16.h"

namespace moonbeam::tensor {
namespace {

/// Bytes of one tensor of the golden file; tensor stands below formats, so it cannot use the real reader.
std::string golden(const std::string& name) {
  std::ifstream in(MOONBEAM_SOURCE_DIR "/tests/goldens/ops/quant.safetensors", std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), {}};
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  const std::size_t entry = file.find("\"" + name + "\":");
  const std::size_t offsets = file.find("\"data_offsets\":[", entry) + 16;
  const std::uint64_t begin = std::stoull(file.substr(offsets));
  const std::uint64_t end = std::stoull(file.substr(file.find(',', offsets) + 1));
  return file.substr(8 + header + begin, end - begin);
}

template <typename T>
std::vector<T> golden_values(const std::string& name) {
  const std::string bytes = golden(name);
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

constexpr const char* kTypes[][2] = {{"q8_0", "Q8_0"}, {"q4_0", "Q4_0"}, {"q4_1", "Q4_1"}, {"q5_0", "Q5_0"},
                                     {"q5_1", "Q5_1"}, {"q4_k", "Q4_K"}, {"q5_k", "Q5_K"}, {"q6_k", "Q6_K"}};

TEST(Quant, ReadsEveryBlockTypeToTheBit) {
  for (const auto& [ours, theirs] : kTypes) {
    SCOPED_TRACE(ours);
    const DTypeInfo* type = find_dtype(ours);
    ASSERT_NE(type, nullptr);
    const std::string blocks = golden(std::string(theirs) + ".blocks");
    const auto expected = golden_values<float>(std::string(theirs) + ".values");
    ASSERT_EQ(blocks.size(), 8u * static_cast<unsigned>(type->bytes));
    ASSERT_EQ(expected.size(), 8u * static_cast<unsigned>(type->block));
    std::vector<float> got(expected.size());
    type->dequantize(reinterpret_cast<const std::byte*>(blocks.data()), got.data(),
                     static_cast<std::int64_t>(got.size()));
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], expected[i]) << i;
  }
}

TEST(Quant, WritesTheBytesOfTheReference) {
  const auto in = golden_values<float>("quant_in");
  ASSERT_EQ(in.size(), 1024u);
  for (const auto& [ours, theirs] : kTypes) {
    const DTypeInfo* type = find_dtype(ours);
    if (!type->quantize) continue;
    const std::string expected = golden("quantized." + std::string(theirs));
    std::string got(expected.size(), '\0');
    type->quantize(in.data(), reinterpret_cast<std::byte*>(got.data()), 1024);
    EXPECT_EQ(got, expected) << ours;
  }
}

TEST(Float16, RoundsBf16ToNearestEven) {
  const auto in = golden_values<float>("bf16_in");
  const auto expected = golden_values<std::uint16_t>("bf16_bits_rne");
  ASSERT_EQ(in.size(), expected.size());
  for (std::size_t i = 0; i < in.size(); ++i) EXPECT_EQ(f32_to_bf16(in[i]), expected[i]) << in[i];
}

TEST(Float16, KeepsEveryHalf) {
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const float value = f16_to_f32(half);
    if (std::isnan(value)) {
      ASSERT_TRUE((h & 0x7c00u) == 0x7c00u && (h & 0x3ffu) != 0) << h;
      ASSERT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value)))) << h;
    } else {
      ASSERT_EQ(f32_to_f16(value), half);
    }
  }
}

}  // namespace
}  // namespace moonbeam::tensor
