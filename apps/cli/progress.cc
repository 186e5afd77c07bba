// Drawing the status line. Ten times a second at most: terminals over a network are slow.
#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "cli/errors.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

constexpr double kRedrawMs = 100;

std::string stage_text(const Progress& progress) {
  std::string text;
  switch (progress.stage) {
    case Progress::Stage::kLoad:
      text = "loading";
      break;
    case Progress::Stage::kEncode:
      text = "encoding";
      break;
    case Progress::Stage::kPrefill:
      text = "reading";
      break;
    case Progress::Stage::kDecode:
      return "answering";  // its end is not known
  }
  if (progress.total <= 0) return text;
  const int percent = std::clamp(static_cast<int>(100LL * progress.done / progress.total), 0, 100);
  return text + " " + std::to_string(percent) + " %";
}

/// At most `columns` characters, cut between characters.
std::string cut(const std::string& text, std::size_t columns) {
  std::size_t pos = 0;
  for (std::size_t column = 0; column < columns && pos < text.size(); ++column)
    pos += std::max<std::size_t>(1, utf8_length(text, pos));
  return text.substr(0, pos);
}

std::size_t terminal_columns() {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 79;
  return size.ws_col - 1u;  // a full line would wrap
}

void put(std::string_view text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

double now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

std::string status_line(const StatusView& view, std::size_t columns) {
  const std::string stage = stage_text(view.progress), name = printable(view.name);
  if (view.total <= 1) return cut(name.empty() ? stage : stage + "  " + name, columns);
  std::string line = std::to_string(view.done) + "/" + std::to_string(view.total);
  if (view.done > 0 && view.seconds > 0) {
    const double rate = static_cast<double>(view.done) / view.seconds;
    line += "  " + (rate >= 0.095 ? fixed(rate, 1) + " pictures/s" : fixed(1 / rate, 0) + " s a picture");
    line += "  " + clock_time(static_cast<double>(view.total - view.done) / rate) + " left";
  }
  return cut(line + "  " + stage + "  " + name, columns);
}

Status::Status(bool enabled) : enabled_(enabled), start_ms_(now_ms()), last_ms_(start_ms_) {}

void Status::begin_run(std::size_t pictures) {
  view_.total = pictures;
  start_ms_ = now_ms();
}

void Status::begin_picture(std::size_t done, const std::string& name) {
  view_.done = done;
  view_.name = std::filesystem::path(name).filename().string();
  view_.progress = {Progress::Stage::kEncode, 0, 0};
  if (view_.total > 1 && now_ms() - last_ms_ >= kRedrawMs) draw();
}

bool Status::update(const Progress& progress) {
  view_.progress = progress;
  if (enabled_ && now_ms() - last_ms_ >= kRedrawMs) draw();
  return carry_on();
}

void Status::draw() {
  if (!enabled_) return;
  last_ms_ = now_ms();
  view_.seconds = (last_ms_ - start_ms_) / 1000;
  put("\r" + status_line(view_, terminal_columns()) + "\x1b[K");
  drawn_ = true;
}

void Status::clear() {
  if (drawn_) put("\r\x1b[K");
  drawn_ = false;
}

}  // namespace moonbeam::cli
