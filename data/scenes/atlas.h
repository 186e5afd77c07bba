// The drawings: files of PNGs with an index, read once and kept as sprites.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/scenes/labels.h"
#include "data/scenes/scene.h"
#include "data/scenes/sprite.h"

namespace moonbeam::data {

/// A row of an atlas's index.
struct SpriteInfo {
  std::string id;   ///< "noto/dog"
  std::string set;  ///< "noto"
  char tier = 'a';
  int label = -1;
  int width = 0, height = 0;  ///< pixels
  bool photo = false;
};

/// Const after loading and shared between threads; a drawing is decoded when it is first asked for.
class Atlas {
 public:
  Atlas();  ///< no drawings: scenes of shapes alone
  ~Atlas();
  Atlas(Atlas&&) noexcept;
  Atlas& operator=(Atlas&&) noexcept;

  /// Reads what there is in `folder`: atlas.tar, which must be there, and the atlases and backgrounds that
  /// tools/fetch_assets.sh puts into its folder `assets`. Rows whose label the table lacks are left out.
  /// `attribution` adds the drawings under CC BY to those of train, val-seed and val-bg: other scenes then,
  /// and weights trained on them must name the authors.
  /// @throws Error kNotFound, kCorrupt naming file and row.
  static Atlas load(const std::filesystem::path& folder, const LabelTable& labels, bool attribution = false);

  /// Sprites of a label that scenes of the split are drawn with; none where its assets are absent.
  std::span<const int> sprites(Split split, int label) const;
  int size() const;
  const SpriteInfo& info(int sprite) const;
  /// @throws Error kCorrupt naming the member.
  const Sprite& sprite(int sprite) const;
  /// Pictures to lay scenes of the held-out splits on: none where they are not installed.
  int walls() const;
  /// Short side at most kWallSide pixels. @throws Error as load_image.
  const Image& wall(int index) const;
  static constexpr int kWallSide = 1024;
  /// Hue in [0, 1536) of drawings of mostly one hue.
  std::optional<int> hue(int sprite) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The folder with labels.tsv and atlas.tar: MOONBEAM_DATA, share/moonbeam/data beside the program's folder,
/// or data/ of the source tree. @throws Error kNotFound with the places looked at.
std::filesystem::path find_data_folder();

}  // namespace moonbeam::data
