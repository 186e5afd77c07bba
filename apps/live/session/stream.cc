#include "live/session/stream.h"

#include <utility>

namespace moonbeam::live {

namespace {

double ms_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

// --- The viewer --------------------------------------------------------------------------------------------

std::optional<Asker::Id> Stream::set_task(Task task, Rev rev) {
  task_ = std::move(task);
  rev_ = rev;
  analysed_.reset();
  if (waiting_ && waiting_->rev != rev_) {
    audience_.dropped(*std::exchange(waiting_, std::nullopt), Drop::kStale, {});
  }
  return current_ && current_->frame.rev != rev_ ? give_up(Drop::kStale) : std::nullopt;
}

void Stream::offer(Frame frame, TimePoint now) {
  if (!task_ || frame.rev != rev_) return audience_.dropped(frame, Drop::kStale, {});
  if (paused_ && steps_ == 0) return audience_.dropped(frame, Drop::kPaused, {});
  if (paused_) --steps_;
  if (waiting_) audience_.dropped(*waiting_, Drop::kNewer, {});
  waiting_ = std::move(frame);
  waiting_since_ = now;
  audience_.waiting(*waiting_);
}

void Stream::pause() {
  paused_ = true;
  steps_ = 0;
  if (waiting_) audience_.dropped(*std::exchange(waiting_, std::nullopt), Drop::kPaused, {});
}

std::optional<Asker::Id> Stream::cancel() {
  if (waiting_) audience_.dropped(*std::exchange(waiting_, std::nullopt), Drop::kCancelled, {});
  return current_ ? give_up(Drop::kCancelled) : std::nullopt;
}

// The frame stays in work until the engine has let go of it: a session never has two there.
std::optional<Asker::Id> Stream::give_up(Drop why) {
  if (!current_->given_up) current_->given_up = why;
  return current_->id;
}

void Stream::drop_current(Drop why, const std::string& message) {
  const Current gone = *std::exchange(current_, std::nullopt);
  audience_.dropped(gone.frame, why, message);
}

// --- The owner ---------------------------------------------------------------------------------------------

std::optional<Stream::Work> Stream::begin(TimePoint now) {
  if (current_ || !waiting_ || now < not_before_) return std::nullopt;
  current_.emplace();
  current_->ticket = ++last_ticket_;
  current_->frame = *std::exchange(waiting_, std::nullopt);
  current_->arrived = waiting_since_;
  current_->answer.timing.queue_ms = ms_between(waiting_since_, now);
  return Work{current_->ticket, current_->frame.picture};
}

void Stream::bad(std::int64_t ticket, const std::string& message) {
  if (is_current(ticket)) drop_current(Drop::kBad, message);
}

std::optional<Task> Stream::decoded(std::int64_t ticket, const Thumbnail& thumb, int height, int width,
                                    double ms) {
  if (!is_current(ticket)) return std::nullopt;
  if (current_->given_up) return drop_current(*current_->given_up), std::nullopt;
  const bool may_skip = task_->skip_unchanged && !current_->frame.force;
  if (may_skip && analysed_ && same_scene(*analysed_, thumb)) {
    return drop_current(Drop::kUnchanged), std::nullopt;
  }
  current_->thumb = thumb;
  current_->answer.height = height;
  current_->answer.width = width;
  current_->answer.timing.decode_image_ms = ms;
  return task_;
}

bool Stream::asked(std::int64_t ticket, Asker::Id id) {
  if (!is_current(ticket)) return false;  // it has ended already
  current_->id = id;
  return current_->given_up.has_value();
}

void Stream::put_back(std::int64_t ticket, TimePoint until) {
  if (!is_current(ticket)) return;
  if (current_->given_up) return drop_current(*current_->given_up);
  not_before_ = until;
  if (waiting_) return drop_current(Drop::kNewer);
  Current back = *std::exchange(current_, std::nullopt);
  waiting_ = std::move(back.frame);
  waiting_since_ = back.arrived;
}

void Stream::failed(std::int64_t ticket, const std::string& code, const std::string& message) {
  if (!is_current(ticket)) return;
  const Current gone = *std::exchange(current_, std::nullopt);
  audience_.failed(gone.frame, code, message);
}

// --- The engine --------------------------------------------------------------------------------------------

void Stream::on_begin(std::int64_t ticket) {
  if (is_current(ticket) && !current_->given_up) audience_.started(current_->frame);
}

void Stream::on_first_token(std::int64_t ticket, TimePoint now) {
  if (is_current(ticket)) current_->answer.timing.first_token_ms = ms_between(current_->arrived, now);
}

void Stream::on_text(std::int64_t ticket, std::string_view text) {
  if (is_current(ticket) && !current_->given_up) audience_.token(current_->frame, text);
}

void Stream::on_end(std::int64_t ticket, End end, TimePoint now) {
  if (!is_current(ticket)) return;
  if (current_->given_up) return drop_current(*current_->given_up);
  if (end.kind == End::Kind::kCancelled) return drop_current(Drop::kCancelled);
  if (end.kind == End::Kind::kError) return failed(ticket, end.code, end.message);
  const Current done = *std::exchange(current_, std::nullopt);
  Answer answer = std::move(end.answer);
  answer.height = done.answer.height;
  answer.width = done.answer.width;
  answer.timing.queue_ms += done.answer.timing.queue_ms;
  answer.timing.decode_image_ms = done.answer.timing.decode_image_ms;
  answer.timing.first_token_ms = done.answer.timing.first_token_ms;
  answer.timing.total_ms = ms_between(done.arrived, now);
  analysed_ = done.thumb;
  audience_.answered(done.frame, answer);
}

}  // namespace moonbeam::live
