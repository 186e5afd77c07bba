// Ranks as threads of one process: each has its own connections, as processes have.
#include "train/parallel/ranks.h"

#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "model/testing.h"
#include "train/testing.h"

namespace moonbeam::train {
namespace {

using testing::free_port;
using torch::Tensor;

Launch launch_of(int rank, int size, int port) {
  Launch out;
  out.rank = rank, out.size = size, out.host = "127.0.0.1", out.port = port;
  return out;
}

/// Errors of ranks that run `body` at the same time; empty where there was none.
std::vector<std::string> run(int size, double timeout, const std::function<void(Ranks&)>& body) {
  const int port = free_port();
  std::vector<std::string> errors(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        Ranks ranks(launch_of(rank, size, port), timeout);
        body(ranks);
      } catch (const std::exception& error) {
        errors[static_cast<std::size_t>(rank)] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return errors;
}

TEST(Ranks, OneProcessWaitsForNobody) {
  Ranks ranks;
  EXPECT_TRUE(ranks.alone() && ranks.first());
  std::vector<double> values = {1, 2};
  ranks.sum(values);
  EXPECT_EQ(values, (std::vector<double>{1, 2}));
  EXPECT_TRUE(ranks.any(true));
  EXPECT_FALSE(ranks.any(false));
  ranks.leave("nobody listens");
}

TEST(Ranks, SumAndTakeWhatTheFirstHas) {
  std::mutex mutex;
  std::vector<Tensor> sums;
  const std::vector<std::string> errors = run(3, 30, [&](Ranks& ranks) {
    std::vector<double> values = {1.0, static_cast<double>(ranks.rank())};
    ranks.sum(values);
    EXPECT_EQ(values, (std::vector<double>{3, 3}));
    EXPECT_TRUE(ranks.any(ranks.rank() == 2));
    EXPECT_FALSE(ranks.any(false));
    std::string text = ranks.first() ? "from the first" : "mine";
    ranks.from_first(text);
    EXPECT_EQ(text, "from the first");
    double number = ranks.rank() + 0.25;
    ranks.from_first(number);
    EXPECT_EQ(number, 0.25);
    const Tensor tensor = torch::full({5}, ranks.rank());
    ranks.from_first(tensor);
    EXPECT_TRUE(torch::equal(tensor, torch::zeros({5}, tensor.options())));
    const Tensor sum = torch::arange(1000) * (0.1 + ranks.rank());
    ranks.sum(sum);
    const std::lock_guard lock(mutex);
    sums.push_back(sum);
  });
  EXPECT_EQ(errors, std::vector<std::string>(3));
  ASSERT_EQ(sums.size(), 3u);
  EXPECT_TRUE(torch::allclose(sums[0], torch::arange(1000) * 3.3));
  EXPECT_TRUE(torch::equal(sums[0], sums[1]) && torch::equal(sums[0], sums[2]));
}

TEST(Ranks, ARankThatEndsByItsOwnErrorIsQuoted) {
  for (const int ends : {0, 1, 2}) {
    const std::vector<std::string> errors = run(3, 60, [&](Ranks& ranks) {
      ranks.wait_for_all();
      if (ranks.rank() == ends) {
        ranks.leave("the disk is full");
        throw Error(ErrorCode::kExhausted, "the disk is full");
      }
      ranks.wait_for_all();
    });
    for (int rank = 0; rank < 3; ++rank) {
      const std::string& message = errors[static_cast<std::size_t>(rank)];
      if (rank == ends) {
        EXPECT_EQ(message, "the disk is full");
      } else {
        EXPECT_TRUE(message.starts_with(base::cat("rank ", ends, " ("))) << message;
        EXPECT_TRUE(message.ends_with(" has ended: the disk is full")) << message;
      }
    }
  }
}

TEST(Ranks, ARankThatIsLateIsAnErrorForAll) {
  const std::vector<std::string> errors = run(2, 2, [&](Ranks& ranks) {
    ranks.wait_for_all();
    if (ranks.rank() == 1) std::this_thread::sleep_for(std::chrono::seconds(8));
    ranks.wait_for_all();
  });
  for (const std::string& message : errors) {
    EXPECT_TRUE(message.starts_with("rank 1 (")) << message;
    EXPECT_NE(message.find(") did not come in time: "), std::string::npos) << message;
  }
}

TEST(Ranks, RanksThatDoNotComeAreNamed) {
  const int port = free_port();
  model::testing::expect_error([&] { Ranks(launch_of(0, 3, port), 1); }, ErrorCode::kNotFound,
                               {"rank 0 of 3", "rank 1, 2 did not come", std::to_string(port), "within 1 s"});
  model::testing::expect_error([&] { Ranks(launch_of(1, 2, free_port()), 1); }, ErrorCode::kNotFound,
                               {"rank 1 of 2", "rank 0 did not answer", "within 1 s"});
}

}  // namespace
}  // namespace moonbeam::train
