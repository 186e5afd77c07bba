// moonbeam query: one encoded picture, any number of questions.
#include <fstream>
#include <sstream>

#include "cli/errors.h"
#include "cli/places.h"
#include "cli/run.h"
#include "cli/session.h"

namespace moonbeam::cli {

namespace {

/// The schema itself, so that what a run is resumed with does not hang on a file's name.
std::string schema_text(const std::string& argument) {
  const std::size_t first = argument.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || argument[first] == '{') return argument;
  std::ifstream file(argument, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw Error(ErrorCode::kNotFound, "--schema: " + argument + ": no such file, and no JSON object either");
  }
  return text.str();
}

}  // namespace

int run_query(const Options& asked) {
  Options options = asked;
  options.ask.schema = schema_text(asked.ask.schema);
  QueryOptions query;
  if (!asked.ask.schema.empty()) query.schema = ResponseSchema::parse(options.ask.schema);
  for (const std::string& text : options.ask.refs) query.spatial_refs.push_back(parse_ref(text));
  query.reasoning = options.ask.reasoning;
  query.sampling = sampling_options(options.sampling);
  query.max_tokens = options.sampling.max_tokens;
  query.stop = options.sampling.stop;
  const auto check = [&](const ModelInfo& info) {
    if (!query.reasoning || info.can_reason) return;
    throw Error(ErrorCode::kUnsupported,
                "--reasoning: " + model_words(info) + " was not made to think first");
  };
  return run_pictures(options, Task::kQuery, check, [&](const Asking& asking) {
    std::vector<Answer> answers;
    for (const std::string& question : options.ask.questions) {
      QueryOptions one = query;
      one.progress = asking.progress;
      if (asking.stream) one.on_text = asking.stream(question);
      QueryResult result =
          asking.image ? asking.model.query(*asking.image, question, one) : asking.model.query(question, one);
      Answer answer;
      answer.prompt = question;
      answer.text = std::move(result.answer);
      answer.reasoning = std::move(result.reasoning);
      answer.finish = result.finish;
      answer.metrics = text_metrics(asking, result.usage, answers.empty());
      answers.push_back(std::move(answer));
      if (!carry_on()) break;
    }
    return answers;
  });
}

}  // namespace moonbeam::cli
