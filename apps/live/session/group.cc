#include "live/session/group.h"

#include <algorithm>

namespace moonbeam::live {

void Group::show(Viewer& viewer, const Frame& frame) {
  if (viewer.with_frames) viewer.show(write_frame(frame.seq, *frame.picture));
}

void Group::join(const std::shared_ptr<Viewer>& viewer) {
  viewers_.push_back(viewer);
  if (!last_) return;
  show(*viewer, last_->frame);
  viewer->tell_answer(last_->frame.seq, last_->frame.captured, last_->answer);
}

void Group::leave(const Viewer& viewer) {
  std::erase_if(viewers_, [&](const std::shared_ptr<Viewer>& one) { return one.get() == &viewer; });
}

bool Group::has(const Viewer& viewer) const noexcept {
  return std::any_of(viewers_.begin(), viewers_.end(),
                     [&](const std::shared_ptr<Viewer>& one) { return one.get() == &viewer; });
}

void Group::started(const Frame& frame) {
  for (const auto& viewer : viewers_) {
    viewer->tell(Viewer::Weight::kResult, write_start(frame.seq));
    show(*viewer, frame);
  }
}

void Group::token(const Frame& frame, std::string_view text) {
  for (const auto& viewer : viewers_) viewer->token(frame, text);
}

void Group::answered(const Frame& frame, const Answer& answer) {
  last_ = Last{frame, answer};
  for (const auto& viewer : viewers_) {
    viewer->tell_answer(frame.seq, frame.captured, answer);
    if (viewer->steps > 0) --viewer->steps;
  }
}

// A frame that a newer one replaces is what happens all the time here: it is counted, nobody is told.
void Group::dropped(const Frame& frame, Drop why, const std::string& message) {
  for (const auto& viewer : viewers_) {
    if (why == Drop::kUnchanged || why == Drop::kBad) {
      viewer->dropped(frame, why, message);
    } else {
      ++viewer->counts.dropped;
    }
  }
}

void Group::failed(const Frame& frame, const std::string& code, const std::string& message) {
  for (const auto& viewer : viewers_) viewer->failed(frame, code, message);
}

}  // namespace moonbeam::live
