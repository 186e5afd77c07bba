// `moonbeam quantize`: measures the source in f32 and as it will be written, one at a time, then writes it.
// The weights that are measured and those in the file are packed by the same function: they are the same
// bits.
#include <moonbeam/weights.h>

#include "base/error.h"
#include "base/text.h"
#include "model/accuracy.h"
#include "model/checks.h"
#include "model/folders.h"
#include "model/merging.h"
#include "model/mode.h"
#include "model/model.h"
#include "model/quantize.h"
#include "tasks/accuracy.h"
#include "tasks/out_of_memory.h"

namespace moonbeam {

using base::fail;

namespace {

/// The recipe, its text, and the mode that follows from it.
struct Plan {
  std::string text;
  model::Recipe recipe;
  Mode mode = Mode::kAuto;
};

Plan plan_for(const QuantizeOptions& options, const std::vector<model::TensorSpec>& table) {
  Plan plan;
  plan.text = options.recipe.empty() ? std::string(quantize_recipe(options.mode)) : options.recipe;
  plan.recipe = model::parse_recipe(plan.text, "recipe");
  plan.mode = model::recipe_mode(plan.recipe, table);
  if (plan.mode == Mode::kAuto) {
    fail(ErrorCode::kInvalidArgument,
         "recipe: expected a rule that gives a matrix the type int8, int4 or bf16, got none");
  }
  return plan;
}

std::shared_ptr<const tasks::Engine> open(const model::Source& source, const QuantizeOptions& options,
                                          Mode mode, const std::optional<model::Recipe>& recipe) {
  model::LoadRequest request{.variant = options.variant,
                             .mode = mode,
                             .recipe = recipe,
                             .tokenizer = options.tokenizer,
                             .threads = options.threads,
                             .progress = {}};
  if (options.progress) {
    request.progress = [&](int done, int total) {
      return options.progress({Progress::Stage::kLoad, done, total});
    };
  }
  return tasks::make_engine(model::load(source, request), {.threads = options.threads, .progress = {}});
}

ModelAccuracy measure(const model::Source& source, const QuantizeOptions& options, const Plan& plan) {
  tasks::StageValues reference;
  try {
    reference = tasks::record_stages(open(source, options, Mode::kF32, std::nullopt));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kExhausted) throw;
    throw Error(ErrorCode::kExhausted,
                base::cat(error.what(), "; measuring runs the source in f32: leave it out (--no-measure)"));
  }
  return tasks::measure_accuracy(reference, open(source, options, plan.mode, plan.recipe));
}

std::vector<std::string> idle_rules(const Plan& plan, const std::vector<model::TensorSpec>& table) {
  std::vector<std::string> names, out;
  for (const model::TensorSpec& spec : table) {
    if (spec.kind == model::TensorKind::kMatrix) names.push_back(spec.name);
  }
  for (const std::string& pattern : model::idle_patterns(plan.recipe, names))
    out.push_back(base::cat("recipe: no matrix of this model fits '", base::printable(pattern), "'"));
  return out;
}

QuantizeResult quantize(const std::string& path, const std::string& out, const QuantizeOptions& options) {
  model::Source source = model::open_source(model::resolve_model(path));
  model::check_quantize_target(source, out);
  model::Identified identified =
      model::identify(source, {.variant = options.variant, .tokenizer_path = options.tokenizer});
  if (!options.licence.empty()) identified.licence = options.licence;
  const std::vector<model::TensorSpec> table = model::tensor_table(identified.config);
  std::vector<std::string> notes;
  model::check_tensors(source, table, notes);
  const Plan plan = plan_for(options, table);

  QuantizeResult result;
  result.mode = plan.mode;
  if (!options.recipe.empty()) result.warnings = idle_rules(plan, table);
  if (!options.adapter.empty()) {
    std::string warning = model::merge_into(source, options.adapter, identified, table);
    if (!warning.empty()) result.warnings.push_back(std::move(warning));
  }
  if (options.measure) {
    result.accuracy = measure(source, options, plan);
    for (std::string& sentence : model::missed_bars(*result.accuracy))
      result.warnings.push_back(std::move(sentence));
  }
  base::ThreadPool pool(base::choose_threads(options.threads));
  const auto on_tensor = [&](int done, int total) {
    return !options.progress || options.progress({Progress::Stage::kLoad, done, total});
  };
  model::write_quantized(out,
                         {.source = source,
                          .identified = identified,
                          .table = table,
                          .mode = plan.mode,
                          .recipe = plan.recipe,
                          .recipe_text = plan.text,
                          .accuracy = result.accuracy ? model::write_accuracy(*result.accuracy) : ""},
                         pool, on_tensor);
  return result;
}

}  // namespace

std::string_view quantize_recipe(Mode mode) {
  const std::string_view text = model::built_in_recipe(mode);
  if (text.empty()) {
    fail(ErrorCode::kInvalidArgument, "mode: expected bf16, int8 or int4, got ", mode_name(mode));
  }
  return text;
}

QuantizeResult quantize_model(const std::string& path, const std::string& out,
                              const QuantizeOptions& options) {
  return tasks::or_exhausted([&]() -> QuantizeResult { return quantize(path, out, options); });
}

}  // namespace moonbeam
