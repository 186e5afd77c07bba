// The releases on the hub, by the rows of the variant table: tags bear the dates. Sizes are those of the
// weights by their shapes; exact ones and checksums come from the hub.
#include <moonbeam/weights.h>

#include <algorithm>

#include "model/tensor_table.h"
#include "model/variants.h"

namespace moonbeam {

namespace {

constexpr std::string_view kName = "moondream2";
constexpr std::string_view kRepository = "vikhyatk/moondream2";
constexpr std::string_view kStarmieFrom = "2025-06-21";  // earlier releases have the tokenizer beside them
constexpr int kPlainBytes = 2;                           // of a value in f16 and bf16

/// The makers' 4-bit weights: a repository of their own, without tags.
PublishedModel four_bit(std::string_view licence) {
  return {.name = "moondream2",
          .revision = "2025-04-14",
          .dtype = "int4",
          .repository = "moondream/moondream-2b-2025-04-14-4bit",
          .hub_revision = "main",
          .tokenizer = {},
          .licence = std::string(licence),
          .folder = "moondream2-int4",
          .bytes = 0};
}

}  // namespace

std::vector<PublishedModel> published_models() {
  std::vector<PublishedModel> models;
  for (const model::Variant& row : model::variants()) {
    const std::size_t date = row.name.find("-20");
    if (!row.name.starts_with(kName) || date != kName.size()) continue;
    const std::string revision(row.name.substr(date + 1));
    models.push_back({.name = std::string(kName),
                      .revision = revision,
                      .dtype = row.config.region ? "bf16" : "f16",
                      .repository = std::string(kRepository),
                      .hub_revision = revision,
                      .tokenizer = revision >= kStarmieFrom ? "moondream/starmie-v1" : "",
                      .licence = std::string(row.licence),
                      .folder = std::string(kName),
                      .bytes = kPlainBytes * model::parameter_count(model::tensor_table(row.config))});
  }
  models.push_back(four_bit(models.front().licence));
  return models;
}

std::string folder_of_repository(std::string_view repository) {
  for (const PublishedModel& model : published_models()) {
    if (model.repository == repository) return model.folder;
  }
  std::string folder(repository);
  if (const std::size_t slash = folder.find('/'); slash != std::string::npos) folder.replace(slash, 1, "--");
  for (char& c : folder) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return folder;
}

std::string folder_of_type(std::string_view name, std::string_view dtype) {
  if (dtype == "q4") dtype = "int4";
  for (const PublishedModel& model : published_models()) {
    if (model.name == name && model.dtype == dtype) return model.folder;
  }
  return std::string(name) + "-" + std::string(dtype);
}

}  // namespace moonbeam
