// What the writers of our GGUF form share.
#include "model/gguf_form.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <moonbeam/version.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash64.h"
#include "base/sha256.h"
#include "base/temporary.h"
#include "base/text.h"
#include "model/checks.h"

namespace moonbeam::model {

namespace fs = std::filesystem;
using base::fail;
using formats::TensorToWrite;

std::string provenance_of(const Source& source, const std::vector<TensorSpec>& table) {
  nlohmann::json json = {{"source", base::printable(source.name)},
                         {"format", source.format},
                         {"layout", source.layout},
                         {"dtype", most_frequent_dtype(source, table)},
                         {"writer", base::cat("moonbeam ", version())},
                         {"files", nlohmann::json::array()}};
  for (const auto& weights : source.files) {
    for (const auto& file : weights->files) {
      json["files"].push_back({{"name", base::printable(fs::path(file->path()).filename().string())},
                               {"bytes", file->bytes().size()},
                               {"sha256", base::sha256_hex(file->bytes())}});
    }
  }
  return json.dump();
}

FormKeys form_keys(const Source& source, const Identified& identified, const std::vector<TensorSpec>& table) {
  FormKeys out;
  out.emplace_back(kKeyArchitecture, std::string(kArchitecture));
  out.emplace_back(kKeyName, base::printable(source.name));
  if (!identified.licence.empty()) out.emplace_back(kKeyLicence, identified.licence);
  out.emplace_back(kKeyFormVersion, std::uint64_t{kFormVersion});
  out.emplace_back(kKeyVariant, identified.variant_name);
  out.emplace_back(kKeyConfig, write_config_json(identified.config));
  out.emplace_back(kKeyTokenizer, identified.tokenizer_json);
  out.emplace_back(kKeyProvenance, provenance_of(source, table));
  return out;
}

void write_checked_gguf(const std::string& path, const FormKeys& keys,
                        const std::vector<TensorToWrite>& tensors) {
  std::map<std::string, std::uint64_t> sums;
  std::vector<TensorToWrite> list;
  for (const TensorToWrite& tensor : tensors) {
    list.push_back({.name = tensor.name,
                    .dtype = tensor.dtype,
                    .shape = tensor.shape,
                    .write = [&tensor, &sums](const auto& sink) {
                      base::Hash64 sum;
                      tensor.write([&](std::span<const std::byte> bytes) {
                        sum.update(bytes);
                        sink(bytes);
                      });
                      sums[tensor.name] = sum.finish();
                    }});
  }
  list.push_back({.name = kChecksums,
                  .dtype = tensor::DType::kI64,
                  .shape = {static_cast<std::int64_t>(tensors.size())},
                  .write = [&sums](const auto& sink) {
                    for (const auto& [name, sum] : sums) sink(std::as_bytes(std::span(&sum, 1)));
                  }});
  formats::write_gguf(path, keys, list);
}

void check_disk_space(const std::string& out, const std::vector<TensorToWrite>& list,
                      std::size_t tokenizer_bytes) {
  std::int64_t need = std::int64_t{1} << 20;
  need += static_cast<std::int64_t>(tokenizer_bytes);
  for (const TensorToWrite& tensor : list) {
    need += static_cast<std::int64_t>(tensor::byte_size(tensor.shape, tensor.dtype).value_or(0)) + 256;
  }
  std::error_code error;
  base::remove_leftovers_once(base::folder_prefix(out));  // their space is wanted
  fs::path folder = fs::path(out).parent_path();
  if (folder.empty()) folder = ".";
  const fs::space_info space = fs::space(folder, error);
  if (error || static_cast<std::uint64_t>(need) <= space.available) return;
  fail(ErrorCode::kExhausted, base::printable(out), ": needs ", base::format_bytes(need), " of disk, got ",
       base::format_bytes(static_cast<std::int64_t>(space.available)), " free");
}

void refuse_own_input(const Source& source, const std::string& out) {
  for (const auto& weights : source.files) {
    for (const auto& file : weights->files) {
      std::error_code error;
      if (fs::equivalent(file->path(), out, error)) {
        fail(ErrorCode::kInvalidArgument, base::printable(out),
             ": is what is read; expected another path to write to");
      }
    }
  }
}

}  // namespace moonbeam::model
