#include "server/api/piece_stream.h"

namespace moonbeam::server {

void PieceStream::begin_locked() {
  if (begun_ || ended_) return;
  begun_ = true;
  exchange_->start(std::move(head_), ping_);
}

void PieceStream::begin() {
  const std::lock_guard guard(mutex_);
  begin_locked();
}

void PieceStream::send_piece(std::string piece) {
  const std::lock_guard guard(mutex_);
  begin_locked();
  if (!ended_) exchange_->write(std::move(piece));
}

void PieceStream::finish() {
  const std::lock_guard guard(mutex_);
  begin_locked();
  if (!ended_) exchange_->finish();
  ended_ = true;
}

void PieceStream::fail_with(const Refusal& refusal, std::vector<std::string> pieces) {
  const std::lock_guard guard(mutex_);
  if (ended_) return;
  ended_ = true;
  if (!begun_) return exchange_->send(error_response(refusal, exchange_->request().path));
  for (std::string& piece : pieces) exchange_->write(std::move(piece));
  exchange_->finish();
}

}  // namespace moonbeam::server
