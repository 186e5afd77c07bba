// Tests only: models, pictures and requests of the tests of batches, caches and savings.
#pragma once

#include <gtest/gtest.h>
#include <moonbeam/moonbeam.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "tasks/engine.h"
#include "tasks/generate.h"
#include "tasks/image_prefix.h"

namespace moonbeam::tasks::testing {

inline const std::string kTests = std::string(MOONBEAM_SOURCE_DIR) + "/tests/";

/// "tiny", the parity model, or "starter"; loaded once for each mode.
inline std::shared_ptr<const Engine> engine(const std::string& model, Mode mode = Mode::kF32) {
  static std::map<std::pair<std::string, Mode>, std::shared_ptr<const Engine>> loaded;
  auto& engine = loaded[{model, mode}];
  if (!engine) {
    engine = open_engine(kTests + (model == "tiny" ? "goldens/tiny" : "data/starter"),
                         {.mode = mode, .threads = 2});
  }
  return engine;
}

inline Model model_of(std::shared_ptr<const Engine> engine) {
  return Model(std::make_shared<Model::Impl>(Model::Impl{std::move(engine)}));
}

inline Image sample(const std::string& name = "s1") {
  return load_image(kTests + "data/starter/samples/" + name + ".png");
}

/// A picture of its own for every seed.
inline Image noise(unsigned seed, int height = 30, int width = 40) {
  Image out{height, width, {}};
  for (int i = 0; i < height * width * 3; ++i) {
    seed = seed * 1664525u + 1013904223u;
    out.pixels.push_back(static_cast<std::uint8_t>(seed >> 24));
  }
  return out;
}

using Rows = std::vector<std::vector<float>>;
inline LogitsFn collect_into(Rows& rows) {
  return [&rows](std::span<const float> logits) { rows.emplace_back(logits.begin(), logits.end()); };
}

/// Model and mode.
using Setting = std::tuple<std::string, Mode>;
inline std::string setting_name(const ::testing::TestParamInfo<Setting>& info) {
  return std::get<0>(info.param) + "_" + std::string(mode_name(std::get<1>(info.param)));
}
inline auto all_settings() {
  return ::testing::Combine(::testing::Values("tiny", "starter"),
                            ::testing::Values(Mode::kF32, Mode::kBF16, Mode::kInt8, Mode::kInt4));
}

}  // namespace moonbeam::tasks::testing
