#include "live/session/frame.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace moonbeam::live {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 4;
// Integers up to here are exact in the doubles of a browser.
constexpr std::int64_t kMaxInteger = std::int64_t{1} << 53;
constexpr std::int64_t kMaxSide = 65'535;

std::size_t header_length(std::string_view message) {
  if (message.size() < kLengthBytes) throw BadFrame("frame: shorter than the length of its header");
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(message[i])) << (8 * i);
  }
  if (length > kMaxHeaderBytes)
    throw BadFrame("frame: header over " + std::to_string(kMaxHeaderBytes) + " bytes");
  if (length > message.size() - kLengthBytes) throw BadFrame("frame: header longer than the frame");
  return length;
}

/// A whole number in [least, most]; numbers like 3.0 are whole too, as some languages write them.
std::optional<std::int64_t> integer(const Json& header, const char* name, std::int64_t least,
                                    std::int64_t most) {
  const auto found = header.find(name);
  if (found == header.end() || found->is_null()) return std::nullopt;
  const double value = found->is_number() ? found->get<double>() : std::numeric_limits<double>::quiet_NaN();
  if (!(value >= static_cast<double>(least) && value <= static_cast<double>(most)) ||
      value != std::floor(value)) {
    throw BadFrame("frame: '" + std::string(name) + "' is no whole number from " + std::to_string(least) +
                   " to " + std::to_string(most));
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

Frame parse_frame(std::string message) {
  const std::size_t length = header_length(message);
  const Json header = Json::parse(message.begin() + kLengthBytes, message.begin() + kLengthBytes + length,
                                  nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) throw BadFrame("frame: the header is no JSON object");
  Frame out;
  const auto seq = integer(header, "seq", 0, kMaxInteger);
  const auto rev = integer(header, "rev", 0, kMaxInteger);
  if (!seq || !rev) throw BadFrame("frame: the header needs 'seq' and 'rev'");
  out.seq = *seq;
  out.rev = *rev;
  out.width = static_cast<int>(integer(header, "w", 1, kMaxSide).value_or(0));
  out.height = static_cast<int>(integer(header, "h", 1, kMaxSide).value_or(0));
  if (const auto ts = header.find("ts"); ts != header.end() && !ts->is_null()) {
    if (!ts->is_number()) throw BadFrame("frame: 'ts' is no number");
    out.captured = ts->get<double>();
    if (!std::isfinite(out.captured)) throw BadFrame("frame: 'ts' is not finite");
  }
  if (const auto force = header.find("force"); force != header.end() && !force->is_null()) {
    if (!force->is_boolean()) throw BadFrame("frame: 'force' is neither true nor false");
    out.force = force->get<bool>();
  }
  message.erase(0, kLengthBytes + length);
  if (message.empty()) throw BadFrame("frame: there is no picture behind the header");
  out.picture = std::make_shared<const std::string>(std::move(message));
  return out;
}

std::string write_frame(std::int64_t seq, std::string_view picture) {
  const std::string header = Json{{"seq", seq}}.dump();
  std::string out;
  out.reserve(kLengthBytes + header.size() + picture.size());
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    out += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  }
  out += header;
  out += picture;
  return out;
}

}  // namespace moonbeam::live
