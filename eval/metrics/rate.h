// A measure over pictures: a ratio of sums, its 95 % interval by resampling the pictures.
#pragma once

#include <cstdint>
#include <vector>

namespace moonbeam::eval {

struct Interval {
  double low = 0, high = 0;
};

class Rate {
 public:
  /// What one picture adds: hits of trials; for F1 2 * hits of found + truth.
  void add(double part, double whole);
  double value() const;  ///< 0 where nothing was asked
  double trials() const { return whole_; }
  /// 1,000 resamples of the pictures with a fixed seed.
  Interval interval() const;

 private:
  struct Picture {
    double part, whole;
  };
  std::vector<Picture> pictures_;
  double part_ = 0, whole_ = 0;
};

}  // namespace moonbeam::eval
