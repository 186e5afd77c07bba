#include "live/session/hub.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <utility>

#include "live/session/hub_state.h"

namespace moonbeam::live {

namespace {

// How often the clock is looked at while nothing else happens.
constexpr std::chrono::milliseconds kTick{100};

std::string new_session_id() {
  static thread_local std::mt19937_64 random{(static_cast<std::uint64_t>(std::random_device{}()) << 32) ^
                                             std::random_device{}()};
  char out[20];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(random()));
  return out;
}

}  // namespace

Hub::Hub(Asker& asker, const ModelInfo& info, HubOptions options)
    : state_(std::make_shared<State>(asker, info, std::move(options))) {}

Hub::~Hub() {
  stop();
}

server::SocketEvents Hub::accept(std::shared_ptr<server::Socket> socket, bool admitted) {
  const auto viewer = std::make_shared<Viewer>(std::move(socket), new_session_id(), state_->now());
  viewer->admitted = admitted;
  {
    const std::lock_guard guard(state_->mutex);
    if (state_->stopping || state_->is_full()) {
      state_->refuse_for_now(*viewer);
      return {};
    }
    state_->make_room();
    state_->viewers.push_back(viewer);
  }
  const auto with = [state = state_, viewer](auto&& act) {
    Ids ids;
    {
      const std::lock_guard guard(state->mutex);
      act(*state, ids);
    }
    state->take_back(ids);
  };
  return {.on_text =
              [=](std::string text) {
                with([&](State& state, Ids& ids) { state.hear_text(viewer, text, ids); });
              },
          .on_binary =
              [=](std::string bytes) {
                with([&](State& state, Ids&) { state.hear_frame(viewer, std::move(bytes)); });
              },
          .on_close = [=](int) { with([&](State& state, Ids& ids) { state.gone(viewer, ids); }); }};
}

bool Hub::work() {
  bool worked = false;
  std::vector<ChannelPtr> all;
  {
    const std::lock_guard guard(state_->mutex);
    state_->called = false;
    all = state_->channels();
  }
  for (const ChannelPtr& channel : all) {
    std::optional<Stream::Work> work;
    {
      const std::lock_guard guard(state_->mutex);
      work = channel->stream.begin(state_->now());
    }
    if (!work) continue;
    worked = true;
    state_->serve(channel, std::move(*work));
  }
  return state_->keep_time() || worked;
}

void Hub::start() {
  state_->worker = std::thread([this] {
    while (true) {
      {
        std::unique_lock lock(state_->mutex);
        state_->wake.wait_for(lock, kTick, [&] { return state_->called || state_->stopping; });
        if (state_->stopping) return;
      }
      work();
    }
  });
}

void Hub::stop() {
  Ids ids;
  {
    const std::lock_guard guard(state_->mutex);
    state_->stopping = true;
    state_->wake.notify_one();
    for (const ChannelPtr& channel : state_->channels()) add(ids, channel->stream.cancel());
    for (const ViewerPtr& viewer : state_->viewers) viewer->close(kGoingAway, "the server stops");
  }
  state_->take_back(ids);
  if (state_->worker.joinable()) state_->worker.join();
}

bool Hub::knows(std::string_view session) const {
  const std::lock_guard guard(state_->mutex);
  return std::any_of(state_->viewers.begin(), state_->viewers.end(), [&](const ViewerPtr& viewer) {
    return viewer->greeted && !viewer->closed && viewer->id() == session;
  });
}

bool Hub::is_watched() const {
  const std::lock_guard guard(state_->mutex);
  return std::any_of(state_->viewers.begin(), state_->viewers.end(),
                     [](const ViewerPtr& viewer) { return viewer->watching; });
}

void Hub::on_watched(std::function<void()> watched) {
  const std::lock_guard guard(state_->mutex);
  state_->watched = std::move(watched);
}

void Hub::source_frame(std::shared_ptr<const std::string> picture) {
  const std::lock_guard guard(state_->mutex);
  const TimePoint time = state_->now();
  ++state_->source_seq;
  for (const auto& group : state_->groups) {
    Frame frame;
    frame.seq = state_->source_seq;
    frame.captured = std::chrono::duration<double, std::milli>(time.time_since_epoch()).count();
    frame.picture = picture;
    group->stream.offer(std::move(frame), time);
  }
  for (const ViewerPtr& viewer : state_->viewers) viewer->counts.received += viewer->watching ? 1 : 0;
  if (!state_->groups.empty()) state_->call_worker();
}

void Hub::source_failed(const std::string& message) {
  const std::lock_guard guard(state_->mutex);
  for (const ViewerPtr& viewer : state_->viewers) {
    if (viewer->watching) {
      viewer->tell(Viewer::Weight::kNeeded, write_error("source_failed", message, /*fatal=*/false));
    }
  }
}

HubStats Hub::stats() const {
  const std::lock_guard guard(state_->mutex);
  HubStats out{.sessions = static_cast<int>(state_->viewers.size()), .counts = state_->past};
  for (const ViewerPtr& viewer : state_->viewers) out.counts += viewer->counts;
  return out;
}

}  // namespace moonbeam::live
