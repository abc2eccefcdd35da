// When runs of a plan are about to end, told from how long steps took in earlier ones.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace octavo {

// Thread-safe.
class Foresight {
 public:
  // Whether the next run should take the times of its steps, and learn from them.
  bool wantsTimes();
  void learn(const std::vector<double>& nanoseconds);
  // Where a run is about to end, as a Notice has it, or kNone if that is not known.
  static constexpr double kNone = -1;
  double place() const { return place_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> runs_{0};
  std::atomic<double> place_{kNone};
};

}  // namespace octavo
