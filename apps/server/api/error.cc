#include "server/api/error.h"

#include "server/api/text.h"

namespace moonbeam::server {

void fail_value(const std::string& field, const std::string& expected, std::string_view got) {
  throw Refusal(400, "invalid_value", field + ": expected " + expected + ", got " + printable(got), field);
}

void fail_missing(const std::string& field) {
  throw Refusal(400, "missing_field", field + ": it is missing", field);
}

}  // namespace moonbeam::server
