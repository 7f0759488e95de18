// Package denormal has a thread take numbers too small for float32's normal form
// as zero.
//
// TensorFlow does so in threads of its own. In a caller's thread it is up to
// the caller: an optimizer's moments of units that have become inactive decay
// into such numbers, each of which costs the processor a hundred times the
// usual.
package denormal

/*
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
static uint64_t get(void) { return _mm_getcsr(); }
static void set(uint64_t mode) { _mm_setcsr((unsigned)mode); }
enum { FLUSH = 0x8040 }; // results to zero, operands as zero
#elif defined(__aarch64__)
static uint64_t get(void) {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
static void set(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
enum { FLUSH = 1 << 24 };
#else
static uint64_t get(void) { return 0; }
static void set(uint64_t mode) { (void)mode; }
enum { FLUSH = 0 };
#endif

static uint64_t flush(void) {
  uint64_t before = get();
  set(before | FLUSH);
  return before;
}
*/
import "C"

import "runtime"

// Flush calls f with denormal numbers taken as zero by its thread, and by that
// alone.
func Flush(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := C.flush()
	defer C.set(before)
	f()
}
