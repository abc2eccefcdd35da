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
  // The step at whose beginning a run is about to end, or kNone if that is not known.
  static constexpr size_t kNone = static_cast<size_t>(-1);
  size_t step() const { return step_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> runs_{0};
  std::atomic<size_t> step_{kNone};
};

}  // namespace octavo
