// The makers' int4 weights (their 4bit releases of 2025-05): groups of 128 values, two groups' nibbles in a
// byte, a scale and a zero point a group. Unpacked to bf16, rounding after each step as their code does.
//
// R = out * in / 128 groups. packed u8 [R/2, 128]: the high nibbles of row r are group r, the low nibbles
// group r + R/2. w = (q - zero) * scale; [R, 128] read as [out, in].
#include <cmath>
#include <vector>

#include "base/error.h"
#include "model/source.h"
#include "tensor/float16.h"

namespace moonbeam::model {

using base::fail;
using tensor::DType;
using tensor::TensorView;

namespace {

constexpr std::int64_t kGroup = 128;

float round_bf16(float value) {
  return tensor::bf16_to_f32(tensor::f32_to_bf16(value));
}

[[noreturn]] void fail_shape(const SourceTensor& tensor, const std::string& expected) {
  fail(ErrorCode::kCorrupt, "'", base::printable(tensor.source_name), "': expected ", expected, ", got ",
       tensor.view.shape.to_string(), " ", tensor::info(tensor.view.dtype).name);
}

bool is_float(DType type) {
  return type == DType::kF32 || type == DType::kBF16 || type == DType::kF16;
}

/// [groups, 1] or [groups] of a float type.
void check_per_group(const SourceTensor& tensor, std::int64_t groups) {
  if (tensor.view.numel() != groups || !is_float(tensor.view.dtype)) {
    fail_shape(tensor, base::cat("[", groups, ",1] of a float type"));
  }
}

void unpack_group(const std::byte* packed, bool high, float zero, float scale, std::uint16_t* out) {
  std::uint16_t values[16];
  for (int q = 0; q < 16; ++q) {
    values[q] = tensor::f32_to_bf16(round_bf16(static_cast<float>(q) - zero) * scale);
  }
  for (std::int64_t i = 0; i < kGroup; ++i) {
    const auto byte = static_cast<unsigned>(packed[i]);
    out[i] = values[high ? byte >> 4 : byte & 15u];
  }
}

void unpack(const TensorView& packed, const TensorView& scale, const TensorView& zero, std::byte* out,
            base::ThreadPool& pool) {
  const std::int64_t half = packed.shape[0];
  std::vector<float> scales(static_cast<std::size_t>(2 * half)), zeros(scales.size());
  tensor::to_f32(scale, scales.data());
  tensor::to_f32(zero, zeros.data());
  const auto to = reinterpret_cast<std::uint16_t*>(out);
  constexpr std::int64_t kChunk = 1024;
  pool.parallel_for(static_cast<int>((half + kChunk - 1) / kChunk), [&](int chunk, int) {
    const std::int64_t first = chunk * kChunk;
    for (std::int64_t r = first; r < std::min(half, first + kChunk); ++r) {
      for (const bool high : {true, false}) {
        const std::int64_t group = high ? r : r + half;
        const auto at = static_cast<std::size_t>(group);
        unpack_group(packed.data + r * kGroup, high, round_bf16(zeros[at]), round_bf16(scales[at]),
                     to + group * kGroup);
      }
    }
  });
}

}  // namespace

void unpack_int4(Source& source) {
  constexpr std::string_view kPacked = ".packed";
  std::vector<std::string> weights;
  for (const auto& [name, unused] : source.tensors) {
    if (name.ends_with(".weight.packed")) weights.push_back(name.substr(0, name.size() - kPacked.size()));
  }
  for (const std::string& weight : weights) {
    const auto need = [&](const std::string& name) -> const SourceTensor& {
      const SourceTensor* tensor = source.find(name);
      if (!tensor)
        fail(ErrorCode::kCorrupt, base::printable(source.path), ": '", base::printable(name), "' is missing");
      return *tensor;
    };
    const SourceTensor packed = need(weight + ".packed");
    const SourceTensor scale = need(weight + ".scale"), zero = need(weight + ".zero_point");
    const SourceTensor& bias = need(weight.substr(0, weight.size() - 6) + "bias");
    if (packed.view.dtype != DType::kU8 || packed.view.shape.rank() != 2 || packed.view.shape[1] != kGroup) {
      fail_shape(packed, base::cat("[n,", kGroup, "] u8"));
    }
    const std::int64_t groups = 2 * packed.view.shape[0];
    check_per_group(scale, groups);
    check_per_group(zero, groups);
    const std::int64_t out = bias.view.numel();
    if (out <= 0 || groups * kGroup % out != 0) {
      fail_shape(packed, base::cat("a multiple of ", out, " values (the size of the bias)"));
    }
    if (source.find(weight)) {
      fail(ErrorCode::kCorrupt, base::printable(source.path), ": '", base::printable(weight),
           "' is there packed and unpacked");
    }
    SourceTensor made;
    made.source_name = packed.source_name;
    made.view = {nullptr, DType::kBF16, {out, groups * kGroup / out}};
    made.make = [packed = packed.view, scale = scale.view, zero = zero.view](
                    std::byte* to, base::ThreadPool& pool) { unpack(packed, scale, zero, to, pool); };
    for (const char* part : {".packed", ".scale", ".zero_point"}) source.tensors.erase(weight + part);
    source.tensors.emplace(weight, std::move(made));
  }
  if (!weights.empty()) {
    source.notes.push_back(base::cat("int4 weights of ", weights.size(), " layers are unpacked to bf16"));
  }
}

}  // namespace moonbeam::model
