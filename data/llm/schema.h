// The part of JSON schema that every server can be held to (data.md 6.2): checked here too, since a server
// that was asked nicely may not have listened.
#pragma once

#include <string>

#include "data/llm/call.h"

namespace moonbeam::llm {

/// @throws Error kInvalidArgument where a schema says more than the flat form: object (properties, required,
/// additionalProperties), array (items, minItems, maxItems), string (enum, minLength, maxLength), integer,
/// number, boolean, null; title and description say nothing.
void check_schema(const OrderedJson& schema);

/// "" where `value` is of the schema, else what is wrong: "claims[3].type: expected one of ...".
std::string schema_fault(const Json& value, const OrderedJson& schema);

/// The schema as a grammar of llama.cpp (GBNF): keys in the order of the schema, all that are required.
std::string gbnf_of(const OrderedJson& schema);

}  // namespace moonbeam::llm
