// Where a run is announced, of steps that take times as told, and in the middle of a step.
#include "native/binding/foresight.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "native/plan/notice.h"

namespace octavo {
namespace {

constexpr double kNever = Foresight::kNone;

void require(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  std::exit(1);
}

double learnt(const std::vector<double>& microseconds) {
  Foresight foresight;
  std::vector<double> times;
  for (const double time : microseconds) times.push_back(time * 1e3);
  foresight.learn(times);
  return foresight.place();
}

// Does the parts in order, as one of so many threads.
class Alone final : public Team {
 public:
  explicit Alone(size_t threads) : threads_(threads) {}
  void run(size_t parts, void (*body)(void* context, size_t part, size_t worker),
           void* context) override {
    for (size_t part = 0; part < parts; part++) body(context, part, 0);
  }
  size_t size() const override { return threads_; }

 private:
  const size_t threads_;
};

// Before which part, counted over two forks of so many, a notice is given; kNever if it is not.
double givenAt(double share, size_t parts, size_t threads) {
  size_t done = 0;
  double at = kNever;
  int times = 0;
  const std::function<void()> give = [&] {
    at = static_cast<double>(done);
    times++;
  };
  Alone alone(threads);
  NoticingTeam team(alone, share, give);
  for (int fork = 0; fork < 2; fork++) {
    team.forEach(parts, [&](size_t part, size_t) {
      require(part == done % parts, "parts go missing");
      done++;
    });
  }
  require(done == 2 * parts && times <= 1, "too often");
  return at;
}

}  // namespace
}  // namespace octavo

int main() {
  using namespace octavo;
  require(Foresight().place() == kNever, "before any run");
  require(learnt({}) == kNever, "no steps");
  require(learnt({20, 20}) == kNever, "too short");
  require(learnt({800, 40, 40, 30, 30}) == 2, "the last step that is early enough");
  require(learnt({800, 200, 5}) == 1, "a long one near the end");
  require(learnt({100, 2000, 5}) == 1.905, "in the middle of one that is too long");
  require(learnt({400, 80}) == 0.7125, "which lasts until the last step");
  require(givenAt(0.5, 10, 1) == 5 && givenAt(0.99, 10, 1) == 9, "a share of all parts");
  require(givenAt(0.5, 10, 2) == 2, "a share of the caller's parts");
  require(givenAt(0.5, 1, 1) == kNever && givenAt(0.05, 10, 1) == kNever, "too few parts to tell");
  Foresight foresight;
  int curious = 0;
  for (int run = 0; run < 640; run++) curious += foresight.wantsTimes() ? 1 : 0;
  require(curious == 12, "times of 3 runs at first and of every 64th");
  foresight.learn({500e3, 100e3});
  foresight.learn({500e3, 50e3, 50e3});
  require(foresight.place() == 1, "the latest run counts");
  std::printf("ended\n");
}
