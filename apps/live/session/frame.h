// A frame on the wire: u32 little-endian length of the header, the header in JSON, the bytes of a picture.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "live/session/task.h"

namespace moonbeam::live {

struct Frame {
  std::int64_t seq = 0;  ///< counts up within a session
  double captured = 0;   ///< `ts`, ms on the sender's clock; comes back with the result
  Rev rev = 0;
  int width = 0, height = 0;  ///< what the header says, 0 where it does not; the picture's own size holds
  bool force = false;         ///< answer it even if the scene has not changed
  std::shared_ptr<const std::string> picture;  ///< JPEG, WebP, PNG: told apart by content
};

/// A frame without a header to go by. The message is one line for the sender.
class BadFrame : public std::runtime_error {
 public:
  explicit BadFrame(const std::string& message) : std::runtime_error(message) {}
};

inline constexpr std::size_t kMaxHeaderBytes = 4096;

/// @throws BadFrame.
Frame parse_frame(std::string message);

/// The same form, from the server to viewers of its own source.
std::string write_frame(std::int64_t seq, std::string_view picture);

}  // namespace moonbeam::live
