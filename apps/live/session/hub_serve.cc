// The worker's part: a frame's way to the engine and back.
#include <algorithm>
#include <span>
#include <utility>

#include "live/session/hub_state.h"

namespace moonbeam::live {

namespace {

// A full engine is asked again after that at the latest, so that its free place is not missed for long.
constexpr double kLongestRetryMs = 500, kShortestRetryMs = 20;

}  // namespace

std::vector<ChannelPtr> Hub::State::channels() const {
  std::vector<ChannelPtr> out(viewers.begin(), viewers.end());
  out.insert(out.end(), groups.begin(), groups.end());
  return out;
}

void Hub::State::serve(const ChannelPtr& channel, Stream::Work work) {
  const TimePoint begin = now();
  Image image;
  try {
    image = decode_image(std::as_bytes(std::span(*work.picture)), options.decode, "frame");
  } catch (const std::exception& error) {
    const std::lock_guard guard(mutex);
    return channel->stream.bad(work.ticket, error.what());
  }
  const Thumbnail thumb = thumbnail(image);
  const double ms = std::chrono::duration<double, std::milli>(now() - begin).count();
  std::optional<Task> task;
  {
    const std::lock_guard guard(mutex);
    task = channel->stream.decoded(work.ticket, thumb, image.height, image.width, ms);
  }
  if (task) ask(channel, work.ticket, *task, image);
}

void Hub::State::ask(const ChannelPtr& channel, std::int64_t ticket, const Task& task, const Image& image) {
  Stream& stream = channel->stream;
  try {
    const Asker::Id id = asker.ask(task, image, stream.client(), callbacks(channel, ticket));
    bool unwanted = false;
    {
      const std::lock_guard guard(mutex);
      unwanted = stream.asked(ticket, id);
    }
    if (unwanted) asker.cancel(id);
  } catch (const QueueFull& full) {
    const std::lock_guard guard(mutex);
    const double wait = std::clamp(full.retry_after_ms(), kShortestRetryMs, kLongestRetryMs);
    stream.put_back(ticket, now() + std::chrono::milliseconds(static_cast<int>(wait)));
  } catch (const Error& error) {
    const std::lock_guard guard(mutex);
    const bool refused = error.code() == ErrorCode::kInvalidArgument;
    stream.failed(ticket, refused ? "invalid_value" : "server_error", error.what());
  } catch (const std::exception& error) {
    const std::lock_guard guard(mutex);
    stream.failed(ticket, "server_error", error.what());
  }
}

// They hold what they touch: the engine may answer after its viewer, and even the hub, has gone.
AskCallbacks Hub::State::callbacks(const ChannelPtr& channel, std::int64_t ticket) {
  const auto with = [state = shared_from_this(), channel](auto&& act) {
    const std::lock_guard guard(state->mutex);
    act(channel->stream);
  };
  AskCallbacks out;
  out.on_begin = [=] { with([&](Stream& stream) { stream.on_begin(ticket); }); };
  out.on_first_token = [=, this] { with([&](Stream& stream) { stream.on_first_token(ticket, now()); }); };
  out.on_text = [=](std::string_view text) { with([&](Stream& stream) { stream.on_text(ticket, text); }); };
  out.on_end = [=, this](End end) {
    Ids ids;
    with([&](Stream& stream) {
      stream.on_end(ticket, std::move(end), now());
      settle_steps(ids);
      call_worker();
    });
    take_back(ids);
  };
  return out;
}

// Viewers of the server's source who paused and have had the one answer that they asked for.
void Hub::State::settle_steps(Ids& ids) {
  for (const ViewerPtr& viewer : std::vector(viewers)) {
    if (viewer->watching && viewer->stream.paused() && viewer->steps == 0) regroup(viewer, ids);
  }
}

bool Hub::State::keep_time() {
  Ids ids;
  const bool due = tell_time(ids);
  take_back(ids);
  return due;
}

bool Hub::State::tell_time(Ids& ids) {
  const std::lock_guard guard(mutex);
  const TimePoint time = now();
  const bool due = time >= next_status;
  if (due) next_status = time + options.status_every;
  const Asker::Load load = due ? asker.load() : Asker::Load{};
  for (const ViewerPtr& viewer : std::vector(viewers)) {
    if (viewer->closed) {
      gone(viewer, ids);
    } else if (!viewer->watching &&
               time - viewer->heard >= (viewer->greeted ? options.idle : options.greeting)) {
      viewer->close(kGoingAway, "nothing heard for too long");
    } else if (due && viewer->greeted) {
      viewer->tell(Viewer::Weight::kResult, write_status({.counts = viewer->counts,
                                                          .queued = load.queued,
                                                          .running = load.running,
                                                          .sessions = static_cast<int>(viewers.size()),
                                                          .paused = viewer->stream.paused()}));
    }
  }
  return due;
}

}  // namespace moonbeam::live
