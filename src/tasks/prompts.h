// Turns what a user asks into the tokens that follow the image prefix.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <moonbeam/types.h>

#include "tasks/engine.h"
#include "tasks/token.h"

namespace moonbeam::tasks {

/// @throws Error kUnsupported if the variant has no prompt for the length, naming those it has.
std::vector<Token> caption_prompt(const Engine& engine, CaptionLength length);

/// @throws Error kInvalidArgument (empty question, a reference out of range), kUnsupported (spatial_refs,
///         reasoning).
std::vector<Token> query_prompt(const Engine& engine, std::string_view question,
                                std::span<const SpatialRef> refs, bool reasoning);
/// The same, and with a schema what the model is told of it. @throws Error as query_prompt.
std::vector<Token> query_prompt(const Engine& engine, std::string_view question, const QueryOptions& options);
/// Of a question without a picture, BOS included. @throws Error as query_prompt.
std::vector<Token> text_query_prompt(const Engine& engine, std::string_view question,
                                     const QueryOptions& options);
/// What stands between the reasoning and the answer.
std::vector<Token> answer_prompt(const Engine& engine);

/// @throws Error kInvalidArgument (empty object), kUnsupported (no region heads).
std::vector<Token> detect_prompt(const Engine& engine, std::string_view object);
std::vector<Token> point_prompt(const Engine& engine, std::string_view object);
std::vector<Token> gaze_prompt(const Engine& engine, Point eye);

/// Of a caption length: "short", "normal", "long".
std::string_view caption_length_name(CaptionLength length) noexcept;
/// Those that the variant has a prompt for.
std::vector<std::string> caption_lengths(const model::Prompts& prompts);

}  // namespace moonbeam::tasks
