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

Response head() {
  Response out{.content_type = "text/event-stream; charset=utf-8"};
  out.headers.add("Cache-Control", "no-cache");
  out.headers.add("X-Accel-Buffering", "no");
  return out;
}

}  // namespace

EventStream::EventStream(std::shared_ptr<Exchange> exchange)
    : PieceStream(std::move(exchange), head(), ": ping\n\n") {}

void EventStream::send(const JsonOut& of) {
  send_text(json_text(of));
}

void EventStream::send_text(const std::string& data) {
  send_piece(event(data));
}

void EventStream::fail(const Refusal& refusal) {
  JsonOut said = JsonOut::parse(error_response(refusal, "").body);
  said["completed"] = true;
  fail_with(refusal,
            {event(json_text(said)), event("[ERROR] " + ascii(refusal.code + ": " + refusal.what()))});
}

}  // namespace moonbeam::server
