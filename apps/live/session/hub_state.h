// What the hub's parts share: hub_hear.cc takes what viewers say, hub_serve.cc carries frames to the engine
// and back, hub.cc is the public face.
//
// One mutex guards all sessions: what happens under it is short. Pictures are decoded and handed to the
// engine outside it, so a frame goes through begin, decoded, asked, each with the mutex for itself, and
// anything may have happened to its session in between.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "live/session/group.h"
#include "live/session/hub.h"
#include "live/session/viewer.h"

namespace moonbeam::live {

using ViewerPtr = std::shared_ptr<Viewer>;
using ChannelPtr = std::shared_ptr<Channel>;
/// Questions to take back once the mutex is free: the engine may answer at once.
using Ids = std::vector<Asker::Id>;
inline void add(Ids& ids, std::optional<Asker::Id> id) {
  if (id) ids.push_back(*id);
}

struct Hub::State : std::enable_shared_from_this<Hub::State> {
  State(Asker& with, const ModelInfo& about, HubOptions chosen)
      : asker(with), info(about), options(std::move(chosen)) {
    next_status = now() + options.status_every;
  }

  TimePoint now() const { return options.now ? options.now() : std::chrono::steady_clock::now(); }
  void take_back(const Ids& ids) {
    for (const Asker::Id id : ids) asker.cancel(id);
  }
  void call_worker() {
    called = true;
    wake.notify_one();
  }

  // What viewers say, each with the mutex.
  void hear_text(const ViewerPtr& viewer, const std::string& text, Ids& ids);
  void hear_frame(const ViewerPtr& viewer, std::string bytes);
  void greet(const ViewerPtr& viewer, const Message& message);
  void take_task(const ViewerPtr& viewer, const Message& message, Ids& ids);
  void obey(const ViewerPtr& viewer, const Message& message, Ids& ids);
  void gone(const ViewerPtr& viewer, Ids& ids);
  void refuse(Viewer& viewer, const std::string& code, const std::string& message, int close_code);

  // Who watches the server's source with whom, with the mutex.
  void regroup(const ViewerPtr& viewer, Ids& ids);

  // The worker.
  void serve(const ChannelPtr& channel, Stream::Work work);
  void ask(const ChannelPtr& channel, std::int64_t ticket, const Task& task, const Image& image);
  AskCallbacks callbacks(const ChannelPtr& channel, std::int64_t ticket);
  std::vector<ChannelPtr> channels() const;
  bool is_full() const;
  void make_room();
  void refuse_for_now(Viewer& viewer);
  void settle_steps(Ids& ids);
  bool keep_time();
  bool tell_time(Ids& ids);

  Asker& asker;
  const ModelInfo info;
  const HubOptions options;

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  std::vector<ViewerPtr> viewers;
  std::vector<std::shared_ptr<Group>> groups;
  std::function<void()> watched;
  TimePoint next_status = {};
  Counts past;  // of sessions that are over
  std::int64_t source_seq = 0;
  bool called = false, stopping = false;

  std::thread worker;
};

}  // namespace moonbeam::live
