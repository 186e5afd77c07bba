#include "cli/images.h"

#include <gtest/gtest.h>

#include "cli/test_folder.h"

namespace moonbeam::cli {
namespace {

std::vector<std::string> names(const std::vector<PictureSource>& sources) {
  std::vector<std::string> all;
  for (const PictureSource& source : sources) all.push_back(source.name);
  return all;
}

TEST(Images, FilesStayAsTypedAndInOrder) {
  const auto sources = expand_images({"b.jpg", "a.jpg", "b.jpg"}, false);
  EXPECT_EQ(names(sources), (std::vector<std::string>{"b.jpg", "a.jpg", "b.jpg"}));
  EXPECT_FALSE(sources[0].error);
}

TEST(Images, AFolderGivesItsPicturesByName) {
  const TestFolder folder;
  folder.put("d/b.PNG"), folder.put("d/a.jpg"), folder.put("d/notes.txt"), folder.put("d/.hidden.jpg");
  folder.put("d/sub/c.webp");
  EXPECT_EQ(names(expand_images({folder.path("d")}, false)),
            (std::vector<std::string>{folder.path("d/a.jpg"), folder.path("d/b.PNG")}));
  EXPECT_EQ(expand_images({folder.path("d")}, true).size(), 3u);
}

TEST(Images, AFolderWithoutPicturesSaysWhereToLook) {
  const TestFolder folder;
  folder.put("d/sub/c.webp");
  const auto sources = expand_images({folder.path("d")}, false);
  ASSERT_EQ(sources.size(), 1u);
  ASSERT_TRUE(sources[0].error);
  EXPECT_EQ(sources[0].error->code(), ErrorCode::kNotFound);
  EXPECT_NE(std::string(sources[0].error->what()).find("-r"), std::string::npos);
}

TEST(Images, SymbolicLinksToFoldersDoNotLoop) {
  const TestFolder folder;
  folder.put("d/a.jpg");
  std::filesystem::create_directory_symlink(folder.path("d"), folder.path("d/again"));
  EXPECT_EQ(expand_images({folder.path("d")}, true).size(), 1u);
}

TEST(Images, GlobsAreExpandedUnlessAFileHasThatName) {
  const TestFolder folder;
  folder.put("b.jpg"), folder.put("a.jpg"), folder.put("odd[1].jpg");
  EXPECT_EQ(names(expand_images({folder.path("?.jpg")}, false)),
            (std::vector<std::string>{folder.path("a.jpg"), folder.path("b.jpg")}));
  EXPECT_EQ(names(expand_images({folder.path("odd[1].jpg")}, false)),
            (std::vector<std::string>{folder.path("odd[1].jpg")}));
  const auto nothing = expand_images({folder.path("*.gif")}, false);
  ASSERT_TRUE(nothing.at(0).error);
  EXPECT_EQ(nothing[0].error->code(), ErrorCode::kNotFound);
}

TEST(Images, AListGivesItsLines) {
  const TestFolder folder;
  const std::string list = folder.put("list.txt", "a.jpg\r\n\n b c.png\n@not_a_list\n");
  EXPECT_EQ(names(expand_images({"@" + list}, false)),
            (std::vector<std::string>{"a.jpg", " b c.png", "@not_a_list"}));
  EXPECT_TRUE(expand_images({"@" + folder.path("none.txt")}, false).at(0).error);
}

TEST(Images, DataUrisCarryTheirBytes) {
  const auto sources =
      expand_images({"data:image/png;base64,TWFu", "data:,hello", "data:image/png;base64,!"}, false);
  ASSERT_EQ(sources.size(), 3u);
  EXPECT_EQ(sources[0].bytes, "Man");
  EXPECT_EQ(sources[0].name, "data:image/png");
  EXPECT_EQ(sources[1].error->code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(sources[2].error->code(), ErrorCode::kCorrupt);
}

TEST(Images, AddressesAreRefusedByName) {
  const auto sources = expand_images({"https://example.org/a.jpg"}, false);
  ASSERT_TRUE(sources.at(0).error);
  EXPECT_EQ(sources[0].error->code(), ErrorCode::kUnsupported);
}

TEST(Images, StandardInputIsTakenOnce) {
  EXPECT_EQ(expand_images({"-"}, false).at(0).kind, PictureSource::Kind::kStdin);
  EXPECT_THROW(expand_images({"-", "-"}, false), Error);
}

TEST(Images, DrawingsOfOneStemDoNotOverwriteEachOther) {
  const TestFolder folder;
  const auto sources = expand_images({"a/x.jpg", "b/x.png", "y.png"}, false);
  const std::string out = folder.path("out/");
  EXPECT_EQ(drawing_paths(sources, out, "boxes"),
            (std::vector<std::string>{out + "x.boxes.png", out + "x.2.boxes.png", out + "y.boxes.png"}));
  EXPECT_TRUE(folder.has("out"));
  EXPECT_THROW(drawing_paths(sources, "out.png", "boxes"), Error);
  EXPECT_EQ(drawing_paths({sources[0]}, "out.png", "boxes"), std::vector<std::string>{"out.png"});
  EXPECT_EQ(drawing_paths({sources[0]}, "out.JPEG", "boxes"), std::vector<std::string>{"out.JPEG"});
  for (const char* other : {"out.gif", "out", "out.png.txt", "png"}) {
    EXPECT_THROW(drawing_paths({sources[0]}, other, "boxes"), Error) << other;
  }
  EXPECT_THROW(drawing_paths({sources[0]}, folder.path("none/out.png"), "boxes"), Error);
}

}  // namespace
}  // namespace moonbeam::cli
