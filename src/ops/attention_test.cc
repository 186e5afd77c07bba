// Attention over the pool against a double loop, and the storing of keys and values.
#include "ops/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "kernels/testing.h"

namespace moonbeam::ops {
namespace {

using kernels::kKeyBlock;
using kernels::testing::expect_close;
using kernels::testing::expect_equal;
using kernels::testing::kEpsilon;
using kernels::testing::Random;

constexpr int kHeads = 3;

// One sequence: `rows` queries after `keys` - rows positions, causal. Everything that holds no position is
// NaN.
struct Sequence {
  int rows, keys, width, stride;
  std::vector<float> q, k, v;  // [rows or keys, stride]
  std::vector<std::vector<float>> memory;
  std::vector<kernels::MutableKeyBlock> to;
  std::vector<kernels::KeyBlock> blocks;
  std::vector<int> visible;

  Sequence(int query_rows, int positions, int head_width, std::uint64_t seed)
      : rows(query_rows), keys(positions), width(head_width), stride(kHeads * head_width + 4) {
    Random random(seed);
    const auto fill = [&](std::vector<float>& values, int count) {
      values.resize(static_cast<std::size_t>(count) * stride);
      for (float& value : values) value = random();
    };
    fill(q, rows);
    fill(k, keys);
    fill(v, keys);
    for (int r = 0; r < rows; ++r) visible.push_back(keys - rows + r + 1);
    for (int first = 0; first < keys; first += kKeyBlock) {
      memory.emplace_back(static_cast<std::size_t>(2) * kHeads * width * kKeyBlock, std::nanf(""));
    }
    for (auto& block : memory) {
      to.push_back({block.data(), block.data() + static_cast<std::ptrdiff_t>(kHeads) * width * kKeyBlock});
      blocks.push_back({to.back().k, to.back().v});
    }
  }

  // In pieces of `step` rows, as a prefill in parts does; NaN stands where the rows before the piece would.
  void store(Context& context, int step) {
    const std::size_t before = static_cast<std::size_t>(kKeyBlock) * stride;
    for (int first = 0; first < keys; first += step) {
      const int count = std::min(step, keys - first);
      const auto piece = [&](const std::vector<float>& all) {
        std::vector<float> rows_of_piece(before, std::nanf(""));
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(first) * stride;
        rows_of_piece.insert(rows_of_piece.end(), from, from + static_cast<std::ptrdiff_t>(count) * stride);
        return rows_of_piece;
      };
      const std::vector<float> new_k = piece(k);
      const std::vector<float> new_v = piece(v);
      store_keys_values(context, new_k.data() + before, new_v.data() + before, stride, count, kHeads, width,
                        first, to);
    }
  }

  AttentionTask task(std::vector<float>& out) const {
    out.assign(static_cast<std::size_t>(rows) * kHeads * width, std::nanf(""));
    return {.q = q.data(),
            .q_stride = stride,
            .rows = rows,
            .blocks = blocks,
            .visible = visible.data(),
            .out = out.data(),
            .out_stride = kHeads * width};
  }

  std::vector<float> double_loop(float scale) const {
    std::vector<float> out;
    for (int r = 0; r < rows; ++r) {
      for (int h = 0; h < kHeads; ++h) {
        std::vector<double> weights;
        double sum = 0;
        for (int j = 0; j < visible[static_cast<std::size_t>(r)]; ++j) {
          double score = 0;
          for (int i = 0; i < width; ++i) score += static_cast<double>(at(q, r, h, i)) * at(k, j, h, i);
          weights.push_back(std::exp(score * scale));
          sum += weights.back();
        }
        for (int i = 0; i < width; ++i) {
          double value = 0;
          for (std::size_t j = 0; j < weights.size(); ++j)
            value += weights[j] * at(v, static_cast<int>(j), h, i);
          out.push_back(static_cast<float>(value / sum));
        }
      }
    }
    return out;
  }
  float at(const std::vector<float>& values, int row, int head, int i) const {
    return values[static_cast<std::size_t>(row) * stride + head * width + i];
  }
  double tolerance() const { return kEpsilon * (16 + 2 * std::sqrt(width) + std::sqrt(keys)); }
};

class AttentionOnEveryTable : public kernels::testing::EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, AttentionOnEveryTable, kernels::testing::every_table(),
                         kernels::testing::table_name);

TEST_P(AttentionOnEveryTable, SequencesOfAnyLengthEqualADoubleLoop) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  std::vector<Sequence> sequences;
  for (int width : {64, 72}) {
    sequences.clear();
    sequences.emplace_back(1, 1, width, 1);
    sequences.emplace_back(1, 130, width, 2);
    sequences.emplace_back(14, 64, width, 3);
    sequences.emplace_back(70, 70, width, 4);
    std::vector<std::vector<float>> outs(sequences.size());
    std::vector<AttentionTask> tasks;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      sequences[s].store(context, 1000);
      tasks.push_back(sequences[s].task(outs[s]));
    }
    attention(context, tasks, kHeads, width, 0.1f);
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      expect_close(
          outs[s], sequences[s].double_loop(0.1f), [&](std::size_t) { return sequences[s].tolerance(); },
          base::cat("sequence ", static_cast<int>(s), ", width ", width));
      std::vector<float> alone;
      const AttentionTask task = sequences[s].task(alone);
      attention(context, {&task, 1}, kHeads, width, 0.1f);
      expect_equal(alone, outs[s], base::cat("sequence ", static_cast<int>(s), " alone"));
    }
  }
}

TEST_P(AttentionOnEveryTable, ThreadsDoNotChangeTheBits) {
  std::vector<float> first;
  for (int threads : {1, 2, 3}) {
    base::ThreadPool pool(threads);
    Context context(pool, table());
    Sequence sequence(50, 150, 64, 5);
    sequence.store(context, 1000);
    std::vector<float> out;
    const AttentionTask task = sequence.task(out);
    attention(context, {&task, 1}, kHeads, 64, 0.125f);
    if (threads == 1) first = out;
    expect_equal(out, first, base::cat(threads, " threads"));
  }
}

TEST_P(AttentionOnEveryTable, NoTasksAndNoRowsAreNothingToDo) {
  base::ThreadPool pool(1);
  Context context(pool, table());
  attention(context, {}, kHeads, 64, 1.0f);
  const AttentionTask none = {};
  attention(context, {&none, 1}, kHeads, 64, 1.0f);
}

TEST_P(AttentionOnEveryTable, KeysAndValuesStoredInPiecesLieAsStoredAtOnce) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  Sequence at_once(1, 150, 64, 6);
  Sequence in_pieces(1, 150, 64, 6);
  at_once.store(context, 150);
  in_pieces.store(context, 13);
  for (std::size_t b = 0; b < at_once.memory.size(); ++b) {
    expect_equal(in_pieces.memory[b], at_once.memory[b], base::cat("block ", static_cast<int>(b)));
  }
  // Head 2, dimension 5 of position 70, and of a place that holds none.
  EXPECT_EQ(at_once.to[1].k[(2 * 64 + 5) * kKeyBlock + 6], at_once.at(at_once.k, 70, 2, 5));
  EXPECT_EQ(at_once.to[1].v[(2 * kKeyBlock + 6) * 64 + 5], at_once.at(at_once.v, 70, 2, 5));
  EXPECT_TRUE(std::isnan(at_once.to[2].k[5 * kKeyBlock + 22]));
}

}  // namespace
}  // namespace moonbeam::ops
