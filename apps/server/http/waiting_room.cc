#include "server/http/waiting_room.h"

#include <boost/system/error_code.hpp>
#include <utility>

namespace moonbeam::server {

/// To those that are fewest, so that a crowd which comes at once is not looked at at once. The next turn may
/// begin already: nobody joins it.
void WaitingRoom::add(std::shared_ptr<Waiting> one) {
  std::size_t best = (next_ + kTurns - 1) % kTurns;
  for (std::size_t after = kTurns - 1; after > 0; --after) {
    const std::size_t turn = (next_ + after) % kTurns;
    if (turns_[turn].size() < turns_[best].size()) best = turn;
  }
  turns_[best].push_back(std::move(one));
  ++size_;
  arm();
}

void WaitingRoom::clear() {
  for (auto& turn : turns_) turn = {};
  size_ = 0;
}

void WaitingRoom::arm() {
  if (armed_ || size_ == 0) return;
  timer_.expires_after(kPeriod / kTurns);
  timer_.async_wait([this](const boost::system::error_code& error) {
    armed_ = false;
    if (!error) look();
    arm();
  });
  armed_ = true;
}

void WaitingRoom::look() {
  std::vector<std::shared_ptr<Waiting>>& here = turns_[next_];  // which nobody joins
  std::size_t kept = 0;
  given_up_ = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    if (here[i]->look()) std::swap(here[kept++], here[i]);
  }
  size_ -= here.size() - kept;
  here.resize(kept);
  next_ = (next_ + 1) % kTurns;
}

}  // namespace moonbeam::server
