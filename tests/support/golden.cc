#include "support/golden.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/machine.h"
#include "base/text.h"
#include "formats/safetensors.h"
#include "kernels/kernels.h"

namespace moonbeam::testing {

std::string test_path(const std::string& relative) {
  return std::string(MOONBEAM_SOURCE_DIR) + "/tests/" + relative;
}

nlohmann::json read_json(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  return nlohmann::json::parse(in);
}

GoldenTensors::GoldenTensors(const std::string& path) : file_(formats::open_safetensors(path)) {}

bool GoldenTensors::has(const std::string& name) const {
  return file_.find(name) != nullptr;
}

const tensor::TensorView& GoldenTensors::view(const std::string& name) const {
  const tensor::TensorView* found = file_.find(name);
  if (found == nullptr) throw std::runtime_error("no golden tensor " + name + " in " + file_.path);
  return *found;
}

std::vector<float> GoldenTensors::floats(const std::string& name) const {
  const tensor::TensorView& from = view(name);
  std::vector<float> out(static_cast<std::size_t>(from.numel()));
  tensor::to_f32(from, out.data());
  return out;
}

std::vector<std::int64_t> GoldenTensors::integers(const std::string& name) const {
  const tensor::TensorView& from = view(name);
  std::vector<std::int64_t> out(static_cast<std::size_t>(from.numel()));
  if (from.dtype == tensor::DType::kI64) {
    std::memcpy(out.data(), from.data, out.size() * sizeof(std::int64_t));
    return out;
  }
  std::vector<std::int32_t> narrow(out.size());
  if (from.dtype != tensor::DType::kI32) throw std::runtime_error("not integers: " + name);
  std::memcpy(narrow.data(), from.data, narrow.size() * sizeof(std::int32_t));
  std::copy(narrow.begin(), narrow.end(), out.begin());
  return out;
}

std::vector<std::int64_t> GoldenTensors::shape(const std::string& name) const {
  const auto dims = view(name).shape.dims();
  return {dims.begin(), dims.end()};
}

::testing::AssertionResult all_near(std::span<const float> got, std::span<const float> want,
                                    float tolerance) {
  if (got.size() != want.size()) {
    return ::testing::AssertionFailure() << "expected " << want.size() << " values, got " << got.size();
  }
  std::size_t worst = 0;
  float error = -1;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const float difference = std::fabs(got[i] - want[i]);
    if (!(difference <= error)) {  // NaN counts as the worst
      worst = i;
      error = difference;
      if (std::isnan(error)) break;
    }
  }
  if (error <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "element " << worst << " of " << got.size() << ": expected " << want[worst] << ", got "
         << got[worst] << ", off by " << error << ", allowed " << tolerance;
}

std::vector<float> pick_rows(std::span<const float> rows, int width, std::span<const int> indices) {
  std::vector<float> out;
  for (const int index : indices) {
    const auto row = rows.subspan(static_cast<std::size_t>(index) * static_cast<std::size_t>(width),
                                  static_cast<std::size_t>(width));
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

std::string why_not_full_size() {
  constexpr std::int64_t kNeeded = 10'000'000'000;
  const std::int64_t available = base::memory().available;
  if (available < kNeeded) {
    return base::cat("needs ", base::format_bytes(kNeeded), " of free memory, there are ",
                     base::format_bytes(available));
  }
  const char* isa = std::getenv("MOONBEAM_ISA");
  const auto runnable = kernels::runnable_kernels();
  const bool runs = isa == nullptr || std::any_of(runnable.begin(), runnable.end(),
                                                  [&](const auto* table) { return table->isa == isa; });
  return runs ? "" : base::cat("this CPU cannot run ", isa);
}

}  // namespace moonbeam::testing
