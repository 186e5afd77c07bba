#include "live/session/viewer.h"

#include <utility>

namespace moonbeam::live {

void Viewer::waiting(const Frame& frame) {
  tell(Weight::kNeeded, write_wait(frame.seq));
}

void Viewer::started(const Frame& frame) {
  tell(Weight::kNeeded, write_start(frame.seq));
}

void Viewer::token(const Frame& frame, std::string_view text) {
  tell(Weight::kToken, write_token(frame.seq, text));
}

void Viewer::answered(const Frame& frame, const Answer& answer) {
  tell_answer(frame.seq, frame.captured, answer);
}

void Viewer::tell_answer(std::int64_t seq, double captured, const Answer& answer) {
  ++counts.answered;
  tell(Weight::kResult, write_result(seq, stream.rev(), captured, answer, counts));
}

void Viewer::dropped(const Frame& frame, Drop why, const std::string& message) {
  if (why == Drop::kUnchanged) {
    ++counts.unchanged;
  } else {
    ++(why == Drop::kBad ? counts.bad : counts.dropped);
  }
  if (!message.empty()) tell(Weight::kNeeded, write_error("image_decode_failed", message, false, frame.seq));
  tell(Weight::kNeeded, write_drop(frame.seq, why));
}

void Viewer::failed(const Frame& frame, const std::string& code, const std::string& message) {
  ++counts.errors;
  tell(Weight::kNeeded, write_error(code, message, false, frame.seq));
}

// Whoever does not read for a megabyte is not there; what it would see is old by then.
bool Viewer::may_send(Weight weight) {
  if (closed) return false;
  const std::size_t queued = socket_->queued();
  if (queued > kClosedBeyond) {
    close(kTryAgainLater, "too slow a reader");
    return false;
  }
  if (weight == Weight::kToken) return queued <= kNoTokensBeyond;
  if (weight == Weight::kResult) return queued <= kNoResultsBeyond;
  return true;
}

void Viewer::tell(Weight weight, std::string text) {
  if (may_send(weight)) socket_->send_text(std::move(text));
}

void Viewer::show(std::string frame) {
  if (may_send(Weight::kResult)) socket_->send_binary(std::move(frame));
}

void Viewer::close(int code, const std::string& reason) {
  if (std::exchange(closed, true)) return;
  socket_->close(code, reason);
}

}  // namespace moonbeam::live
