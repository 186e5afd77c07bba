// What a file really is, told from its first bytes, so that an error can name it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace moonbeam::formats {

enum class Container { kUnknown, kSafetensors, kGguf };

/// By the first bytes, whatever the name says. The rest of the file is not looked at.
Container sniff_container(std::span<const std::byte> bytes) noexcept;

/// Throws the error that fits a file that was meant to be `expected` ("a safetensors file") and is known not
/// to be: kUnsupported for weights in a form we do not read, kCorrupt for what is no model file. Returns if
/// the bytes look like nothing else that we know.
/// `own`: the container that was meant, whose broken files the caller describes better.
void refuse_foreign_file(std::span<const std::byte> bytes, const std::string& name, std::string_view expected,
                         Container own = Container::kUnknown);

}  // namespace moonbeam::formats
