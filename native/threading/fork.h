// One piece of work that several threads do: parts, each of which any of them may take. Every
// thread begins with a share of its own, the same one in fork after fork of a run, so that it finds
// in its cache what it wrote a step ago; then it helps with the others' shares.
#pragma once

#include <atomic>
#include <cstddef>

namespace octavo {

using Body = void (*)(void* context, size_t part, size_t worker);

struct Fork;

// The place of one thread in a fork, and its share of the parts. Seat 0 is the caller's.
struct Seat {
  Fork* fork;
  size_t index;
  std::atomic<size_t> next;
  size_t end;
  size_t apart[4];  // so that no two seats' `next` share a line of the cache
};

struct Fork {
  Body body;
  void* context;
  Seat* seats;
  size_t count;                 // of seats
  std::atomic<size_t> helpers;  // those in seats from 1 on that may still touch the fork

  void deal(size_t parts) {
    for (size_t i = 0; i < count; i++) {
      seats[i].fork = this;
      seats[i].index = i;
      seats[i].next.store(parts * i / count, std::memory_order_relaxed);
      seats[i].end = parts * (i + 1) / count;
    }
  }

  // Returns when there are no more parts to take; others may still be at theirs.
  void work(size_t seat) {
    for (size_t i = 0; i < count; i++) {
      Seat& share = seats[(seat + i) % count];
      while (share.next.load(std::memory_order_relaxed) < share.end) {
        const size_t part = share.next.fetch_add(1, std::memory_order_relaxed);
        if (part < share.end) body(context, part, seat);
      }
    }
  }
};

}  // namespace octavo
