#include "train/checkpoint/checkpoint.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/safetensors.h"

namespace moonbeam::train {

using nlohmann::json;
using torch::Tensor;

namespace {

constexpr int kForm = 2;  // 2: may start from a model and have pictures of its own

json to_json(const RunState& state, int form) {
  return {{"form", form},
          {"stage", state.stage},
          {"stage_step", state.stage_step},
          {"step", state.step},
          {"next_scene", state.next_scene},
          {"next_window", state.next_window},
          {"next_own", state.next_own},
          {"widened", state.widened},
          {"mixed_from", state.mixed_from},
          {"stage_seconds", state.stage_seconds},
          {"seconds", state.seconds},
          {"average_updates", state.average_updates}};
}

}  // namespace

std::string state_text(const RunState& state) {
  return to_json(state, kForm).dump();
}

RunState parse_state(const std::string& text, const std::string& where) {
  try {
    const json value = json::parse(text);
    const int form = value.at("form").get<int>();
    if (form > kForm) {
      base::fail(ErrorCode::kUnsupported, where, ": checkpoint of form ", form, ", this build reads ", kForm);
    }
    RunState state;
    value.at("stage").get_to(state.stage);
    value.at("stage_step").get_to(state.stage_step);
    value.at("step").get_to(state.step);
    value.at("next_scene").get_to(state.next_scene);
    value.at("next_window").get_to(state.next_window);
    state.next_own = value.value("next_own", std::uint64_t{0});
    value.at("widened").get_to(state.widened);
    value.at("mixed_from").get_to(state.mixed_from);
    value.at("stage_seconds").get_to(state.stage_seconds);
    value.at("seconds").get_to(state.seconds);
    value.at("average_updates").get_to(state.average_updates);
    return state;
  } catch (const json::exception& error) {
    base::fail(ErrorCode::kCorrupt, where, ": state: ", error.what());
  }
}

namespace {

tensor::Shape shape_of(const Tensor& tensor) {
  return tensor::Shape(std::span(tensor.sizes().data(), tensor.sizes().size()));
}

Tensor plain(const Tensor& tensor) {
  return tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
}

Checkpoint texts_of(const formats::WeightFile& file) {
  const std::string where = base::printable(file.path);
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) {
      base::fail(ErrorCode::kCorrupt, where, ": expected a checkpoint, got a file without '", key, "'");
    }
    return found->second;
  };
  Checkpoint out;
  out.state = parse_state(text("state"), where);
  out.recipe = text("recipe");
  out.recipe_name = text("recipe_name");
  out.tokenizer_json = text("tokenizer");
  if (const auto found = file.metadata.find("start"); found != file.metadata.end()) out.start = found->second;
  return out;
}

// A copy of a tensor's values, checked; the file's memory need not be aligned.
Tensor values_of(const formats::WeightFile& file, const std::string& name, const Tensor& like) {
  const std::string where = base::printable(file.path);
  const tensor::TensorView* view = file.find(name);
  if (view == nullptr) base::fail(ErrorCode::kCorrupt, where, ": '", base::printable(name), "' is missing");
  if (view->dtype != tensor::DType::kF32 || view->shape != shape_of(like)) {
    base::fail(ErrorCode::kCorrupt, where, ": '", base::printable(name), "': expected f32 ",
               shape_of(like).to_string(), ", got ", tensor::info(view->dtype).name, " ",
               view->shape.to_string());
  }
  Tensor values = torch::empty(like.sizes(), torch::kFloat);
  if (values.nbytes() > 0) std::memcpy(values.mutable_data_ptr(), view->data, values.nbytes());
  if (!torch::isfinite(values).all().item<bool>()) {
    base::fail(ErrorCode::kCorrupt, where, ": '", base::printable(name), "': expected finite values");
  }
  return values;
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  std::vector<formats::TensorToWrite> tensors;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    tensors.push_back({.name = name,
                       .dtype = tensor::DType::kF32,
                       .shape = shape_of(tensor),
                       .write = [from = tensor](const auto& sink) {
                         const Tensor values = plain(from);
                         sink({static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()});
                       }});
  }
  std::map<std::string, std::string> metadata = {
      {"state", to_json(checkpoint.state, checkpoint.start.empty() ? 1 : kForm).dump()},
      {"recipe", checkpoint.recipe},
      {"recipe_name", checkpoint.recipe_name},
      {"tokenizer", checkpoint.tokenizer_json}};
  if (!checkpoint.start.empty()) metadata["start"] = checkpoint.start;
  formats::write_safetensors(path, tensors, metadata);
}

Checkpoint read_checkpoint_state(const std::string& path) {
  return texts_of(formats::open_safetensors(path));
}

void read_checkpoint(const std::string& path, Checkpoint& checkpoint) {
  const formats::WeightFile file = formats::open_safetensors(path);
  Checkpoint read = texts_of(file);
  std::vector<Tensor> values;
  values.reserve(checkpoint.tensors.size());
  for (const auto& [name, tensor] : checkpoint.tensors) values.push_back(values_of(file, name, tensor));
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < values.size(); ++i) checkpoint.tensors[i].second.copy_(values[i]);
  checkpoint.state = read.state;
  checkpoint.recipe = std::move(read.recipe);
  checkpoint.recipe_name = std::move(read.recipe_name);
  checkpoint.tokenizer_json = std::move(read.tokenizer_json);
  checkpoint.start = std::move(read.start);
}

}  // namespace moonbeam::train
