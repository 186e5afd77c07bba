// Encoded pictures and their embeddings within a budget of bytes. Knows keys, ages and sizes; who makes the
// pictures is cache.cc's concern.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tasks/image_prefix.h"

namespace moonbeam::tasks {

/// Of the pixels, what is done with them, for which variant and with which adapter; 64 hexadecimal digits. A
/// store is of one model: two of one variant give the same key.
std::string picture_key(const Engine& engine, const Image& image);

/// Not safe from many threads.
class PictureStore {
 public:
  explicit PictureStore(std::size_t budget) : budget_(budget) {}
  PictureStore(const PictureStore&) = delete;
  PictureStore& operator=(const PictureStore&) = delete;

  struct Found {
    std::shared_ptr<const EncodedImage::Impl> picture;    ///< if it is there,
    std::shared_ptr<const PictureEmbeddings> embeddings;  ///< else these, if they are
  };
  /// Makes the entry the most recently used one.
  Found find(const std::string& key);

  /// What does not fit is not kept; older entries leave to make room.
  void put(const std::string& key, std::shared_ptr<const EncodedImage::Impl> picture,
           std::shared_ptr<const PictureEmbeddings> embeddings);

  /// Another name of a key: of a file that holds the picture. Forgotten with the entry.
  void alias(const std::string& name, const std::string& key);
  /// Empty if there is none.
  std::string resolve(const std::string& name) const;

  void clear();
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t budget() const noexcept { return budget_; }
  std::size_t pictures() const noexcept { return pictures_.size(); }

 private:
  // An entry is in one of two lists, youngest first: `pictures_` has the prefix and the embeddings,
  // `remains_` the embeddings alone.
  struct Entry {
    std::string key;
    std::shared_ptr<const EncodedImage::Impl> picture;
    std::shared_ptr<const PictureEmbeddings> embeddings;
    std::vector<std::string> aliases;
    std::size_t bytes() const noexcept;
  };
  using Entries = std::list<Entry>;

  void add(Entry entry);
  void add_remains(Entry entry);
  void make_room(std::size_t bytes);
  Entry take(Entries& list, Entries::iterator entry);
  void forget(Entry& entry);

  std::size_t budget_;
  std::size_t bytes_ = 0;
  std::size_t remains_bytes_ = 0;
  Entries pictures_, remains_;
  struct Place {
    Entries* list;
    Entries::iterator entry;
  };
  std::map<std::string, Place> places_;
  std::map<std::string, std::string> aliases_;
};

}  // namespace moonbeam::tasks
