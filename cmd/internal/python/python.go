// Package python gives tests the Python packages of others, to compare with what those do.
package python

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Packages is a folder for PYTHONPATH with what a file of requirements pins, and nothing that
// they ask for besides. The first use puts it under the user's cache folder, whole or not at all.
func Packages(name, requirements string) (string, error) {
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
