// Lines for chat. libedit gives editing and history on a terminal; a pipe or file is read plainly.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "cli/chat.h"
#include "cli/errors.h"

#ifdef MOONBEAM_LIBEDIT
#include <histedit.h>
#endif

namespace moonbeam::cli {

#ifdef MOONBEAM_LIBEDIT

struct LineReader::Editor {
  EditLine* edit = nullptr;
  History* history = nullptr;
  HistEvent event = {};
  std::string history_file;
};

namespace {

constexpr int kHistoryLines = 1000;

/// $XDG_STATE_HOME/moonbeam/chat_history; empty where there is no home.
std::string history_path() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state != nullptr && state[0] == '/') {
    folder = state;
  } else if (home != nullptr && home[0] == '/') {
    folder = std::filesystem::path(home) / ".local" / "state";
  } else {
    return {};
  }
  folder /= "moonbeam";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? std::string() : (folder / "chat_history").string();
}

const char* prompt(EditLine*) {
  return "> ";
}

}  // namespace

LineReader::LineReader() {
  interactive_ = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  if (!interactive_) return;
  // Characters only: numbers keep their point whatever the user's language is.
  std::setlocale(LC_CTYPE, "");
  editor_ = new Editor;
  editor_->edit = ::el_init("moonbeam", stdin, stdout, stderr);
  editor_->history = ::history_init();
  if (editor_->edit == nullptr || editor_->history == nullptr) return;
  ::history(editor_->history, &editor_->event, H_SETSIZE, kHistoryLines);
  ::history(editor_->history, &editor_->event, H_SETUNIQUE, 1);
  ::el_set(editor_->edit, EL_PROMPT, &prompt);
  ::el_set(editor_->edit, EL_EDITOR, "emacs");
  ::el_set(editor_->edit, EL_SIGNAL, 1);
  ::el_set(editor_->edit, EL_HIST, ::history, editor_->history);
  editor_->history_file = history_path();
  if (!editor_->history_file.empty()) {
    ::history(editor_->history, &editor_->event, H_LOAD, editor_->history_file.c_str());
  }
}

LineReader::~LineReader() {
  if (editor_ == nullptr) return;
  if (editor_->history != nullptr) {
    if (!editor_->history_file.empty()) {
      ::history(editor_->history, &editor_->event, H_SAVE, editor_->history_file.c_str());
    }
    ::history_end(editor_->history);
  }
  if (editor_->edit != nullptr) ::el_end(editor_->edit);
  delete editor_;
}

std::optional<std::string> LineReader::read() {
  if (editor_ == nullptr || editor_->edit == nullptr) return read_plain();
  int length = 0;
  const char* text = ::el_gets(editor_->edit, &length);
  if (text == nullptr || length <= 0 || !carry_on()) return {};
  std::string line(text, static_cast<std::size_t>(length));
  if (line.find_first_not_of(" \t\r\n") != std::string::npos) {
    ::history(editor_->history, &editor_->event, H_ENTER, line.c_str());
  }
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return line;
}

#else

struct LineReader::Editor {};
LineReader::LineReader() {
  interactive_ = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
}
LineReader::~LineReader() = default;
std::optional<std::string> LineReader::read() {
  if (interactive_) {
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, "> ", 2);
  }
  return read_plain();
}

#endif

std::optional<std::string> LineReader::read_plain() {
  constexpr std::size_t kMaxLine = 1 << 20;
  std::array<char, 4096> buffer;
  for (;;) {
    if (const std::size_t end = rest_.find('\n'); end != std::string::npos) {
      std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      return line;
    }
    if (rest_.size() > kMaxLine) throw Error(ErrorCode::kExhausted, "chat: a line of more than 1 MiB");
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR && carry_on()) continue;
    if (got > 0) {
      rest_.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    if (rest_.empty() || got < 0) return {};
    return std::exchange(rest_, {});
  }
}

}  // namespace moonbeam::cli
