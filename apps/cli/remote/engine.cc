// A server answers the pictures of a run, several at a time; they come out in order.
#include "cli/engine.h"

#include <moonbeam/error.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "cli/errors.h"
#include "cli/places.h"
#include "cli/remote/client.h"
#include "cli/remote/key.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

constexpr std::size_t kInFlight = 4;

Ask ask_of(const Options& options, Task task) {
  Ask ask;
  ask.task = task;
  ask.length = options.ask.length;
  ask.reasoning = options.ask.reasoning;
  for (const std::string& text : options.ask.refs) ask.refs.push_back(parse_ref(text));
  ask.sampling = {.temperature = options.sampling.temperature,
                  .top_p = options.sampling.top_p,
                  .seed = options.sampling.seed};
  ask.max_tokens = options.sampling.max_tokens;
  ask.max_objects = options.ask.max_objects;
  ask.clamp = options.ask.clamp;
  ask.orientation = !options.pictures.no_orientation;
  return ask;
}

class RemoteEngine : public Engine {
 public:
  RemoteEngine(const Options& options, Task task, Status& status)
      : options_(options),
        ask_(ask_of(options, task)),
        remote_({.url = options.remote.url,
                 .key = api_key(options.remote),
                 .ca_file = options.remote.ca_file,
                 .model = options.model.model}),
        client_(remote_, carry_on),
        status_(status) {
    const bool coco = options.output.format == "coco";
    needs_pixels_ = coco || options.output.stats || !options.ask.draw.empty();
    prompts_ = task == Task::kQuery     ? options.ask.questions
               : task == Task::kCaption ? std::vector<std::string>{""}
                                        : options.ask.objects;
  }

  ~RemoteEngine() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void open() override {}

  void announce(const std::vector<const PictureSource*>& pictures) override {
    pictures_ = pictures;
    results_.resize(pictures.size());
  }

  Answered answer(const PictureSource* picture, const StreamFn& stream) override {
    if (stream || picture == nullptr) return ask_all(client_, picture, stream);
    const std::size_t wanted = taken_;
    start_threads();
    std::unique_lock lock(mutex_);
    while (!results_[wanted].done) {
      constexpr auto kTurn = std::chrono::milliseconds(50);
      changed_.wait_for(lock, kTurn);
      if (!status_.update({Progress::Stage::kDecode, 0, 0}))
        throw Error(ErrorCode::kCancelled, "interrupted");
    }
    Result result = std::move(results_[wanted]);
    ++taken_;
    lock.unlock();
    changed_.notify_all();
    for (const std::string& warning : result.warnings) say_once(warning);
    if (result.failure) std::rethrow_exception(result.failure);
    return std::move(result.answered);
  }

  std::vector<std::string> files() const override { return {}; }
  std::string made_with() const override {
    return options_.remote.url + (remote_.model.empty() ? "" : " " + remote_.model);
  }
  std::string run_stats() const override { return "answered by " + printable(options_.remote.url) + "\n"; }

 private:
  struct Result {
    bool done = false;
    Answered answered;
    std::vector<std::string> warnings;
    std::exception_ptr failure;
  };

  void start_threads() {
    while (threads_.size() < std::min(kInFlight, pictures_.size())) {
      threads_.emplace_back([this] { work(); });
    }
  }

  /// Takes pictures in their order, no further ahead than they are waited for.
  void work() {
    RemoteClient client(remote_, [this] { return !stop_ && carry_on(); });
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stop_ || next_ >= pictures_.size() || next_ < taken_ + kInFlight; });
      if (stop_ || next_ >= pictures_.size()) return;
      const std::size_t mine = next_++;
      lock.unlock();
      Result result;
      try {
        result.answered = ask_all(client, pictures_[mine], {});
        result.warnings = client.warnings();
      } catch (...) {
        result.failure = std::current_exception();
      }
      result.done = true;
      lock.lock();
      results_[mine] = std::move(result);
      changed_.notify_all();
    }
  }

  Answered ask_all(RemoteClient& client, const PictureSource* picture, const StreamFn& stream) {
    Answered out;
    std::string bytes;
    if (picture != nullptr) {
      const double start = now_ms();
      bytes = read_picture(*picture);
      if (needs_pixels_) {
        out.image = decode_image(std::as_bytes(std::span(bytes.data(), bytes.size())),
                                 {.apply_orientation = ask_.orientation}, picture->name);
      }
      out.stats.decode_ms = now_ms() - start;
    }
    for (const std::string& prompt : prompts_) {
      Ask ask = ask_;
      ask.prompt = prompt;
      if (stream) ask.on_text = stream(prompt);
      out.answers.push_back(client.ask(bytes, ask));
      if (&client == &client_) {
        for (const std::string& warning : client.warnings()) say_once(warning);
      }
    }
    return out;
  }

  void say_once(const std::string& warning) {
    if (options_.output.quiet || !said_.insert(warning).second) return;
    status_.clear();
    complain("note: " + warning);
  }

  const Options& options_;
  Ask ask_;
  RemoteOptions remote_;
  RemoteClient client_;
  Status& status_;
  bool needs_pixels_ = false;
  std::vector<std::string> prompts_;
  std::set<std::string> said_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<const PictureSource*> pictures_;
  std::vector<Result> results_;
  std::size_t next_ = 0, taken_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Engine> remote_engine(const Options& options, Task task, Status& status) {
  return std::make_unique<RemoteEngine>(options, task, status);
}

}  // namespace moonbeam::cli
