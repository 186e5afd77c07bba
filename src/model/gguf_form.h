// Our GGUF form, drawn in docs/formats/moonbeam.md: its keys, and what all its writers share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/gguf.h"
#include "model/detect.h"
#include "model/source.h"
#include "model/tensor_table.h"

namespace moonbeam::model {

inline constexpr char kArchitecture[] = "moonbeam";
inline constexpr int kFormVersion = 1;

inline constexpr char kKeyArchitecture[] = "general.architecture";
inline constexpr char kKeyName[] = "general.name";
inline constexpr char kKeyLicence[] = "general.license";
inline constexpr char kKeyFormVersion[] = "moonbeam.form_version";
inline constexpr char kKeyVariant[] = "moonbeam.variant";
inline constexpr char kKeyConfig[] = "moonbeam.config";          // config.json, text
inline constexpr char kKeyTokenizer[] = "moonbeam.tokenizer";    // tokenizer.json, text
inline constexpr char kKeyProvenance[] = "moonbeam.provenance";  // JSON, text
inline constexpr char kKeyRecipe[] = "moonbeam.recipe";          // of a quantised file, text
inline constexpr char kKeyAccuracy[] = "moonbeam.accuracy";      // of a quantised file, JSON, text

/// A tensor of 64-bit numbers: a checksum for each other one, in order of their names.
inline constexpr char kChecksums[] = "moonbeam.checksums";

using FormKeys = std::vector<std::pair<std::string, formats::GgufValue>>;

/// Keys of every file of ours. Reads each of the source's files once to its end, for its SHA-256.
FormKeys form_keys(const Source& source, const Identified& identified, const std::vector<TensorSpec>& table);

/// Where the weights come from, without anybody's folders: JSON. Reads likewise.
std::string provenance_of(const Source& source, const std::vector<TensorSpec>& table);

/// Writes `tensors` and, last, their checksums.
void write_checked_gguf(const std::string& path, const FormKeys& keys,
                        const std::vector<formats::TensorToWrite>& tensors);

/// @param tokenizer_bytes  of the text that goes with the tensors. @throws Error kExhausted with both
/// figures.
void check_disk_space(const std::string& out, const std::vector<formats::TensorToWrite>& tensors,
                      std::size_t tokenizer_bytes);

/// @throws Error kInvalidArgument where `out` is one of the files that are read.
void refuse_own_input(const Source& source, const std::string& out);

}  // namespace moonbeam::model
