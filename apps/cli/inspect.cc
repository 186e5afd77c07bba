// moonbeam inspect, convert and weights synth: model files without running them.
#include <unistd.h>

#include <algorithm>

#include "cli/errors.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

int run_inspect(const Options& options) {
  const std::string model = options.files.in.empty() ? default_model() : options.files.in;
  const ModelSummary summary = with_known(model, [&] { return inspect_model(model, options.files.verify); });
  StdoutSink().write(options.output.json ? summary_json(summary, options.files.tensors)
                                         : summary_text(summary, options.files.tensors));
  if (options.files.verify && !options.output.quiet) complain("note: every value is a finite number");
  return kExitOk;
}

namespace {

void fuse(const Options& options, const ProgressFn& progress) {
  FuseOptions fuse;
  fuse.seed = options.files.seed;
  fuse.dtype = options.files.dtype;
  fuse.tokenizer = options.files.tokenizer;
  fuse.licence = options.files.licence;
  fuse.progress = progress;
  fuse_models(options.files.vision, options.files.text, options.files.out, fuse);
}

}  // namespace

int run_convert(const Options& options) {
  std::string in = options.files.in;
  if (options.verb == "weights synth") {
    const std::vector<std::string> known = synth_variants();
    const std::string variant = in.substr(0, in.find(':'));
    if (std::find(known.begin(), known.end(), variant) == known.end()) {
      std::string list;
      for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
      throw Error(ErrorCode::kInvalidArgument,
                  "weights synth: expected one of " + list + ", got '" + in + "'");
    }
    in = "synth:" + in;
  }
  Status status(shows_progress(options.output));
  status.begin_picture(0, options.files.out);
  ConvertOptions convert;
  convert.dtype = options.files.dtype;
  convert.layout = options.files.layout;
  convert.variant = options.model.variant;
  convert.tokenizer = options.files.tokenizer;
  convert.adapter = options.model.adapter;
  convert.licence = options.files.licence;
  convert.progress = [&](const Progress& progress) { return status.update(progress); };
  if (!options.files.vision.empty()) {
    fuse(options, convert.progress);
  } else {
    with_known(in, [&] { convert_model(in, options.files.out, convert); });
  }
  status.clear();
  if (!options.output.quiet) {
    const ModelSummary summary = inspect_model(options.files.out);
    complain("note: wrote " + options.files.out + ": " + summary.variant + ", " +
             grouped(summary.parameters) + " parameters, " + human_bytes(summary.bytes));
  }
  return kExitOk;
}

}  // namespace moonbeam::cli
