// What kernel files tell the compiler beyond C++.
#pragma once

#if defined(__GNUC__)
#define OCTAVO_NOINLINE __attribute__((noinline))
#define OCTAVO_INLINE inline __attribute__((always_inline))
#define OCTAVO_PREFETCH(address) __builtin_prefetch(address)
// What a loop that needs all registers reads seldom: the compiler takes it from memory then.
#define OCTAVO_KEEP_IN_MEMORY(object) asm volatile("" : "+m"(object))
// A pointer that the compiler does not make another one's neighbour, with an index.
#define OCTAVO_KEEP_IN_REGISTER(pointer) asm("" : "+r"(pointer))
#elif defined(_MSC_VER)
#define OCTAVO_NOINLINE __declspec(noinline)
#define OCTAVO_INLINE __forceinline
#define OCTAVO_PREFETCH(address) ((void)(address))
#define OCTAVO_KEEP_IN_MEMORY(object) ((void)(object))
#define OCTAVO_KEEP_IN_REGISTER(pointer) ((void)(pointer))
#endif

// Fetches a line into the nearest cache, or into the second. A hint, which
// may name any address: without a word for it nothing is done.
#if defined(__GNUC__)
#define OCTAVO_FETCH(p) __builtin_prefetch(p, 0, 3)
#define OCTAVO_FETCH_FAR(p) __builtin_prefetch(p, 0, 2)
#else
#define OCTAVO_FETCH(p) static_cast<void>(p)
#define OCTAVO_FETCH_FAR(p) static_cast<void>(p)
#endif
