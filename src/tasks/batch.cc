#include "tasks/batch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/machine.h"

namespace moonbeam::tasks {

struct Batch::Stream {
  enum class State {
    kPrompt,   ///< tokens wait for room in a step, or for their turn alone
    kAlone,    ///< alone_ works on them
    kRunning,  ///< a token waits for the next step
    kEnded,
    kCancelled,
  };

  Id id = 0;
  Request request;
  std::optional<Sequence> sequence;  // none while the picture is on its way
  State state = State::kPrompt;
  Next next;           // what to feed: the prompt, then what the generation says
  bool begun = false;  // the generation
  double start_ms = 0;
  Ended ended;

  bool over() const noexcept { return state == State::kEnded || state == State::kCancelled; }
  int rows() const noexcept { return static_cast<int>(next.tokens.size()); }
  // What does not fit into the context fails alone, not with a whole step.
  bool fits(const Engine& engine, int free) const noexcept {
    return rows() <= std::min(free, room(engine, *sequence));
  }
};

Batch::Batch(std::shared_ptr<const Engine> engine, const BatchOptions& options)
    : engine_(std::move(engine)), options_(options), together_(*engine_), alone_(*engine_) {
  if (options.streams < 1 || options.streams > ops::kDecodeRows) {
    base::fail(ErrorCode::kInvalidArgument, "batch: expected 1 to ", ops::kDecodeRows, " streams, got ",
               options.streams);
  }
}

Batch::~Batch() = default;

Batch::Id Batch::add(Sequence sequence, Request request) {
  MB_ASSERT(!request.prompt.empty());
  auto stream = std::make_unique<Stream>();
  stream->id = ++last_id_;
  stream->request = std::move(request);
  stream->sequence = std::move(sequence);
  waiting_.push_back(std::move(stream));
  return last_id_;
}

Batch::Id Batch::add(std::shared_ptr<PictureJob> picture, Request request) {
  if (picture->result()) return add(continue_image(*engine_, *picture->result()), std::move(request));
  auto stream = std::make_unique<Stream>();
  stream->id = ++last_id_;
  stream->request = std::move(request);
  auto place = std::find_if(pictures_.begin(), pictures_.end(),
                            [&](const Picture& other) { return other.job == picture; });
  if (place == pictures_.end()) {
    place = pictures_.emplace(pictures_.end());
    place->job = std::move(picture);
  }
  place->waiting.push_back(std::move(stream));
  return last_id_;
}

void Batch::cancel(Id id) noexcept {
  const auto mark = [&](Streams& streams) {
    for (auto& stream : streams) {
      if (stream->id == id && !stream->over()) stream->state = Stream::State::kCancelled;
    }
  };
  if (prompt_ != nullptr && prompt_->id == id) {
    alone_.abandon();
    prompt_ = nullptr;
  }
  mark(waiting_);
  mark(streams_);
  for (Picture& picture : pictures_) mark(picture.waiting);
}

bool Batch::step() {
  drop_cancelled();
  admit();
  work_between();
  take_step();
  collect(streams_);
  deliver();
  return !waiting_.empty() || !streams_.empty() || !pictures_.empty();
}

void Batch::drop_cancelled() {
  collect(waiting_);
  collect(streams_);
  for (Picture& picture : pictures_) collect(picture.waiting);
  pictures_.remove_if([](const Picture& picture) { return picture.waiting.empty(); });
}

// Moves ended streams to where deliver() finds them; cancelled ones go.
void Batch::collect(Streams& from) {
  for (auto stream = from.begin(); stream != from.end();) {
    if (!(*stream)->over()) {
      ++stream;
      continue;
    }
    if ((*stream)->state == Stream::State::kEnded) ended_.push_back(std::move(*stream));
    stream = from.erase(stream);
  }
}

// Everything is in order before a callback runs, which may add, cancel and throw.
void Batch::deliver() {
  while (!ended_.empty()) {
    const std::unique_ptr<Stream> stream = std::move(ended_.front());
    ended_.pop_front();
    if (stream->request.done) stream->request.done(stream->ended);
  }
}

void Batch::admit() {
  while (!waiting_.empty() && running() < options_.streams) {
    Stream& stream = *waiting_.front();
    stream.next = {stream.request.prompt, stream.request.generation->reads_prompt_logits()};
    stream.start_ms = base::now_ms();
    streams_.splice(streams_.end(), waiting_, waiting_.begin());
  }
}

// Prompts and pictures take turns.
bool Batch::work_between() {
  picture_next_ = !picture_next_;
  if (picture_next_) return work_on_picture() || work_on_prompt();
  return work_on_prompt() || work_on_picture();
}

bool Batch::work_on_prompt() {
  if (prompt_ == nullptr && !begin_prompt()) return false;
  if (prompt_ == nullptr) return true;  // it failed
  Stream& stream = *prompt_;
  const int layers = std::max(1, options_.rows_between / stream.rows());
  const int total = engine_->config().text.layers;
  const ProgressFn& progress = stream.request.progress;
  try {
    for (int i = 0; i < layers; ++i) {
      const bool more = alone_.step();
      const bool wanted =
          stream.begun || !progress || progress({Progress::Stage::kPrefill, alone_.layer(), total});
      if (prompt_ == nullptr) return true;  // cancelled by its own callback
      if (more && wanted) continue;
      if (more) alone_.abandon();
      prompt_ = nullptr;
      wanted ? go_on(stream) : end(stream, {.stopped = true});
      return true;
    }
  } catch (...) {
    if (prompt_ != nullptr) alone_.abandon();
    prompt_ = nullptr;
    fail(stream);
  }
  return true;
}

// A prompt that fits beside the running streams needs no pass of its own: take_step() has it. False if there
// is no other.
bool Batch::begin_prompt() {
  int free = ops::kDecodeRows;
  for (const auto& stream : streams_) free -= stream->state == Stream::State::kRunning ? 1 : 0;
  for (const auto& stream : streams_) {
    if (stream->state != Stream::State::kPrompt) continue;
    if (stream->fits(*engine_, free)) {
      free -= stream->rows();
      continue;
    }
    try {
      const Feed feed{&*stream->sequence, stream->next.tokens, stream->next.logits};
      alone_.begin({&feed, 1});
      stream->state = Stream::State::kAlone;
      prompt_ = stream.get();
    } catch (...) {
      fail(*stream);
    }
    return true;
  }
  return false;
}

// One layer for the picture that was added first.
bool Batch::work_on_picture() {
  if (pictures_.empty()) return false;
  const auto picture = pictures_.begin();
  try {
    picture->job->step();
  } catch (...) {
    for (auto& stream : picture->waiting) fail(*stream);
    collect(picture->waiting);
    pictures_.erase(picture);
    return true;
  }
  for (auto& stream : picture->waiting) {
    try {
      const ProgressFn& progress = stream->request.progress;
      if (!stream->over() && progress && !progress(picture->job->progress())) end(*stream, {.stopped = true});
    } catch (...) {
      fail(*stream);
    }
  }
  collect(picture->waiting);
  const auto result = picture->job->result();
  if (!result && !picture->waiting.empty()) return true;
  for (auto& stream : picture->waiting) stream->sequence = continue_image(*engine_, *result);
  waiting_.splice(waiting_.end(), picture->waiting);
  pictures_.erase(picture);
  return true;
}

// The running streams' tokens, and prompts as far as there is room, in one pass.
void Batch::take_step() {
  std::vector<Stream*> fed;
  int free = ops::kDecodeRows;
  for (const auto state : {Stream::State::kRunning, Stream::State::kPrompt}) {
    for (auto& stream : streams_) {
      if (stream->state != state || !stream->fits(*engine_, free)) continue;
      free -= stream->rows();
      fed.push_back(stream.get());
    }
  }
  if (fed.empty()) return;
  std::vector<Feed> feeds;
  for (Stream* stream : fed) feeds.push_back({&*stream->sequence, stream->next.tokens, stream->next.logits});
  try {
    together_.advance(feeds);
  } catch (...) {
    // Memory ran out, for all of them.
    for (Stream* stream : fed) fail(*stream);
    return;
  }
  for (Stream* stream : fed) {
    if (stream->over()) continue;
    try {
      const int layers = engine_->config().text.layers;
      const ProgressFn& progress = stream->request.progress;
      if (!stream->begun && progress && !progress({Progress::Stage::kPrefill, layers, layers})) {
        end(*stream, {.stopped = true});
      } else {
        go_on(*stream);
      }
    } catch (...) {
      fail(*stream);
    }
  }
}

// What it asked for was fed: lets the generation choose.
void Batch::go_on(Stream& stream) {
  if (stream.state == Stream::State::kCancelled) return;
  if (!stream.begun) {
    stream.begun = true;
    stream.ended.prompt_tokens = stream.sequence->cache.size();
    stream.ended.prefill_ms = base::now_ms() - stream.start_ms;
  }
  stream.next = stream.request.generation->next(together_, *stream.sequence);
  if (stream.state == Stream::State::kCancelled) return;
  if (stream.next.tokens.empty()) return end(stream, {});
  stream.state = stream.rows() == 1 ? Stream::State::kRunning : Stream::State::kPrompt;
}

void Batch::end(Stream& stream, Ended ended) {
  if (stream.state == Stream::State::kCancelled) return;
  stream.state = Stream::State::kEnded;
  stream.ended.stopped = ended.stopped;
  stream.ended.error = std::move(ended.error);
  if (!stream.begun && stream.sequence) {
    stream.ended.prompt_tokens = stream.sequence->cache.size();
    stream.ended.prefill_ms = base::now_ms() - stream.start_ms;
  }
}

void Batch::fail(Stream& stream) {
  end(stream, {.error = std::current_exception()});
}

}  // namespace moonbeam::tasks
