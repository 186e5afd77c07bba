#include "train/loss/shares.h"

#include <algorithm>

#include "base/error.h"

namespace moonbeam::train {

using torch::Tensor;

namespace {

constexpr std::size_t kParts = 9;

double count(const Tensor& marks) {
  return static_cast<double>(marks.sum().item<std::int64_t>());
}

}  // namespace

std::vector<double> target_sums(const Batch& batch, const DenseOptions& dense) {
  std::vector<double> out(kParts);
  if (batch.has_text()) {
    out[0] = batch.token_weight.sum(torch::kDouble).item<double>();
    out[1] = static_cast<double>(batch.token_id.numel());
    out[2] = static_cast<double>(batch.coord_bin.numel());
    out[3] = static_cast<double>(batch.size_bin.numel());
  }
  if (const GridTargets& patches = batch.patch_truth; patches.defined()) {
    out[5] = count(patches.classes > 0);
    out[4] = count(patches.classes == 0) + out[5] * dense.foreground_weight;
    out[6] = count(patches.colours >= 0);
  }
  if (const GridTargets& cells = batch.cell_truth; cells.defined()) {
    out[7] = count(cells.classes > 0);
    out[8] = count(cells.colours >= 0);
  }
  return out;
}

PartShares shares_of(const std::vector<double>& mine, const std::vector<double>& everybodys) {
  MB_ASSERT(mine.size() == kParts && everybodys.size() == kParts);
  // `least`: what a loss divides by at least.
  const auto share = [&](std::size_t part, double least = 0) {
    const double all = std::max(everybodys[part], least);
    return all > 0 ? std::max(mine[part], least) / all : 0;
  };
  PartShares out;
  out.text = share(0, 1e-6), out.tokens = share(1);
  out.coordinate = share(2), out.size = share(3);
  out.dense_class = share(4, 1), out.dense_object = share(5), out.dense_colour = share(6);
  out.align_object = share(7), out.align_colour = share(8);
  return out;
}

}  // namespace moonbeam::train
