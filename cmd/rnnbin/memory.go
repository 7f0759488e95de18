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
		if known && (least == 0 || bytes < least) {
			least = max(bytes, 1)
		}
	}
	kB, known := readField("/proc/meminfo", "MemAvailable:")
	within(kB*1024, known)
	for _, g := range []struct{ folder, limit, usage, cache string }{
		{"", "memory.max", "memory.current", "inactive_file"},
		{"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
	} {
		folder := filepath.Join("/sys/fs/cgroup", g.folder)
		limit, known := readNumber(filepath.Join(folder, g.limit))
		usage, measured := readNumber(filepath.Join(folder, g.usage))
		cache, _ := readField(filepath.Join(folder, "memory.stat"), g.cache) // files that make way
		within(limit-usage+cache, known && measured)
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) == nil && limit.Cur != unix.RLIM_INFINITY {
		pages, known := readNumber("/proc/self/statm")
		within(float64(limit.Cur)-pages*float64(os.Getpagesize()), known)
	}
	return least
}

// readField is the number behind a name in a file with a line for each.
func readField(path, name string) (float64, bool) {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if of := strings.Fields(line); len(of) > 1 && of[0] == name {
			n, err := strconv.ParseFloat(of[1], 64)
			return n, err == nil
		}
	}
	return 0, false
}

// readNumber is the number that a file begins with.
func readNumber(path string) (float64, bool) {
	text, _ := os.ReadFile(path)
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	n, err := strconv.ParseFloat(first, 64)
	return n, err == nil
}
