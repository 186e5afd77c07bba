// Ages, sizes and room of what the cache keeps; pictures are blocks of memory without a model.
#include "tasks/picture_store.h"

#include <gtest/gtest.h>

#include "tasks/testing.h"

namespace moonbeam::tasks {
namespace {

constexpr std::size_t kPicture = 2 * kernels::kKeyBlock * 16 * sizeof(float);  // one block of one layer
constexpr std::size_t kEmbeddings = 400;
constexpr std::size_t kBoth = kPicture + kEmbeddings;

std::shared_ptr<const EncodedImage::Impl> picture() {
  text::KvCache cache(1, 1, 16);
  cache.extend(1);
  EXPECT_EQ(cache.bytes(), kPicture);
  return std::make_shared<EncodedImage::Impl>(EncodedImage::Impl{.prefix = std::move(cache), .owner = {}});
}

std::shared_ptr<const PictureEmbeddings> embeddings() {
  auto out = std::make_shared<PictureEmbeddings>();
  out->rows.data = base::Buffer<float>(kEmbeddings / sizeof(float));
  return out;
}

TEST(PictureStore, TheLeastRecentlyUsedPictureLeavesFirst) {
  PictureStore store(3 * kBoth);
  for (const char* key : {"a", "b", "c"}) store.put(key, picture(), embeddings());
  EXPECT_EQ(store.bytes(), 3 * kBoth);
  EXPECT_TRUE(store.find("a").picture);  // now "b" is the oldest
  store.put("d", picture(), embeddings());
  EXPECT_FALSE(store.find("b").picture);
  for (const char* key : {"a", "c", "d"}) EXPECT_TRUE(store.find(key).picture) << key;
  EXPECT_LE(store.bytes(), store.budget());
}

TEST(PictureStore, EmbeddingsStayWherePicturesLeaveRoomAndNeverCostAPicture) {
  PictureStore store(2 * kBoth + 2 * kEmbeddings + 1);
  for (const char* key : {"a", "b", "c", "d", "e"}) store.put(key, picture(), embeddings());
  EXPECT_EQ(store.pictures(), 2u);
  EXPECT_EQ(store.bytes(), 2 * kBoth + 2 * kEmbeddings);
  EXPECT_FALSE(store.find("a").embeddings);
  for (const char* key : {"b", "c"}) {
    EXPECT_FALSE(store.find(key).picture) << key;
    EXPECT_TRUE(store.find(key).embeddings) << key;
  }
  store.put("b", picture(), embeddings());  // made again
  EXPECT_TRUE(store.find("b").picture);
  EXPECT_EQ(store.bytes(), 2 * kBoth + 2 * kEmbeddings);

  PictureStore exact(2 * kBoth);
  for (const char* key : {"a", "b", "c"}) exact.put(key, picture(), embeddings());
  EXPECT_EQ(exact.pictures(), 2u);
  EXPECT_FALSE(exact.find("a").embeddings);
}

TEST(PictureStore, WhatIsLargerThanTheBudgetIsNotKept) {
  PictureStore store(kBoth - 1);
  store.put("a", picture(), embeddings());
  EXPECT_FALSE(store.find("a").picture);
  EXPECT_TRUE(store.find("a").embeddings);  // they fit
  EXPECT_EQ(store.bytes(), kEmbeddings);
  PictureStore none(0);
  none.put("a", picture(), embeddings());
  EXPECT_FALSE(none.find("a").embeddings);
  EXPECT_EQ(none.bytes(), 0u);
}

TEST(PictureStore, APictureInUseOutlivesItsPlace) {
  PictureStore store(kBoth);
  store.put("a", picture(), embeddings());
  const auto used = store.find("a").picture;
  store.put("b", picture(), embeddings());
  EXPECT_FALSE(store.find("a").picture);
  EXPECT_EQ(used->prefix.bytes(), kPicture);
  EXPECT_EQ(used.use_count(), 1);
}

TEST(PictureStore, AliasesGoWithTheirPicture) {
  PictureStore store(kBoth);
  store.alias("file", "a");  // of nothing
  EXPECT_EQ(store.resolve("file"), "");
  store.put("a", picture(), embeddings());
  store.alias("file", "a");
  EXPECT_EQ(store.resolve("file"), "a");
  store.put("a", picture(), embeddings());  // a second time
  EXPECT_EQ(store.resolve("file"), "a");
  EXPECT_EQ(store.bytes(), kBoth);
  store.put("b", picture(), embeddings());
  EXPECT_EQ(store.resolve("file"), "");
  store.clear();
  EXPECT_EQ(store.bytes(), 0u);
  EXPECT_EQ(store.pictures(), 0u);
}

TEST(PictureKey, DependsOnPixelsAndShapeAlone) {
  const auto engine = testing::engine("starter");
  const Image image = testing::noise(1, 6, 4);
  Image turned = image;
  std::swap(turned.height, turned.width);
  Image changed = image;
  changed.pixels[70] ^= 1;
  const std::string key = picture_key(*engine, image);
  EXPECT_EQ(picture_key(*engine, Image(image)), key);
  EXPECT_NE(picture_key(*engine, turned), key);
  EXPECT_NE(picture_key(*engine, changed), key);
}

}  // namespace
}  // namespace moonbeam::tasks
