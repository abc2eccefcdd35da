// Whether pages of a kind are found quickly, judged by those that were taken so far.
#pragma once

#include <atomic>
#include <cstdint>

namespace octavo {

class PageCost {
 public:
  // One was taken, in so many nanoseconds, where `most` would be all right. Being too slow by
  // little is soon forgotten; once it adds up to as much again, the cost is high for good.
  void add(int64_t taken, int64_t most) {
    const int64_t now = excess_ + taken - most;
    excess_ = now > 0 ? now : 0;
    if (now > most) isHigh_ = true;
  }
  bool isHigh() const { return isHigh_; }

 private:
  // Of two threads that add at once, one may be forgotten.
  std::atomic<int64_t> excess_{0};
  std::atomic<bool> isHigh_{false};
};

}  // namespace octavo
