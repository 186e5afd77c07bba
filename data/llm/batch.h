// Offline batches (data.md 6.5): files of calls that a hosted service or a vLLM batch run answers at its
// leisure, and its results read back into the cache, so that the next run finds them there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/llm/endpoint.h"

namespace moonbeam::llm {

class Cache;

struct BatchOptions {
  std::string folder;
  std::string prefix = "batch";  ///< batch-00000.jsonl, ...
  std::string model;             ///< as the service knows it; empty: each call's own
  Dialect dialect = Dialect::kJsonSchema;
  bool completion_tokens = false;
  std::int64_t max_rows = 50'000;
  std::int64_t max_bytes = 190'000'000;  ///< services refuse files over 200 MB
};

/// A file appears under its name when it is whole: full, or at finish(). Beside FILE.jsonl stands
/// FILE.calls.jsonl, which read_batch() needs: what each row's answer is to be judged by and kept under.
class BatchWriter {
 public:
  explicit BatchWriter(BatchOptions options);
  ~BatchWriter();  ///< what finish() did not end is lost
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;

  /// A call whose request is in a file of this writer already is left out.
  /// @throws Error kExhausted (disk full), kInvalidArgument (not UTF-8).
  void add(const Call& call, const RequestId& id);
  void finish();
  std::int64_t rows() const noexcept;
  int files() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct BatchCounts {
  std::int64_t rows = 0, stored = 0, known = 0;  ///< known: in the cache before
  std::int64_t answers = 0;                      ///< of the stored ones, those that are answers
  std::int64_t failed = 0;                       ///< errors that another run may not meet: not stored
  std::int64_t unknown = 0;                      ///< rows of a call that the batch does not hold
  std::int64_t damaged = 0;                      ///< lines that are no row
  std::int64_t missing = 0;                      ///< calls without a row
};

/// `results`: the file that the service gave back, rows in any order. `calls`: FILE.calls.jsonl.
/// @throws Error kNotFound, kCorrupt (`calls` is not what BatchWriter wrote), kExhausted.
BatchCounts read_batch(const std::string& results, const std::string& calls, Cache& cache, Ledger* ledger,
                       const Prices& prices);

}  // namespace moonbeam::llm
