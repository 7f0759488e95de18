// Package keras reads recurrent networks that Keras 3 has saved: a chain of SimpleRNN, LSTM
// and GRU layers, all in one direction or all in two, and Dense layers, the last of which
// gives an answer for each step.
//
// A .keras file is a ZIP archive of the model's settings and its weights. A .weights.h5
// file has the weights alone: which layers there are is then read from the names of its
// groups and the shapes of its arrays, and their settings are taken to be Keras's
// defaults.
//
// Layers that do nothing when a model predicts, such as Dropout, are left out. All else
// that this program does not do is an error that names the layer and the setting.
package keras

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/rnnbin/rnnbin/cmd/internal/hdf5"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Model is what a file holds.
type Model struct {
	Version string // of Keras, "" if the file does not tell
	Layers  []Layer

	// Network is the same network as ours, with a Window of 0 if the model takes
	// sequences of any length, and Variables its weights.
	Network   graph.Network
	Variables []graph.Variable

	Scale *inputs.Scale // of what the network gets, from a Normalization layer; nil without
}

// Layer is one of a model's layers, from the inputs up.
type Layer struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // Keras's class
	Role string `json:"role"` // what has become of it
}

// Options are what a file may not tell.
type Options struct {
	Activation graph.Activation // of SimpleRNN layers in a .weights.h5; "" is Keras's default, tanh
}

// Error is a fault of a file. It reads "path: message".
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrActivation is returned for Options.Activation with a file that has no use for it.
var ErrActivation = errors.New("is for a .weights.h5 file of SimpleRNN layers")

// Read reads a .keras or a .weights.h5 file. What is wrong with it is an *[Error].
func Read(path string, o Options) (*Model, error) {
	data, err := os.ReadFile(path)
	var e *fs.PathError
	if errors.As(err, &e) {
		return nil, &Error{path, e.Err}
	}
	if err != nil {
		return nil, err
	}
	m, err := parse(data, o)
	if err != nil {
		return nil, &Error{path, err}
	}
	return m, nil
}

// parse tells the two kinds of files apart by how they begin.
func parse(data []byte, o Options) (*Model, error) {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		if o.Activation != "" {
			return nil, ErrActivation
		}
		return parseArchive(data)
	case bytes.HasPrefix(data, []byte("\x89HDF")):
		weights, err := hdf5.Read(data)
		if err != nil {
			return nil, err
		}
		layers, err := infer(weights, o)
		if err != nil {
			return nil, err
		}
		return build(layers, weights)
	}
	return nil, errors.New("neither a .keras file (a ZIP archive) nor a .weights.h5 file (HDF5)")
}

// parseArchive reads a .keras file.
func parseArchive(data []byte) (*Model, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("the archive is damaged: %w", err)
	}
	config, err := member(archive, "config.json")
	if err != nil {
		return nil, err
	}
	layers, err := parseConfig(config)
	if err != nil {
		return nil, err
	}
	stored, err := member(archive, "model.weights.h5")
	if err != nil {
		return nil, err
	}
	weights, err := hdf5.Read(stored)
	if err != nil {
		return nil, fmt.Errorf("model.weights.h5: %w", err)
	}
	m, err := build(layers, weights)
	if err != nil {
		return nil, err
	}
	m.Version = version(archive)
	return m, nil
}

// maxMember is the size to which a file in an archive may unfold.
const maxMember = 1 << 31

func member(archive *zip.Reader, name string) ([]byte, error) {
	f, err := archive.Open(name)
	if err != nil {
		return nil, fmt.Errorf("not a Keras model: the archive has no %s", name)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMember))
	if err != nil {
		return nil, fmt.Errorf("the archive is damaged: %s: %w", name, err)
	}
	if len(data) == maxMember {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxMember)
	}
	return data, nil
}

// version is Keras's, which nothing depends on.
func version(archive *zip.Reader) string {
	var metadata struct {
		Version string `json:"keras_version"`
	}
	if text, err := member(archive, "metadata.json"); err == nil {
		_ = json.Unmarshal(text, &metadata)
	}
	return metadata.Version
}
