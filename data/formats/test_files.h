// For tests of readers: text as a file, errors as text.
#pragma once

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <string>

#include "data/formats/byte_source.h"
#include "data/formats/reading.h"

namespace moonbeam::data {

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

/// What `read(source, reading)` throws for the text of a file "t.json"; one line, and it names the file.
template <typename Read>
std::string error_of(std::string_view text, Read read, ErrorCode* code = nullptr) {
  try {
    ByteSource source(text, "t.json");
    Reading reading;
    read(source, reading);
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find("t.json"), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    if (code != nullptr) *code = error.code();
    return message;
  }
  return "nothing was thrown";
}

/// What is counted when bad records are passed over.
template <typename Read>
ReadCounts counts_of(std::string_view text, Read read) {
  ByteSource source(text, "t.json");
  Reading reading(Reading::Bad::kCount);
  read(source, reading);
  return reading.counts;
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

}  // namespace moonbeam::data
