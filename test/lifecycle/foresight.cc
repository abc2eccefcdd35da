// Which step a run is announced at, of steps that take times as told.
#include "native/binding/foresight.h"

#include <cstdio>
#include <cstdlib>

namespace octavo {
namespace {

constexpr size_t kNever = Foresight::kNone;

void require(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  std::exit(1);
}

size_t learnt(const std::vector<double>& microseconds) {
  Foresight foresight;
  std::vector<double> times;
  for (const double time : microseconds) times.push_back(time * 1e3);
  foresight.learn(times);
  return foresight.step();
}

}  // namespace
}  // namespace octavo

int main() {
  using namespace octavo;
  require(Foresight().step() == kNever, "before any run");
  require(learnt({}) == kNever, "no steps");
  require(learnt({20, 20}) == kNever, "too short");
  require(learnt({800, 40, 40, 30, 30}) == 2, "the last step that is early enough");
  require(learnt({800, 200, 5}) == 1, "a long one near the end");
  require(learnt({100, 2000, 5}) == kNever, "one that is too long");
  Foresight foresight;
  int curious = 0;
  for (int run = 0; run < 640; run++) curious += foresight.wantsTimes() ? 1 : 0;
  require(curious == 12, "times of 3 runs at first and of every 64th");
  foresight.learn({500e3, 100e3});
  foresight.learn({500e3, 50e3, 50e3});
  require(foresight.step() == 1, "the latest run counts");
  std::printf("ended\n");
}
