#include "net/json.h"

#include <gtest/gtest.h>

namespace moonbeam::net {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + "1" + std::string(depth, ']');
}

TEST(Json, IsDiscardedWhereItIsNoneOrTooDeep) {
  EXPECT_EQ(parse_json<json>(R"({"a": [1, "\u00e9", null]})")["a"].size(), 3u);
  EXPECT_EQ(parse_json<ordered_json>(R"({"b": 1, "a": 2})").begin().key(), "b");
  EXPECT_TRUE(parse_json<json>(nested(kMaxJsonDepth)).is_array());
  for (const std::string& text : {std::string("{"), std::string(), nested(kMaxJsonDepth + 1), nested(1 << 20),
                                  R"({"a": )" + nested(1 << 20) + "}"}) {
    EXPECT_TRUE(parse_json<json>(text).is_discarded()) << text.substr(0, 20);
  }
}

}  // namespace
}  // namespace moonbeam::net
