package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestAvailableMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems do not tell")
	}
	all, known := readField("/proc/meminfo", "MemTotal:")
	if !known {
		t.Fatal("no MemTotal in /proc/meminfo")
	}
	if got := availableMemory(); !(got > 100<<20 && got <= all*1024) {
		t.Errorf("%v bytes of %v are available", got, all*1024)
	}
}

func TestFieldsOfFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "memory.stat")
	if err := os.WriteFile(path, []byte("active_file 5\ninactive_file 4096\nfile\nbroken x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, known := readField(path, "inactive_file"); n != 4096 || !known {
		t.Errorf("inactive_file: %v, %v", n, known)
	}
	for _, name := range []string{"file", "broken", "absent"} {
		if n, known := readField(path, name); known {
			t.Errorf("%s: %v", name, n)
		}
	}
}
