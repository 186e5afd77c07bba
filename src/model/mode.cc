#include "model/mode.h"

#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "tensor/packed.h"

namespace moonbeam {

namespace {

struct ModeName {
  Mode mode;
  std::string_view name;
};
constexpr ModeName kModeNames[] = {{Mode::kAuto, "auto"},
                                   {Mode::kF32, "f32"},
                                   {Mode::kBF16, "bf16"},
                                   {Mode::kInt8, "int8"},
                                   {Mode::kInt4, "int4"}};

}  // namespace

std::string_view mode_name(Mode mode) noexcept {
  for (const ModeName& row : kModeNames) {
    if (row.mode == mode) return row.name;
  }
  return {};
}

std::optional<Mode> find_mode(std::string_view name) noexcept {
  for (const ModeName& row : kModeNames) {
    if (row.name == name) return row.mode;
  }
  return std::nullopt;
}

}  // namespace moonbeam

namespace moonbeam::model {

namespace {

/// Of several types the one whose arithmetic is coarsest.
Mode coarser(Mode mode, std::optional<tensor::DType> type) {
  if (!type || !tensor::is_packed(*type) || mode == Mode::kInt4) return mode;
  if (*type == tensor::DType::kInt4) return Mode::kInt4;
  if (*type == tensor::DType::kInt8) return Mode::kInt8;
  return mode == Mode::kAuto ? Mode::kBF16 : mode;
}

// A picture of a model of this size takes a fraction of a second in any mode: exactness costs nothing.
constexpr std::int64_t kSmallModel = 100'000'000;

Mode named_in_environment() {
  const char* value = std::getenv("MOONBEAM_MODE");
  if (value == nullptr || *value == '\0') return Mode::kAuto;
  const std::optional<Mode> mode = find_mode(value);
  if (!mode) {
    base::fail(ErrorCode::kInvalidArgument, "MOONBEAM_MODE: expected auto, f32, bf16, int8 or int4, got '",
               base::printable(value), "'");
  }
  return *mode;
}

Recipe recipe_of(Mode mode) {
  return parse_recipe(built_in_recipe(mode), base::cat("recipe of ", mode_name(mode)));
}

}  // namespace

Mode recipe_mode(const Recipe& recipe, const std::vector<TensorSpec>& table) {
  Mode mode = Mode::kAuto;
  for (const TensorSpec& spec : table) {
    if (spec.kind == TensorKind::kMatrix) mode = coarser(mode, recipe.type_of(spec.name));
  }
  return mode;
}

Mode packed_mode(const Source& source, const std::vector<TensorSpec>& table) {
  Mode mode = Mode::kAuto;
  for (const TensorSpec& spec : table) {
    if (const SourceTensor* tensor = source.find(spec.name)) mode = coarser(mode, tensor->view.dtype);
  }
  return mode;
}

ChosenMode choose_mode(Mode asked, const Source& source, const std::vector<TensorSpec>& table,
                       const ModelConfig& config, const base::Memory& memory) {
  const Mode packed = packed_mode(source, table);
  const auto chosen = [&](Mode mode, std::string reason) -> ChosenMode {
    return {mode, std::move(reason), mode == packed ? Recipe{} : recipe_of(mode)};
  };
  if (asked != Mode::kAuto) return chosen(asked, "asked for");
  if (const Mode named = named_in_environment(); named != Mode::kAuto) return chosen(named, "MOONBEAM_MODE");
  if (packed != Mode::kAuto) return chosen(packed, "the file's weights are quantised so");
  if (parameter_count(table) < kSmallModel) return chosen(Mode::kF32, "the model is small");
  const std::int64_t need = memory_need(source, table, config, Mode::kInt8, recipe_of(Mode::kInt8)).total();
  if (need <= memory.available) return chosen(Mode::kInt8, "the fastest that keeps the answers");
  return chosen(Mode::kInt4, base::cat("int8 would need ", base::format_bytes(need), " of memory, there are ",
                                       base::format_bytes(memory.available)));
}

tensor::DType loaded_type(const TensorSpec& spec, const SourceTensor& tensor, Mode mode,
                          const Recipe& recipe) {
  const tensor::DType own = tensor.view.dtype;
  if (spec.kind == TensorKind::kSmall) return tensor::DType::kF32;
  if (mode == Mode::kF32) return tensor::is_packed(own) ? tensor::DType::kF32 : own;
  const std::optional<tensor::DType> type = recipe.type_of(spec.name);
  if (!type || tensor::is_packed(*type)) return type.value_or(own);
  const auto bytes = tensor::byte_size(spec.shape, *type), own_bytes = tensor::byte_size(spec.shape, own);
  return bytes && (!own_bytes || *bytes < *own_bytes) ? *type : own;
}

}  // namespace moonbeam::model
