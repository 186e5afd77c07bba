#include "net/request_id.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace moonbeam::net {
namespace {

TEST(RequestId, IsNewAndOrderedByTime) {
  const std::string first = new_request_id();
  EXPECT_TRUE(first.starts_with("mb-") && first.size() == 29) << first;
  EXPECT_NE(new_request_id(), new_request_id());
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_LT(first, new_request_id());
}

}  // namespace
}  // namespace moonbeam::net
