// Queues of many clients that take turns. Knows nothing of what waits in them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <list>
#include <string>
#include <utility>
#include <vector>

namespace moonbeam::tasks {

/// First come, first served within a client; round robin between them. Not safe from many threads.
template <typename Item>
class Turns {
 public:
  void add(const std::string& client, Item item) {
    auto queue = std::find_if(queues_.begin(), queues_.end(),
                              [&](const Queue& other) { return other.client == client; });
    if (queue == queues_.end()) {
      // Whoever was served last is behind a newcomer, and only then: nobody is passed twice.
      const bool before_last = !queues_.empty() && queues_.back().client == last_served_;
      queue = queues_.insert(before_last ? std::prev(queues_.end()) : queues_.end(), Queue{client, {}});
    }
    queue->items.push_back(std::move(item));
    ++size_;
  }

  /// There must be one.
  Item next() {
    Queue& queue = queues_.front();
    Item item = std::move(queue.items.front());
    queue.items.pop_front();
    --size_;
    last_served_ = queue.client;
    if (queue.items.empty()) {
      queues_.pop_front();
    } else {
      queues_.splice(queues_.end(), queues_, queues_.begin());
    }
    return item;
  }

  /// Takes those out for which `wanted` is true.
  template <typename Wanted>
  std::vector<Item> take_if(Wanted wanted) {
    std::vector<Item> out;
    for (Queue& queue : queues_) {
      const auto kept = std::stable_partition(queue.items.begin(), queue.items.end(),
                                              [&](const Item& item) { return !wanted(item); });
      out.insert(out.end(), std::make_move_iterator(kept), std::make_move_iterator(queue.items.end()));
      queue.items.erase(kept, queue.items.end());
    }
    queues_.remove_if([](const Queue& queue) { return queue.items.empty(); });
    size_ -= out.size();
    return out;
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

 private:
  struct Queue {
    std::string client;
    std::deque<Item> items;  // never empty
  };
  std::list<Queue> queues_;  // in the order of their turns
  std::string last_served_;
  std::size_t size_ = 0;
};

}  // namespace moonbeam::tasks
