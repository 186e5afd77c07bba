#include "data/pipeline/report/eigenvalues.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moonbeam::pipeline {

namespace {

struct Tridiagonal {
  std::vector<double> diagonal, beside;  // beside[i] joins i and i + 1
};

/// Reflects one column after another so that nothing is left below the entry under the diagonal.
Tridiagonal reduce(std::vector<double>& a, int n) {
  const auto at = [&](int row, int column) -> double& {
    return a[static_cast<std::size_t>(row) * n + static_cast<std::size_t>(column)];
  };
  Tridiagonal out{std::vector<double>(n), std::vector<double>(n, 0.0)};
  std::vector<double> v(n), p(n);
  for (int k = 0; k + 2 < n; ++k) {
    double norm = 0;
    for (int i = k + 1; i < n; ++i) norm += at(i, k) * at(i, k);
    norm = std::sqrt(norm);
    out.beside[k] = norm;
    if (norm == 0) continue;
    // v = x - alpha e1 with alpha of the other sign than x1: nothing cancels.
    const double alpha = at(k + 1, k) > 0 ? -norm : norm;
    out.beside[k] = alpha;
    double length = 0;
    for (int i = k + 1; i < n; ++i) {
      v[i] = at(i, k) - (i == k + 1 ? alpha : 0);
      length += v[i] * v[i];
    }
    if (length == 0) continue;
    // A - v w' - w v' with w = p - (v'p / length) v, p = 2 A v / length.
    double along = 0;
    for (int i = k + 1; i < n; ++i) {
      double sum = 0;
      for (int j = k + 1; j < n; ++j) sum += at(i, j) * v[j];
      p[i] = 2 * sum / length;
      along += p[i] * v[i];
    }
    for (int i = k + 1; i < n; ++i) p[i] -= along / length * v[i];
    for (int i = k + 1; i < n; ++i) {
      for (int j = k + 1; j < n; ++j) at(i, j) -= v[i] * p[j] + p[i] * v[j];
    }
  }
  for (int i = 0; i < n; ++i) out.diagonal[i] = at(i, i);
  if (n >= 2) out.beside[n - 2] = at(n - 1, n - 2);
  return out;
}

/// One QL sweep with Wilkinson's shift over rows low .. high, which no zero divides.
void sweep(std::vector<double>& d, std::vector<double>& e, int low, int high) {
  double g = (d[low + 1] - d[low]) / (2 * e[low]);
  g = d[high] - d[low] + e[low] / (g + std::copysign(std::hypot(g, 1.0), g));
  double sine = 1, cosine = 1, carried = 0;
  for (int i = high - 1; i >= low; --i) {
    const double f = sine * e[i], b = cosine * e[i], r = std::hypot(f, g);
    e[i + 1] = r;
    if (r == 0) {
      d[i + 1] -= carried;
      e[high] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = d[i + 1] - carried;
    const double t = (d[i] - g) * sine + 2 * cosine * b;
    carried = sine * t;
    d[i + 1] = g + carried;
    g = cosine * t - b;
  }
  d[low] -= carried;
  e[low] = g;
  e[high] = 0;
}

}  // namespace

std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, int n) {
  if (n == 0) return {};
  auto [d, e] = reduce(matrix, n);
  constexpr int kMostSweeps = 60;
  for (int low = 0; low < n; ++low) {
    for (int round = 0; round < kMostSweeps; ++round) {
      int high = low;
      while (high + 1 < n && std::fabs(e[high]) > std::numeric_limits<double>::epsilon() *
                                                      (std::fabs(d[high]) + std::fabs(d[high + 1]))) {
        ++high;
      }
      if (high == low) break;
      sweep(d, e, low, high);
    }
  }
  std::sort(d.begin(), d.end());
  return d;
}

}  // namespace moonbeam::pipeline
