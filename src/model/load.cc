// A source becomes a Model: every tensor of the table is there and of its shape, memory suffices, small
// tensors are f32 and finite, matrices stay where they lie or are packed for the mode. An adapter's product
// is added to those that are packed; beside the others it stands for itself. Which file and which variant are
// others' work.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/hash64.h"
#include "kernels/kernels.h"
#include "model/adapter.h"
#include "model/checks.h"
#include "model/detect.h"
#include "model/folders.h"
#include "model/mode.h"
#include "model/model.h"
#include "model/packing.h"
#include "model/source.h"
#include "model/tensor_table.h"
#include "tensor/packed.h"

namespace moonbeam::model {

using base::fail;
using tensor::TensorView;

namespace {

/// Makes and keeps what the weights' structs view into.
class Loader {
 public:
  Loader(const Source& source, Model& model, base::ThreadPool& pool, Recipe recipe, bool mmap)
      : source_(source), model_(model), pool_(pool), recipe_(std::move(recipe)), mmap_(mmap) {}

  void take(const TensorSpec& spec) {
    const SourceTensor& tensor = *source_.find(spec.name);
    if (spec.kind == TensorKind::kSmall) {
      floats_[spec.name] = small(spec, tensor);
    } else {
      matrices_[spec.name] = matrix(spec, tensor);
    }
  }

  const float* floats(const std::string& name) const { return floats_.at(name); }
  const TensorView& matrix(const std::string& name) const { return matrices_.at(name); }
  ops::Linear linear(const std::string& name) const {
    return {matrix(name + ".weight"), floats(name + ".bias")};
  }
  /// What of the adapter is not in the weights.
  ops::LowRank low_rank(const std::string& name) const {
    const std::optional<Adapter>& adapter = model_.storage.adapter;
    const AdapterFactors* factors = adapter ? adapter->find(name + ".weight") : nullptr;
    return factors ? factors->view() : ops::LowRank{};
  }
  bool proj_from_normed() const { return model_.storage.adapter && model_.storage.adapter->proj_from_normed; }
  ops::Norm norm(const std::string& name, int width, float eps) const {
    return {floats(name + ".weight"), floats(name + ".bias"), width, eps};
  }

 private:
  /// Where it lies, read into memory, or packed for the mode.
  TensorView matrix(const TensorSpec& spec, const SourceTensor& tensor) {
    std::vector<base::Buffer<std::byte>>& keep = model_.storage.tensors;
    TensorView view = tensor.view;
    view.shape = spec.shape;
    const tensor::DType type = loaded_type(spec, tensor, model_.mode, recipe_);
    if (type == view.dtype && view.data && !is_read_whole(tensor, mmap_)) {
      model_.storage.files = source_.files;
      return view;
    }
    if (type == view.dtype) {
      view.data = view.data ? read_whole(tensor, keep) : made(tensor, keep);
      return view;
    }
    std::vector<base::Buffer<std::byte>> scratch;
    if (!view.data) view.data = made(tensor, scratch);
    if (is_read_whole(tensor, mmap_)) check_sum(source_, tensor, hash_bytes(bytes_of(tensor), pool_));
    // Where a matrix is written anew in any case, merging costs no memory and no rounding of its own.
    if (Adapter* adapter = adapter_of(spec)) {
      scratch.push_back(unpack_matrix(view, pool_));
      view = {scratch.back().data(), tensor::DType::kF32, spec.shape};
      merge(*adapter->find(spec.name), reinterpret_cast<float*>(scratch.back().data()), pool_,
            kernels::kernels());
      adapter->forget(spec.name);
    }
    if (view.dtype == type) {
      keep.push_back(std::move(scratch.back()));
    } else {
      keep.push_back(type == tensor::DType::kF32 ? unpack_matrix(view, pool_)
                                                 : convert_matrix(view, type, pool_));
    }
    if (tensor.view.data) base::forget_pages(bytes_of(tensor));
    return {keep.back().data(), type, spec.shape};
  }

  /// Null where it has nothing that can be merged into the tensor.
  Adapter* adapter_of(const TensorSpec& spec) {
    std::optional<Adapter>& adapter = model_.storage.adapter;
    return adapter && adapter->can_merge(spec.name) ? &*adapter : nullptr;
  }

  static std::span<const std::byte> bytes_of(const SourceTensor& tensor) {
    return {tensor.view.data, static_cast<std::size_t>(tensor.view.bytes())};
  }

  /// A file's mapping has no huge pages, which costs a third of the speed of decoding.
  const std::byte* read_whole(const SourceTensor& tensor, std::vector<base::Buffer<std::byte>>& keep) {
    std::uint64_t sum = 0;
    keep.push_back(copy_bytes(bytes_of(tensor), pool_, sum));
    check_sum(source_, tensor, sum);
    base::forget_pages(bytes_of(tensor));
    return keep.back().data();
  }

  const std::byte* made(const SourceTensor& tensor, std::vector<base::Buffer<std::byte>>& keep) {
    base::Buffer<std::byte> buffer(static_cast<std::size_t>(tensor.view.bytes()));
    tensor.make(buffer.data(), pool_);
    keep.push_back(std::move(buffer));
    return keep.back().data();
  }

  const float* small(const TensorSpec& spec, const SourceTensor& tensor) {
    std::vector<base::Buffer<std::byte>> scratch;
    TensorView view = tensor.view;
    if (!view.data) view.data = made(tensor, scratch);
    if (is_read_whole(tensor, mmap_)) check_sum(source_, tensor, base::hash64(bytes_of(tensor)));
    base::Buffer<float> values(static_cast<std::size_t>(view.numel()));
    tensor::to_f32(view, values.data());
    check_finite(values.span(), spec.name, source_.path);
    model_.storage.floats.push_back(std::move(values));
    return model_.storage.floats.back().data();
  }

  const Source& source_;
  Model& model_;
  base::ThreadPool& pool_;
  Recipe recipe_;
  bool mmap_;
  std::map<std::string, const float*> floats_;
  std::map<std::string, TensorView> matrices_;
};

vision::VisionWeights bind_vision(const Loader& loader, const vision::VisionConfig& config) {
  vision::VisionWeights out;
  out.patch_emb = loader.linear("vision.patch_emb");
  out.pos_emb = loader.floats("vision.pos_emb");
  for (int i = 0; i < config.layers; ++i) {
    const std::string block = base::cat("vision.blocks.", i);
    out.blocks.push_back({.ln1 = loader.norm(block + ".ln1", config.dim, config.eps),
                          .ln2 = loader.norm(block + ".ln2", config.dim, config.eps),
                          .qkv = loader.linear(block + ".attn.qkv"),
                          .proj = loader.linear(block + ".attn.proj"),
                          .fc1 = loader.linear(block + ".mlp.fc1"),
                          .fc2 = loader.linear(block + ".mlp.fc2")});
  }
  out.post_ln = loader.norm("vision.post_ln", config.dim, config.eps);
  out.proj_fc1 = loader.linear("vision.proj_mlp.fc1");
  out.proj_fc2 = loader.linear("vision.proj_mlp.fc2");
  return out;
}

text::TextWeights bind_text(const Loader& loader, const text::TextConfig& config) {
  text::TextWeights out;
  out.wte = loader.matrix("text.wte");
  for (int i = 0; i < config.layers; ++i) {
    const std::string block = base::cat("text.blocks.", i);
    out.blocks.push_back({.ln = loader.norm(block + ".ln", config.dim, config.eps),
                          .qkv = loader.linear(block + ".attn.qkv"),
                          .proj = loader.linear(block + ".attn.proj"),
                          .fc1 = loader.linear(block + ".mlp.fc1"),
                          .fc2 = loader.linear(block + ".mlp.fc2"),
                          .adapter = {.qkv = loader.low_rank(block + ".attn.qkv"),
                                      .proj = loader.low_rank(block + ".attn.proj"),
                                      .fc1 = loader.low_rank(block + ".mlp.fc1"),
                                      .fc2 = loader.low_rank(block + ".mlp.fc2"),
                                      .proj_from_normed = loader.proj_from_normed()}});
  }
  out.post_ln = loader.norm("text.post_ln", config.dim, config.eps);
  out.lm_head = loader.linear("text.lm_head");
  return out;
}

region::RegionWeights bind_region(const Loader& loader) {
  region::RegionWeights out;
  out.coord_features = loader.floats("region.coord_features");
  out.size_features = loader.floats("region.size_features");
  out.coord_encoder = loader.linear("region.coord_encoder");
  out.size_encoder = loader.linear("region.size_encoder");
  out.coord_fc1 = loader.linear("region.coord_decoder.fc1");
  out.coord_fc2 = loader.linear("region.coord_decoder.fc2");
  out.size_fc1 = loader.linear("region.size_decoder.fc1");
  out.size_fc2 = loader.linear("region.size_decoder.fc2");
  return out;
}

void describe(Model& model, const Source& source, Identified& identified,
              const std::vector<TensorSpec>& table) {
  model.name = source.name;
  model.path = source.path;
  model.format = source.format;
  model.layout = source.layout;
  model.config = std::move(identified.config);
  model.tokenizer = std::move(identified.tokenizer);
  model.tokenizer_json = std::move(identified.tokenizer_json);
  model.notes = source.notes;
  model.notes.insert(model.notes.end(), model.config.notes.begin(), model.config.notes.end());
  model.parameters = parameter_count(table);
  model.dtype = most_frequent_dtype(source, table);
}

void take_adapter(Model& model, const std::string& path, const Source& source, const Identified& identified) {
  model.storage.adapter = open_adapter(path, identified.config);
  const Adapter& adapter = *model.storage.adapter;
  model.adapter_path = adapter.path;
  model.adapter_digest = adapter.digest;
  if (std::string warning = base_warning(adapter, source.name, identified.variant_name); !warning.empty())
    model.warnings.push_back(std::move(warning));
}

}  // namespace

std::shared_ptr<const Model> load(const LoadRequest& request) {
  return load(open_source(resolve_model(request.path)), request);
}

std::shared_ptr<const Model> load(const Source& source, const LoadRequest& request) {
  Identified identified = identify(source, {.variant = request.variant, .tokenizer_path = request.tokenizer});
  const std::vector<TensorSpec> table = tensor_table(identified.config);
  auto model = std::make_shared<Model>();
  check_tensors(source, table, model->notes);
  const base::Memory memory = request.memory.value_or(base::memory());
  ChosenMode chosen = choose_mode(request.mode, source, table, identified.config, memory);
  if (request.recipe) chosen = {recipe_mode(*request.recipe, table), "the recipe's", *request.recipe};
  if (chosen.mode == Mode::kAuto) chosen.mode = Mode::kF32;
  model->mode = chosen.mode;
  model->mode_reason = std::move(chosen.reason);
  if (!request.adapter.empty()) take_adapter(*model, request.adapter, source, identified);
  MemoryNeed need = memory_need(source, table, identified.config, model->mode, chosen.recipe, request.mmap);
  if (model->storage.adapter) need.owned += model->storage.adapter->bytes();
  if (request.check_memory) check_memory(need, memory, source.path);
  std::vector<std::string> notes = std::move(model->notes);
  describe(*model, source, identified, table);
  model->notes.insert(model->notes.end(), notes.begin(), notes.end());
  model->weight_bytes = need.owned + need.mapped;

  base::ThreadPool pool(base::choose_threads(request.threads));
  Loader loader(source, *model, pool, std::move(chosen.recipe), request.mmap);
  const int total = static_cast<int>(table.size());
  for (int i = 0; i < total; ++i) {
    loader.take(table[static_cast<std::size_t>(i)]);
    if (request.progress && !request.progress(i + 1, total))
      fail(ErrorCode::kCancelled, "loading was cancelled");
  }
  model->vision = bind_vision(loader, model->config.vision);
  model->text = bind_text(loader, model->config.text);
  if (model->config.region) model->region = bind_region(loader);
  return model;
}

}  // namespace moonbeam::model
