// Golden values of single functions through the kernels and ops of every table: GELU, layer norm, attention.
#include "kernels/kernels.h"

#include <cmath>

#include "ops/attention.h"
#include "ops/linear.h"
#include "support/golden.h"

namespace moonbeam {
namespace {

using testing::all_near;
using testing::GoldenTensors;

const GoldenTensors& goldens() {
  static const GoldenTensors file(testing::test_path("goldens/ops/ops.safetensors"));
  return file;
}

class GoldenOps : public ::testing::TestWithParam<const kernels::KernelTable*> {
 protected:
  base::ThreadPool pool_{2};
  ops::Context context_{pool_, *GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Tables, GoldenOps,
                         ::testing::ValuesIn(kernels::runnable_kernels().begin(),
                                             kernels::runnable_kernels().end()),
                         [](const auto& instance) { return std::string(instance.param->isa); });

TEST_P(GoldenOps, GeluIsTheTanhForm) {
  std::vector<float> values = goldens().floats("gelu_in");
  GetParam()->gelu(values.data(), static_cast<int>(values.size()));
  EXPECT_TRUE(all_near(values, goldens().floats("gelu_tanh"), 1e-6f));
  // Not the erf form, which is up to 4.7e-4 away.
  EXPECT_FALSE(all_near(values, goldens().floats("gelu_erf"), 1e-4f));
}

TEST_P(GoldenOps, LayerNormTakesEitherEpsilon) {
  const std::vector<float> in = goldens().floats("ln_in");
  const std::vector<float> weight = goldens().floats("ln_w");
  const std::vector<float> bias = goldens().floats("ln_b");
  const int width = static_cast<int>(weight.size());
  for (const auto& [eps, name, other] : {std::tuple{1e-5f, "ln_out_eps1e-5", "ln_out_eps1e-6"},
                                         std::tuple{1e-6f, "ln_out_eps1e-6", "ln_out_eps1e-5"}}) {
    std::vector<float> out(in.size());
    ops::layer_norm(context_, in.data(), static_cast<int>(in.size()) / width,
                    {.weight = weight.data(), .bias = bias.data(), .width = width, .eps = eps}, out.data());
    EXPECT_TRUE(all_near(out, goldens().floats(name), 5e-6f)) << name;
    EXPECT_FALSE(all_near(out, goldens().floats(other), 1e-4f)) << name;
  }
}

// Golden [1, heads, rows, width] -> the layout of activations, [rows, heads, width].
std::vector<float> by_rows(const std::string& name, int heads, int rows, int width) {
  const std::vector<float> from = goldens().floats(name);
  std::vector<float> to(from.size());
  for (int h = 0; h < heads; ++h) {
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < width; ++i) {
        to[static_cast<std::size_t>((r * heads + h) * width + i)] =
            from[static_cast<std::size_t>((h * rows + r) * width + i)];
      }
    }
  }
  return to;
}

TEST_P(GoldenOps, AttentionSeesThePrefixBothWaysAndThePastOnly) {
  const std::vector<std::int64_t> shape = goldens().shape("attn_q");
  const int heads = static_cast<int>(shape[1]);
  const int rows = static_cast<int>(shape[2]);
  const int width = static_cast<int>(shape[3]);
  const std::vector<float> q = by_rows("attn_q", heads, rows, width);
  const std::vector<float> k = by_rows("attn_k", heads, rows, width);
  const std::vector<float> v = by_rows("attn_v", heads, rows, width);
  // Row r sees the first visible[r] positions: the mask says no more than that.
  const std::vector<float> mask = goldens().floats("attn_mask_prefix7");
  std::vector<int> visible;
  for (int r = 0; r < rows; ++r) {
    int count = 0;
    while (count < rows && mask[static_cast<std::size_t>(r * rows + count)] != 0) ++count;
    for (int c = count; c < rows; ++c) ASSERT_EQ(mask[static_cast<std::size_t>(r * rows + c)], 0);
    visible.push_back(count);
  }
  ASSERT_EQ(visible.front(), 7);
  ASSERT_EQ(visible.back(), rows);

  const int stride = heads * width;
  std::vector<float> keys(static_cast<std::size_t>(kernels::kKeyBlock) * stride);
  std::vector<float> values(keys.size());
  const kernels::MutableKeyBlock to = {keys.data(), values.data()};
  const kernels::KeyBlock block = {keys.data(), values.data()};
  ops::store_keys_values(context_, {k.data(), v.data(), stride, rows, 0}, heads, width, std::span(&to, 1));
  std::vector<float> out(q.size());
  const ops::AttentionTask task = {.q = q.data(),
                                   .q_stride = stride,
                                   .rows = rows,
                                   .blocks = {&block, 1},
                                   .visible = visible.data(),
                                   .out = out.data(),
                                   .out_stride = stride};
  ops::attention(context_, {&task, 1}, heads, width, 1 / std::sqrt(static_cast<float>(width)));
  EXPECT_TRUE(all_near(out, by_rows("attn_out_f64", heads, rows, width), 2e-6f));
  EXPECT_TRUE(all_near(out, by_rows("attn_out", heads, rows, width), 2e-6f));
}

}  // namespace
}  // namespace moonbeam
