package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// availableMemory is how many bytes the process may still take: what the system has, within
// its limits on the process and on the groups that it is in; 0 where that is not known.
func availableMemory() float64 {
	least := 0.0
	within := func(bytes float64, known bool) {
		if known && bytes > 0 && (least == 0 || bytes < least) {
			least = bytes
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		_, rest, found := strings.Cut(string(text), "MemAvailable:")
		if fields := strings.Fields(rest); found && len(fields) > 0 {
			kB, err := strconv.ParseFloat(fields[0], 64)
			within(kB*1024, err == nil)
		}
	}
	for _, g := range []struct{ limit, usage string }{
		{"memory.max", "memory.current"},
		{"memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"},
	} {
		limit, known := readNumber(filepath.Join("/sys/fs/cgroup", g.limit))
		usage, measured := readNumber(filepath.Join("/sys/fs/cgroup", g.usage))
		within(limit-usage, known && measured)
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) == nil && limit.Cur != unix.RLIM_INFINITY {
		pages, known := readNumber("/proc/self/statm")
		within(float64(limit.Cur)-pages*float64(os.Getpagesize()), known)
	}
	return least
}

// readNumber is the number that a file begins with.
func readNumber(path string) (float64, bool) {
	text, err := os.ReadFile(path)
	fields := strings.Fields(string(text))
	if err != nil || len(fields) == 0 {
		return 0, false
	}
	n, err := strconv.ParseFloat(fields[0], 64)
	return n, err == nil
}
