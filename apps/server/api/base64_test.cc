#include "server/api/base64.h"

#include <gtest/gtest.h>

#include "server/api/testing.h"

namespace moonbeam::server {
namespace {

using testing::base64;
using Kind = DataUri::Kind;

TEST(Base64, ReadsTheVectorsOfItsStandard) {
  for (const auto& [text, bytes] : std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                                                    {"Zg==", "f"},
                                                                                    {"Zm8=", "fo"},
                                                                                    {"Zm9v", "foo"},
                                                                                    {"Zm9vYg==", "foob"},
                                                                                    {"Zm9vYmE=", "fooba"},
                                                                                    {"Zm9vYmFy", "foobar"}})
    EXPECT_EQ(decode_base64(text), bytes) << text;
}

TEST(Base64, NeedsNoPaddingAndForgivesWhiteSpace) {
  EXPECT_EQ(decode_base64("Zg"), "f");
  EXPECT_EQ(decode_base64("Zm8"), "fo");
  EXPECT_EQ(decode_base64(" Zm\r\n9v\tYm FyZg\n"), "foobarf");
  EXPECT_EQ(decode_base64("Zg=\n=\n"), "f");
  EXPECT_EQ(decode_base64("Zg="), "f");
}

TEST(Base64, ReadsBothAlphabets) {
  EXPECT_EQ(decode_base64("-_-_"), "\xfb\xff\xbf");
  EXPECT_EQ(decode_base64("+/+/"), "\xfb\xff\xbf");
}

TEST(Base64, RefusesWhatItIsNot) {
  for (const char* text :
       {"Z", "Zm9vZ", "Zg===", "Zm8==", "Zm9v=", "=", "Zg==Zg==", "Zm9v!", "Zm\xc3\xa9v", "Zm9v,"})
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  EXPECT_EQ(decode_base64(std::string("Zm9\0", 4)), std::nullopt);
}

TEST(Base64, ReadsWhatWasWrittenAtEveryLength) {
  std::string bytes;
  for (int i = 0; i < 400; ++i) {
    const std::string text = base64(bytes);
    EXPECT_EQ(decode_base64(text), bytes);
    // A line's end at each place.
    std::string broken = text;
    broken.insert(static_cast<std::size_t>(i) * 7 % (text.size() + 1), "\n");
    EXPECT_EQ(decode_base64(broken), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST(DataUri, TellsPicturesFromAddresses) {
  const auto payload = [](const char* text) { return std::string(read_data_uri(text).payload); };
  EXPECT_EQ(payload("data:image/jpeg;base64,Zm9v"), "Zm9v");
  EXPECT_EQ(payload("DATA:;BASE64,Zm9v"), "Zm9v");
  EXPECT_EQ(payload("data:text/plain;charset=utf-8;base64,Zm9v"), "Zm9v");
  EXPECT_EQ(payload(" \n data:x;base64, Zm9v"), " Zm9v");
  EXPECT_EQ(payload("Zm9v"), "Zm9v");
  EXPECT_EQ(payload(" http://example.org/a.jpg\n"), "http://example.org/a.jpg");
  EXPECT_EQ(read_data_uri("http://example.org/a.jpg").kind, Kind::kWebAddress);
  EXPECT_EQ(read_data_uri("  HTTPS://example.org").kind, Kind::kWebAddress);
  for (const char* other :
       {"file:///etc/passwd", "ftp://x", "data:image/png,abc", "data:image/png;base64", "C:\\x.png"})
    EXPECT_EQ(read_data_uri(other).kind, Kind::kOther) << other;
}

}  // namespace
}  // namespace moonbeam::server
