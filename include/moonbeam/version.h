// Version of the library. The public interface keeps working within a major version.
#pragma once

namespace moonbeam {

inline constexpr int kVersionMajor = 0;
inline constexpr int kVersionMinor = 1;
inline constexpr int kVersionPatch = 0;

/// "0.1.0"
const char* version() noexcept;
/// Commit the library was built from, "unknown" outside a checkout.
const char* commit() noexcept;

}  // namespace moonbeam
