#include "tasks/picture_store.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/sha256.h"
#include "base/text.h"

namespace moonbeam::tasks {

namespace {

// Aliases of one entry: the same picture in different files.
constexpr std::size_t kAliases = 16;

}  // namespace

std::string picture_key(const Engine& engine, const Image& image) {
  base::Sha256 sum;
  // A separator that no number contains stands between the parts.
  const std::string head =
      base::cat("moonbeam picture ", kPreprocessingVersion, "|", engine.config().variant, "|",
                engine.model->adapter_digest, "|", image.height, "x", image.width, "|");
  sum.update(std::as_bytes(std::span(head)));
  sum.update(std::as_bytes(std::span(image.pixels)));
  return sum.hex();
}

std::size_t PictureStore::Entry::bytes() const noexcept {
  return (picture ? picture->prefix.bytes() : 0) + (embeddings ? embeddings->bytes() : 0);
}

PictureStore::Found PictureStore::find(const std::string& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return {};
  auto& [list, entry] = place->second;
  list->splice(list->begin(), *list, entry);
  return {entry->picture, entry->embeddings};
}

void PictureStore::put(const std::string& key, std::shared_ptr<const EncodedImage::Impl> picture,
                       std::shared_ptr<const PictureEmbeddings> embeddings) {
  Entry entry{.key = key, .picture = std::move(picture), .embeddings = std::move(embeddings), .aliases = {}};
  if (const auto place = places_.find(key); place != places_.end()) {
    entry.aliases = take(*place->second.list, place->second.entry).aliases;
  }
  add(std::move(entry));
}

void PictureStore::add(Entry entry) {
  if (entry.picture && entry.bytes() > budget_) entry.picture = nullptr;
  if (!entry.picture) return add_remains(std::move(entry));
  std::vector<Entry> old;
  while (bytes_ - remains_bytes_ + entry.bytes() > budget_)
    old.push_back(take(pictures_, std::prev(pictures_.end())));
  make_room(entry.bytes());
  bytes_ += entry.bytes();
  pictures_.push_front(std::move(entry));
  places_[pictures_.front().key] = {&pictures_, pictures_.begin()};
  for (Entry& left : old) {
    left.picture = nullptr;
    add_remains(std::move(left));
  }
}

void PictureStore::add_remains(Entry entry) {
  if (!entry.embeddings || bytes_ - remains_bytes_ + entry.bytes() > budget_) return forget(entry);
  make_room(entry.bytes());
  bytes_ += entry.bytes();
  remains_bytes_ += entry.bytes();
  remains_.push_front(std::move(entry));
  places_[remains_.front().key] = {&remains_, remains_.begin()};
}

// Among embeddings: they have the room that pictures leave.
void PictureStore::make_room(std::size_t bytes) {
  while (bytes_ + bytes > budget_) {
    Entry old = take(remains_, std::prev(remains_.end()));
    forget(old);
  }
}

PictureStore::Entry PictureStore::take(Entries& list, Entries::iterator entry) {
  Entry out = std::move(*entry);
  list.erase(entry);
  places_.erase(out.key);
  bytes_ -= out.bytes();
  if (&list == &remains_) remains_bytes_ -= out.bytes();
  return out;
}

void PictureStore::forget(Entry& entry) {
  for (const std::string& name : entry.aliases) aliases_.erase(name);
}

void PictureStore::alias(const std::string& name, const std::string& key) {
  const auto place = places_.find(key);
  if (place == places_.end() || aliases_.count(name) != 0) return;
  std::vector<std::string>& aliases = place->second.entry->aliases;
  if (aliases.size() >= kAliases) return;
  aliases.push_back(name);
  aliases_[name] = key;
}

std::string PictureStore::resolve(const std::string& name) const {
  const auto found = aliases_.find(name);
  return found == aliases_.end() ? std::string() : found->second;
}

void PictureStore::clear() {
  pictures_.clear();
  remains_.clear();
  places_.clear();
  aliases_.clear();
  bytes_ = remains_bytes_ = 0;
}

}  // namespace moonbeam::tasks
