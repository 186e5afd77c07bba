#include "net/sse.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <vector>

namespace moonbeam::net {
namespace {

std::vector<std::string> events(const std::string& text, std::size_t step) {
  std::vector<std::string> all;
  SseReader reader([&](const std::string& data) { all.push_back(data); });
  for (std::size_t i = 0; i < text.size(); i += step) reader.feed(std::string_view(text).substr(i, step));
  return all;
}

TEST(Sse, EventsAreTheSameHoweverTheBytesAreCut) {
  const std::string text =
      ": ping\n\ndata: {\"a\":1}\n\nevent: x\r\nid: 4\r\ndata: one\r\ndata:two\r\n\r\ndata: cut off";
  const std::vector<std::string> expected = {"{\"a\":1}", "one\ntwo"};
  for (const std::size_t step : {1, 2, 3, 7, 1000}) EXPECT_EQ(events(text, step), expected) << step;
}

TEST(Sse, ALineWithoutEndIsRefused) {
  SseReader reader([](const std::string&) {});
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) reader.feed(std::string(1 << 16, 'x'));
      },
      Error);
}

}  // namespace
}  // namespace moonbeam::net
