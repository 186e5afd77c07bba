#include "server/api/event_stream.h"

#include "server/api/text.h"

namespace moonbeam::server {

namespace {

// What is no JSON is no text either: ASCII, one line.
std::string ascii(const std::string& text) {
  std::string out = printable(text, 200);
  for (char& c : out)
    if (static_cast<unsigned char>(c) > 0x7e) c = '?';
  return out;
}

std::string event(const std::string& data) {
  // Every client wants exactly one space after the colon.
  return "data: " + data + "\n\n";
}

}  // namespace

void EventStream::begin_locked() {
  if (begun_ || ended_) return;
  begun_ = true;
  Response head{.content_type = "text/event-stream; charset=utf-8"};
  head.headers.add("Cache-Control", "no-cache");
  head.headers.add("X-Accel-Buffering", "no");
  exchange_->start(std::move(head), ": ping\n\n");
}

void EventStream::begin() {
  const std::lock_guard guard(mutex_);
  begin_locked();
}

void EventStream::send(const JsonOut& of) {
  send_text(json_text(of));
}

void EventStream::send_text(const std::string& data) {
  const std::lock_guard guard(mutex_);
  begin_locked();
  if (!ended_) exchange_->write(event(data));
}

void EventStream::finish() {
  const std::lock_guard guard(mutex_);
  begin_locked();
  if (!ended_) exchange_->finish();
  ended_ = true;
}

void EventStream::fail(const Refusal& refusal) {
  const std::lock_guard guard(mutex_);
  if (ended_) return;
  ended_ = true;
  const std::string& path = exchange_->request().path;
  if (!begun_) return exchange_->send(error_response(refusal, path));
  JsonOut said = JsonOut::parse(error_response(refusal, "").body);
  said["completed"] = true;
  exchange_->write(event(json_text(said)));
  exchange_->write(event("[ERROR] " + ascii(refusal.code + ": " + refusal.what())));
  exchange_->finish();
}

}  // namespace moonbeam::server
