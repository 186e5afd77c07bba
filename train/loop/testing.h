// What tests of whole runs have in common.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/safetensors.h"
#include "train/loop/trainer.h"
#include "train/testing.h"

namespace moonbeam::train::testing {

/// The same arithmetic on every machine, and a line of the log for each step.
inline TrainOptions one_thread() {
  TrainOptions options;
  options.threads = 1;
  options.log_every = 1;
  options.quiet = true;
  return options;
}

/// Overwrites a tensor in a safetensors file.
inline void poison(const std::string& path, const std::string& name, float value) {
  std::string bytes = base::read_file(path, std::size_t{1} << 30);
  const formats::WeightFile file = formats::open_safetensors(path);
  const tensor::TensorView* view = file.find(name);
  ASSERT_NE(view, nullptr);
  const auto at = static_cast<std::size_t>(view->data - file.files.front()->bytes().data());
  for (std::int64_t i = 0; i < view->numel(); ++i) {
    std::memcpy(bytes.data() + at + static_cast<std::size_t>(i) * sizeof value, &value, sizeof value);
  }
  base::AtomicFile out(path);
  out.write(bytes);
  out.commit();
}

/// Names of tensors of two models that differ.
inline std::vector<std::string> changed_tensors(const std::string& a, const std::string& b) {
  const formats::WeightFile one = formats::open_safetensors(a), two = formats::open_safetensors(b);
  std::vector<std::string> out;
  for (const formats::NamedTensor& tensor : one.tensors) {
    const tensor::TensorView* other = two.find(tensor.name);
    const auto bytes = static_cast<std::size_t>(tensor.view.bytes());
    if (std::memcmp(tensor.view.data, other->data, bytes) != 0) out.push_back(tensor.name);
  }
  return out;
}

}  // namespace moonbeam::train::testing
