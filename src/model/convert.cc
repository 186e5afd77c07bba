// `moonbeam convert` and `weights synth`: any source to our GGUF form or to a folder in the published layout,
// a tensor at a time. Plain types only; quantising is another verb.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include <moonbeam/weights.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/safetensors.h"
#include "model/checks.h"
#include "model/detect.h"
#include "model/folders.h"
#include "model/fusion.h"
#include "model/gguf_form.h"
#include "model/llama_pair_writer.h"
#include "model/merging.h"
#include "model/packing.h"
#include "model/source.h"
#include "model/tensor_table.h"
#include "tensor/dtype.h"
#include "tensor/packed.h"

namespace moonbeam {

namespace fs = std::filesystem;
using base::fail;
using formats::TensorToWrite;
using model::Source;
using model::SourceTensor;
using model::TensorSpec;

namespace {

using Sink = std::function<void(std::span<const std::byte>)>;
constexpr std::int64_t kPiece = 1 << 16;  // values cast at a time; a multiple of every block

/// Writes `view`'s values as `target`.
void cast(const tensor::TensorView& view, const tensor::DTypeInfo& target, const Sink& sink) {
  const tensor::DTypeInfo& from = tensor::info(view.dtype);
  if (from.type == target.type) {
    sink({view.data, static_cast<std::size_t>(view.bytes())});
    return;
  }
  std::vector<float> values(kPiece);
  std::vector<std::byte> bytes(static_cast<std::size_t>(kPiece / target.block * target.bytes));
  const std::int64_t count = view.numel();
  for (std::int64_t first = 0; first < count; first += kPiece) {
    const std::int64_t size = std::min(kPiece, count - first);
    from.dequantize(view.data + first / from.block * from.bytes, values.data(), size);
    target.quantize(values.data(), bytes.data(), size);
    sink({bytes.data(), static_cast<std::size_t>(size / target.block * target.bytes)});
  }
}

const tensor::DTypeInfo* wanted_dtype(const std::string& name, bool llama_pair) {
  if (name.empty()) return nullptr;
  const bool plain = name == "f32" || name == "f16" || name == "bf16";
  if (!plain && !(llama_pair && (name == "q8_0" || name == "q4_0"))) {
    fail(ErrorCode::kInvalidArgument, "dtype: expected f32, f16 or bf16, got '", base::printable(name),
         "' (other types: moonbeam quantize; q8_0 and q4_0 go with the layout llama.cpp)");
  }
  return tensor::find_dtype(name);
}

/// Small tensors are never narrowed: they cost nothing and norms decide much.
const tensor::DTypeInfo& target_dtype(const TensorSpec& spec, const SourceTensor& tensor,
                                      const tensor::DTypeInfo* wanted) {
  const tensor::DTypeInfo& own = tensor::info(tensor.view.dtype);
  if (!wanted) return own;
  if (spec.kind == model::TensorKind::kSmall && wanted->bytes < own.bytes * (own.block == 1 ? 1 : 0))
    return own;
  return *wanted;
}

class Conversion {
 public:
  Conversion(Source source, const ConvertOptions& options)
      : source_(std::move(source)),
        identified_(
            model::identify(source_, {.variant = options.variant, .tokenizer_path = options.tokenizer})),
        table_(model::tensor_table(identified_.config)),
        wanted_(wanted_dtype(options.dtype, !options.layout.empty())),
        progress_(options.progress),
        pool_(base::choose_threads(0)) {
    if (!options.licence.empty()) identified_.licence = options.licence;
    std::vector<std::string> notes;
    model::check_tensors(source_, table_, notes);
    if (options.adapter.empty()) return;
    // Everything that can go wrong does so before anything is written.
    adapter_ = model::open_mergeable(options.adapter, source_, identified_, table_, wanted_ != nullptr);
  }

  const Source& source() const { return source_; }

  /// Every tensor as `name_of` calls it, ready to stream.
  std::vector<TensorToWrite> tensors(std::string_view prefix) {
    std::vector<TensorToWrite> out;
    for (const TensorSpec& spec : table_) {
      const SourceTensor& tensor = *source_.find(spec.name);
      const tensor::DTypeInfo& target = target_dtype(spec, tensor, wanted_);
      out.push_back({.name = base::cat(prefix, spec.name),
                     .dtype = target.type,
                     .shape = spec.shape,
                     .write = [this, &spec, &target](const Sink& sink) { write(spec, target, sink); }});
    }
    return out;
  }

  void write_gguf(const std::string& out) {
    const std::vector<TensorToWrite> list = tensors("");
    check_space(out, list);
    model::FormKeys keys = model::form_keys(source_, identified_, table_);
    if (wanted_ || source_.recipe.empty()) return formats::write_gguf(out, keys, list);
    // A copy of a quantised file stays one.
    keys.emplace_back(model::kKeyRecipe, source_.recipe);
    if (!source_.accuracy.empty()) keys.emplace_back(model::kKeyAccuracy, source_.accuracy);
    model::write_checked_gguf(out, keys, list);
  }

  /// llama.cpp's two files. `folder` is there and empty.
  void write_llama_pair(const fs::path& folder) {
    const tensor::DTypeInfo& type = wanted_ ? *wanted_ : tensor::info(tensor::DType::kF16);
    for (const model::PairFile& file :
         model::plan_llama_pair(identified_, base::printable(source_.name), table_, type)) {
      std::vector<TensorToWrite> list;
      for (const model::PairTensor& tensor : file.tensors) {
        list.push_back({.name = tensor.name,
                        .dtype = tensor.dtype,
                        .shape = tensor.shape,
                        .write = [this, &tensor](const Sink& sink) { write_rows(tensor, sink); }});
      }
      check_space((folder / file.name).string(), list);
      formats::write_gguf((folder / file.name).string(), file.keys, list);
    }
  }

  /// `folder` is there and empty.
  void write_folder(const fs::path& folder) {
    const std::vector<TensorToWrite> list = tensors("model.");
    for (const TensorToWrite& tensor : list) {
      const tensor::DTypeInfo& type = tensor::info(tensor.dtype);
      if (type.safetensors.empty()) {
        fail(ErrorCode::kUnsupported, "'", tensor.name, "': safetensors has no type ", type.name,
             "; name one with --dtype");
      }
    }
    check_space(folder.string(), list);
    write_text(folder / "config.json", model::write_config_json(identified_.config));
    write_text(folder / "tokenizer.json", identified_.tokenizer_json);
    std::map<std::string, std::string> metadata{{"format", "pt"},
                                                {"provenance", model::provenance_of(source_, table_)}};
    if (!identified_.licence.empty()) metadata["license"] = identified_.licence;
    formats::write_safetensors((folder / "model.safetensors").string(), list, metadata);
  }

 private:
  /// The tensor's values to be written as `target`; `made` holds them where no file does, those of panels,
  /// which have no rows to cast, and those that an adapter changes.
  tensor::TensorView values(const TensorSpec& spec, tensor::DType target, base::Buffer<std::byte>& made) {
    const SourceTensor& tensor = *source_.find(spec.name);
    const tensor::TensorView view = view_of(tensor, pool_, made);
    if (const model::AdapterFactors* factors = adapter_ ? adapter_->find(spec.name) : nullptr) {
      made = model::merged_matrix(view, *factors, pool_);
      return {made.data(), tensor::DType::kF32, view.shape};
    }
    if (!tensor::is_packed(view.dtype) || view.dtype == target) return view;
    made = model::unpack_matrix(view, pool_);
    return {made.data(), tensor::DType::kF32, view.shape};
  }

  void write(const TensorSpec& spec, const tensor::DTypeInfo& target, const Sink& sink) {
    base::Buffer<std::byte> made;
    tensor::TensorView view = values(spec, target.type, made);
    view.shape = spec.shape;
    cast(view, target, sink);
    count_one();
  }

  void write_rows(const model::PairTensor& wanted, const Sink& sink) {
    base::Buffer<std::byte> made;
    tensor::TensorView view = values(*wanted.spec, wanted.dtype, made);
    view.data += wanted.first_row * (view.bytes() / wanted.spec->shape[0]);
    view.shape = wanted.shape;
    cast(view, tensor::info(wanted.dtype), sink);
    if (done_ < static_cast<int>(table_.size())) count_one();  // parts and copies are no tensors of their own
  }

  void count_one() {
    ++done_;
    if (progress_ &&
        !progress_(
            {.stage = Progress::Stage::kLoad, .done = done_, .total = static_cast<int>(table_.size())})) {
      fail(ErrorCode::kCancelled, "converting was cancelled");
    }
  }

  void check_space(const std::string& out, const std::vector<TensorToWrite>& list) const {
    model::check_disk_space(out, list, identified_.tokenizer_json.size());
  }

  static void write_text(const fs::path& path, const std::string& text) {
    base::AtomicFile file(path.string());
    file.write(text);
    file.commit();
  }

  Source source_;
  model::Identified identified_;
  std::vector<TensorSpec> table_;
  const tensor::DTypeInfo* wanted_;
  std::optional<model::Adapter> adapter_;
  ProgressFn progress_;
  base::ThreadPool pool_;
  int done_ = 0;
};

void write_new_folder(Conversion& conversion, const std::string& out, bool llama_pair) {
  const fs::path wanted = fs::path(out).lexically_normal();
  std::error_code error;
  if (fs::exists(wanted, error) && !(fs::is_directory(wanted, error) && fs::is_empty(wanted, error))) {
    fail(ErrorCode::kInvalidArgument, base::printable(out),
         ": expected a new or empty folder, got one in use");
  }
  base::AtomicFolder folder(wanted.string());
  llama_pair ? conversion.write_llama_pair(folder.path()) : conversion.write_folder(folder.path());
  folder.commit();
}

void check_target(const std::string& out) {
  if (out.empty()) fail(ErrorCode::kInvalidArgument, "out: expected a path, got nothing");
  if (out.ends_with(".safetensors")) {
    fail(ErrorCode::kInvalidArgument, base::printable(out),
         ": expected a path ending in .gguf, or a folder for safetensors with its configuration and "
         "tokenizer");
  }
}

void convert_source(Source source, const std::string& out, const ConvertOptions& options) {
  Conversion conversion(std::move(source), options);
  model::refuse_own_input(conversion.source(), out);
  if (out.ends_with(".gguf")) {
    conversion.write_gguf(out);
  } else {
    write_new_folder(conversion, out, !options.layout.empty());
  }
}

}  // namespace

void convert_model(const std::string& path, const std::string& out, const ConvertOptions& options) {
  check_target(out);
  const bool llama_pair = !options.layout.empty();
  if (llama_pair && options.layout != "llama.cpp") {
    fail(ErrorCode::kInvalidArgument, "layout: expected llama.cpp, got '", base::printable(options.layout),
         "'");
  }
  if (llama_pair && out.ends_with(".gguf")) {
    fail(ErrorCode::kInvalidArgument, base::printable(out), ": expected a folder for llama.cpp's two files");
  }
  convert_source(model::open_source(model::resolve_model(path)), out, options);
}

void fuse_models(const std::string& vision, const std::string& text, const std::string& out,
                 const FuseOptions& options) {
  check_target(out);
  convert_source(model::make_fused_source(
                     {.vision = vision, .text = text, .tokenizer = options.tokenizer, .seed = options.seed}),
                 out, {.dtype = options.dtype, .licence = options.licence, .progress = options.progress});
}

}  // namespace moonbeam
