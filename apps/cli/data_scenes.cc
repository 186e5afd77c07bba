// moonbeam data scenes: drawn scenes with their truth, in the formats of others.
#include <moonbeam/image.h>

#include <nlohmann/json.hpp>

#include "cli/errors.h"
#include "cli/progress.h"
#include "cli/scene_args.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "data/export/dataset.h"
#include "data/export/sheet.h"

namespace moonbeam::cli {

namespace {

constexpr std::uint64_t kOnSheet = 20;
constexpr double kLineMs = 10'000;  // between plain lines where there is no terminal

data::ExportOptions export_options(const Options& options) {
  const ScenesArgs& args = options.scenes;
  data::ExportOptions out;
  out.folder = args.out;
  out.seed = args.seed;
  out.split = find_split(args.split);
  out.scenes = args.count;
  out.scene = scene_options(args);
  out.questions.classes = args.classes;
  out.questions.reading = args.reading;
  out.questions.noise = args.user_noise;
  out.questions.most = args.questions;
  for (const std::string& list : args.formats) {
    for (const std::string& one : split(list, ',')) out.formats.push_back(one);
  }
  out.noisy = args.noisy;
  out.threads = options.model.threads;
  out.resume = options.output.resume;
  out.force = args.force;
  return out;
}

void draw_sheet(const std::string& path, const data::ExportOptions& options, const data::DrawScene& draw,
                const data::LabelTable& labels) {
  std::vector<data::SheetCell> cells;
  for (std::uint64_t i = 0; i < std::min(kOnSheet, options.scenes); ++i) {
    const data::SceneKey key{options.seed, options.split, i};
    data::SceneOptions scene = options.scene;
    scene.repeat = data::repeat_for(key, scene.max_objects);
    data::SheetCell& cell = cells.emplace_back();
    cell.scene = draw(key, scene);
    cell.questions = data::ask(cell.scene, labels, options.questions);
    if (!carry_on()) return;
  }
  save_png(data::contact_sheet(cells, labels), path);
}

/// The status line on a terminal, else a line now and then.
class ScenesProgress {
 public:
  explicit ScenesProgress(const Options& options)
      : status_(shows_progress(options.output)), plain_(!options.output.quiet && !stderr_is_terminal()) {}

  bool advance(const data::ExportProgress& progress) {
    if (begin_ms_ == 0) {
      begin_ms_ = last_ms_ = now_ms();
      status_.begin_run(progress.total);
    }
    status_.begin_picture(progress.done, "");
    if (plain_ && now_ms() - last_ms_ >= kLineMs) {
      last_ms_ = now_ms();
      complain("note: " + std::to_string(progress.done) + " of " + std::to_string(progress.total) +
               " scenes");
    }
    return carry_on();
  }
  void clear() { status_.clear(); }

 private:
  Status status_;
  bool plain_;
  double begin_ms_ = 0, last_ms_ = 0;
};

std::string result_json(const std::string& folder, const data::ExportResult& result) {
  nlohmann::ordered_json by_kind = nlohmann::ordered_json::object();
  for (int k = 0; k < data::kKinds; ++k) {
    by_kind[std::string(name(static_cast<data::Kind>(k)))] = result.by_kind[static_cast<std::size_t>(k)];
  }
  return nlohmann::ordered_json({{"folder", folder},
                                 {"scenes", result.scenes},
                                 {"resumed", result.resumed},
                                 {"objects", result.objects},
                                 {"questions", result.questions},
                                 {"by_kind", by_kind},
                                 {"bytes", result.bytes},
                                 {"files", result.files}})
             .dump() +
         "\n";
}

/// The library says what is wrong, the program which flag helps.
data::ExportResult with_hints(const data::ExportOptions& options, const data::DrawScene& draw,
                              const data::LabelTable& labels) {
  try {
    return data::export_scenes(options, draw, labels);
  } catch (const Error& error) {
    const std::string what = error.what();
    if (error.code() == ErrorCode::kInvalidArgument && what.ends_with("resume it or replace it")) {
      throw Error(error.code(), "data scenes: " + what + ": --resume, --force");
    }
    throw;
  }
}

}  // namespace

int run_data_scenes(const Options& options) {
  const ScenesArgs& args = options.scenes;
  data::ExportOptions set = export_options(options);
  const SceneAssets assets;
  const data::LabelTable& labels = assets.labels;
  const data::DrawScene draw = [&](const data::SceneKey& key, const data::SceneOptions& scene) {
    return assets.draw(key, scene);
  };
  if (!args.sheet.empty()) draw_sheet(args.sheet, set, draw, labels);
  if (args.out.empty()) return carry_on() ? kExitOk : signal_status();
  ScenesProgress progress(options);
  set.progress = [&](const data::ExportProgress& at) { return progress.advance(at); };
  try {
    const data::ExportResult result = with_hints(set, draw, labels);
    progress.clear();
    if (options.output.json) {
      StdoutSink().write(result_json(args.out, result));
    } else if (!options.output.quiet) {
      complain("note: wrote " + args.out + ": " + grouped(static_cast<std::int64_t>(result.scenes)) +
               " scenes, " + grouped(static_cast<std::int64_t>(result.questions)) + " questions, " +
               human_bytes(static_cast<std::int64_t>(result.bytes)));
    }
  } catch (const Error& error) {
    progress.clear();
    if (error.code() != ErrorCode::kCancelled) throw;
    complain("note: " + std::string(error.what()) + "; --resume goes on");
    return signal_status();
  }
  return kExitOk;
}

}  // namespace moonbeam::cli
