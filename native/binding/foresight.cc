#include "native/binding/foresight.h"

namespace octavo {
namespace {

// Nanoseconds before the end of a run: less is too late to be told, more too early.
constexpr double kLeast = 90'000, kMost = 300'000;
// The first runs take times, and of the later ones one in so many.
constexpr size_t kFirst = 3, kEvery = 64;

}  // namespace

bool Foresight::wantsTimes() {
  const size_t run = runs_.fetch_add(1, std::memory_order_relaxed);
  return run < kFirst || run % kEvery == 0;
}

void Foresight::learn(const std::vector<double>& nanoseconds) {
  double left = 0, behind = 0;  // of the run at the beginning of a step, and at its end
  size_t step = nanoseconds.size();
  while (step > 0 && left < kLeast) {
    behind = left;
    left += nanoseconds[--step];
  }
  double place = kNone;
  if (left >= kLeast) place = static_cast<double>(step);
  if (left > kMost) place += 1 - ((kLeast + kMost) / 2 - behind) / nanoseconds[step];
  place_.store(place, std::memory_order_relaxed);
}

}  // namespace octavo
