// Matrices into panels, into rows of blocks and back; copies that are summed on the way.
#include "model/packing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/hash64.h"

namespace moonbeam::model {
namespace {

using tensor::DType;
using tensor::TensorView;

std::vector<float> random_values(std::size_t count) {
  std::vector<float> values(count);
  std::uint32_t x = 7;
  for (float& value : values) {
    x = x * 1664525 + 1013904223;
    value = static_cast<float>(static_cast<std::int32_t>(x)) * 0x1p-31f;
  }
  return values;
}

TensorView view_of(const std::vector<float>& values, int n, int k) {
  return {reinterpret_cast<const std::byte*>(values.data()), DType::kF32, {n, k}};
}

std::vector<float> unpacked(const base::Buffer<std::byte>& bytes, DType type, int n, int k,
                            base::ThreadPool& pool) {
  const base::Buffer<std::byte> plain = unpack_matrix({bytes.data(), type, {n, k}}, pool);
  std::vector<float> out(static_cast<std::size_t>(n) * static_cast<std::size_t>(k));
  std::memcpy(out.data(), plain.data(), plain.size());
  return out;
}

double relative_error(const std::vector<float>& got, const std::vector<float>& want) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - static_cast<double>(want[i]), 2);
    size += std::pow(static_cast<double>(want[i]), 2);
  }
  return std::sqrt(error / size);
}

struct Type {
  DType type;
  double bound;  ///< of uniform values
};
constexpr Type kTypes[] = {{DType::kBF16Packed, 0.003},
                           {DType::kInt8, 0.005},
                           {DType::kInt4, 0.08},
                           {DType::kQ8_0, 0.005},
                           {DType::kBF16, 0.003}};

TEST(Packing, ComesBackWithinTheTypesRounding) {
  base::ThreadPool pool(2);
  for (const Type& row : kTypes) {
    for (const auto& [n, k] : {std::pair(1, 32), {63, 64}, {65, 96}, {130, 4288}}) {
      const std::vector<float> values =
          random_values(static_cast<std::size_t>(n) * static_cast<std::size_t>(k));
      const base::Buffer<std::byte> packed = convert_matrix(view_of(values, n, k), row.type, pool);
      ASSERT_EQ(packed.size(), *tensor::byte_size({n, k}, row.type));
      EXPECT_LT(relative_error(unpacked(packed, row.type, n, k, pool), values), row.bound)
          << tensor::info(row.type).name << " " << n << " x " << k;
    }
  }
}

TEST(Packing, PackingWhatWasUnpackedGivesTheSameValues) {
  base::ThreadPool pool(2);
  const int n = 70, k = 100;
  const std::vector<float> values = random_values(static_cast<std::size_t>(n * k));
  for (const DType type : {DType::kBF16Packed, DType::kInt8, DType::kInt4}) {
    const base::Buffer<std::byte> once = pack_matrix(view_of(values, n, k), type, pool);
    const std::vector<float> plain = unpacked(once, type, n, k, pool);
    const base::Buffer<std::byte> twice = pack_matrix(view_of(plain, n, k), type, pool);
    EXPECT_LT(relative_error(unpacked(twice, type, n, k, pool), plain), 1e-6) << tensor::info(type).name;
  }
}

TEST(Packing, OneThreadAndManyGiveTheSameBytes) {
  base::ThreadPool one(1), three(3);
  const int n = 200, k = 160;
  const std::vector<float> values = random_values(static_cast<std::size_t>(n * k));
  for (const Type& row : kTypes) {
    const base::Buffer<std::byte> a = convert_matrix(view_of(values, n, k), row.type, one);
    const base::Buffer<std::byte> b = convert_matrix(view_of(values, n, k), row.type, three);
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size()), 0) << tensor::info(row.type).name;
  }
}

TEST(Packing, APackedMatrixBecomesAnotherPackedType) {
  base::ThreadPool pool(2);
  const int n = 64, k = 128;
  const std::vector<float> values = random_values(static_cast<std::size_t>(n * k));
  const base::Buffer<std::byte> int8 = pack_matrix(view_of(values, n, k), DType::kInt8, pool);
  const base::Buffer<std::byte> int4 = pack_matrix({int8.data(), DType::kInt8, {n, k}}, DType::kInt4, pool);
  EXPECT_LT(relative_error(unpacked(int4, DType::kInt4, n, k, pool), values), 0.08);
}

TEST(Packing, ACopyIsSummedOnTheWay) {
  base::ThreadPool pool(2);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, base::kHashPiece, 3 * base::kHashPiece + 5}) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 256);
    std::uint64_t sum = 0;
    const base::Buffer<std::byte> copy = copy_bytes(bytes, pool, sum);
    ASSERT_EQ(copy.size(), size);
    EXPECT_TRUE(std::equal(copy.begin(), copy.end(), bytes.begin()));
    EXPECT_EQ(sum, base::hash64(bytes));
    EXPECT_EQ(hash_bytes(bytes, pool), sum);
  }
}

}  // namespace
}  // namespace moonbeam::model
