// Maths whose result is the same to the bit on every machine: no libm but sqrt and floor, which IEEE 754
// fixes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moonbeam::data {

/// sin(2 pi turns), error below 1e-7.
inline float sin_turn(float turns) {
  double t = static_cast<double>(turns) - std::floor(static_cast<double>(turns));  // [0, 1)
  double sign = 1;
  if (t >= 0.5) {
    t -= 0.5;
    sign = -1;
  }
  if (t > 0.25) t = 0.5 - t;
  const double x = t * 6.283185307179586, xx = x * x;  // [0, pi / 2]
  double sum = 0;
  for (int k = 13; k >= 3; k -= 2) sum = (1 + sum) * -xx / (k * (k - 1));
  return static_cast<float>(sign * x * (1 + sum));
}

inline float cos_turn(float turns) {
  return sin_turn(turns + 0.25f);
}

/// Natural logarithm of a positive number.
inline double logarithm(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // exact: [0.5, 1)
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  const double z = (mantissa - 1) / (mantissa + 1), zz = z * z;  // log m = 2 atanh z, |z| < 0.172
  double sum = 0;
  for (int k = 19; k >= 1; k -= 2) sum = sum * zz + 1.0 / k;
  return 2 * z * sum + exponent * 0.69314718055994531;
}

/// e to the power x, |x| < 700.
inline double exponential(double x) {
  const double whole = std::floor(x / 0.69314718055994531 + 0.5);
  const double rest = x - whole * 0.69314718055994531;  // |rest| < 0.347
  double sum = 1;
  for (int k = 14; k >= 1; --k) sum = 1 + sum * rest / k;
  return std::ldexp(sum, static_cast<int>(whole));  // exact
}

inline int round_to_int(float x) {
  return static_cast<int>(std::floor(x + 0.5f));
}

inline int clamp_byte(int x) {
  return std::clamp(x, 0, 255);
}

}  // namespace moonbeam::data
