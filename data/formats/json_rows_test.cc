// Records out of files of JSON and of lines: what is given, what is passed over, what is refused and where.
#include "data/formats/json_rows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/test_folder.h"
#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

using Seen = std::vector<std::string>;

/// "array number: row" of each.
Seen rows_of(ByteSource& source, const RowRules& rules, Reading& reading) {
  Seen seen;
  each_row(
      source, rules,
      [&](std::string_view array, const JsonRow& row, std::uint64_t number) {
        seen.push_back(std::string(array) + " " + std::to_string(number) + ": " + row.value().dump());
      },
      reading);
  return seen;
}

Seen rows_of(std::string_view text, std::vector<std::string_view> arrays,
             std::vector<std::string_view> skip = {}) {
  ByteSource source(text, "t.json");
  Reading reading;
  return rows_of(source, {FileKind::kUnknown, std::move(arrays), std::move(skip)}, reading);
}

const auto read_rows = [](ByteSource& source, Reading& reading) {
  rows_of(source, {FileKind::kUnknown, {"", "rows"}}, reading);
};

Seen lines_of(ByteSource& source, Reading& reading) {
  Seen seen;
  each_line(
      source, FileKind::kUnknown,
      [&](const JsonRow& row, std::uint64_t line) {
        seen.push_back(std::to_string(line) + ": " + row.value().dump());
      },
      reading);
  return seen;
}

const auto read_lines = [](ByteSource& source, Reading& reading) { lines_of(source, reading); };

TEST(JsonRows, AreElementsOfTheArraysThatAreAskedFor) {
  EXPECT_EQ(
      rows_of(
          R"({"info":{"rows":[{"no":1}]},"rows":[{"a":1,"b":[[1,2],{"c":null}]},{}],"x":[1,{"y":2}],"z":3})",
          {"rows"}),
      (Seen{R"(rows 1: {"a":1,"b":[[1,2],{"c":null}]})", "rows 2: {}"}));
  EXPECT_EQ(rows_of(R"( [ {"a":true}, {"a":-1.5e3} ] )", {""}),
            (Seen{R"( 1: {"a":true})", R"( 2: {"a":-1500.0})"}));
  EXPECT_EQ(rows_of("[]", {""}), Seen{});
  EXPECT_EQ(rows_of("\xef\xbb\xbf{\"rows\":[]}", {"rows"}), Seen{});
  EXPECT_EQ(rows_of(R"({"a":[{"n":1}],"b":[{"n":2}]})", {"a", "b"}),
            (Seen{R"(a 1: {"n":1})", R"(b 1: {"n":2})"}));
}

TEST(JsonRows, KeepWholeNumbersOf64BitsAndTextThatIsNotAscii) {
  EXPECT_EQ(
      rows_of(R"([{"id":9223372036854775807,"low":-9223372036854775808,"t":"\u00e9\ud83d\ude00\n"}])", {""})
          .at(0),
      " 1: {\"id\":9223372036854775807,\"low\":-9223372036854775808,\"t\":\"\xc3\xa9\xf0\x9f\x98\x80\\n\"}");
}

TEST(JsonRows, MembersThatAreSkippedAreNotMade) {
  EXPECT_EQ(rows_of(R"([{"mask":[[1,2],{"mask":3}],"a":{"mask":5}},{"mask":"x"},{"mask":{"mask":[]}}])", {""},
                    {"mask"}),
            (Seen{R"( 1: {"a":{"mask":5}})", " 2: {}", " 3: {}"}));
}

TEST(JsonRows, ThoseThatAreNoObjectsAreRefusedOneByOne) {
  EXPECT_EQ(error_of("[{},\n 7]", read_rows), "t.json: row 2: expected an object, got 7 (line 2, byte 7)");
  const ReadCounts counts = counts_of(R"([1,{},"x",[{}],null,{}])", read_rows);
  EXPECT_EQ(counts.records, 2u);
  EXPECT_EQ(counts.of(Reason::kBadValue), 4u);
}

TEST(JsonRows, AKeyTwiceIsRefused) {
  EXPECT_HAS(error_of(R"([{"a":1,"a":2}])", read_rows), "row 1: 'a' stands there twice (line 1, byte 1)");
}

TEST(JsonRows, DamageIsNamedByItsPlace) {
  ErrorCode code{};
  EXPECT_EQ(error_of("[{\"a\":1},\n{\"a\":", read_rows, &code),
            "t.json: row 2: the file ends in the middle (line 2, byte 15)");
  EXPECT_EQ(code, ErrorCode::kCorrupt);
  const std::string nan = error_of("{\"rows\":[{\"a\":1},\n{\"a\":NaN}]}", read_rows);
  EXPECT_HAS(nan, "t.json: row 2: no JSON: ");
  EXPECT_HAS(nan, "(line 2, byte 24)");
  EXPECT_HAS(error_of("[{\"a\":1e999}]", read_rows), "row 1: no JSON: number overflow");
  EXPECT_HAS(error_of("[{\"a\":\"\xff\"}]", read_rows), "row 1: no JSON: ");
  EXPECT_HAS(error_of("[{\"a\":\"\xff\"}]", read_rows), "UTF-8");
  EXPECT_HAS(error_of("[{}]{}", read_rows), "no JSON");
  EXPECT_HAS(error_of("[{},]", read_rows), "no JSON");
  EXPECT_HAS(error_of("x", read_rows), "no JSON");
  EXPECT_HAS(error_of(std::string_view("[{}]\0[", 6), read_rows), "a byte of 0 (line 1, byte 4)");
  EXPECT_EQ(error_of("", read_rows, &code), "t.json: expected JSON, but the file is empty");
  EXPECT_HAS(error_of(" \n", read_rows), "the file is empty");
  EXPECT_HAS(error_of("5", read_rows), "expected records, got 5");
}

TEST(JsonRows, EveryCutOfAFileIsNoticed) {
  const std::string text = R"({"rows":[{"a":[1,2.5,"x\u0041"],"b":{"c":null}},{"a":true}],"more":{"x":[]}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(error_of(text.substr(0, size), read_rows), "nothing was thrown") << size;
  }
}

TEST(JsonRows, DeepNestingIsRefusedWhereverItStands) {
  const std::string deep(100'000, '[');
  for (const std::string& text : {deep, "{\"x\":" + deep, "[{\"a\":" + deep, "[" + deep}) {
    ByteSource source(text, "t.json");
    Reading reading(Reading::Bad::kCount);
    try {
      read_rows(source, reading);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_HAS(std::string(error.what()), "more than 64 brackets in brackets (line 1, byte ");
    }
  }
}

TEST(JsonRows, ARecordThatIsTooLargeIsOneBadRecord) {
  std::string text = "[{\"a\":[0";
  for (std::size_t i = 0; i < kMostRowValues; ++i) text += ",0";
  text += "],\"b\":[{\"c\":1}]},{\"d\":1}]";
  const ReadCounts counts = counts_of(text, read_rows);
  EXPECT_EQ(counts.of(Reason::kTooLarge), 1u);
  EXPECT_EQ(counts.records, 1u);
}

TEST(JsonRows, ATextWithoutEndDoesNotFillTheMemory) {
  const base::TestFolder folder;
  folder.put("t.json", "[{\"a\":\"" + std::string(ByteSource::kLongestToken + (1 << 20), 'x'));
  ByteSource source(folder / "t.json");
  Reading reading;
  try {
    rows_of(source, {FileKind::kUnknown, {""}}, reading);
    FAIL();
  } catch (const Error& error) {
    EXPECT_HAS(std::string(error.what()), "a text or a number of more than 16777216 bytes (after byte 5)");
  }
}

TEST(JsonRows, AFileWithoutTheArraysIsRefusedByWhatItHas) {
  ErrorCode code{};
  EXPECT_EQ(error_of(R"({"boxes":[],"labels":{}})", read_rows, &code),
            "t.json: expected unknown annotations with an array or 'rows', found 'boxes', 'labels'");
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
}

TEST(JsonRows, PlacesInFilesLargerThanTheBufferAreRight) {
  const base::TestFolder folder;
  std::string text = "[\n";
  while (text.size() < 700'000) text += "{\"a\":\"" + std::string(1000, 'x') + "\"},\n";
  const auto line = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  const std::size_t byte = text.size();
  folder.put("t.json", text + "{\"a\":1,\"a\":2}]");
  ByteSource source(folder / "t.json");
  Reading reading;
  try {
    rows_of(source, {FileKind::kUnknown, {""}}, reading);
    FAIL();
  } catch (const RecordError& error) {
    EXPECT_HAS(std::string(error.what()),
               "(line " + std::to_string(line) + ", byte " + std::to_string(byte) + ")");
  }
}

TEST(JsonRows, ComeOutOfAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::thread writer([&] {
    for (const char c : std::string(R"([{"a":1},{"a":2}])")) ASSERT_EQ(write(ends[1], &c, 1), 1);
    close(ends[1]);
  });
  ByteSource source("/dev/fd/" + std::to_string(ends[0]));
  Reading reading;
  EXPECT_EQ(rows_of(source, {FileKind::kUnknown, {""}}, reading).size(), 2u);
  writer.join();
  close(ends[0]);
}

TEST(JsonRows, MissingFilesAndFoldersAreNamed) {
  const base::TestFolder folder;
  EXPECT_THROW(ByteSource(folder / "none.json"), Error);
  EXPECT_THROW(ByteSource(folder.path()), Error);
}

TEST(JsonRow, MembersOfAnotherTypeAreRefusedByKeyAndPlace) {
  const nlohmann::json value = nlohmann::json::parse(
      R"({"id":5,"t":"x","n":1.5,"big":18446744073709551615,"l":[1,"x"],"o":{},"none":null,"f":2,"s":["a"],"huge":1e300})");
  const JsonRow row(value, "t.json: row 1", {3, 40});
  const auto message = [&](auto use) -> std::string {
    try {
      use();
    } catch (const RecordError& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(message([&] { row.text("n"); }),
            "t.json: row 1: n: expected a string, got 1.5 (id 5, line 3, byte 40)");
  EXPECT_HAS(message([&] { row.text("none"); }), "none: expected a string, got nothing");
  EXPECT_HAS(message([&] { row.whole("n"); }), "n: expected a whole number, got 1.5");
  EXPECT_HAS(message([&] { row.whole("big"); }), "big: expected a whole number of 64 bits");
  EXPECT_HAS(message([&] { row.whole("id", 0, 4); }), "id: expected a whole number of 0 to 4, got 5");
  EXPECT_HAS(message([&] { row.number("t"); }), "t: expected a number, got \"x\"");
  EXPECT_HAS(message([&] { row.numbers("l", 2); }), "l: expected 2 numbers, got array");
  EXPECT_HAS(message([&] { row.rows("l"); }), "l 1: expected an object, got 1");
  EXPECT_HAS(message([&] { row.rows("t"); }), "t: expected a list, got \"x\"");
  EXPECT_HAS(message([&] { row.object("l"); }), "l: expected an object, got array");
  EXPECT_HAS(message([&] { row.flag_or("f", false); }), "f: expected a whole number of 0 to 1, got 2");
  EXPECT_HAS(message([&] { row.texts("l"); }), "l: expected a list of strings, got array");
  EXPECT_EQ(row.texts("s"), Seen{"a"});
  EXPECT_TRUE(row.flag_or("none", true));
  EXPECT_EQ(row.text_or("none", "y"), "y");
}

TEST(JsonLines, HoldAnObjectEach) {
  ByteSource source(
      "\xef\xbb\xbf{\"a\":1}\n\n  "
      "\r\n{\"a\":[2.5,{\"b\":null}],\"c\":\"\\u00e9\"}\r\n{\"a\":18446744073709551615}",
      "t");
  Reading reading;
  EXPECT_EQ(lines_of(source, reading),
            (Seen{"1: {\"a\":1}", "4: {\"a\":[2.5,{\"b\":null}],\"c\":\"\xc3\xa9\"}",
                  "5: {\"a\":18446744073709551615}"}));
}

TEST(JsonLines, ABadLineIsOneBadRecord) {
  const std::string text =
      "{\"a\":1}\n{\"a\":}\n[1]\n{\"a\":NaN}\n{\"a\":\"\xff\"}\n{\"a\":1,\"a\":2}\n{\"b\":" +
      std::string(100, '[') + std::string(100, ']') + "}\n" + std::string("{}\0\n", 4) + "{\"c\":3}\n";
  const ReadCounts counts = counts_of(text, read_lines);
  EXPECT_EQ(counts.records, 2u);
  EXPECT_EQ(counts.refused, 7u);
  EXPECT_EQ(counts.of(Reason::kSyntax), 5u);
  EXPECT_EQ(counts.of(Reason::kBadValue), 2u);
  ASSERT_EQ(counts.examples.size(), 7u);
  EXPECT_HAS(counts.examples[0], "t.json:2: no JSON: ");
  EXPECT_EQ(counts.examples[1], "t.json:3: expected an object, got array");
  EXPECT_HAS(counts.examples[3], "UTF-8");
  EXPECT_EQ(counts.examples[4], "t.json:6: 'a' stands there twice");
  EXPECT_HAS(counts.examples[5], "64 brackets");
  EXPECT_HAS(counts.examples[6], "a byte of 0");
}

TEST(JsonLines, ALastLineThatIsCutIsSaidToBe) {
  const ReadCounts counts = counts_of("{\"a\":1}\n{\"a\":", read_lines);
  EXPECT_EQ(counts.of(Reason::kCut), 1u);
  EXPECT_EQ(counts.examples.at(0), "t.json:2: the file ends in the middle of the line");
}

TEST(JsonLines, ALineWithoutEndIsPassedOver) {
  const ReadCounts counts =
      counts_of("{\"a\":\"" + std::string(kLongestLine, 'x') + "\"}\n{\"b\":1}\n", read_lines);
  EXPECT_EQ(counts.of(Reason::kTooLarge), 1u);
  EXPECT_EQ(counts.records, 1u);
}

TEST(JsonLines, AWholeNumberOfMoreThan64BitsIsANumber) {
  ByteSource source("{\"a\":123456789012345678901234567890}\n", "t");
  Reading reading;
  EXPECT_EQ(lines_of(source, reading), Seen{"1: {\"a\":1.2345678901234568e+29}"});
}

// ------------------------------------------------------------------------------------------------- kinds

const std::pair<FileKind, const char*> kSamples[] = {
    {FileKind::kCocoInstances, R"({"images":[{"id":1,"file_name":"a","width":1,"height":1}],
      "annotations":[{"image_id":1,"category_id":1,"bbox":[0,0,1,1]}],"categories":[]})"},
    {FileKind::kCocoCaptions, R"({"images":[{"id":1}],
      "annotations":[{"image_id":1,"caption":"x"}]})"},
    {FileKind::kCocoPanoptic, R"({"annotations":[{"image_id":1,"file_name":"x","segments_info":[]}]})"},
    {FileKind::kCocoDetections, R"([{"image_id":1,"category_id":1,"bbox":[0,0,1,1],"score":1}])"},
    {FileKind::kCocoCaptionResults, R"([{"image_id":1,"caption":"x"}])"},
    {FileKind::kNarratives,
     R"({"dataset_id":"x","image_id":"1","caption":"x","timed_caption":[],"traces":[]})"},
    {FileKind::kRefCoco, R"({"ref_id":1,"sentences":[]})"},
    {FileKind::kVgImages, R"([{"image_id":2,"width":320,"height":240}])"},
    {FileKind::kVgObjects, R"([{"image_id":2,"objects":[{"object_id":1}]}])"},
    {FileKind::kVgAttributes, R"([{"image_id":2,"attributes":[{"object_id":1,"attributes":[]}]}])"},
    {FileKind::kVgRelationships, R"([{"image_id":2,"relationships":[]}])"},
    {FileKind::kVgRegions, R"([{"id":2,"regions":[]}])"},
    {FileKind::kVgQuestions, R"([{"id":2,"qas":[]}])"},
    {FileKind::kVqaQuestions, R"({"questions":[{"image_id":1,"question":"x","question_id":2}]})"},
    {FileKind::kVqaAnnotations, R"({"annotations":[{"question_id":2,"image_id":1,"answers":[]}]})"},
    {FileKind::kTextVqa, R"({"data":[{"question_id":2,"image_id":"1","question":"x"}]})"},
    {FileKind::kDocVqa, R"({"data":[{"questionId":2,"question":"x","docId":3}]})"},
    {FileKind::kVizWiz, R"([{"image":"x","question":"x","answerable":1}])"},
    {FileKind::kChartQa, R"([{"imgname":"x","query":"x","label":"1"}])"},
    {FileKind::kTallyQa, R"([{"image":"x","question_id":1,"answer":2,"data_source":"amt"}])"},
    {FileKind::kPope, R"({"question_id":1,"image":"x","text":"x","label":"yes"})"},
    {FileKind::kLlava, R"([{"id":"1","conversations":[]}])"},
    {FileKind::kLlavaLines, R"({"id":"1","conversations":[]})"},
    {FileKind::kCanonical, R"({"v":1,"image":{},"task":"query","turns":[]})"},
    {FileKind::kManifest, R"({"shard":"a.tar","samples":1})"},
    {FileKind::kUnknown, R"({"a":[{"b":1}]})"},
    {FileKind::kUnknown, R"(nonsense)"},
};

TEST(Kinds, AreToldByContent) {
  for (const auto& [kind, text] : kSamples) {
    ByteSource source(std::string_view(text), "t");
    EXPECT_EQ(guess_kind(source), kind) << text;
    const std::string two_lines = std::string(text) + "\n" + text + "\n";
    ByteSource lines(two_lines, "t");
    EXPECT_EQ(guess_kind(lines), kind) << text;
  }
}

TEST(Kinds, ReadersSayWhatAFileOfAnotherKindLooksLike) {
  ErrorCode code{};
  for (const auto& [kind, text] : kSamples) {
    if (kind == FileKind::kUnknown || kind == FileKind::kCocoInstances) continue;
    const std::string message = error_of(
        text,
        [](ByteSource& source, Reading& reading) {
          rows_of(source, {FileKind::kCocoInstances, {"images", "annotations", "categories"}}, reading);
        },
        &code);
    EXPECT_HAS(message, "expected COCO instances");
    EXPECT_HAS(message, "it looks like " + std::string(name(kind)));
    EXPECT_EQ(code, ErrorCode::kInvalidArgument) << message;
  }
  for (const auto& [kind, text] : kSamples) {
    if (kind == FileKind::kUnknown || kind == FileKind::kNarratives) continue;
    const std::string message = error_of(text, [](ByteSource& source, Reading& reading) {
      each_line(
          source, FileKind::kNarratives, [](const JsonRow&, std::uint64_t) {}, reading);
    });
    EXPECT_HAS(message, "expected Localized Narratives");
    EXPECT_HAS(message, "it looks like " + std::string(name(kind)));
  }
}

TEST(Kinds, WhatIsNoTextIsNamed) {
  const auto said = [](std::string head) {
    head.resize(600, 'x');
    return error_of(head, read_rows);
  };
  EXPECT_HAS(said("\x1f\x8b"), "expected JSON, got a file compressed by gzip");
  EXPECT_HAS(said("PK\x03\x04"), "a zip archive");
  EXPECT_HAS(said("\x80\x04"), "a Python pickle");
  EXPECT_HAS(said("\x89PNG"), "a PNG picture");
  EXPECT_HAS(said("\xff\xfe{"), "UTF-16");
  EXPECT_HAS(said(std::string(257, 'x') + "ustar"), "a tar archive");
}

}  // namespace
}  // namespace moonbeam::data
