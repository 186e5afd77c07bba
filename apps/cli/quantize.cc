// moonbeam quantize: a model's weights packed in fewer bits, and how far that is from the original.
#include <fstream>
#include <sstream>

#include "cli/errors.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

namespace {

std::string read_recipe(const std::string& path) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, printable(path) + ": cannot be read");
  std::string text(kMost + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMost || trim(text).empty() || !is_valid_utf8(text)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        printable(path) + ": expected a recipe: lines of a pattern and a type; --print-recipe shows one");
  }
  return text;
}

}  // namespace

int run_quantize(const Options& options) {
  const FileArgs& files = options.files;
  QuantizeOptions quantize;
  quantize.mode = find_mode(files.mode).value_or(Mode::kInt8);
  if (!files.recipe.empty()) quantize.recipe = read_recipe(files.recipe);
  if (files.print_recipe) {
    StdoutSink().write(quantize.recipe.empty() ? std::string(quantize_recipe(quantize.mode))
                                               : quantize.recipe);
    return kExitOk;
  }
  Status status(shows_progress(options.output));
  status.begin_picture(0, files.out);
  quantize.measure = !files.no_measure;
  quantize.variant = options.model.variant;
  quantize.tokenizer = files.tokenizer;
  quantize.licence = files.licence;
  quantize.adapter = options.model.adapter;
  quantize.threads = options.model.threads;
  quantize.progress = [&](const Progress& progress) { return status.update(progress); };
  const QuantizeResult result =
      with_known(files.in, [&] { return quantize_model(files.in, files.out, quantize); });
  status.clear();
  if (result.accuracy && !options.output.quiet) StdoutSink().write(accuracy_text(*result.accuracy));
  for (const std::string& warning : result.warnings) complain("warning: " + warning);
  if (!options.output.quiet) {
    const ModelSummary summary = inspect_model(files.out);
    complain("note: wrote " + files.out + ": " + summary.variant + ", " +
             std::string(mode_name(result.mode)) + ", " + grouped(summary.parameters) + " parameters, " +
             human_bytes(summary.bytes));
  }
  return kExitOk;
}

}  // namespace moonbeam::cli
