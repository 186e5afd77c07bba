#include "train/twin/vision.h"

#include "base/error.h"

namespace moonbeam::train {

namespace nn = torch::nn;
using torch::Tensor;

VisionBlockImpl::VisionBlockImpl(const vision::VisionConfig& config) {
  ln1 = register_module("ln1", make_norm(config.dim, config.eps));
  attn = register_module("attn", Attention(config.dim, config.heads));
  ln2 = register_module("ln2", make_norm(config.dim, config.eps));
  mlp = register_module("mlp", Mlp(config.dim, config.ff_dim, config.dim));
}

Tensor VisionBlockImpl::forward(Tensor x) {
  x = x + attn(ln1(x));
  return x + mlp(ln2(x));
}

VisionTwinImpl::VisionTwinImpl(const vision::VisionConfig& config) : config_(config) {
  if (config.cropping == vision::Cropping::kViews2024) {
    base::fail(ErrorCode::kUnsupported, "training: the cropping of 2024-05-20 to 08-26 is read, not trained");
  }
  patch_emb = register_module("patch_emb", nn::Linear(config.patch_dim(), config.dim));
  pos_emb = register_parameter("pos_emb", torch::zeros({1, config.patches(), config.dim}));
  register_module("blocks", blocks);
  for (int i = 0; i < config.layers; ++i) blocks->push_back(VisionBlock(config));
  post_ln = register_module("post_ln", make_norm(config.dim, config.eps));
  proj_mlp = register_module("proj_mlp", Mlp(config.proj_in_dim, config.proj_inner_dim, config.proj_out_dim));
}

Tensor VisionTwinImpl::features(const Tensor& patches, const Tensor& rows) {
  const Tensor positions = rows.defined() ? torch::embedding(pos_emb.squeeze(0), rows) : pos_emb;
  Tensor x = patch_emb(patches.to(pos_emb.dtype())) + positions;
  for (const auto& block : *blocks) x = block->as<VisionBlockImpl>()->forward(x);
  return post_ln(x);
}

Tensor VisionTwinImpl::global_features(const Tensor& features, std::span<const image::Tiling> tilings) {
  std::vector<std::int64_t> at;
  std::int64_t crop = 0;
  for (const image::Tiling& tiling : tilings) {
    at.push_back(crop);
    crop += tiling.single() ? 1 : 1 + tiling.crops();
  }
  if (crop == static_cast<std::int64_t>(at.size())) return features;
  return features.index_select(0, torch::tensor(at).to(features.device()));
}

Tensor VisionTwinImpl::local_features(const Tensor& crops, image::Tiling tiling) {
  return reconstruct_from_crops(crops, tiling, config_.grid_side(), config_.overlap_margin);
}

Tensor VisionTwinImpl::embed(const Tensor& features, std::span<const image::Tiling> tilings) {
  const std::int64_t side = config_.grid_side(), dim = config_.dim, grid = config_.image_grid;
  const auto pictures = static_cast<std::int64_t>(tilings.size());
  const Tensor global_maps = global_features(features, tilings).view({pictures, side, side, dim});
  Tensor cells = pool_map(global_maps, config_.image_grid);
  if (config_.proj_in_dim == 2 * config_.dim) {
    // A picture of one crop shows the same pixels in both halves.
    Tensor local = cells;
    if (features.size(0) != pictures) {
      std::vector<Tensor> parts;
      std::int64_t crop = 0;
      for (std::int64_t i = 0; i < pictures; ++i) {
        const image::Tiling tiling = tilings[static_cast<std::size_t>(i)];
        if (tiling.single()) {
          parts.push_back(cells.narrow(0, i, 1));
          ++crop;
          continue;
        }
        const Tensor map = local_features(features.narrow(0, crop + 1, tiling.crops()), tiling);
        parts.push_back(pool_map(map.unsqueeze(0), config_.image_grid));
        crop += 1 + tiling.crops();
      }
      local = torch::cat(parts, 0);
    }
    cells = torch::cat({cells, local}, -1);
  }
  return proj_mlp(cells.view({pictures, grid * grid, cells.size(-1)}));
}

Tensor reconstruct_from_crops(const Tensor& crops, image::Tiling tiling, int side, int margin) {
  const std::int64_t dim = crops.size(-1);
  const Tensor maps = crops.view({tiling.rows, tiling.cols, side, side, dim});
  std::vector<Tensor> rows;
  for (int i = 0; i < tiling.rows; ++i) {
    const int y0 = i == 0 ? 0 : margin, y1 = i == tiling.rows - 1 ? side : side - margin;
    std::vector<Tensor> row;
    for (int j = 0; j < tiling.cols; ++j) {
      const int x0 = j == 0 ? 0 : margin, x1 = j == tiling.cols - 1 ? side : side - margin;
      row.push_back(maps[i][j].narrow(0, y0, y1 - y0).narrow(1, x0, x1 - x0));
    }
    rows.push_back(torch::cat(row, 1));
  }
  return torch::cat(rows, 0);
}

Tensor pool_map(const Tensor& map, int grid) {
  if (map.size(1) == grid && map.size(2) == grid) return map.contiguous();
  const Tensor pooled = torch::adaptive_avg_pool2d(map.permute({0, 3, 1, 2}), {grid, grid});
  return pooled.permute({0, 2, 3, 1}).contiguous();
}

}  // namespace moonbeam::train
