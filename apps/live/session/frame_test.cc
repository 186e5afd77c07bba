#include "live/session/frame.h"

#include "live/session/testing.h"

namespace moonbeam::live {
namespace {

using testing::with_header;

TEST(Frame, ReadsHeaderAndPicture) {
  const Frame frame =
      parse_frame(with_header(R"({"seq":7,"ts":12.5,"rev":3,"w":640,"h":480,"force":true})", "JPEG"));
  EXPECT_EQ(frame.seq, 7);
  EXPECT_EQ(frame.captured, 12.5);
  EXPECT_EQ(frame.rev, 3);
  EXPECT_EQ(frame.width, 640);
  EXPECT_EQ(frame.height, 480);
  EXPECT_TRUE(frame.force);
  EXPECT_EQ(*frame.picture, "JPEG");
}

TEST(Frame, OnlySeqAndRevAreNeeded) {
  const Frame frame = parse_frame(with_header(R"({"seq":0,"rev":0,"more":[1]})", "x"));
  EXPECT_EQ(frame.width, 0);
  EXPECT_FALSE(frame.force);
}

TEST(Frame, WhatIsWrittenHasTheSameForm) {
  const std::string written = write_frame(5, "bytes");
  const std::size_t length = static_cast<unsigned char>(written[0]);
  EXPECT_EQ(written.substr(1, 3), std::string(3, '\0'));
  EXPECT_EQ(testing::Json::parse(written.substr(4, length)), (testing::Json{{"seq", 5}}));
  EXPECT_EQ(written.substr(4 + length), "bytes");
}

TEST(Frame, HostileHeadersAreRefusedInOneLine) {
  const std::string good = R"({"seq":1,"rev":1})";
  const std::string hostile[] = {
      "",
      "abc",
      std::string("\xff\xff\xff\xff", 4) + good,
      std::string("\x01\x10\0\0", 4) + std::string(5000, ' '),
      with_header(good, "").substr(0, 10),
      with_header(good, ""),
      with_header("", "JPEG"),
      with_header("[]", "JPEG"),
      with_header("null", "JPEG"),
      with_header("{", "JPEG"),
      with_header(std::string(2000, '[') + std::string(2000, ']'), "JPEG"),
      with_header(R"({"seq":1})", "JPEG"),
      with_header(R"({"rev":1})", "JPEG"),
      with_header(R"({"seq":-1,"rev":1})", "JPEG"),
      with_header(R"({"seq":1.5,"rev":1})", "JPEG"),
      with_header(R"({"seq":1e308,"rev":1})", "JPEG"),
      with_header(R"({"seq":1e309,"rev":1})", "JPEG"),
      with_header(R"({"seq":9223372036854775808,"rev":1})", "JPEG"),
      with_header(R"({"seq":"1","rev":1})", "JPEG"),
      with_header(R"({"seq":true,"rev":1})", "JPEG"),
      with_header(R"({"seq":1,"rev":[]})", "JPEG"),
      with_header(R"({"seq":1,"rev":1,"w":0})", "JPEG"),
      with_header(R"({"seq":1,"rev":1,"h":70000})", "JPEG"),
      with_header(R"({"seq":1,"rev":1,"ts":"now"})", "JPEG"),
      with_header(R"({"seq":1,"rev":1,"force":1})", "JPEG"),
      with_header("{\"seq\":1,\"rev\":1,\"x\":\"\xff\"}", "JPEG"),
      with_header(R"({"seq":1,"rev":1}x)", "JPEG"),
  };
  for (const std::string& message : hostile) {
    try {
      parse_frame(message);
      ADD_FAILURE() << "taken: " << message.substr(0, 80);
    } catch (const BadFrame& bad) {
      EXPECT_EQ(std::string(bad.what()).rfind("frame: ", 0), 0u) << bad.what();
      EXPECT_EQ(std::string(bad.what()).find('\n'), std::string::npos);
    }
  }
}

TEST(Frame, EveryChangedByteAndEveryCutIsAFrameOrRefused) {
  const std::string whole = with_header(R"({"seq":1,"ts":2,"rev":3,"w":4,"h":5})", "JPEG");
  int taken = 0;
  const auto look = [&](const std::string& message) {
    try {
      const Frame frame = parse_frame(message);
      EXPECT_FALSE(frame.picture->empty());
      ++taken;
    } catch (const BadFrame&) {
    }
  };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[i] = static_cast<char>(byte);
      look(changed);
    }
    look(whole.substr(0, i));
  }
  EXPECT_GT(taken, 1024);  // all of the picture's bytes, and more
}

}  // namespace
}  // namespace moonbeam::live
