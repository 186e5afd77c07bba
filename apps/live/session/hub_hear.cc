// What viewers say, each message with the hub's mutex held.
#include <algorithm>
#include <string>
#include <utility>

#include "live/session/hub_state.h"

namespace moonbeam::live {

void Hub::State::refuse(Viewer& viewer, const std::string& code, const std::string& message, int close_code) {
  viewer.tell(Viewer::Weight::kNeeded, write_error(code, message, /*fatal=*/true));
  viewer.close(close_code, message);
}

void Hub::State::refuse_for_now(Viewer& viewer) {
  refuse(viewer, "too_many_sessions", "all live sessions are taken; try again later", kTryAgainLater);
}

/// Who has not said hello and has shown no key takes nobody's place.
bool Hub::State::is_full() const {
  const auto has_place = [](const ViewerPtr& viewer) { return viewer->greeted || viewer->admitted; };
  return std::count_if(viewers.begin(), viewers.end(), has_place) >= options.max_sessions;
}

/// Of those that say nothing there are as many as sessions; then the eldest goes.
void Hub::State::make_room() {
  const auto is_silent = [](const ViewerPtr& viewer) {
    return !viewer->greeted && !viewer->admitted && !viewer->closed;
  };
  if (std::count_if(viewers.begin(), viewers.end(), is_silent) < options.max_sessions) return;
  refuse_for_now(**std::find_if(viewers.begin(), viewers.end(), is_silent));
}

void Hub::State::greet(const ViewerPtr& viewer, const Message& message) {
  if (viewer->greeted) return;
  if (message.version != 1) {
    return refuse(*viewer, "unsupported_version", "this server speaks version 1 of moonbeam.live",
                  kPolicyViolation);
  }
  if (options.admits && !viewer->admitted && !options.admits(message.key)) {
    return refuse(*viewer, message.key.empty() ? "missing_api_key" : "invalid_api_key",
                  message.key.empty() ? "this server asks for a key" : "the key is not known here",
                  kPolicyViolation);
  }
  if (!viewer->admitted && is_full()) return refuse_for_now(*viewer);
  viewer->greeted = true;
  viewer->tell(Viewer::Weight::kNeeded, write_hello(info, {.session = viewer->id(),
                                                           .max_frame_bytes = options.max_frame_bytes,
                                                           .source = options.source}));
}

void Hub::State::hear_text(const ViewerPtr& viewer, const std::string& text, Ids& ids) {
  if (viewer->closed) return;
  viewer->heard = now();
  try {
    const Message message = parse_message(text, info);
    if (message.kind == Message::Kind::kHello) return greet(viewer, message);
    if (!viewer->greeted) return refuse(*viewer, "invalid_value", "expected hello first", kPolicyViolation);
    obey(viewer, message, ids);
  } catch (const BadMessage& bad) {
    if (!viewer->greeted) return refuse(*viewer, bad.code(), bad.what(), kPolicyViolation);
    viewer->tell(Viewer::Weight::kNeeded, write_error(bad.code(), bad.what(), /*fatal=*/false));
  }
}

void Hub::State::obey(const ViewerPtr& viewer, const Message& message, Ids& ids) {
  switch (message.kind) {
    case Message::Kind::kTask:
      return take_task(viewer, message, ids);
    case Message::Kind::kPause:
      viewer->stream.pause();
      viewer->steps = 0;
      return regroup(viewer, ids);
    case Message::Kind::kResume:
      viewer->stream.resume();
      return regroup(viewer, ids);
    case Message::Kind::kStep:
      if (viewer->watching) {
        viewer->steps = 1;
        return regroup(viewer, ids);
      }
      return viewer->stream.step();
    case Message::Kind::kCancel:
      return add(ids, viewer->stream.cancel());
    case Message::Kind::kWatch:
      if (message.watch && options.source.empty()) {
        throw BadMessage("not_found", "this server has no source of its own");
      }
      viewer->watching = message.watch;
      viewer->with_frames = message.with_frames;
      if (message.watch && watched) watched();
      return regroup(viewer, ids);
    default:
      return;
  }
}

void Hub::State::take_task(const ViewerPtr& viewer, const Message& message, Ids& ids) {
  if (message.rev < viewer->stream.rev()) throw BadMessage("invalid_value", "'rev' goes back");
  add(ids, viewer->stream.set_task(message.task, message.rev));
  regroup(viewer, ids);
}

void Hub::State::hear_frame(const ViewerPtr& viewer, std::string bytes) {
  if (viewer->closed) return;
  viewer->heard = now();
  if (!viewer->greeted) return refuse(*viewer, "invalid_value", "expected hello first", kPolicyViolation);
  ++viewer->counts.received;
  try {
    const std::size_t size = bytes.size();
    Frame frame = parse_frame(std::move(bytes));
    if (size > options.max_frame_bytes) {
      return viewer->dropped(frame, Drop::kBad,
                             "frame: " + std::to_string(size) + " bytes, at most " +
                                 std::to_string(options.max_frame_bytes) + " are taken");
    }
    if (frame.seq <= viewer->last_seq) {
      return viewer->dropped(frame, Drop::kBad, "frame: 'seq' does not count up");
    }
    viewer->last_seq = frame.seq;
    viewer->stream.offer(std::move(frame), now());
    call_worker();
  } catch (const BadFrame& bad) {
    ++viewer->counts.bad;
    viewer->tell(Viewer::Weight::kNeeded, write_error("invalid_value", bad.what(), /*fatal=*/false));
  }
}

// Its transport says so, or it was closed from here and the worker came first.
void Hub::State::gone(const ViewerPtr& viewer, Ids& ids) {
  if (std::erase(viewers, viewer) == 0) return;
  viewer->closed = true;
  viewer->watching = false;
  add(ids, viewer->stream.cancel());
  regroup(viewer, ids);
  past += viewer->counts;
}

void Hub::State::regroup(const ViewerPtr& viewer, Ids& ids) {
  const Stream& own = viewer->stream;
  const bool belongs = viewer->watching && own.task() && (!own.paused() || viewer->steps > 0);
  std::shared_ptr<Group> joined;
  for (const auto& group : groups) {
    if (belongs && group->task() == *own.task()) {
      joined = group;
    } else {
      group->leave(*viewer);
    }
  }
  if (belongs && !joined) joined = groups.emplace_back(std::make_shared<Group>(*own.task()));
  if (joined && !joined->has(*viewer)) joined->join(viewer);
  for (const auto& group : groups) {
    if (group->empty()) add(ids, group->stream.cancel());
  }
  std::erase_if(groups, [](const auto& group) { return group->empty(); });
}

}  // namespace moonbeam::live
