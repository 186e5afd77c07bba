// The options of a task, from the fields of a request and the server's defaults.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <moonbeam/types.h>

#include "server/api/fields.h"
#include "server/api/service.h"

namespace moonbeam::server {

inline constexpr int kMaxObjects = 1000;
inline constexpr std::size_t kMaxSpatialRefs = 64;

/// temperature, top_p, max_tokens (clipped to the model's context), seed (drawn anew where none is given).
/// @throws Refusal 400 naming the field.
void read_text_options(const Fields& fields, const Service& service, TextOptions& out);

/// max_objects; corners and centres are clamped, as the server always does.
ObjectOptions read_object_options(const Fields& fields, const Service& service);

/// `length`; one that the variant does not have becomes "normal", and `warnings` says so.
CaptionLength read_length(const Fields& fields, const Service& service, std::vector<std::string>& warnings);

/// The same for a value found elsewhere: `field` is what errors call it.
CaptionLength caption_length(std::string_view asked, const std::string& field, const Service& service,
                             std::vector<std::string>& warnings);

std::vector<SpatialRef> read_spatial_refs(const Fields& fields);

/// `timeout` in seconds.
std::optional<double> read_timeout(const Fields& fields);

/// For requests that name no seed: another one each time.
std::uint64_t fresh_seed();

}  // namespace moonbeam::server
