// Attention over the pool against a double loop, and the storing of keys and values.
#include "ops/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
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
      store_keys_values(context, {new_k.data() + before, new_v.data() + before, stride, count, first}, kHeads,
                        width, std::span<const kernels::MutableKeyBlock>(to));
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

// ---- bf16

// The same keys and values, as bf16.
struct Sequence16 : Sequence {
  std::vector<std::vector<std::uint16_t>> memory16;
  std::vector<kernels::MutableKeyBlock16> to16;
  std::vector<kernels::KeyBlock16> blocks16;

  Sequence16(int query_rows, int positions, int head_width, std::uint64_t seed)
      : Sequence(query_rows, positions, head_width, seed) {
    const std::size_t size = key_elements16(kHeads, width) + value_elements16(kHeads, width);
    for (int first = 0; first < keys; first += kKeyBlock) memory16.emplace_back(size, std::uint16_t{0x7fc0});
    for (auto& block : memory16) {
      to16.push_back({block.data(), block.data() + key_elements16(kHeads, width)});
      blocks16.push_back({to16.back().k, to16.back().v});
    }
  }
  NewKeys new_keys(int first, int count) const {
    const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(first) * stride;
    return {k.data() + offset, v.data() + offset, stride, count, first};
  }
  void store16(Context& context, int step) {
    for (int first = 0; first < keys; first += step) {
      store_keys_values(context, new_keys(first, std::min(step, keys - first)), kHeads, width,
                        std::span<const kernels::MutableKeyBlock16>(to16));
    }
  }
  AttentionTask task16(std::vector<float>& out) const {
    AttentionTask task = Sequence::task(out);
    task.blocks = {};
    task.blocks16 = blocks16;
    return task;
  }
};

double relative_error(const std::vector<float>& got, const std::vector<float>& expected) {
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - expected[i], 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / norm);
}

TEST_P(AttentionOnEveryTable, BF16IsWithinHalfAPercentOfADoubleLoop) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  for (int width : {64, 72}) {
    std::vector<Sequence16> sequences;
    sequences.emplace_back(1, 1, width, 1);
    sequences.emplace_back(1, 130, width, 2);
    sequences.emplace_back(14, 65, width, 3);
    sequences.emplace_back(70, 70, width, 4);
    std::vector<std::vector<float>> outs(sequences.size());
    std::vector<AttentionTask> tasks;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      sequences[s].store16(context, 13);
      tasks.push_back(sequences[s].task16(outs[s]));
    }
    attention(context, tasks, kHeads, width, 0.1f);
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      EXPECT_LE(relative_error(outs[s], sequences[s].double_loop(0.1f)), 0.005) << "sequence " << s;
      std::vector<float> alone;
      const AttentionTask task = sequences[s].task16(alone);
      attention(context, {&task, 1}, kHeads, width, 0.1f);
      expect_equal(alone, outs[s], base::cat("sequence ", static_cast<int>(s), " alone"));
    }
  }
}

TEST_P(AttentionOnEveryTable, ThreadsDoNotChangeTheBitsOfBF16) {
  std::vector<float> first;
  for (int threads : {1, 2, 3}) {
    base::ThreadPool pool(threads);
    Context context(pool, table());
    Sequence16 sequence(150, 151, 64, 5);
    sequence.store16(context, 1000);
    std::vector<float> out;
    const AttentionTask task = sequence.task16(out);
    attention(context, {&task, 1}, kHeads, 64, 0.125f);
    if (threads == 1) first = out;
    expect_equal(out, first, base::cat(threads, " threads"));
  }
}

TEST_P(AttentionOnEveryTable, EachHeadIsPreparedOnceBeforeItsRows) {
  for (int rows : {1, 150}) {  // one unit a head, and several
    for (int threads : {1, 3}) {
      base::ThreadPool pool(threads);
      Context context(pool, table());
      std::vector<Sequence16> sequences;
      sequences.emplace_back(rows, 151, 64, 6);
      sequences.emplace_back(rows, 200, 64, 7);
      std::vector<std::vector<float>> before(2), after(2);
      std::vector<AttentionTask> tasks;
      for (std::size_t s = 0; s < 2; ++s) {
        sequences[s].store16(context, 1000);
        tasks.push_back(sequences[s].task16(before[s]));
      }
      attention(context, tasks, kHeads, 64, 0.125f);
      std::vector<std::atomic<int>> calls(2 * kHeads);
      for (std::size_t s = 0; s < 2; ++s) {
        for (auto& block : sequences[s].memory16) std::fill(block.begin(), block.end(), 0x7fc0);
        tasks[s] = sequences[s].task16(after[s]);
      }
      attention(context, tasks, kHeads, 64, 0.125f, [&](int task, int head) {
        const Sequence16& sequence = sequences[static_cast<std::size_t>(task)];
        store_head(table(), sequence.new_keys(0, sequence.keys), head, 64,
                   std::span<const kernels::MutableKeyBlock16>(sequence.to16));
        ++calls[static_cast<std::size_t>(task * kHeads + head)];
      });
      for (const auto& count : calls) EXPECT_EQ(count.load(), 1);
      EXPECT_EQ(after, before);
    }
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
