// Work cut into parts by its size alone, never by the number of threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "native/round.h"
#include "native/threading/pool.h"

namespace octavo {

// Bytes that are worth handing to another thread, and how finely work is cut at most.
constexpr size_t kPartBytes = 64 << 10;
constexpr size_t kMostParts = 64;

// Into how many parts work is cut that would make `most` of the least size: few are a power of two,
// many are of twice that size and a multiple of four, so that threads can share them out evenly.
inline size_t evenParts(double most) {
  constexpr size_t kFew = 8;
  const auto limit = static_cast<size_t>(std::clamp(most, 1.0, 2.0 * kMostParts));
  if (limit >= 2 * kFew) return limit / 8 * 4;
  size_t parts = 1;
  while (2 * parts <= limit) parts *= 2;
  return parts;
}

// Of results that are longer, no cache has much left when the next step reads them.
constexpr size_t kStreamedBytes = 16 << 20;

// Calls body(begin, end, worker) for parts of [0, total) of at least about `grain`, all but the
// last one a multiple of `unit`.
template <typename Body>
void forEachPart(Team& team, size_t total, size_t grain, size_t unit, Body&& body) {
  if (total == 0) return;
  const size_t wanted = std::clamp<size_t>(total / std::max<size_t>(grain, 1), 1, kMostParts);
  const size_t chunk = roundUp(divideUp(total, wanted), unit);
  team.forEach(divideUp(total, chunk), [&](size_t part, size_t worker) {
    const size_t begin = part * chunk;
    body(begin, std::min(total, begin + chunk), worker);
  });
}

}  // namespace octavo
