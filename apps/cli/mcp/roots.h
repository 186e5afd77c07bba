// The folders that a client of the MCP server may read pictures from.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace moonbeam::mcp {

class Roots {
 public:
  /// @throws Error kNotFound for what is no folder.
  explicit Roots(const std::vector<std::string>& folders);

  /// Bytes of a file below one of the folders. A relative path is looked for in each of them. What lies
  /// outside, also by way of a symbolic link, is refused whether it exists or not.
  /// @throws Error kInvalidArgument (outside), kNotFound, kExhausted (more than `limit` bytes).
  std::string read(const std::string& path, std::size_t limit) const;

  const std::vector<std::string>& folders() const noexcept { return folders_; }

 private:
  bool contains(const std::string& path) const;
  std::vector<std::string> folders_;  // canonical
};

}  // namespace moonbeam::mcp
