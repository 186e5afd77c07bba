// Options as JSON and their comparison. Threads, kernels and formats are left out: answers do not hang on
// them.
#include "cli/resume.h"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace moonbeam::cli {

namespace {

using Json = nlohmann::ordered_json;

template <typename T>
void put(Json& json, const char* name, const T& value, const T& standard) {
  if (value != standard) json[name] = value;
}

std::string shown(const Json& options, const std::string& name) {
  return options.contains(name) ? options[name].dump() : "the default";
}

}  // namespace

std::string run_options(const Options& options, Task task, const std::string& model) {
  const Options standard;
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(model, error);  // one spelling of it
  Json json = {{"model", error ? model : path.string()}};
  put(json, "variant", options.model.variant, standard.model.variant);
  put(json, "no-orientation", options.pictures.no_orientation, false);
  const AskArgs &ask = options.ask, &plain = standard.ask;
  if (task == Task::kCaption) json["length"] = ask.length;
  if (task == Task::kQuery) {
    put(json, "reasoning", ask.reasoning, plain.reasoning);
    put(json, "ref", ask.refs, plain.refs);
    put(json, "schema", ask.schema, plain.schema);
  }
  if (task == Task::kCaption || task == Task::kQuery) {
    const SamplingArgs &sampling = options.sampling, &greedy = standard.sampling;
    put(json, "temperature", sampling.temperature, greedy.temperature);
    put(json, "top-p", sampling.top_p, greedy.top_p);
    put(json, "max-tokens", sampling.max_tokens, greedy.max_tokens);
    put(json, "seed", sampling.seed, greedy.seed);
    put(json, "stop", sampling.stop, greedy.stop);
  } else {
    put(json, "clamp", ask.clamp, plain.clamp);
  }
  if (task == Task::kDetect || task == Task::kPoint) {
    put(json, "max-objects", ask.max_objects, plain.max_objects);
  }
  if (task == Task::kGaze) {
    put(json, "eye", ask.eye, plain.eye);
    put(json, "face", ask.face, plain.face);
    put(json, "force", ask.force, plain.force);
  }
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string options_difference(std::string_view in_line, std::string_view of_run) {
  const Json line = Json::parse(in_line, nullptr, false), run = Json::parse(of_run);
  if (!line.is_object()) return "the options that it was made with are not known";
  for (const Json* side : {&run, &line}) {
    for (const auto& [name, value] : side->items()) {
      if (line.contains(name) && run.contains(name) && line[name] == run[name]) continue;
      return name + " is " + shown(line, name) + ", not " + shown(run, name);
    }
  }
  return {};
}

}  // namespace moonbeam::cli
