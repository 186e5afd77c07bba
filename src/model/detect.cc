// Which row of the variant table a file is. The hub's configuration says neither sizes nor release, so the
// shapes decide; the releases of 2025 have the same shapes and differ by tokenizer, and the newest one's
// folder ships the tokenizer of the older ones (model.md 7.2), so that alone is never believed.
#include "model/detect.h"

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "model/folders.h"
#include "model/json_keys.h"

namespace moonbeam::model {

namespace fs = std::filesystem;
using base::cat;
using base::fail;

namespace {

constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20;
constexpr std::string_view kNewest = "moondream2-2025-06-21";
constexpr std::string_view kLastPhi = "moondream2-2025-04-14";
constexpr std::string_view kFirstPhi = "moondream2-2025-01-09";

/// What config.json says of the release: the row it names, or what its query template shows.
std::string variant_of_config(const Source& source) {
  if (source.config_text.empty()) return {};
  const formats::JsonValue json = formats::parse_json(source.config_text, source.config_name);
  JsonKeys keys(json, source.config_name, "");
  std::string name;
  if (auto own = keys.object("moonbeam")) own->read("variant", name);
  if (!name.empty()) return name;
  auto tokenizer = keys.object("tokenizer");
  auto templates = tokenizer ? tokenizer->object("templates") : std::nullopt;
  auto query = templates ? templates->object("query") : std::nullopt;
  if (!query) return {};
  std::vector<int> prefix, long_caption;
  query->read("prefix", prefix);
  if (auto caption = templates->object("caption")) caption->read("long", long_caption);
  if (prefix == variant(kNewest).config.prompts.query->prefix) return std::string(kNewest);
  if (prefix == variant(kLastPhi).config.prompts.query->prefix) {
    return std::string(long_caption.empty() ? kFirstPhi : kLastPhi);
  }
  return {};
}

/// The makers' code beside the weights, or a date in the path, tell the releases of 2025 apart.
std::string variant_of_surroundings(const Source& source) {
  constexpr std::size_t kMaxCode = std::size_t{1} << 20;
  std::error_code error;
  const auto code = [&](const char* file) {
    const fs::path path = fs::path(source.folder) / file;
    const bool there =
        !source.folder.empty() && fs::is_regular_file(path, error) && fs::file_size(path, error) < kMaxCode;
    return there ? base::read_file(path.string(), kMaxCode) : std::string();
  };
  const std::string config = code("config.py");
  if (code("moondream.py").find("starmie") != std::string::npos ||
      config.find("15381") != std::string::npos) {
    return std::string(kNewest);
  }
  if (config.find("24361") != std::string::npos) {
    return std::string(config.find("14617") == std::string::npos ? kFirstPhi : kLastPhi);
  }
  const std::string path = fs::absolute(source.path, error).string();
  for (const Variant& row : variants()) {
    const std::size_t date = row.name.find("-20");
    if (date != std::string_view::npos && row.config.region &&
        path.find(row.name.substr(date + 1)) != std::string::npos) {
      return std::string(row.name);
    }
  }
  return {};
}

bool has_token(const formats::TokenizerData& data, const TokenizerProbe& probe) {
  const auto id = static_cast<std::size_t>(probe.id);
  return probe.id < 0 || (id < data.tokens.size() && data.tokens[id] == probe.token);
}

fs::path spare_tokenizer(const Source& source) {
  return fs::path(source.folder) / "starmie-v1" / "tokenizer.json";
}

/// A row for moondream2 with region heads and no word on its release.
std::string variant_of_2025(const Source& source, const formats::TokenizerData* tokenizer) {
  std::error_code error;
  if (!tokenizer || has_token(*tokenizer, variant(kNewest).probe)) return std::string(kNewest);
  if (fs::is_regular_file(spare_tokenizer(source), error)) return std::string(kNewest);
  fail(ErrorCode::kUnsupported, base::printable(source.path),
       ": weights of 2025 with an older tokenizer beside them: those of 2025-06-21 need starmie-v1's "
       "tokenizer.json, at ",
       base::printable(spare_tokenizer(source).string()),
       "; for those of 2025-01-09 to 04-14 name the variant, e.g. ", kLastPhi);
}

std::string variant_of_shapes(const Source& source, const formats::TokenizerData* tokenizer) {
  const std::int64_t vision = source.size("vision.patch_emb.weight", 0), text = source.size("text.wte", 1);
  const std::int64_t vocab = source.size("text.wte", 0),
                     columns = source.size("vision.proj_mlp.fc1.weight", 1);
  const bool region = source.find("region.coord_encoder.weight") != nullptr;
  const ModelConfig& half = variant("moondream-0.5b").config;
  if (vision == half.vision.dim && text == half.text.dim && vocab == half.text.vocab_size)
    return "moondream-0.5b";
  const ModelConfig& two = variant(kNewest).config;
  const bool moondream2 = vision == two.vision.dim && text == two.text.dim && vocab == two.text.vocab_size;
  if (!moondream2) return std::string(source.llama_pair ? "moondream2-2024-05-08" : kOwnVariant);
  if (columns == two.vision.dim) return "moondream2-2024-05-08";
  if (source.old_region || source.llama_pair) return "moondream2-2024-08-26";
  if (!region) return "moondream2-2024-07-23";
  const std::string near = variant_of_surroundings(source);
  return near.empty() ? variant_of_2025(source, tokenizer) : near;
}

/// A file of ours, a folder's config.json or the shapes, in this order.
std::string choose_variant(const Source& source, const std::string& forced,
                           const formats::TokenizerData* tokenizer) {
  if (!forced.empty()) return forced;
  if (!source.variant.empty()) return source.variant;
  const std::string by_config = variant_of_config(source);
  return by_config.empty() ? variant_of_shapes(source, tokenizer) : by_config;
}

void validate(const ModelConfig& config, const Source& source) {
  try {
    config.validate();
  } catch (const Error& error) {
    fail(error.code(), source.config_name.empty() ? base::printable(source.path) : source.config_name, ": ",
         error.what());
  }
}

ModelConfig configure(const Source& source, const Variant& row) {
  ModelConfig config = row.config;
  if (!source.config_text.empty() && !source.llama_pair) {
    config = parse_config_json(source.config_text, config, source.config_name);
  } else if (row.name == kOwnVariant && !source.llama_pair) {
    fail(ErrorCode::kNotFound, base::printable(source.path),
         ": its sizes are those of no published release; expected ",
         base::printable((fs::path(source.folder) / "config.json").string()), ", got none");
  }
  config.variant = row.name;
  if (source.adjust) source.adjust(config);
  if (source.tensors.lower_bound("region.") == source.tensors.end() ||
      !source.tensors.lower_bound("region.")->first.starts_with("region.")) {
    config.region.reset();
  }
  if (!config.region) config.prompts.detect.reset(), config.prompts.point.reset();
  // One feature map fed twice: llama.cpp's pairs of the two-map releases.
  const std::int64_t columns = source.size("vision.proj_mlp.fc1.weight", 1);
  if (config.vision.cropping == vision::Cropping::kSingle && columns == 2 * std::int64_t{config.vision.dim}) {
    config.vision.proj_in_dim = 2 * config.vision.dim;
  }
  validate(config, source);
  return config;
}

struct TokenizerFile {
  formats::TokenizerData data;
  std::string text, name;
};

TokenizerFile read_tokenizer(const std::string& path) {
  TokenizerFile out;
  out.name = base::printable(path);
  out.text = base::read_file(path, kMaxTokenizerBytes);
  out.data = formats::parse_tokenizer_json(out.text, out.name);
  return out;
}

/// Where starmie-v1's tokenizer may lie when the folder's own is stale.
std::vector<fs::path> other_tokenizers(const Source& source) {
  std::vector<fs::path> out;
  const fs::path folder = source.folder;
  out.push_back(spare_tokenizer(source));
  out.push_back(folder / ".." / "starmie-v1" / "tokenizer.json");
  for (const std::string& models : model_folders())
    out.push_back(fs::path(models) / "starmie-v1" / "tokenizer.json");
  return out;
}

std::optional<TokenizerFile> find_tokenizer(const Source& source, const std::string& path) {
  if (!path.empty()) return read_tokenizer(path);
  if (!source.tokenizer_text.empty()) {
    return TokenizerFile{formats::parse_tokenizer_json(source.tokenizer_text, source.tokenizer_name),
                         source.tokenizer_text, source.tokenizer_name};
  }
  if (source.tokenizer)
    return TokenizerFile{*source.tokenizer, formats::write_tokenizer_json(*source.tokenizer), source.path};
  return std::nullopt;
}

/// The tokenizer the variant needs: the one found, or starmie-v1's from where it is kept.
TokenizerFile fitting_tokenizer(const Source& source, std::optional<TokenizerFile> found,
                                const Variant& row) {
  // A small model of a release's kind has a tokenizer of its own.
  const bool published = source.size("text.wte", 0) == row.config.text.vocab_size;
  if (found && (!published || has_token(found->data, row.probe))) return std::move(*found);
  if (row.probe.id >= 0 && !source.folder.empty()) {
    for (const fs::path& path : other_tokenizers(source)) {
      std::error_code error;
      if (!fs::is_regular_file(path, error)) continue;
      TokenizerFile other = read_tokenizer(path.string());
      if (has_token(other.data, row.probe)) return other;
    }
  }
  const std::string place = base::printable((fs::path(source.folder) / "tokenizer.json").string());
  if (!found) {
    fail(ErrorCode::kNotFound, base::printable(source.path), ": no tokenizer: expected ", place,
         row.probe.id < 0 ? std::string()
                          : cat(" (", row.probe.tokenizer, " tokenizer, from the model's page)"),
         ", got none");
  }
  const std::string spare = row.name == kNewest ? base::printable(spare_tokenizer(source).string()) : place;
  fail(ErrorCode::kUnsupported, found->name, ": ", row.name, " needs ", row.probe.tokenizer,
       " tokenizer (token ", row.probe.id, " is '", row.probe.token, "'), got another; put that one at ",
       spare);
}

void check_vocabulary(const TokenizerFile& tokenizer, int rows) {
  std::size_t ids = tokenizer.data.tokens.size();
  for (const formats::AddedToken& token : tokenizer.data.added) {
    ids = std::max(ids, static_cast<std::size_t>(token.id) + 1);
  }
  if (ids > static_cast<std::size_t>(rows)) {
    fail(ErrorCode::kCorrupt, tokenizer.name, ": expected ids below ", rows, " (rows of text.wte), got ",
         ids - 1);
  }
}

}  // namespace

Identified identify(const Source& source, const IdentifyOptions& options) {
  Identified out;
  if (source.config && options.variant.empty()) {
    out.config = *source.config;
    out.variant_name = out.config.variant;
    out.licence = source.licence;
    out.tokenizer = source.tokenizer.value_or(formats::TokenizerData{});
    out.tokenizer_json = formats::write_tokenizer_json(out.tokenizer);
    return out;
  }
  std::optional<TokenizerFile> found = find_tokenizer(source, options.tokenizer_path);
  const Variant& row = variant(choose_variant(source, options.variant, found ? &found->data : nullptr));
  out.variant_name = row.name;
  out.config = configure(source, row);
  out.licence = source.licence.empty() ? std::string(row.licence) : source.licence;
  TokenizerFile tokenizer = fitting_tokenizer(source, std::move(found), row);
  check_vocabulary(tokenizer, out.config.text.vocab_size);
  out.tokenizer = std::move(tokenizer.data);
  out.tokenizer_json = std::move(tokenizer.text);
  return out;
}

}  // namespace moonbeam::model
