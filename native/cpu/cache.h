// The caches of a core, by which work is cut.
#pragma once

#include <cstddef>

namespace octavo {

// Bytes of the second-level cache that one core can count on, from 128 KiB to 8 MiB; 512 KiB where
// the system does not tell.
size_t secondLevelCacheBytes();

}  // namespace octavo
