// What calls have cost: a line of JSON a request, and the budgets that stop a run before they are passed
// (data.md 6.6).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "data/llm/result.h"

namespace moonbeam::llm {

/// 0 is no limit.
struct Budget {
  double money = 0;                                ///< of the run, in the unit of the prices
  double gpu_hours = 0;                            ///< of the run
  std::int64_t calls = 0;                          ///< of the run: requests sent
  std::int64_t tokens = 0;                         ///< of the run: prompt and completion
  std::int64_t image_calls = 0, image_tokens = 0;  ///< of one image
};

struct Spent {
  std::int64_t calls = 0;
  Usage usage;
  double money = 0, gpu_seconds = 0;
  std::int64_t tokens() const noexcept { return usage.prompt + usage.completion; }
  Spent& operator+=(const Spent& other) noexcept;
  Spent& operator-=(const Spent& other) noexcept;
};

struct LedgerRow {
  std::string id, image, stage, endpoint, model, status;
  RequestId request{};
  Spent spent;
  double latency_ms = 0;
  int attempt = 0;  ///< requests of this call before it
};

/// Belongs to one thread.
class Ledger {
 public:
  /// Counts what the file holds already; a last line that is not whole is cut off. An empty path: counts
  /// only.
  /// @throws Error kExhausted (in use by another writer, disk full), kCorrupt, kNotFound.
  explicit Ledger(const std::string& path = {}, std::string run = {}, std::string shard = {});
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// @throws Error kExhausted (disk full).
  void add(const LedgerRow& row);
  const Spent& total() const noexcept { return total_; }
  const Spent& of_image(const std::string& image) const;
  void set_shard(std::string shard) { shard_ = std::move(shard); }
  /// An image is done with: its counts are let go.
  void forget(const std::string& image) { images_.erase(image); }

 private:
  void count(const std::string& image, const Spent& spent);
  struct File;
  std::unique_ptr<File> file_;
  std::string run_, shard_;
  Spent total_;
  std::unordered_map<std::string, Spent> images_;
};

/// Says before each request whether it may go: never if the worst it may cost could pass a budget.
class Purse {
 public:
  Purse(const Budget& budget, const Ledger& ledger) : budget_(budget), ledger_(ledger) {}

  enum class Verdict {
    kGo,
    kWait,       ///< what is under way may cost less than was set aside for it
    kWaitImage,  ///< the same of the image's budget
    kStop,       ///< of the run: no call can be paid any more
    kStopImage,
  };
  Verdict ask(const std::string& image, const Spent& worst) const;
  void set_aside(const std::string& image, const Spent& worst);
  /// The request has ended; what it cost is in the ledger.
  void put_back(const std::string& image, const Spent& worst);

 private:
  bool fits(const Spent& all) const;
  bool image_fits(const Spent& all) const;
  Budget budget_;
  const Ledger& ledger_;
  Spent aside_;
  std::unordered_map<std::string, Spent> aside_of_images_;
};

}  // namespace moonbeam::llm
