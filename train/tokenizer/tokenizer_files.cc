// Files are read line by line: a corpus may be larger than memory, its different pieces are not.
#include "train/tokenizer/tokenizer_files.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/file.h"

namespace moonbeam::train {

namespace {

constexpr std::size_t kLongestLine = std::size_t{1} << 24;
constexpr std::size_t kBlock = std::size_t{1} << 20;

std::uint64_t add_lines(BpeTrainer& trainer, const std::string& path) {
  const std::string name = base::printable(path);
  std::error_code ignored;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, ignored)) {
    base::fail(ErrorCode::kNotFound, name, ": cannot be read");
  }
  std::uint64_t lines = 0;
  std::string block(kBlock, '\0'), rest;
  const auto add = [&](std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) trainer.add(line);
    ++lines;
  };
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    std::string_view text(block.data(), static_cast<std::size_t>(file.gcount()));
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
      rest.append(text.substr(0, end));
      text.remove_prefix(end + 1);
      add(rest);
      rest.clear();
    }
    rest.append(text);
    if (rest.size() > kLongestLine) {
      base::fail(ErrorCode::kExhausted, name, ": line ", lines + 1, ": expected at most ", kLongestLine,
                 " bytes");
    }
  }
  if (file.bad()) base::fail(ErrorCode::kNotFound, name, ": cannot be read to its end");
  if (!rest.empty()) add(rest);
  return lines;
}

}  // namespace

TokenizerReport train_tokenizer(const std::vector<std::string>& inputs, const TokenizerOptions& options,
                                const std::string& out) {
  BpeTrainer trainer(options);
  base::AtomicFile file(out);  // first: a bad name shows before the work
  TokenizerReport report;
  for (const std::string& input : inputs) report.lines += add_lines(trainer, input);
  if (trainer.pieces() == 0) base::fail(ErrorCode::kInvalidArgument, "tokenizer: expected text, got none");
  const formats::TokenizerData data = trainer.train();
  file.write(formats::write_tokenizer_json(data));
  file.commit();
  report.tokens = static_cast<int>(data.tokens.size());
  report.pieces = trainer.pieces();
  report.bytes = trainer.bytes();
  return report;
}

}  // namespace moonbeam::train
