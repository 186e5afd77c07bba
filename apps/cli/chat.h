// moonbeam chat: lines in, answers out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"

namespace moonbeam::cli {

/// What a line asks for.
struct ChatCommand {
  enum class Kind {
    kNothing,
    kQuestion,
    kImage,
    kCaption,
    kDetect,
    kPoint,
    kGaze,
    kSet,
    kSave,
    kHelp,
    kQuit,
    kUnknown
  };
  Kind kind = Kind::kNothing;
  std::string argument;  ///< the rest of the line; for kUnknown the word
};
ChatCommand parse_chat_line(std::string_view line);

/// `/set key value`. @throws Error kInvalidArgument (unknown key, bad value).
void set_chat_option(Options& options, std::string_view argument);

/// Lines of a terminal with editing and history where libedit is built in, else plain lines of standard
/// input.
class LineReader {
 public:
  LineReader();
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  /// Without the line end; nothing at the end of input or after SIGINT.
  std::optional<std::string> read();
  bool interactive() const { return interactive_; }

 private:
  std::optional<std::string> read_plain();
  struct Editor;
  Editor* editor_ = nullptr;
  bool interactive_ = false;
  std::string rest_;
};

int run_chat(Options& options);

}  // namespace moonbeam::cli
