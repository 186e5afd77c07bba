#include "live/page/preview.h"

#include <string_view>
#include <utility>

namespace moonbeam::live {

namespace {

// A look at the source, not the source: frames in between are left out.
constexpr std::chrono::milliseconds kBetween{66};

std::string_view type_of(std::string_view picture) {
  if (picture.starts_with("\x89PNG")) return "image/png";
  if (picture.starts_with("GIF8")) return "image/gif";
  if (picture.starts_with("RIFF")) return "image/webp";
  if (picture.starts_with("BM")) return "image/bmp";
  return "image/jpeg";
}

// The boundary behind the picture, so that a browser shows it before the next one comes.
std::string part(std::string_view picture) {
  std::string out = "Content-Type: ";
  out += type_of(picture);
  out += "\r\nContent-Length: " + std::to_string(picture.size()) + "\r\n\r\n";
  out += picture;
  out += "\r\n--frame\r\n";
  return out;
}

}  // namespace

void Preview::add(const std::shared_ptr<server::Exchange>& exchange) {
  server::Response head{.content_type = "multipart/x-mixed-replace; boundary=frame", .body = "--frame\r\n"};
  head.headers.add("Cache-Control", "no-store");
  head.headers.add("X-Accel-Buffering", "no");
  exchange->start(std::move(head));
  {
    const std::lock_guard guard(mutex_);
    if (!last_.empty()) exchange->write(last_);
    readers_.push_back(exchange);
  }
  const std::weak_ptr<server::Exchange> weak = exchange;
  exchange->on_gone([this, weak] {
    const std::lock_guard guard(mutex_);
    readers_.remove_if([&](const auto& reader) { return reader == weak.lock(); });
  });
}

void Preview::show(const std::shared_ptr<const std::string>& picture) {
  const std::lock_guard guard(mutex_);
  const Clock::time_point now = Clock::now();
  if (now - shown_ < kBetween) return;
  shown_ = now;
  last_ = part(*picture);
  for (const auto& reader : readers_) reader->write(last_);
}

void Preview::end() {
  const std::lock_guard guard(mutex_);
  for (const auto& reader : std::exchange(readers_, {})) reader->finish();
}

}  // namespace moonbeam::live
