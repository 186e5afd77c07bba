#include "data/export/tar.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <cstdio>

#include "base/test_folder.h"

namespace moonbeam::data {
namespace {

TEST(Tar, IsReadByTar) {
  const base::TestFolder folder;
  folder.put("a.tar",
             tar_member("0001.jpg", "picture") + tar_member("0001.json", std::string(512, 'x')) + tar_end());
  const std::string command = "cd '" + folder.path() + "' && tar -xf a.tar && tar -tvf a.tar > list";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(folder.get("0001.jpg"), "picture");
  EXPECT_EQ(folder.get("0001.json"), std::string(512, 'x'));
  EXPECT_NE(folder.get("list").find("-rw-r--r-- 0/0"), std::string::npos) << folder.get("list");
}

TEST(Tar, RefusesNamesThatDoNotFit) {
  EXPECT_THROW(tar_member(std::string(101, 'n'), ""), Error);
  EXPECT_THROW(tar_member("", ""), Error);
}

}  // namespace
}  // namespace moonbeam::data
