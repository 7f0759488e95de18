package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
)

// Contents is what a folder holds.
type Contents struct {
	Folder     string          `json:"folder"`
	Model      *Model          `json:"model"`
	Parameters int             `json:"parameters"`
	Metrics    *metrics.Report `json:"metrics"` // nil when there are none
	Files      []File          `json:"files"`
}

// File is a file of a folder.
type File struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// Inspect reads what a folder holds, but for the weights.
func Inspect(dir string) (*Contents, error) {
	m, err := Load(dir)
	if err != nil {
		return nil, err
	}
	c := &Contents{Folder: dir, Model: m, Parameters: m.Network.Parameters()}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		c.Folder = resolved
	}
	if c.Metrics, err = readMetrics(filepath.Join(dir, MetricsFile)); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, pathError(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, pathError(err)
		}
		if info.Mode().IsRegular() {
			c.Files = append(c.Files, File{e.Name(), info.Size()})
		}
	}
	return c, nil
}

// readMetrics returns nil when there is no such file.
func readMetrics(path string) (*metrics.Report, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, pathError(err)
	}
	var r metrics.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, &Error{path, fmt.Errorf("damaged: %w", err)}
	}
	return &r, nil
}
