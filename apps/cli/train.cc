// moonbeam train: the trainer needs a large library that this program does without, so it is a program of its
// own. Training a tokenizer needs nothing and is here.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/errors.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "train/tokenizer/tokenizer_files.h"

namespace moonbeam::cli {

namespace {

constexpr const char* kTrainer = "moonbeam-train";

/// Beside this program, where a build and an installation both put it, else on PATH; empty if nowhere.
std::string find_trainer() {
  std::error_code ignored;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  std::vector<std::string> folders = {self.parent_path().string()};
  if (const char* path = std::getenv("PATH")) {
    for (std::string& folder : split(path, ':')) folders.push_back(std::move(folder));
  }
  for (const std::string& folder : folders) {
    if (folder.empty()) continue;
    const std::string candidate = folder + "/" + kTrainer;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

}  // namespace

void run_trainer(const std::vector<std::string>& arguments) {
  const std::string trainer = find_trainer();
  if (trainer.empty()) {
    throw Error(ErrorCode::kUnsupported,
                "train: moonbeam-train is neither beside this program nor on PATH; to build it: pip install "
                "torch, then make train (docs/training.md)");
  }
  std::vector<char*> argv = {const_cast<char*>(kTrainer)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(trainer.c_str(), argv.data());
  throw Error(ErrorCode::kNotFound, printable(trainer) + ": cannot be started: " + std::strerror(errno));
}

int run_train_tokenizer(const Options& options) {
  train::TokenizerOptions tokenizer;
  tokenizer.vocab = options.tokenizer.vocab;
  tokenizer.special = options.tokenizer.special;
  const train::TokenizerReport report =
      train::train_tokenizer(options.tokenizer.inputs, tokenizer, options.files.out);
  if (report.tokens < tokenizer.vocab) {
    complain("warning: " + grouped(report.tokens) + " tokens, not " + grouped(tokenizer.vocab) +
             ": the text has no more pairs");
  }
  if (!options.output.quiet) {
    complain("note: wrote " + options.files.out + ": " + grouped(report.tokens) + " tokens from " +
             grouped(static_cast<std::int64_t>(report.lines)) + " lines, " +
             human_bytes(static_cast<std::int64_t>(report.bytes)));
  }
  return kExitOk;
}

}  // namespace moonbeam::cli
