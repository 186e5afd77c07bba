// Tests only: the wrong values that every field of every route is asked with, and what a refusal says.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/api/testing.h"

namespace moonbeam::server::testing {

inline const std::string kMax = "MAX+1";  ///< stands for what is one too much of a field
inline const std::string kBig = "2147483648", kHuge = "9223372036854775808";
inline const std::vector<std::string> kValues = {"-1",   "0",  kMax, kBig,   kHuge,   "1e309", "NaN",
                                                 "null", "[]", "{}", "\"\"", "\"x\"", "true",  "missing"};

/// Routes over the starter model; the tests add which.
class Posting : public ::testing::Test {
 protected:
  Posting() { service_.open(starter(), {.parallel = 4, .max_queue = 100}); }
  Recording post(const std::string& path, const std::string& body) {
    const Recording exchange = call(router_, json_request(path, body));
    exchange->ended();
    return exchange;
  }
  Service service_;
  Router router_;
};

/// 400, of our form and OpenAI's, about this field, in few words.
inline void expect_refusal_of(const Recording& got, const std::string& field, const std::string& what) {
  ASSERT_EQ(got->status(), 400) << what;
  const json error = got->body()["error"];
  const std::string param = error["param"].is_string() ? error["param"].get<std::string>() : "";
  EXPECT_NE(param.find(field), std::string::npos) << what;
  EXPECT_EQ(error["message"].get<std::string>().find(param), 0u) << what;
  EXPECT_LT(error["message"].get<std::string>().size(), 300u) << what;
}

}  // namespace moonbeam::server::testing
