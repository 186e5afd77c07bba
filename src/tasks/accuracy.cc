#include "tasks/accuracy.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "model/accuracy.h"
#include "tasks/image_prefix.h"
#include "text/sampler.h"

namespace moonbeam::tasks {

namespace {

constexpr int kMostPositions = 128;

// About the picture, in words that any tokenizer of a Moondream knows.
constexpr std::string_view kText =
    "The picture shows a red circle on the left, a blue square on the right and a green triangle below them. "
    "Is there a circle? Yes. What colour is the square? The square is blue. How many shapes are there? "
    "Three. "
    "Is there a dog? No. Where is the triangle? It is at the bottom of the picture, between the circle and "
    "the square. The background is grey. What is above the triangle? A red circle and a blue square.";

void run_stages(const std::shared_ptr<const Engine>& engine, const StageFn& on_stage) {
  const auto size = [](int rows, int width) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
  };
  const ImageProbe probe{
      .vision =
          [&](std::string_view stage, int layer, const float* rows, int count, int width) {
            if (stage == "vit_in") on_stage("patch_embedding", -1, rows, size(count, width));
            if (stage == "vit_block") on_stage("vit_block", layer, rows, size(count, width));
            if (stage == "features") on_stage("features", -1, rows, size(count, width));
          },
      .embeddings = [&](const float* rows, int count,
                        int width) { on_stage("projector", -1, rows, size(count, width)); },
      .text = [&](int layer, const float* rows, int count,
                  int width) { on_stage("text_block", layer, rows, size(count, width)); }};
  const Image picture = accuracy_picture(engine->config().vision.crop_size);
  run_text(*engine, *encode_image(engine, picture, {}, probe), on_stage);
}

/// Sums over the pairs of values of a stage.
struct Sums {
  double distance = 0, reference = 0, measured = 0, product = 0;  // squares; product: of the pair
  std::size_t values = 0;

  void add(const float* want, const float* got, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const double a = want[i], b = got[i];
      distance += (a - b) * (a - b);
      reference += a * a;
      measured += b * b;
      product += a * b;
    }
    values += count;
  }
  double error() const { return reference > 0 ? std::sqrt(distance / reference) : std::sqrt(distance); }
  double cosine() const {
    const double norms = std::sqrt(reference) * std::sqrt(measured);
    return norms > 0 ? product / norms : 1;
  }
};

constexpr std::string_view kStageOrder[] = {"patch_embedding", "vit_block",  "features",
                                            "projector",       "text_block", "logits"};

}  // namespace

Image accuracy_picture(int side) {
  Image image{.height = side, .width = side, .pixels = {}};
  std::uint32_t noise = 1;
  const auto inside = [&](int x, int y) -> int {
    const double u = static_cast<double>(x) / side, v = static_cast<double>(y) / side;
    if ((u - 0.3) * (u - 0.3) + (v - 0.35) * (v - 0.35) < 0.03) return 1;
    if (u > 0.55 && u < 0.85 && v > 0.2 && v < 0.5) return 2;
    if (v > 0.6 && v < 0.9 && std::fabs(u - 0.45) < (v - 0.6) * 0.7) return 3;
    return 0;
  };
  constexpr int kColours[4][3] = {{128, 128, 128}, {220, 40, 40}, {40, 70, 210}, {40, 170, 70}};
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      for (const int channel : kColours[inside(x, y)]) {
        noise = noise * 1664525 + 1013904223;  // Numerical Recipes' generator
        const int value = channel + static_cast<int>(noise >> 27) - 16 + (x + y) * 24 / side - 24;
        image.pixels.push_back(static_cast<std::uint8_t>(std::clamp(value, 0, 255)));
      }
    }
  }
  return image;
}

void run_text(const Engine& engine, const EncodedImage::Impl& image, const StageFn& on_stage) {
  Runner runner(engine);
  Sequence sequence = continue_image(engine, image);
  std::vector<int> ids = engine.tokenizer.encode(kText, false);
  const int count = std::min({kMostPositions, static_cast<int>(ids.size()), room(engine, sequence)});
  if (count <= 0) return;
  std::vector<Token> tokens;
  for (int i = 0; i < count; ++i) tokens.emplace_back(TextToken{ids[static_cast<std::size_t>(i)]});

  const text::TextConfig& config = engine.config().text;
  std::vector<float> hidden;  // [count, dim] of the last block
  runner.decoder().set_probe([&](int layer, const float* rows, int n, int width) {
    const std::size_t size = static_cast<std::size_t>(n) * static_cast<std::size_t>(width);
    on_stage("text_block", layer, rows, size);
    if (layer == config.layers - 1) hidden.assign(rows, rows + size);
  });
  runner.advance(sequence, tokens, false);
  std::vector<float> logits(static_cast<std::size_t>(count) * static_cast<std::size_t>(config.vocab_size));
  runner.decoder().logits(hidden.data(), count, logits.data());
  on_stage("logits", -1, logits.data(), logits.size());
}

StageValues record_stages(const std::shared_ptr<const Engine>& engine) {
  StageValues out;
  run_stages(engine, [&](std::string_view stage, int layer, const float* values, std::size_t count) {
    std::vector<float>& to = out[{std::string(stage), layer}];
    to.insert(to.end(), values, values + count);
  });
  return out;
}

ModelAccuracy measure_accuracy(const StageValues& reference, const std::shared_ptr<const Engine>& engine) {
  const auto vocab = static_cast<std::size_t>(engine->config().text.vocab_size);
  std::map<std::pair<std::string, int>, Sums> sums;
  ModelAccuracy out;
  out.mode = engine->info.mode;
  int same = 0;
  run_stages(engine, [&](std::string_view stage, int layer, const float* values, std::size_t count) {
    const std::pair key{std::string(stage), layer};
    const std::vector<float>& want = reference.at(key);
    Sums& sum = sums[key];
    MB_ASSERT(sum.values + count <= want.size());
    const float* from = want.data() + sum.values;
    sum.add(from, values, count);
    if (stage != "logits") return;
    for (std::size_t at = 0; at < count; at += vocab, ++out.positions)
      same += text::argmax({from + at, vocab}) == text::argmax({values + at, vocab}) ? 1 : 0;
  });
  out.top1 = out.positions > 0 ? static_cast<double>(same) / out.positions : 1;
  for (const std::string_view stage : kStageOrder) {
    for (const auto& [key, sum] : sums) {
      if (key.first == stage)
        out.stages.push_back(
            {.stage = key.first, .layer = key.second, .error = sum.error(), .cosine = sum.cosine()});
    }
  }
  model::set_bars(out, engine->model->mode);
  return out;
}

}  // namespace moonbeam::tasks
