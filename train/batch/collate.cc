// Pictures with questions -> one batch of tensors.
#include <algorithm>
#include <string>

#include "base/error.h"
#include "train/batch/batch.h"

namespace moonbeam::train {

using base::fail;
using torch::Tensor;

namespace {

Tensor integers(const std::vector<std::int64_t>& values) {
  return torch::tensor(values, torch::kLong);
}
Tensor floats(const std::vector<float>& values) {
  return torch::tensor(values, torch::kFloat);
}

int length(const Sequence& sequence) {
  return static_cast<int>(sequence.inputs.size());
}

/// How many of a picture's questions fit.
std::size_t fitting(const Picture& picture, int max_text) {
  std::size_t count = 0;
  int text = 0;
  for (const Sequence& question : picture.questions) {
    text += length(question);
    if (text > max_text) break;
    ++count;
  }
  return count;
}

int round_up(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Everything of the text part, filled picture by picture.
class TextWriter {
 public:
  TextWriter(Batch& batch, const model::ModelConfig& config)
      : batch_(batch), config_(config), count_(batch.prefix + batch.text) {
    const std::int64_t n = batch.pictures, s = count_;
    batch.tokens = torch::zeros({n, batch.text}, torch::kLong);
    batch.positions = torch::zeros({n, s}, torch::kLong);
    batch.mask = torch::zeros({n, 1, s, s}, torch::kBool);
  }

  void picture(int index, std::span<const Sequence> questions) {
    picture_ = index;
    positions_ = batch_.positions.data_ptr<std::int64_t>() + std::int64_t{index} * count_;
    for (int i = 0; i < batch_.prefix; ++i) positions_[i] = i;
    prefix_rows();
    int at = 0;
    for (const Sequence& question : questions) {
      add(question, at);
      at += length(question);
    }
    for (; at < batch_.text; ++at) padding(at);
  }

  void finish() {
    batch_.coord_at = integers(coord_at_);
    batch_.coord_value = floats(coord_value_).view({-1, 1});
    batch_.size_at = integers(size_at_);
    batch_.size_value = floats(size_value_).view({-1, 2});
    batch_.token_row = integers(token_row_);
    batch_.token_id = integers(token_id_);
    batch_.token_weight = floats(token_weight_);
    batch_.coord_row = integers(coord_row_);
    batch_.coord_bin = integers(coord_bin_);
    batch_.size_row = integers(size_row_);
    batch_.size_bin = integers(size_bin_).view({-1, 2});
  }

 private:
  bool* mask_row(int row) {
    return batch_.mask.data_ptr<bool>() + (std::int64_t{picture_} * count_ + row) * count_;
  }

  void prefix_rows() {
    const bool both_ways = config_.text.prefix_attn > 0;
    for (int i = 0; i < batch_.prefix; ++i) {
      bool* row = mask_row(i);
      std::fill_n(row, both_ways ? batch_.prefix : i + 1, true);
    }
  }

  /// `at`: first text position of the question.
  void add(const Sequence& question, int at) {
    const int count = length(question);
    if (batch_.prefix + count > config_.text.max_context) {
      fail(ErrorCode::kExhausted, "a question of ", count, " positions behind a prefix of ", batch_.prefix,
           ": the model has ", config_.text.max_context);
    }
    for (int i = 0; i < count; ++i) {
      input(question.inputs[static_cast<std::size_t>(i)], std::int64_t{picture_} * batch_.text + at + i);
      const int row = batch_.prefix + at + i;
      positions_[row] = batch_.prefix + i;
      bool* sees = mask_row(row);
      std::fill_n(sees, batch_.prefix, true);
      std::fill_n(sees + batch_.prefix + at, i + 1, true);
    }
    targets(question, std::int64_t{picture_} * count_ + batch_.prefix + at);
  }

  void input(const Input& input, std::int64_t place) {
    switch (input.kind) {
      case Input::Kind::kToken:
        batch_.tokens.data_ptr<std::int64_t>()[place] = input.id;
        break;
      case Input::Kind::kCoordinate:
        coord_at_.push_back(place);
        coord_value_.push_back(input.value);
        break;
      case Input::Kind::kSize:
        size_at_.push_back(place);
        size_value_.insert(size_value_.end(), {input.value, input.height});
        break;
    }
  }

  /// `first`: row of the question's first position.
  void targets(const Sequence& question, std::int64_t first) {
    for (const TokenTarget& target : question.tokens) {
      token_row_.push_back(first + target.row);
      token_id_.push_back(target.id);
      token_weight_.push_back(question.weight);
    }
    for (const CoordinateTarget& target : question.coordinates) {
      coord_row_.push_back(first + target.row);
      coord_bin_.push_back(target.bin);
    }
    for (const SizeTarget& target : question.sizes) {
      size_row_.push_back(first + target.row);
      size_bin_.insert(size_bin_.end(), {target.width_bin, target.height_bin});
    }
  }

  /// Sees the prefix, so that its softmax has something to divide by; nobody sees it.
  void padding(int at) {
    std::fill_n(mask_row(batch_.prefix + at), batch_.prefix, true);
    positions_[batch_.prefix + at] = batch_.prefix;
  }

  Batch& batch_;
  const model::ModelConfig& config_;
  int count_;
  int picture_ = 0;
  std::int64_t* positions_ = nullptr;
  std::vector<std::int64_t> coord_at_, size_at_, token_row_, token_id_, coord_row_, coord_bin_, size_row_,
      size_bin_;
  std::vector<float> coord_value_, size_value_, token_weight_;
};

/// `truth` of every picture; pictures without it are unknown everywhere.
template <typename TruthOf>
GridTargets grid_targets(std::span<const Picture> pictures, TruthOf truth_of) {
  std::int64_t cells = 0;
  for (const Picture& picture : pictures) {
    const std::optional<GridTruth>& truth = truth_of(picture);
    if (!truth) continue;
    const auto count = static_cast<std::int64_t>(truth->cells.size());
    if (cells != 0 && cells != count) {
      fail(ErrorCode::kInvalidArgument, "batch: truth of grids of ", cells, " and of ", count, " cells");
    }
    cells = count;
  }
  GridTargets out;
  if (cells == 0) return out;
  const auto n = static_cast<std::int64_t>(pictures.size());
  out.classes = torch::full({n, cells}, -1, torch::kLong);
  out.colours = torch::full({n, cells}, -1, torch::kLong);
  out.boxes = torch::zeros({n, cells, 4});
  auto classes = out.classes.accessor<std::int64_t, 2>();
  auto colours = out.colours.accessor<std::int64_t, 2>();
  auto boxes = out.boxes.accessor<float, 3>();
  for (std::int64_t i = 0; i < n; ++i) {
    const std::optional<GridTruth>& truth = truth_of(pictures[static_cast<std::size_t>(i)]);
    if (!truth) continue;
    for (std::int64_t c = 0; c < cells; ++c) {
      const GridTruth::Cell& cell = truth->cells[static_cast<std::size_t>(c)];
      classes[i][c] = cell.label + 1;
      colours[i][c] = cell.colour;
      for (int k = 0; k < 4; ++k) boxes[i][c][k] = cell.box[k];
    }
  }
  return out;
}

/// Patches of all crops one after the other, and the tilings.
void add_patches(Batch& batch, std::span<const Picture> pictures, const vision::VisionConfig& config) {
  const auto patch_dim = static_cast<std::size_t>(config.patch_dim());
  const Picture& first = pictures.front();
  const std::size_t per_crop =
      first.position_rows.empty() ? static_cast<std::size_t>(config.patches()) : first.position_rows.size();
  std::vector<std::int64_t> rows;
  std::size_t floats_in_all = 0;
  for (const Picture& picture : pictures) {
    const int crops = picture.tiling.single() ? 1 : 1 + picture.tiling.crops();
    const bool same_kind = picture.position_rows.size() == first.position_rows.size();
    if (!same_kind || picture.patches.size() != static_cast<std::size_t>(crops) * per_crop * patch_dim) {
      fail(ErrorCode::kInvalidArgument, "batch: expected ", per_crop, " patches a crop in every picture");
    }
    batch.tilings.push_back(picture.tiling);
    rows.insert(rows.end(), picture.position_rows.begin(), picture.position_rows.end());
    floats_in_all += picture.patches.size();
  }
  const auto shape = {static_cast<std::int64_t>(floats_in_all / per_crop / patch_dim),
                      static_cast<std::int64_t>(per_crop), static_cast<std::int64_t>(patch_dim)};
  batch.patches = torch::empty(shape);
  float* to = batch.patches.data_ptr<float>();
  for (const Picture& picture : pictures) to = std::copy(picture.patches.begin(), picture.patches.end(), to);
  if (!rows.empty()) batch.position_rows = integers(rows).view({-1, static_cast<std::int64_t>(per_crop)});
}

}  // namespace

Batch collate(std::span<const Picture> pictures, const model::ModelConfig& config,
              const CollateOptions& options) {
  if (pictures.empty()) fail(ErrorCode::kInvalidArgument, "batch: expected a picture, got none");
  Batch batch;
  batch.pictures = static_cast<int>(pictures.size());
  batch.prefix = 1 + config.vision.image_tokens();
  add_patches(batch, pictures, config.vision);
  batch.patch_truth = grid_targets(
      pictures, [](const Picture& p) -> const auto& { return p.patch_truth; });
  batch.cell_truth = grid_targets(
      pictures, [](const Picture& p) -> const auto& { return p.cell_truth; });

  std::vector<std::size_t> counts;
  int longest = 0;
  for (const Picture& picture : pictures) {
    counts.push_back(fitting(picture, options.max_text));
    int text = 0;
    for (std::size_t i = 0; i < counts.back(); ++i) text += length(picture.questions[i]);
    longest = std::max(longest, text);
    batch.questions += static_cast<int>(counts.back());
  }
  if (longest == 0) return batch;
  batch.text = round_up(longest, options.multiple);
  TextWriter writer(batch, config);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    writer.picture(static_cast<int>(i), std::span(pictures[i].questions).first(counts[i]));
  }
  writer.finish();
  return batch;
}

Batch Batch::to(torch::Device device) const {
  Batch out = *this;
  for (Tensor* tensor : {&out.patches,
                         &out.position_rows,
                         &out.tokens,
                         &out.positions,
                         &out.mask,
                         &out.coord_at,
                         &out.coord_value,
                         &out.size_at,
                         &out.size_value,
                         &out.token_row,
                         &out.token_id,
                         &out.token_weight,
                         &out.coord_row,
                         &out.coord_bin,
                         &out.size_row,
                         &out.size_bin,
                         &out.patch_truth.classes,
                         &out.patch_truth.colours,
                         &out.patch_truth.boxes,
                         &out.cell_truth.classes,
                         &out.cell_truth.colours,
                         &out.cell_truth.boxes}) {
    if (tensor->defined()) *tensor = tensor->to(device);
  }
  return out;
}

}  // namespace moonbeam::train
