// Archives of ours byte by byte, and those that others write: long names, cut ends, damage.
#include "data/formats/tar.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

namespace moonbeam::data {
namespace {

using End = TarReader::End;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string written(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string out;
  TarWriter tar([&](std::string_view piece) { out += piece; });
  for (const auto& [name, content] : members) tar.add(name, content);
  tar.finish();
  EXPECT_EQ(tar.bytes(), out.size());
  return out;
}

/// A header as old programs write it, for what our writer does not: any type, any size.
std::string header(const std::string& name, char type, const std::string& size, bool ustar = true) {
  std::string block(512, '\0');
  block.replace(0, name.size(), name);
  block.replace(100, 8, std::string("0000644\0", 8));
  block.replace(124, size.size(), size);
  block[156] = type;
  block.replace(257, 8, ustar ? std::string("ustar\00000", 8) : std::string("ustar  \0", 8));
  unsigned sum = 8 * ' ';
  for (const char c : block) sum += static_cast<unsigned char>(c);
  char digits[8] = {};
  std::snprintf(digits, sizeof digits, "%06o", sum);
  block.replace(148, 8, std::string(digits, 7) + ' ');
  return block;
}

std::string octal(std::size_t size) {
  char digits[12] = {};
  std::snprintf(digits, sizeof digits, "%011o", static_cast<unsigned>(size));
  return {digits, 12};
}

std::string padded(std::string content) {
  content.resize((content.size() + 511) / 512 * 512, '\0');
  return content;
}

std::string member(const std::string& name, char type, const std::string& content, bool ustar = true) {
  return header(name, type, octal(content.size()), ustar) + padded(content);
}

const std::string kEnd(1024, '\0');

std::string error_of(const std::string& archive) {
  try {
    TarReader reader(bytes_of(archive), "t.tar");
    while (reader.next()) {
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    return error.what();
  }
  return "";
}

TEST(Tar, GivesBackWhatWasPutIn) {
  const std::string tar = written({{"a/1.txt", "one"}, {"a/2.txt", std::string(512, 'x')}, {"empty", ""}});
  const std::vector<TarMember> members = read_tar(bytes_of(tar), "t.tar");
  ASSERT_EQ(members.size(), 3u);
  EXPECT_EQ(members[0].name, "a/1.txt");
  EXPECT_EQ(text_of(members[0].bytes), "one");
  EXPECT_EQ(members[1].bytes.size(), 512u);
  EXPECT_EQ(members[2].bytes.size(), 0u);
  EXPECT_EQ(tar.size() % 512, 0u);
}

TEST(Tar, WritesHeadersThatHoldNothingOfTheMachineOrTheTime) {
  const std::string tar = written({{"a.txt", "hello"}});
  EXPECT_EQ(tar.substr(0, 6), std::string("a.txt\0", 6));
  EXPECT_EQ(tar.substr(100, 24), std::string("0000644\0"
                                             "0000000\0"
                                             "0000000\0",
                                             24));
  EXPECT_EQ(tar.substr(124, 24), std::string("00000000005\0"
                                             "00000000000\0",
                                             24));
  EXPECT_EQ(tar[156], '0');
  EXPECT_EQ(tar.substr(257, 8), std::string("ustar\00000", 8));
  EXPECT_EQ(tar.substr(265, 247), std::string(247, '\0'));
  EXPECT_EQ(tar.size(), 512u * 4);
}

TEST(Tar, SaysHowLongAnArchiveWouldGet) {
  std::string out;
  TarWriter tar([&](std::string_view piece) { out += piece; });
  const std::uint64_t expected = tar.bytes_with(513);
  EXPECT_EQ(tar.add("a", std::string(513, 'x')), 512u);
  tar.finish();
  EXPECT_EQ(out.size(), expected);
}

TEST(Tar, DividesLongNamesAtASlash) {
  const std::string name = std::string(120, 'd') + "/" + std::string(100, 'f');
  const std::string tar = written({{name, "x"}});
  EXPECT_EQ(read_tar(bytes_of(tar), "t.tar").at(0).name, name);
}

TEST(Tar, RefusesNamesThatNoHeaderHolds) {
  TarWriter tar([](std::string_view) {});
  for (const std::string& name :
       {std::string(), std::string("/a"), std::string(101, 'n'), std::string(160, 'd') + "/f",
        "d/" + std::string(101, 'f'), std::string("a\0b", 3), std::string(101, 'n') + "/"}) {
    EXPECT_THROW(tar.add(name, ""), Error) << name;
  }
}

TEST(Tar, ReadsLongNamesOfGnu) {
  const std::string name = std::string(150, 'd') + "/" + std::string(90, 'f') + ".jpg";
  const std::string tar = member("././@LongLink", 'L', name + '\0', false) +
                          member(name.substr(0, 100), '0', "x", false) + member("b", '0', "y", false) + kEnd;
  TarReader reader(bytes_of(tar), "t.tar");
  EXPECT_EQ(reader.next()->name, name);
  EXPECT_EQ(reader.header(), 0u);
  EXPECT_EQ(reader.offset(), 3 * 512u);
  EXPECT_EQ(reader.next()->name, "b");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.end(), End::kWhole);
}

TEST(Tar, ReadsNamesAndSizesOfPax) {
  const std::string path = "path=" + std::string(200, 'p') + "/\xc3\xa9.jpg\n";
  const std::string record = std::to_string(path.size() + 4) + " " + path;
  const std::string tar = member("pax_global_header", 'g', "19 comment=whatever\n") +
                          member("PaxHeaders/x", 'x', record + "9 size=3\n") +
                          header("short", '0', octal(0)) + padded("abc") + kEnd;
  const std::vector<TarMember> members = read_tar(bytes_of(tar), "t.tar");
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].name, std::string(200, 'p') + "/\xc3\xa9.jpg");
  EXPECT_EQ(text_of(members[0].bytes), "abc");
}

TEST(Tar, ReadsSizesInBytesOfBase256AndPassesOverFoldersAndLinks) {
  std::string size(12, '\0');
  size[0] = '\x80';
  size[11] = 3;
  const std::string tar =
      member("d/", '5', "") + member("l", '2', "") + header("a", '\0', size) + padded("abc") + kEnd;
  const std::vector<TarMember> members = read_tar(bytes_of(tar), "t.tar");
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(text_of(members[0].bytes), "abc");
}

TEST(Tar, TellsAWholeArchiveFromOneThatWasCut) {
  const std::string tar = written({{"a", "one"}, {"b", "two"}});
  const auto end_of = [&](std::size_t size) {
    const std::string cut = tar.substr(0, size);
    TarReader reader(bytes_of(cut), "t.tar");
    int members = 0;
    while (reader.next()) ++members;
    return std::pair(reader.end(), members);
  };
  EXPECT_EQ(end_of(tar.size()), std::pair(End::kWhole, 2));
  EXPECT_EQ(end_of(tar.size() - 512), std::pair(End::kWhole, 2));
  EXPECT_EQ(end_of(2048), std::pair(End::kNoMark, 2));
  EXPECT_EQ(end_of(2047), std::pair(End::kNoMark, 2));  // only padding is missing
  EXPECT_EQ(end_of(1024 + 514), std::pair(End::kCut, 1));
  EXPECT_EQ(end_of(1024 + 511), std::pair(End::kCut, 1));
  EXPECT_EQ(end_of(0), std::pair(End::kNoMark, 0));
  EXPECT_THROW(read_tar(bytes_of(tar).first(2048), "t.tar"), Error);
}

TEST(Tar, NamesThePlaceOfDamage) {
  const std::string tar = written({{"a", "one"}, {"b", "two"}});
  std::string damaged = tar;
  damaged[1024] = 'c';
  EXPECT_EQ(error_of(damaged), "t.tar: byte 1024: expected a tar header");
  EXPECT_EQ(error_of(header("a", '0', "x")), "t.tar: byte 0: a size that is no number");
  EXPECT_EQ(error_of(member("p", 'x', "7 pat\n") + member("a", '0', "")),
            "t.tar: byte 0: a pax header that is no list of records");
  EXPECT_EQ(error_of(member("p", 'x', "9 size=x\n") + member("a", '0', "")),
            "t.tar: byte 0: a size that is no number");
  EXPECT_EQ(error_of(member("L", 'L', std::string(20'000, 'n')) + member("a", '0', "")),
            "t.tar: byte 0: a header that is too long");
  EXPECT_EQ(error_of(member("", '0', "")), "t.tar: byte 0: a name that no file has");
}

}  // namespace
}  // namespace moonbeam::data
