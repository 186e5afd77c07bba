// moonbeam eval scenes: how well a model sees drawn scenes, as a table, as JSON, as acceptance.json.
#include <nlohmann/json.hpp>

#include "cli/errors.h"
#include "cli/progress.h"
#include "cli/scene_args.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "eval/scenes/photographs.h"
#include "eval/scenes/scenes.h"

namespace moonbeam::cli {

namespace {

std::string answer_line(const std::string& split, std::uint64_t index, const data::Question& question,
                        const std::string& said, bool right) {
  return nlohmann::ordered_json({{"split", split},
                                 {"index", index},
                                 {"kind", data::name(question.kind)},
                                 {"question", question.text},
                                 {"truth", question.answer},
                                 {"said", said},
                                 {"right", right}})
             .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

eval::ScenesOptions eval_options(const ScenesArgs& args) {
  eval::ScenesOptions options;
  options.seed = args.seed;
  options.scenes = static_cast<int>(std::min<std::uint64_t>(args.count, 1'000'000));
  options.scene = scene_options(args);
  options.questions.classes = args.classes;
  options.questions.reading = args.reading;
  options.questions.noise = args.user_noise;
  options.plain = args.plain;
  return options;
}

std::vector<eval::Photograph> find_photographs(const SceneAssets& assets,
                                               const eval::ScenesOptions& options) {
  return eval::find_photographs(data::find_data_folder(), assets.labels, options.questions.classes);
}

/// A split that is misspelt or whose files are missing is told before an hour of others.
void look_for(const std::string& split, const SceneAssets& assets, const eval::ScenesOptions& options) {
  if (split == eval::kPhotographs) {
    find_photographs(assets, options);
  } else {
    assets.draw({options.seed, find_split(split), 0}, options.scene);
  }
}

eval::ScenesReport evaluate(const std::string& split, const Model& model, const SceneAssets& assets,
                            eval::ScenesOptions& options) {
  if (split == eval::kPhotographs) {
    return eval::evaluate_photographs(model, find_photographs(assets, options), assets.labels, options);
  }
  options.split = find_split(split);
  const eval::DrawScene draw = [&](const data::SceneKey& key, const data::SceneOptions& scene) {
    return assets.draw(key, scene);
  };
  return eval::evaluate_scenes(model, draw, assets.labels, options);
}

}  // namespace

int run_eval_scenes(const Options& options) {
  const ScenesArgs& args = options.scenes;
  std::vector<std::string> splits = args.splits;
  if (splits.empty()) splits = {"val-seed"};
  eval::ScenesOptions evaluation = eval_options(args);
  const SceneAssets assets;
  for (const std::string& split : splits) look_for(split, assets, evaluation);
  Status status(shows_progress(options.output));
  const Session session = open_session(options, status);
  std::unique_ptr<Sink> answers, acceptance;
  if (!args.answers.empty()) answers = std::make_unique<FileSink>(args.answers);
  if (!options.output.out.empty()) acceptance = std::make_unique<FileSink>(options.output.out);

  status.begin_run(splits.size() * static_cast<std::size_t>(evaluation.scenes));
  std::vector<eval::ScenesReport> reports;
  for (const std::string& split : splits) {
    evaluation.progress = [&](int done) {
      const std::size_t before = reports.size() * static_cast<std::size_t>(evaluation.scenes);
      status.begin_picture(before + static_cast<std::size_t>(done), split);
      return carry_on();
    };
    evaluation.on_answer = [&](std::uint64_t index, const data::Question& question, const std::string& said,
                               bool right) {
      if (answers) answers->write(answer_line(split, index, question, said, right));
    };
    try {
      reports.push_back(evaluate(split, session.model, assets, evaluation));
    } catch (const Error& error) {
      status.clear();
      if (error.code() != ErrorCode::kCancelled || carry_on()) throw;
      complain("note: " + std::string(error.what()));
      return signal_status();
    }
    status.clear();
    if (options.output.json) StdoutSink().write(eval::report_json(reports.back()));
  }
  if (!options.output.json) StdoutSink().write(eval::report_table(reports));
  if (answers) answers->commit();
  if (acceptance) {
    acceptance->write(eval::acceptance_json(reports, session.model.info(), evaluation));
    acceptance->commit();
  }
  return kExitOk;
}

}  // namespace moonbeam::cli
