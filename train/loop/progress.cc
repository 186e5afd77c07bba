#include "train/loop/progress.h"

#include <unistd.h>

#include <chrono>
#include <cmath>

#include "base/text.h"

namespace moonbeam::train {

namespace {

constexpr double kOnTerminal = 0.5, kElsewhere = 30;  // seconds between lines

void write_stderr(const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::string clock(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  const auto two = [](std::int64_t n) { return base::cat(n < 10 ? "0" : "", n); };
  if (whole < 3600) return base::cat(whole / 60, ":", two(whole % 60));
  return base::cat(whole / 3600, ":", two(whole / 60 % 60), ":", two(whole % 60));
}

}  // namespace

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string progress_line(const ProgressView& view) {
  constexpr std::string_view kLoss = "loss.";
  std::string parts, accuracies;
  double total = 0;
  for (const auto& [name, value] : view.measures) {
    if (name == "loss.total") {
      total = value;
    } else if (name.starts_with(kLoss)) {
      parts += base::cat(parts.empty() ? "" : ", ", name.substr(kLoss.size()), " ",
                         base::format_decimal(value, 3));
    } else {
      const std::string what = name.substr(0, name.find('_'));
      accuracies += base::cat("  ", what, " right ", base::format_decimal(100 * value, 1), " %");
    }
  }
  std::string line =
      base::cat(view.stage, " ", base::format_decimal(100 * view.progress, 1), " %  step ", view.step,
                "  loss ", base::format_decimal(total, 3), " (", parts, ")", accuracies);
  if (view.per_second > 0) {
    line += base::cat("  ", base::format_decimal(view.per_second, 1), " ", view.unit, "/s");
  }
  if (view.seconds_left >= 0) line += base::cat("  ", clock(view.seconds_left), " left");
  return line;
}

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) != 0) {}

void Progress::update(const ProgressView& view) {
  const double now = monotonic_seconds();
  if (quiet_ || now - last_ < (terminal_ ? kOnTerminal : kElsewhere)) return;
  last_ = now;
  write_stderr(terminal_ ? "\r\x1b[K" + progress_line(view) : progress_line(view) + "\n");
  drawn_ = terminal_;
}

void Progress::say(const std::string& line) {
  if (quiet_) return;
  clear();
  write_stderr(base::printable(line) + "\n");
}

void Progress::clear() {
  if (drawn_) write_stderr("\r\x1b[K");
  drawn_ = false;
}

}  // namespace moonbeam::train
