// GGUF files as a source: our own form, or llama.cpp's pair, whose other half is found beside the one named.
#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "model/gguf_form.h"
#include "model/source.h"
#include "tensor/packed.h"

namespace moonbeam::model {

namespace fs = std::filesystem;
using base::fail;
using formats::GgufFile;

namespace {

constexpr std::uintptr_t kPackedAlignment = 64;

std::string required_text(const GgufFile& file, const char* key) {
  auto text = file.string(key);
  if (!text || text->empty()) {
    fail(ErrorCode::kCorrupt, base::printable(file.weights.path), ": key '", key,
         "': expected text, got none");
  }
  return std::move(*text);
}

/// Takes the checksums out of the tensors, and gives each tensor its own.
void take_checksums(Source& source) {
  const auto found = source.tensors.find(kChecksums);
  if (found == source.tensors.end()) return;
  const tensor::TensorView view = found->second.view;
  source.tensors.erase(found);
  const auto count = static_cast<std::int64_t>(source.tensors.size());
  if (view.dtype != tensor::DType::kI64 || view.numel() != count) {
    fail(ErrorCode::kCorrupt, base::printable(source.path), ": '", kChecksums, "': expected ", count,
         " numbers of type i64, got ", view.numel(), " of ", tensor::info(view.dtype).name);
  }
  const std::byte* from = view.data;
  for (auto& [name, tensor] : source.tensors) {
    std::uint64_t sum;
    std::memcpy(&sum, from, sizeof sum);
    tensor.checksum = sum;
    from += sizeof sum;
  }
}

/// Kernels read panels with loads that want it, also where they are mapped.
void check_alignment(const Source& source) {
  for (const auto& [name, tensor] : source.tensors) {
    const auto at = reinterpret_cast<std::uintptr_t>(tensor.view.data);
    if (!tensor::is_packed(tensor.view.dtype) || at % kPackedAlignment == 0) continue;
    fail(ErrorCode::kCorrupt, base::printable(source.path), ": '", base::printable(name),
         "': expected packed weights at a multiple of ", kPackedAlignment, " bytes, got ",
         at % kPackedAlignment, " more");
  }
}

void take_own(Source& source, const GgufFile& file) {
  const std::string path = base::printable(file.weights.path);
  const auto version = file.integer(kKeyFormVersion);
  if (!version || *version < 1) {
    fail(ErrorCode::kCorrupt, path, ": key '", kKeyFormVersion, "': expected a number from 1, got ",
         version ? base::cat(*version) : "none");
  }
  if (*version > kFormVersion) {
    fail(ErrorCode::kUnsupported, path, ": form version: this build reads up to ", kFormVersion, ", got ",
         *version);
  }
  source.format = "moonbeam";
  source.variant = file.string(kKeyVariant).value_or("");
  source.config_text = required_text(file, kKeyConfig);
  source.config_name = base::cat(path, ": ", kKeyConfig);
  source.tokenizer_text = file.string(kKeyTokenizer).value_or("");
  source.tokenizer_name = base::cat(path, ": ", kKeyTokenizer);
  source.licence = file.string(kKeyLicence).value_or("");
  source.provenance = file.string(kKeyProvenance).value_or("");
  source.recipe = file.string(kKeyRecipe).value_or("");
  source.accuracy = file.string(kKeyAccuracy).value_or("");
  take_named_tensors(source, file.weights.tensors);
  take_checksums(source);
  check_alignment(source);
}

std::string architecture(const GgufFile& file) {
  return file.string(kKeyArchitecture).value_or("");
}

/// The pair's other half: the one file of `wanted` architecture in the folder.
std::string find_other_half(const std::string& path, std::string_view wanted) {
  std::vector<std::string> found;
  std::error_code error;
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) folder = ".";
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".gguf" || it->path().filename() == fs::path(path).filename()) continue;
    try {
      if (architecture(formats::open_gguf(it->path().string())) == wanted)
        found.push_back(it->path().string());
    } catch (const Error&) {
      continue;  // not ours to judge: another file of the folder
    }
  }
  std::sort(found.begin(), found.end());
  if (found.size() == 1) return found[0];
  const char* half =
      wanted == "clip" ? "image encoder (mmproj, architecture clip)" : "text model (architecture phi2)";
  if (found.empty()) {
    fail(ErrorCode::kNotFound, base::printable(path), ": is one half of a pair; expected the ", half,
         " beside it");
  }
  fail(ErrorCode::kUnsupported, base::printable(path), ": expected one ", half, " beside it, got ",
       base::printable(found[0]), " and ", found.size() - 1, " more");
}

void keep(Source& source, const GgufFile& file) {
  source.files.push_back(std::make_shared<const formats::WeightFile>(file.weights));
}

}  // namespace

Source open_gguf_source(const std::string& path) {
  GgufFile file = formats::open_gguf(path);
  const std::string kind = architecture(file);
  Source source;
  source.path = path;
  keep(source, file);
  if (kind == kArchitecture) {
    take_own(source, file);
    return source;
  }
  if (kind != "phi2" && kind != "clip") {
    fail(ErrorCode::kUnsupported, base::printable(path),
         ": general.architecture: expected moonbeam, phi2 or clip, got '", base::printable(kind), "'");
  }
  const GgufFile other = formats::open_gguf(find_other_half(path, kind == "phi2" ? "clip" : "phi2"));
  keep(source, other);
  source.format = "gguf";
  source.layout = "gguf_clip_phi2";
  const GgufFile& text = kind == "phi2" ? file : other;
  source.licence = text.string(kKeyLicence).value_or("");
  take_llama_pair(source, text, kind == "phi2" ? other : file);
  source.tokenizer = formats::tokenizer_from_gguf(text);
  return source;
}

}  // namespace moonbeam::model
