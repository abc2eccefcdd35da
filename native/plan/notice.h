// What a run does on its way, at a place that was told before.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "native/threading/pool.h"

namespace octavo {

// Where: so many steps are over, and such a share of the one behind them, as in 3.25.
struct Notice {
  double place;
  std::function<void()> give;
};

// The team of the step that a notice is given in the middle of: `share` of the parts that the
// calling thread begins with are over. Too few parts to tell, and it is not given.
class NoticingTeam final : public Team {
 public:
  NoticingTeam(Team& team, double share, const std::function<void()>& give)
      : team_(team), share_(share), give_(give) {}

  void run(size_t parts, void (*body)(void* context, size_t part, size_t worker),
           void* context) override {
    const auto own = static_cast<double>(parts / team_.size());
    Call call{*this, static_cast<size_t>(share_ * own), body, context};
    if (call.at == 0) return team_.run(parts, body, context);
    team_.run(parts, &NoticingTeam::enter, &call);
  }
  size_t size() const override { return team_.size(); }

 private:
  struct Call {
    NoticingTeam& team;
    size_t at;
    void (*body)(void* context, size_t part, size_t worker);
    void* context;
  };

  static void enter(void* context, size_t part, size_t worker) {
    const Call& call = *static_cast<Call*>(context);
    if (part == call.at && !call.team.isGiven_.exchange(true)) call.team.give_();
    call.body(call.context, part, worker);
  }

  Team& team_;
  const double share_;
  const std::function<void()>& give_;
  std::atomic<bool> isGiven_{false};
};

}  // namespace octavo
