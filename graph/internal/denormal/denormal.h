// The calling thread's way with denormal numbers, also for the kernels' threads.
#ifndef RNNBIN_DENORMAL_H
#define RNNBIN_DENORMAL_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
static inline uint64_t denormal_mode(void) { return _mm_getcsr(); }
static inline void set_denormal_mode(uint64_t mode) { _mm_setcsr((unsigned)mode); }
enum { DENORMAL_FLUSH = 0x8040 };  // MXCSR: results to zero, operands as zero
#elif defined(__aarch64__)
static inline uint64_t denormal_mode(void) {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
static inline void set_denormal_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
enum { DENORMAL_FLUSH = 1 << 24 };  // FPCR: both
#else
static inline uint64_t denormal_mode(void) { return 0; }
static inline void set_denormal_mode(uint64_t mode) { (void)mode; }
enum { DENORMAL_FLUSH = 0 };
#endif

// From now on denormal numbers are zero. Returns the mode before.
static inline uint64_t flush_denormals(void) {
  const uint64_t before = denormal_mode();
  set_denormal_mode(before | DENORMAL_FLUSH);
  return before;
}

#endif
