// Bytes -> whole characters -> past the stop strings -> whole words. Each stage holds back what it cannot
// judge yet; the word rule is applied once a token, as the reference does.
#include "text/text_stream.h"

#include <algorithm>

#include "base/text.h"
#include "text/unicode.h"

namespace moonbeam::text {

namespace {

// The reference's idea of it: ideographs, no kana.
bool is_cjk(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

}  // namespace

TextStream::TextStream(const Tokenizer& tokenizer, TextStreamOptions options)
    : tokenizer_(&tokenizer), options_(std::move(options)) {
  std::erase_if(options_.stop, [](const std::string& stop) { return stop.empty(); });
}

std::string_view TextStream::push(int id) {
  if (stopped_ || tokenizer_->is_special(id)) return {};
  take_characters(tokenizer_->token_bytes(id), false);
  find_stop(false);
  return stopped_ ? emit(ready_.size(), true) : emit(emittable(), false);
}

std::string_view TextStream::finish() {
  if (stopped_) return {};
  take_characters({}, true);
  find_stop(true);
  return emit(ready_.size(), true);
}

void TextStream::take_characters(std::string_view bytes, bool last) {
  tail_ += bytes;
  const std::size_t incomplete = last ? 0 : base::incomplete_utf8_tail(tail_);
  const std::size_t whole = tail_.size() - incomplete;
  stop_ += base::replace_invalid_utf8(std::string_view(tail_).substr(0, whole));
  tail_.erase(0, whole);
}

// Moves to ready_ what no stop string can reach any more.
void TextStream::find_stop(bool last) {
  std::size_t first = std::string::npos;
  for (const std::string& stop : options_.stop) first = std::min(first, stop_.find(stop));
  stopped_ = first != std::string::npos;
  const std::size_t free = stopped_ ? first : stop_.size() - (last ? 0 : held_for_stop());
  ready_.append(stop_, 0, free);
  stop_.erase(0, stopped_ ? std::string::npos : free);
}

// Length of the longest end of stop_ that begins a stop string.
std::size_t TextStream::held_for_stop() const {
  std::size_t held = 0;
  for (const std::string& stop : options_.stop) {
    for (std::size_t size = std::min(stop.size() - 1, stop_.size()); size > held; --size) {
      if (stop_.ends_with(std::string_view(stop).substr(0, size))) held = size;
    }
  }
  return held;
}

std::size_t TextStream::emittable() const {
  if (!options_.by_words) return ready_.size();
  const bool all_there = tail_.empty() && stop_.empty();
  if (all_there && (ready_.ends_with('\n') || is_cjk(last_code_point(ready_)))) return ready_.size();
  const std::size_t space = ready_.rfind(' ');
  return space == std::string::npos ? 0 : space + 1;
}

std::string_view TextStream::emit(std::size_t length, bool last) {
  const std::size_t before = text_.size();
  std::string_view piece = std::string_view(ready_).substr(0, length);
  if (!options_.strip) {
    text_ += piece;
  } else {
    if (text_.empty()) piece.remove_prefix(leading_white_space(piece));
    const std::size_t trailing = trailing_white_space(piece);
    const std::string_view body = piece.substr(0, piece.size() - trailing);
    if (!body.empty()) {
      text_ += space_;
      text_ += body;
      space_.clear();
    }
    space_ += piece.substr(body.size());
    if (last) space_.clear();
  }
  ready_.erase(0, length);
  return std::string_view(text_).substr(before);
}

}  // namespace moonbeam::text
