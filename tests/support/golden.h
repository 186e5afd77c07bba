// Golden files and how activations are compared with them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "formats/weight_file.h"

namespace moonbeam::testing {

/// "tests/<relative>" in the source tree.
std::string test_path(const std::string& relative);

nlohmann::json read_json(const std::string& path);

/// A safetensors file of activations.
class GoldenTensors {
 public:
  explicit GoldenTensors(const std::string& path);
  bool has(const std::string& name) const;
  std::vector<float> floats(const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& name) const;
  std::vector<std::int64_t> shape(const std::string& name) const;

 private:
  const tensor::TensorView& view(const std::string& name) const;
  formats::WeightFile file_;
};

/// Every element of `got` within `tolerance` of `want`; a failure prints the worst element.
::testing::AssertionResult all_near(std::span<const float> got, std::span<const float> want, float tolerance);

/// Rows `indices` of [n, width].
std::vector<float> pick_rows(std::span<const float> rows, int width, std::span<const int> indices);

/// Why a test on the full-size model cannot run here: too little memory, or MOONBEAM_ISA names an instruction
/// set that this CPU lacks. Empty if it can.
std::string why_not_full_size();

}  // namespace moonbeam::testing
