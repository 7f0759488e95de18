package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

const labelStudio = "testdata/labelstudio"

// labelStudioSDK is the folder of Label Studio's SDK, with all that it imports (50 MB).
var labelStudioSDK = sync.OnceValues(func() (string, error) {
	return pythonPackages("label-studio-sdk", filepath.Join(labelStudio, "requirements.txt"))
})

// pythonPackages is the folder of the packages that a file of pip's requirements lists. The
// first use puts it under the user's cache folder, whole or not at all.
func pythonPackages(name, requirements string) (string, error) {
	text, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	version, err := exec.Command("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2], end='')").Output()
	if err != nil {
		return "", fmt.Errorf("python3: %w", err)
	}
	home := filepath.Join(cache, "rnnbin", fmt.Sprintf("%s-%s-%.4x", name, version, sha256.Sum256(text)))
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o777); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(filepath.Dir(home), filepath.Base(home)+".")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	pip := exec.Command("python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore",
		"--no-deps", "--requirement", requirements, "--target", part)
	if out, err := pip.CombinedOutput(); err != nil {
		return "", fmt.Errorf("pip: %w: %s", err, out)
	}
	if err := os.Rename(part, home); err != nil && !errors.Is(err, os.ErrExist) { // another run may have been first
		return "", err
	}
	return home, nil
}

// hasLabelStudio reports whether the SDK is there, and says why not.
func hasLabelStudio() bool {
	_, err := labelStudioSDK()
	if err != nil {
		fmt.Fprintln(os.Stderr, "left out: Label Studio's SDK cannot be installed:", err)
	}
	return err == nil
}

// checkLabelStudio has the SDK check tasks, and annotate a copy of them with what they predict:
//
//	labelstudio LABELS TASKS.json ANNOTATED.json
func checkLabelStudio(ts *testscript.TestScript, neg bool, args []string) {
	home, err := labelStudioSDK()
	ts.Check(err)
	ts.Setenv("PYTHONPATH", home)
	err = ts.Exec("python3", append([]string{filepath.Join(ts.Getenv("LABELSTUDIO"), "check.py")}, args...)...)
	if neg != (err != nil) {
		ts.Fatalf("labelstudio: error %v", err)
	}
}
