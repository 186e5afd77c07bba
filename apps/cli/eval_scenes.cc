// moonbeam eval scenes: how well a model sees drawn scenes, as a table, as JSON, as acceptance.json.
#include <nlohmann/json.hpp>

#include "cli/errors.h"
#include "cli/progress.h"
#include "cli/scene_args.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "eval/scenes/scenes.h"

namespace moonbeam::cli {

namespace {

std::string answer_line(data::Split split, std::uint64_t index, const data::Question& question,
                        const std::string& said, bool right) {
  return nlohmann::ordered_json({{"split", data::name(split)},
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
  options.plain = args.plain;
  return options;
}

}  // namespace

int run_eval_scenes(const Options& options) {
  const ScenesArgs& args = options.scenes;
  std::vector<data::Split> splits;
  for (const std::string& name : args.splits) splits.push_back(find_split(name));
  if (splits.empty()) splits = {data::Split::kValSeed};
  eval::ScenesOptions evaluation = eval_options(args);
  const SceneAssets assets;
  Status status(shows_progress(options.output));
  const Session session = open_session(options, status);
  std::unique_ptr<Sink> answers, acceptance;
  if (!args.answers.empty()) answers = std::make_unique<FileSink>(args.answers);
  if (!options.output.out.empty()) acceptance = std::make_unique<FileSink>(options.output.out);

  status.begin_run(splits.size() * static_cast<std::size_t>(evaluation.scenes));
  std::vector<eval::ScenesReport> reports;
  for (const data::Split split : splits) {
    evaluation.split = split;
    evaluation.progress = [&](int done) {
      const std::size_t before = reports.size() * static_cast<std::size_t>(evaluation.scenes);
      status.begin_picture(before + static_cast<std::size_t>(done), std::string(data::name(split)));
      return carry_on();
    };
    evaluation.on_answer = [&](std::uint64_t index, const data::Question& question, const std::string& said,
                               bool right) {
      if (answers) answers->write(answer_line(split, index, question, said, right));
    };
    const eval::DrawScene draw = [&](const data::SceneKey& key, const data::SceneOptions& scene) {
      return assets.draw(key, scene);
    };
    try {
      reports.push_back(eval::evaluate_scenes(session.model, draw, assets.labels, evaluation));
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
