// Keys of our GGUF form; drawn in docs/formats/moonbeam.md.
#pragma once

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

}  // namespace moonbeam::model
