// --stats as text.
#include "cli/stats.h"

#include <sys/resource.h>

#include "cli/text.h"

namespace moonbeam::cli {

namespace {
std::string ms(double value) {
  return fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0) + " ms";
}
}  // namespace

std::string picture_stats(const PictureAnswers& picture, const PictureStats& stats) {
  std::string text;
  if (!picture.name.empty()) {
    const Metrics& first = picture.answers.front().metrics;
    text += printable(picture.name) + ": " + std::to_string(picture.width) + " x " +
            std::to_string(picture.height);
    if (stats.crops > 0) {  // a server does not say
      text += ", " + std::to_string(stats.crops) + (stats.crops == 1 ? " crop, " : " crops, ") +
              std::to_string(stats.positions) + " positions";
    }
    text += "\n";
    text += "  read " + ms(stats.decode_ms) + ", encode " + ms(first.encode_ms) + "\n";
  }
  for (const Answer& answer : picture.answers) {
    const Metrics& m = answer.metrics;
    text += "  ";
    if (!answer.prompt.empty()) text += "'" + printable(answer.prompt) + "': ";
    text += "prefill " + ms(m.prefill_ms) + ", first token after " + ms(m.ttft_ms) + ", decode " +
            ms(m.decode_ms);
    if (m.output_tokens >= 0) {
      text += ", " + std::to_string(m.output_tokens) + (m.output_tokens == 1 ? " token" : " tokens");
      if (m.decode_ms > 0) text += ", " + fixed(1000 * m.output_tokens / m.decode_ms, 1) + " tokens/s";
    }
    text += "\n";
  }
  return text;
}

std::string run_stats(double load_ms, const std::string& isa, const std::string& mode, int threads,
                      std::int64_t peak) {
  constexpr double kMiB = 1 << 20;
  return "load " + ms(load_ms) + ", " + isa + ", " + mode + ", " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads") + ", peak memory " +
         fixed(static_cast<double>(peak) / kMiB, 0) + " MiB\n";
}

std::int64_t peak_bytes() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace moonbeam::cli
