// The caches of a core, by which work is cut.
#pragma once

#include <cstddef>

namespace octavo {

// Bytes of the second-level cache that one core can count on, from 128 KiB to 8 MiB; 512 KiB where
// the system does not tell.
size_t secondLevelCacheBytes();

// Whether weights of so many bytes come from further away than the cache of a core while work goes
// on, and are worth fetching in time.
inline bool areFar(size_t weightBytes) { return weightBytes > secondLevelCacheBytes() / 8; }

}  // namespace octavo
