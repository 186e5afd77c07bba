// Many requests in step: one pass through the weights for all running streams, pictures and long prompts a
// layer at a time in between. What a server's worker thread is to drive; Model::query_all() is its simplest
// user.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "tasks/generation.h"
#include "tasks/image_prefix.h"
#include "tasks/runner.h"

namespace moonbeam::tasks {

struct BatchOptions {
  /// Most sequences in one step, 1..16: up to there a row's bits do not depend on its company.
  int streams = ops::kDecodeRows;
  /// Work on one prompt or picture between two steps of the running streams: layers times rows, at least one
  /// layer. 768 is a prompt of 32 tokens through 24 layers, or one layer of a picture's prefix; either takes
  /// about as long as two steps.
  int rows_between = 768;
};

/// How a request ended.
struct Ended {
  /// Before its generation began, by its progress callback.
  bool stopped = false;
  /// What was thrown, if anything was; that of others goes on.
  std::exception_ptr error = {};
  int prompt_tokens = 0;  ///< positions before the first token of the generation
  double prefill_ms = 0;  ///< from the first row of the prompt on, waiting for others included
};

struct Request {
  std::vector<Token> prompt;  ///< not empty
  std::unique_ptr<Generation> generation;
  ProgressFn progress = {};                     ///< of the picture and the prompt
  std::function<void(const Ended&)> done = {};  ///< called once, in step(), unless the request is cancelled
};

/// Sequences join and leave at any step. Each gets the bits it gets alone, whatever runs beside it. Not safe
/// from many threads: all calls, and all callbacks, are on one. Callbacks may add and cancel requests.
class Batch {
 public:
  using Id = std::uint64_t;

  explicit Batch(std::shared_ptr<const Engine> engine, const BatchOptions& options = {});
  ~Batch();

  /// Goes on with `sequence`. Requests begin in the order in which they are added, as streams become free.
  Id add(Sequence sequence, Request request);
  /// Asks about a picture that is on its way; several requests may share one.
  Id add(std::shared_ptr<PictureJob> picture, Request request);
  /// Forgets a request; it is told nothing. A picture that nobody waits for is dropped.
  void cancel(Id id) noexcept;

  /// A piece of work on a prompt or picture, then one token for every running stream. False when nothing is
  /// left to do.
  bool step();

  int running() const noexcept { return static_cast<int>(streams_.size()); }  ///< in the places of streams

 private:
  struct Stream;
  using Streams = std::list<std::unique_ptr<Stream>>;
  struct Picture {
    std::shared_ptr<PictureJob> job;
    Streams waiting;
  };

  void drop_cancelled();
  void admit();
  bool work_between();
  bool work_on_prompt();
  bool begin_prompt();
  bool work_on_picture();
  void take_step();
  void go_on(Stream& stream);
  void end(Stream& stream, Ended ended);
  void fail(Stream& stream);
  void collect(Streams& from);
  void deliver();

  std::shared_ptr<const Engine> engine_;
  const BatchOptions options_;
  Runner together_;           // of the steps
  Runner alone_;              // of prompts that do not fit into a step
  Stream* prompt_ = nullptr;  // that alone_ works on
  bool picture_next_ = false;
  Id last_id_ = 0;
  Streams waiting_;  // for a place
  Streams streams_;  // in places
  std::list<Picture> pictures_;
  std::deque<std::unique_ptr<Stream>> ended_;
};

}  // namespace moonbeam::tasks
