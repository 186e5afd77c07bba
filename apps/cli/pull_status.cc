#include "cli/pull_status.h"

#include <unistd.h>

#include <algorithm>

#include "cli/errors.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

constexpr double kRedrawMs = 100, kLineMs = 10'000;
constexpr double kRateMs = 1000;   // over which the rate is taken
constexpr double kOldShare = 0.7;  // of the former rate in the new one

void put(std::string_view text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

std::string pull_line(const PullView& view) {
  std::string line = printable(view.file) + "  " + human_bytes(view.file_done);
  if (view.file_size > 0) {
    const std::int64_t percent = std::clamp<std::int64_t>(view.file_done * 100 / view.file_size, 0, 100);
    line += " of " + human_bytes(view.file_size) + "  " + std::to_string(percent) + " %";
  }
  if (view.rate <= 0) return line;
  line += "  " + human_bytes(static_cast<std::int64_t>(view.rate)) + "/s";
  if (view.size > view.done) {
    line += "  " + clock_time(static_cast<double>(view.size - view.done) / view.rate) + " left";
  }
  return line;
}

void PullStatus::measure(const PullView& view, double now) {
  // A file begins with what an earlier run left of it: that was not fetched now.
  if (mark_ms_ < 0 || view.file != mark_file_ || view.done < mark_done_) {
    mark_ms_ = now;
    mark_done_ = view.done;
    mark_file_ = view.file;
  } else if (now - mark_ms_ >= kRateMs) {
    const double rate = static_cast<double>(view.done - mark_done_) * 1000 / (now - mark_ms_);
    rate_ = rate_ > 0 ? kOldShare * rate_ + (1 - kOldShare) * rate : rate;
    mark_ms_ = now;
    mark_done_ = view.done;
  }
}

void PullStatus::update(PullView view) {
  const double now = now_ms();
  measure(view, now);
  if (quiet_) return;
  if (last_ms_ < 0 && !terminal_) last_ms_ = now;  // what is done at once needs no line
  if (last_ms_ >= 0 && now - last_ms_ < (terminal_ ? kRedrawMs : kLineMs)) return;
  last_ms_ = now;
  view.rate = rate_;
  if (terminal_) {
    put("\r" + pull_line(view) + "\x1b[K");
    drawn_ = true;
  } else {
    complain("note: " + pull_line(view));
  }
}

void PullStatus::clear() {
  if (drawn_) put("\r\x1b[K");
  drawn_ = false;
}

}  // namespace moonbeam::cli
