#include "train/loss/objective.h"

namespace moonbeam::train {

using torch::Tensor;

namespace {

Tensor of_all(const Tensor& mean, double share) {
  return share == 1 ? mean : mean * share;
}

/// Sum of what was computed, each part with its weight.
class Total {
 public:
  /// Keeps `loss` in `part`, detached, for people. Both as this process's share of a mean over all.
  void add(Tensor& part, const Tensor& loss, double share, float weight) {
    part = of_all(loss.detach(), share);
    const auto factor = static_cast<float>(weight * share);
    total_ = total_.defined() ? total_ + loss * factor : loss * factor;
  }
  Tensor total() const { return total_; }

 private:
  Tensor total_;
};

Tensor rows_of(const Tensor& hidden, const Tensor& rows) {
  return hidden.flatten(0, 1).index_select(0, rows);
}

void add_text(Total& total, LossParts& parts, Twin& twin, const Batch& batch, const Tensor& hidden,
              const ObjectiveOptions& options) {
  const LossWeights& weights = options.weights;
  const PartShares& shares = options.shares;
  if (weights.text > 0 && batch.token_row.numel() > 0) {
    const Tensor logits = twin->text->logits(rows_of(hidden, batch.token_row));
    total.add(parts.text, token_loss(logits, batch.token_id, batch.token_weight), shares.text, weights.text);
    parts.token_accuracy =
        of_all((logits.detach().argmax(-1) == batch.token_id).to(torch::kFloat).mean(), shares.tokens);
  }
  if (!twin->has_region()) return;
  if (weights.coordinate > 0 && batch.coord_row.numel() > 0) {
    const Tensor logits = twin->region->decode_coordinate(rows_of(hidden, batch.coord_row));
    total.add(parts.coordinate, bin_loss(logits, batch.coord_bin, options.coordinate_sigma),
              shares.coordinate, weights.coordinate);
  }
  if (weights.size > 0 && batch.size_row.numel() > 0) {
    const Tensor logits = twin->region->decode_size(rows_of(hidden, batch.size_row));
    total.add(parts.size, bin_loss(logits.flatten(0, 1), batch.size_bin.flatten(), options.size_sigma),
              shares.size, weights.size);
  }
}

void add_dense(Total& total, LossParts& parts, Heads& heads, const Batch& batch, const Tensor& features,
               const ObjectiveOptions& options) {
  const LossWeights& weights = options.weights;
  const PartShares& shares = options.shares;
  const DenseLosses dense = dense_loss(heads.dense(features), batch.patch_truth, options.dense);
  total.add(parts.dense_class, dense.classes, shares.dense_class, weights.dense * weights.dense_class);
  total.add(parts.dense_box, dense.box, shares.dense_object, weights.dense * weights.dense_box);
  total.add(parts.dense_colour, dense.colours, shares.dense_colour, weights.dense * weights.dense_colour);
  parts.patch_accuracy = of_all(dense.accuracy, shares.dense_object);
}

void add_align(Total& total, LossParts& parts, Twin& twin, Heads& heads, const Batch& batch,
               const Tensor& embeddings, const ObjectiveOptions& options) {
  const AlignLosses align = align_loss(embeddings, twin->text->wte, heads.nouns, heads.colours,
                                       heads.align_box, batch.cell_truth, options.align);
  total.add(parts.align_noun, align.nouns, options.shares.align_object, options.weights.align);
  total.add(parts.align_colour, align.colours, options.shares.align_colour, options.weights.align);
  total.add(parts.align_box, align.box, options.shares.align_object, options.weights.align);
}

}  // namespace

Tensor text_hidden(Twin& twin, const Batch& batch, const Tensor& embeddings) {
  const std::int64_t pictures = batch.pictures, dim = twin->config().text.dim;
  // Autocast leaves some of the parts in bf16: the residual stream is in the weights' type.
  const auto type = twin->dtype();
  Tensor text = twin->text->embed(batch.tokens).view({pictures * batch.text, dim});
  if (batch.coord_at.numel() > 0) {
    text = text.index_copy(0, batch.coord_at, twin->region->encode_coordinate(batch.coord_value).to(type));
  }
  if (batch.size_at.numel() > 0) {
    text = text.index_copy(0, batch.size_at, twin->region->encode_size(batch.size_value).to(type));
  }
  const Tensor bos = torch::full({pictures, 1}, twin->config().prompts.bos, batch.tokens.options());
  const Tensor x =
      torch::cat({twin->text->embed(bos), embeddings.to(type), text.view({pictures, batch.text, dim})}, 1);
  return twin->text(x, batch.positions, batch.mask);
}

LossParts objective(Twin& twin, Heads& heads, const Batch& batch, const ObjectiveOptions& options) {
  const LossWeights& weights = options.weights;
  Tensor features;
  {
    const torch::AutoGradMode grad(options.train_encoder && torch::GradMode::is_enabled());
    features = twin->vision->features(batch.patches, batch.position_rows);
  }
  LossParts parts;
  Total total;
  if (!heads.dense.is_empty() && weights.dense > 0 && batch.patch_truth.defined()) {
    add_dense(total, parts, heads, batch, twin->vision->global_features(features, batch.tilings), options);
  }
  const bool aligns = !heads.align_box.is_empty() && weights.align > 0 && batch.cell_truth.defined();
  if (batch.has_text() || aligns) {
    const Tensor embeddings = twin->vision->embed(features, batch.tilings);
    if (aligns) add_align(total, parts, twin, heads, batch, embeddings, options);
    if (batch.has_text()) {
      add_text(total, parts, twin, batch, text_hidden(twin, batch, embeddings), options);
    }
  }
  parts.total = total.total();
  return parts;
}

}  // namespace moonbeam::train
