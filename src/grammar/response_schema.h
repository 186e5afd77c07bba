// What stands behind the public ResponseSchema.
#pragma once

#include <moonbeam/schema.h>

#include <memory>
#include <string>

#include "grammar/grammar.h"

namespace moonbeam {

struct ResponseSchema::Impl {
  std::shared_ptr<const grammar::Grammar> grammar;
  std::string keys;
};

}  // namespace moonbeam
