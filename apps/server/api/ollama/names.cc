#include "server/api/ollama/names.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "server/api/text.h"
#include "server/http/refusal.h"

namespace moonbeam::server {

bool is_ollama_name(const Service& service, std::string_view name) {
  const std::string_view untagged = name.substr(0, name.rfind(':'));
  return untagged == kOllamaName || is_model(service, untagged) || is_model(service, name);
}

void match_ollama_model(const Service& service, std::string_view name) {
  if (name.empty() || service.options().any_model || is_ollama_name(service, name)) return;
  throw Refusal(404, "model_not_found", "model '" + printable(name, 64) + "' not found", "model");
}

std::string utc_text(std::chrono::system_clock::time_point time) {
  using std::chrono::duration_cast;
  const auto micros = duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> out{};
  const std::size_t written = std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(out.data() + written, out.size() - written, ".%06dZ", static_cast<int>(micros % 1'000'000));
  return out.data();
}

}  // namespace moonbeam::server
