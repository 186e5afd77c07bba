// The four tools: how they are described to a client, and what a call of one asks.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/answerer.h"
#include "cli/mcp/roots.h"

namespace moonbeam::mcp {

using Json = nlohmann::ordered_json;

/// What tools/list answers with; `detect` and `point` only where the model can.
Json describe_tools(const cli::Abilities& abilities);

/// Whether there is a tool of that name.
bool has_tool(const cli::Abilities& abilities, const std::string& name);

struct Call {
  cli::Ask ask;
  std::string picture;  ///< bytes of its file
};

/// Reads a call's arguments, and the picture from below the roots or out of the argument itself.
/// @throws Error kInvalidArgument naming the argument; as Roots::read().
Call parse_call(const std::string& tool, const Json& arguments, const cli::Abilities& abilities,
                const Roots& roots);

/// The result: `structuredContent` and a text that says the same.
Json call_result(const Call& call, const cli::Answer& answer);
/// The result that says why there is none.
Json error_result(const std::string& message);

}  // namespace moonbeam::mcp
