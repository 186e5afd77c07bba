#include "train/twin/answer.h"

#include <limits>

#include "region/region.h"

namespace moonbeam::train {

using torch::Tensor;

namespace {

/// The rows fed so far.
class Feeder {
 public:
  Feeder(Twin& twin, const Tensor& embeddings, std::span<const int> prompt) : twin_(twin) {
    const std::vector<std::int64_t> bos{twin->config().prompts.bos};
    rows_ = torch::cat({embed(bos), embeddings}, 1);
    feed(std::vector<std::int64_t>(prompt.begin(), prompt.end()));
  }

  void feed(const std::vector<std::int64_t>& ids) { append(embed(ids)); }
  void feed_coordinate(float value) {
    append(twin_->region->encode_coordinate(torch::full({1, 1}, value, options())));
  }
  void feed_size(float width, float height) {
    append(twin_->region->encode_size(torch::tensor({width, height}, options()).view({1, 2})));
  }

  bool full() const { return rows_.size(1) >= twin_->config().text.max_context; }

  /// Of the last position: [1, D].
  Tensor hidden() {
    const int count = static_cast<int>(rows_.size(1));
    const int prefix = twin_->config().text.prefix_attn > 0 ? twin_->prefix() : 0;
    const Tensor mask = prefix_mask(count, prefix).to(rows_.device());
    const Tensor all = twin_->text(rows_, torch::arange(count).to(rows_.device()), mask);
    return all.select(1, count - 1);
  }

 private:
  torch::TensorOptions options() const { return rows_.options().dtype(torch::kFloat); }
  Tensor embed(const std::vector<std::int64_t>& ids) {
    return twin_->text->embed(torch::tensor(ids).to(twin_->device())).unsqueeze(0);
  }
  void append(const Tensor& rows) {
    rows_ = torch::cat({rows_, rows.to(rows_.dtype()).view({1, -1, rows.size(-1)})}, 1);
  }

  Twin& twin_;
  Tensor rows_;  // [1, S, D]
};

int best(const Tensor& logits) {
  return static_cast<int>(logits.flatten().argmax().item<std::int64_t>());
}

}  // namespace

Tensor embed_picture(Twin& twin, const Tensor& patches, image::Tiling tiling) {
  const torch::NoGradGuard no_grad;
  const Tensor features = twin->vision->features(patches.to(twin->device()));
  return twin->vision->embed(features, std::span(&tiling, 1));
}

std::vector<int> answer_text(Twin& twin, const Tensor& embeddings, std::span<const int> prompt,
                             int max_tokens) {
  const torch::NoGradGuard no_grad;
  const model::Prompts& prompts = twin->config().prompts;
  Feeder feeder(twin, embeddings, prompt);
  std::vector<int> out;
  while (static_cast<int>(out.size()) < max_tokens && !feeder.full()) {
    const Tensor logits = twin->text->logits(feeder.hidden()).flatten();
    // Like the reference, not on the logits that come out of the prompt.
    if (!out.empty() && prompts.suppress_answer) {
      logits[prompts.answer] = -std::numeric_limits<float>::infinity();
    }
    const int id = best(logits);
    if (id == prompts.eos) break;
    out.push_back(id);
    feeder.feed({id});
  }
  return out;
}

std::vector<std::vector<int>> answer_objects(Twin& twin, const Tensor& embeddings,
                                             std::span<const int> prompt, bool size, int max_objects) {
  const torch::NoGradGuard no_grad;
  const region::RegionConfig& region = *twin->config().region;
  Feeder feeder(twin, embeddings, prompt);
  std::vector<std::vector<int>> out;
  while (static_cast<int>(out.size()) < max_objects && !feeder.full()) {
    Tensor hidden = feeder.hidden();
    if (best(twin->text->logits(hidden)) == twin->config().prompts.eos) break;
    std::vector<int> bins;
    for (int axis = 0; axis < 2; ++axis) {
      bins.push_back(best(twin->region->decode_coordinate(hidden)));
      feeder.feed_coordinate(region::bin_to_coordinate(region, bins.back()));
      if (axis == 0 || size) hidden = feeder.hidden();
    }
    if (size) {
      const Tensor logits = twin->region->decode_size(hidden);
      bins.push_back(best(logits.select(1, 0)));
      bins.push_back(best(logits.select(1, 1)));
      feeder.feed_size(region::bin_to_size(region, bins[2]), region::bin_to_size(region, bins[3]));
    }
    out.push_back(std::move(bins));
  }
  return out;
}

}  // namespace moonbeam::train
