#include "text/rope.h"

#include <cmath>

namespace moonbeam::text {

RopeTable::RopeTable(int rope_dims, float theta, int max_positions)
    : half_(rope_dims / 2),
      table_(static_cast<std::size_t>(rope_dims) * static_cast<std::size_t>(max_positions)) {
  for (int i = 0; i < half_; ++i) {
    const float inverse = 1.0f / std::pow(theta, static_cast<float>(2 * i) / static_cast<float>(rope_dims));
    for (int position = 0; position < max_positions; ++position) {
      const float angle = static_cast<float>(position) * inverse;
      float* row = table_.data() + static_cast<std::ptrdiff_t>(2) * half_ * position;
      row[i] = std::cos(angle);
      row[half_ + i] = std::sin(angle);
    }
  }
}

void rotate(const RopeTable& table, int position, float* x, int heads, int head_width) noexcept {
  const int half = table.dims() / 2;
  const float* cos = table.cos(position);
  const float* sin = table.sin(position);
  for (int head = 0; head < heads; ++head, x += head_width) {
    for (int i = 0; i < half; ++i) {
      const float a = x[i];
      const float b = x[i + half];
      x[i] = a * cos[i] - b * sin[i];
      x[i + half] = a * sin[i] + b * cos[i];
    }
  }
}

}  // namespace moonbeam::text
