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

// A picture of a model of this size takes a fraction of a second in any mode: exactness costs nothing.
constexpr std::int64_t kSmallModel = 100'000'000;

/// The mode a quantised file was made for; kAuto where none of its matrices is packed.
Mode packed_mode(const Source& source, const std::vector<TensorSpec>& table) {
  Mode mode = Mode::kAuto;
  for (const TensorSpec& spec : table) {
    const SourceTensor* tensor = source.find(spec.name);
    if (!tensor || !tensor::is_packed(tensor->view.dtype)) continue;
    if (tensor->view.dtype == tensor::DType::kInt4) return Mode::kInt4;
    if (tensor->view.dtype == tensor::DType::kInt8) mode = Mode::kInt8;
    if (mode == Mode::kAuto) mode = Mode::kBF16;
  }
  return mode;
}

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

}  // namespace

ChosenMode choose_mode(Mode asked, const Source& source, const std::vector<TensorSpec>& table,
                       const ModelConfig& config, const base::Memory& memory) {
  if (asked != Mode::kAuto) return {asked, "asked for"};
  if (const Mode named = named_in_environment(); named != Mode::kAuto) return {named, "MOONBEAM_MODE"};
  if (const Mode packed = packed_mode(source, table); packed != Mode::kAuto)
    return {packed, "the file's weights are quantised so"};
  if (parameter_count(table) < kSmallModel) return {Mode::kF32, "the model is small"};
  const std::int64_t need = memory_need(source, table, config, Mode::kInt8).total();
  if (need <= memory.available) return {Mode::kInt8, "the fastest that keeps the answers"};
  return {Mode::kInt4, base::cat("int8 would need ", base::format_bytes(need), " of memory, there are ",
                                 base::format_bytes(memory.available))};
}

tensor::DType loaded_type(const TensorSpec& spec, const SourceTensor& tensor, Mode mode,
                          const Recipe& recipe) {
  const tensor::DType own = tensor.view.dtype;
  if (spec.kind == TensorKind::kSmall) return tensor::DType::kF32;
  if (mode == Mode::kF32) return tensor::is_packed(own) ? tensor::DType::kF32 : own;
  return recipe.type_of(spec.name).value_or(own);
}

}  // namespace moonbeam::model
