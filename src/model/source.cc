// What lies under a path: a file or a folder in the published layout, with configuration and tokenizer beside
// it.
#include "model/source.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "formats/sniff.h"
#include "model/hub_cache.h"

namespace moonbeam::model {

namespace fs = std::filesystem;
using base::fail;

namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20;
constexpr std::string_view kSynthPrefix = "synth:";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// Files in `folder` with `ending`, sorted.
std::vector<fs::path> files_with(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (file.ends_with(ending) && is_file(it->path())) out.push_back(it->path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

void read_beside(Source& source, const fs::path& folder) {
  const fs::path config = folder / "config.json";
  if (source.config_text.empty() && is_file(config)) {
    source.config_text = base::read_file(config.string(), kMaxConfigBytes);
    source.config_name = base::printable(config.string());
    if (source.config_text.empty())
      fail(ErrorCode::kCorrupt, source.config_name, ": expected JSON, got an empty file");
  }
  const fs::path tokenizer = folder / "tokenizer.json";
  if (source.tokenizer_text.empty() && !source.tokenizer && is_file(tokenizer)) {
    source.tokenizer_text = base::read_file(tokenizer.string(), kMaxTokenizerBytes);
    source.tokenizer_name = base::printable(tokenizer.string());
    if (source.tokenizer_text.empty()) {
      fail(ErrorCode::kCorrupt, source.tokenizer_name, ": expected JSON, got an empty file");
    }
  }
}

std::string list(const std::vector<fs::path>& paths) {
  std::string out;
  for (const fs::path& path : paths)
    out += (out.empty() ? "" : ", ") + base::printable(path.filename().string());
  return out;
}

Source open_gguf_folder(const fs::path& folder, const std::vector<fs::path>& files) {
  if (files.size() == 1) return open_gguf_source(files[0].string());
  for (const char* dtype : {"bf16", "f16", "f32"}) {
    const fs::path usual = folder / base::cat(folder.filename().string(), "-", dtype, ".gguf");
    if (is_file(usual)) return open_gguf_source(usual.string());
  }
  if (files.size() == 2)
    return open_gguf_source(files[0].string());  // llama.cpp's pair, or an error that says why
  fail(ErrorCode::kNotFound, base::printable(folder.string()), ": expected one model, got ", list(files),
       "; name the file");
}

Source open_folder(const std::string& path) {
  const fs::path folder = fs::path(path).lexically_normal() / "";
  const fs::path bare = folder.parent_path();
  const fs::path index = folder / "model.safetensors.index.json";
  if (is_file(index)) return open_safetensors_source(index.string());
  if (is_file(folder / "model.safetensors"))
    return open_safetensors_source((folder / "model.safetensors").string());
  const std::vector<fs::path> safetensors = files_with(folder, ".safetensors");
  if (safetensors.size() == 1) return open_safetensors_source(safetensors[0].string());
  if (safetensors.size() > 1) {
    fail(ErrorCode::kNotFound, base::printable(path),
         ": expected model.safetensors or model.safetensors.index.json, got ", list(safetensors),
         "; name the file");
  }
  const std::vector<fs::path> ggufs = files_with(folder, ".gguf");
  if (!ggufs.empty()) return open_gguf_folder(bare, ggufs);
  fail(ErrorCode::kNotFound, base::printable(path),
       ": expected a folder with model.safetensors, model.safetensors.index.json or a .gguf file, got none "
       "of them");
}

/// A file whose name says nothing.
Source open_by_content(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  switch (formats::sniff_container(file->bytes())) {
    case formats::Container::kSafetensors:
      return open_safetensors_source(path);
    case formats::Container::kGguf:
      return open_gguf_source(path);
    case formats::Container::kUnknown:
      break;
  }
  formats::refuse_foreign_file(file->bytes(), base::printable(path), "a .safetensors or .gguf file");
  fail(ErrorCode::kUnsupported, base::printable(path),
       ": expected a .safetensors or .gguf file or a folder with them, got another file");
}

}  // namespace

tensor::TensorView view_of(const SourceTensor& tensor, base::ThreadPool& pool,
                           base::Buffer<std::byte>& made) {
  tensor::TensorView view = tensor.view;
  if (view.data) return view;
  made = base::Buffer<std::byte>(static_cast<std::size_t>(view.bytes()));
  tensor.make(made.data(), pool);
  view.data = made.data();
  return view;
}

const SourceTensor* Source::find(std::string_view plain) const {
  const auto found = tensors.find(plain);
  return found == tensors.end() ? nullptr : &found->second;
}

std::int64_t Source::size(std::string_view plain, int axis) const {
  const SourceTensor* tensor = find(plain);
  return tensor && axis < tensor->view.shape.rank() ? tensor->view.shape[axis] : 0;
}

int count_blocks(const std::vector<std::string>& names, std::string_view prefix) {
  int count = 0;
  for (const std::string& name : names) {
    if (!name.starts_with(prefix)) continue;
    int index = 0;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, index);
    if (error == std::errc() && stop != end && *stop == '.' && index >= 0 && index < 1024) {
      count = std::max(count, index + 1);
    }
  }
  return count;
}

Source open_safetensors_source(const std::string& path) {
  const bool sharded = path.ends_with(".index.json");
  auto file = std::make_shared<const formats::WeightFile>(sharded ? formats::open_sharded_safetensors(path)
                                                                  : formats::open_safetensors(path));
  Source source;
  source.format = file->format;
  source.files.push_back(file);
  const auto licence = file->metadata.find("license");
  if (licence != file->metadata.end()) source.licence = licence->second;
  const auto provenance = file->metadata.find("provenance");
  if (provenance != file->metadata.end()) source.provenance = provenance->second;
  source.path = path;
  take_named_tensors(source, file->tensors);
  unpack_int4(source);
  read_beside(source, fs::path(path).parent_path());
  return source;
}

Source open_source(const std::string& path) {
  if (path.starts_with(kSynthPrefix)) {
    Source source = make_synth_source(path.substr(kSynthPrefix.size()));
    source.path = path;
    return source;
  }
  std::error_code error;
  const bool is_folder = fs::is_directory(path, error);
  if (!is_folder && !fs::exists(path, error)) {
    fail(ErrorCode::kNotFound, base::printable(path), ": no such file or folder");
  }
  Source source;
  std::string lower = path;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  if (is_folder) {
    source = open_folder(path);
  } else if (lower.ends_with(".gguf")) {
    source = open_gguf_source(path);
  } else if (lower.ends_with(".safetensors") || lower.ends_with(".safetensors.index.json")) {
    source = open_safetensors_source(path);
  } else {
    source = open_by_content(path);
  }
  const std::string opened = source.path;
  source.folder = fs::path(opened).parent_path().string();
  if (source.folder.empty()) source.folder = ".";
  fs::path named = is_folder ? fs::path(path).lexically_normal() : fs::path(path).stem();
  if (is_folder && named.filename().empty()) named = named.parent_path();
  if (is_folder && named.filename() == ".") named = fs::weakly_canonical(named, error);
  source.name = is_folder ? name_of_snapshot(named.string()) : "";
  if (source.name.empty()) source.name = named.filename().string();
  source.path = path;
  return source;
}

}  // namespace moonbeam::model
