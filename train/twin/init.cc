#include "train/twin/init.h"

#include <cmath>
#include <numbers>
#include <string_view>

namespace moonbeam::train {

using torch::Tensor;

namespace {

/// Fills one tensor after the other from one generator on the CPU.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : generator_(at::detail::createCPUGenerator(seed)) {}

  void normal(Tensor& to, double std) {
    to.copy_(torch::randn(to.sizes(), generator_, torch::kDouble) * std);
  }

  /// As torch's own default for linears, in deviation; `scale` less for layers that add to a residual stream.
  template <typename Linear>
  void linear(Linear& to, double scale = 1) {
    normal(to->weight, scale / std::sqrt(3.0 * static_cast<double>(to->weight.size(1))));
    to->bias.zero_();
  }
  void mlp(Mlp& to, double scale = 1) {
    linear(to->fc1);
    linear(to->fc2, scale);
  }
  static void norm(torch::nn::LayerNorm& to) {
    to->weight.fill_(1);
    to->bias.zero_();
  }

 private:
  at::Generator generator_;
};

/// Six functions of the patch's place, each along a direction of its own: every one of the first dimensions
/// whose index gives it as rest of a division by six.
Tensor position_patterns(const vision::VisionConfig& config, float amplitude) {
  const int side = config.grid_side();
  Tensor out = torch::zeros({1, config.patches(), config.dim});
  auto at = out.accessor<float, 3>();
  const double turn = 2 * std::numbers::pi;
  for (int patch = 0; patch < config.patches(); ++patch) {
    const double x = (patch % side + 0.5) / side, y = (patch / side + 0.5) / side;
    const double values[] = {2 * x - 1,          2 * y - 1,          std::cos(turn * x),
                             std::sin(turn * x), std::cos(turn * y), std::sin(turn * y)};
    // A sixth of the width: enough to be read, little enough to leave room for what is seen.
    const int used = std::max(6, config.dim / 6 / 6 * 6);
    for (int d = 0; d < std::min(used, config.dim); ++d) {
      at[0][patch][d] = static_cast<float>(amplitude * values[d % 6]);
    }
  }
  return out;
}

void initialise_vision(Filler& filler, VisionTwin& vision, const InitOptions& options) {
  const vision::VisionConfig& config = vision->config();
  const double residual = 1 / std::sqrt(2.0 * config.layers);
  filler.linear(vision->patch_emb);
  filler.normal(vision->pos_emb, options.pos_emb_std);
  if (options.position_patterns > 0) vision->pos_emb += position_patterns(config, options.position_patterns);
  for (const auto& module : *vision->blocks) {
    auto& block = *module->as<VisionBlockImpl>();
    Filler::norm(block.ln1);
    filler.linear(block.attn->qkv);
    filler.linear(block.attn->proj, residual);
    Filler::norm(block.ln2);
    filler.mlp(block.mlp, residual);
  }
  Filler::norm(vision->post_ln);
  filler.mlp(vision->proj_mlp);
}

void initialise_text(Filler& filler, TextTwin& text, const InitOptions& options) {
  const double residual = 1 / std::sqrt(2.0 * text->config().layers);
  filler.normal(text->wte, options.wte_std);
  for (const auto& module : *text->blocks) {
    auto& block = *module->as<TextBlockImpl>();
    Filler::norm(block.ln);
    filler.linear(block.attn->qkv);
    filler.linear(block.attn->proj, residual);
    filler.mlp(block.mlp, residual);
  }
  Filler::norm(text->post_ln);
  filler.linear(text->lm_head);
}

void initialise_region(Filler& filler, RegionTwin& region, const InitOptions& options) {
  filler.normal(region->coord_features, options.coord_features_std);
  filler.linear(region->coord_encoder);
  filler.mlp(region->coord_decoder);
  filler.normal(region->size_features, options.size_features_std);
  filler.linear(region->size_encoder);
  filler.mlp(region->size_decoder);
}

}  // namespace

void initialise(Twin& twin, const InitOptions& options) {
  const torch::NoGradGuard no_grad;
  Filler filler(options.seed);
  initialise_vision(filler, twin->vision, options);
  initialise_text(filler, twin->text, options);
  if (twin->has_region()) initialise_region(filler, twin->region, options);
}

void initialise(DenseHead& head, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  Filler(seed).linear(head->linear);
}

void initialise(BoxHead& head, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  Filler(seed).linear(head->linear);
}

}  // namespace moonbeam::train
