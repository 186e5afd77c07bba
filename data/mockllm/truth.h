// Answers to questions about pictures from the clean truth of drawn scenes (ruling 27): a set that
// `moonbeam data scenes` wrote, found by the hash of the picture's file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::mockllm {

struct TrueObject {
  std::string name, colour;  ///< colour: empty where none is told
  double x = 0, y = 0;       ///< centre, pixels
};

class Truth {
 public:
  Truth() = default;
  /// Reads DIR/gqa/*_sceneGraphs.json and hashes the pictures below DIR/images.
  /// @throws Error kNotFound, kCorrupt
  explicit Truth(const std::string& folder);

  std::size_t size() const noexcept { return scenes_.size(); }
  /// nullptr where no picture has this SHA-256 (64 hexadecimal digits).
  const std::vector<TrueObject>* find(const std::string& sha256) const;

 private:
  std::map<std::string, std::vector<TrueObject>> scenes_;
};

/// What is right by the truth: "yes", "no", a number, a colour, "left", ...; "unknown" to questions of other
/// forms.
std::string true_answer(const std::vector<TrueObject>& scene, std::string_view question);
/// An answer of the same kind that is wrong.
std::string wrong_answer(std::string_view right, std::uint64_t draw);

}  // namespace moonbeam::mockllm
