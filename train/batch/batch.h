// Pictures with their questions packed behind one image prefix each, as tensors of a step.
//
// A sequence of the text model is: BOS, the image embeddings, then the questions one after the other. A
// question sees the prefix and itself, and its positions begin where the prefix ends, so that each is exactly
// what the engine sees for that question alone (docs/design/0006-trainer.md).
#pragma once

#include <moonbeam/image.h>
#include <torch/torch.h>

#include <optional>
#include <span>
#include <vector>

#include "image/tiling.h"
#include "model/config.h"
#include "train/batch/grid_truth.h"
#include "train/batch/sequence.h"

namespace moonbeam::train {

// Letters here: N pictures, C crops of all of them, P positions of the prefix, T text positions (the longest
// picture's), S = P + T.

/// One picture, ready to be put into a batch. Made on any thread; no tensors.
struct Picture {
  std::vector<float> patches;  ///< [crops, patches, patch_dim], the global crop first
  image::Tiling tiling;
  std::vector<Sequence> questions;
  std::optional<GridTruth> patch_truth;  ///< side: the patch grid
  std::optional<GridTruth> cell_truth;   ///< side: the grid of image embeddings
  /// Windows smaller than a crop: rows of the position table, one a patch. Else empty.
  std::vector<std::int64_t> position_rows;
};

/// Cuts a picture as the engine does. @throws Error kInvalidArgument (empty), kUnsupported (cropping).
Picture cut_picture(const Image& image, const vision::VisionConfig& config);

/// A picture of fewer patches than a crop, which takes its place in the position table from (row, column), in
/// patches. @throws Error kInvalidArgument where it does not fit or its sides are no multiples of a patch.
Picture cut_window(const Image& image, const vision::VisionConfig& config, int row, int column);

/// Truth of grids as tensors; cells of unknown truth have class -1.
struct GridTargets {
  torch::Tensor classes;  ///< i64 [N, cells]: 0 background, label + 1; -1 unknown
  torch::Tensor colours;  ///< i64 [N, cells]: -1 none
  torch::Tensor boxes;    ///< f32 [N, cells, 4]: corners in [0,1]
  bool defined() const { return classes.defined(); }
};

struct Batch {
  int pictures = 0, prefix = 0, text = 0;  ///< N, P, T
  int questions = 0;
  std::vector<image::Tiling> tilings;
  torch::Tensor patches;        ///< f32 [C, patches, patch_dim]
  torch::Tensor position_rows;  ///< i64 [C, patches]; undefined: whole crops

  // Text; undefined where no picture has questions.
  torch::Tensor tokens;       ///< i64 [N, T]; 0 where a coordinate, a size or nothing stands
  torch::Tensor positions;    ///< i64 [N, S]
  torch::Tensor mask;         ///< bool [N, 1, S, S]: true where the row sees the column
  torch::Tensor coord_at;     ///< i64 [n]: places of coordinates, flat in N * T
  torch::Tensor coord_value;  ///< f32 [n, 1]
  torch::Tensor size_at;      ///< i64 [m], flat in N * T
  torch::Tensor size_value;   ///< f32 [m, 2]: width, height

  // Targets; rows are flat in N * S.
  torch::Tensor token_row, token_id;   ///< i64 [t]
  torch::Tensor token_weight;          ///< f32 [t]
  torch::Tensor coord_row, coord_bin;  ///< i64 [c]
  torch::Tensor size_row;              ///< i64 [s]
  torch::Tensor size_bin;              ///< i64 [s, 2]: width, height

  GridTargets patch_truth, cell_truth;

  bool has_text() const { return tokens.defined(); }
  Batch to(torch::Device device) const;
};

struct CollateOptions {
  int multiple = 8;     ///< T is rounded up to it, so that shapes repeat
  int max_text = 1024;  ///< a picture's questions beyond this many positions are left out
};

/// All pictures have the same number of patches a crop. @throws Error kInvalidArgument (none, or they
/// differ), kExhausted (a question longer than the model's context).
Batch collate(std::span<const Picture> pictures, const model::ModelConfig& config,
              const CollateOptions& options = {});

}  // namespace moonbeam::train
