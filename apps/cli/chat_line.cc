// The language of chat: commands begin with '/', everything else is a question.
#include <moonbeam/error.h>

#include <array>
#include <utility>

#include "cli/chat.h"
#include "cli/text.h"

namespace moonbeam::cli {

ChatCommand parse_chat_line(std::string_view line) {
  using Kind = ChatCommand::Kind;
  line = trim(line);
  if (line.empty()) return {};
  if (line.front() != '/') return {Kind::kQuestion, std::string(line)};
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  const std::string argument(trim(line.substr(space)));
  constexpr auto kWords = std::to_array<std::pair<std::string_view, Kind>>({{"/image", Kind::kImage},
                                                                            {"/caption", Kind::kCaption},
                                                                            {"/detect", Kind::kDetect},
                                                                            {"/point", Kind::kPoint},
                                                                            {"/gaze", Kind::kGaze},
                                                                            {"/set", Kind::kSet},
                                                                            {"/save", Kind::kSave},
                                                                            {"/help", Kind::kHelp},
                                                                            {"/?", Kind::kHelp},
                                                                            {"/quit", Kind::kQuit},
                                                                            {"/exit", Kind::kQuit}});
  for (const auto& [name, kind] : kWords) {
    if (word == name) return {kind, argument};
  }
  return {Kind::kUnknown, std::string(word)};
}

void set_chat_option(Options& options, std::string_view argument) {
  const std::size_t space = std::min(argument.find_first_of(" ="), argument.size());
  const std::string_view key = argument.substr(0, space);
  const std::string_view value = trim(space < argument.size() ? argument.substr(space + 1) : "");
  const auto fail = [&](const char* expected) {
    throw Error(ErrorCode::kInvalidArgument,
                "/set " + std::string(key) + ": expected " + expected + ", got '" + std::string(value) + "'");
  };
  const std::optional<double> number = parse_double(value);
  const std::optional<std::int64_t> whole = parse_int(value);
  if (key == "temperature") {
    if (!number || *number < 0) fail("a number from 0");
    options.sampling.temperature = *number;
  } else if (key == "top-p") {
    if (!number || *number <= 0 || *number > 1) fail("a number above 0, at most 1");
    options.sampling.top_p = *number;
  } else if (key == "max-tokens") {
    if (!whole || *whole < 1 || *whole > 1'000'000) fail("1 to 1000000");
    options.sampling.max_tokens = static_cast<int>(*whole);
  } else if (key == "max-objects") {
    if (!whole || *whole < 1 || *whole > 100'000) fail("1 to 100000");
    options.ask.max_objects = static_cast<int>(*whole);
  } else if (key == "seed") {
    if (!whole || *whole < 0) fail("a whole number from 0");
    options.sampling.seed = static_cast<std::uint64_t>(*whole);
  } else if (key == "length") {
    if (value != "short" && value != "normal" && value != "long") fail("short, normal or long");
    options.ask.length = value;
  } else {
    throw Error(ErrorCode::kInvalidArgument,
                "/set: expected temperature, top-p, max-tokens, max-objects, seed or length, got '" +
                    std::string(key) + "'");
  }
}

}  // namespace moonbeam::cli
