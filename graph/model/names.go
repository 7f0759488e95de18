package model

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// Names of the files in a folder. Those that are being written have names of their own.
const (
	modelFile = "model.json"
	runFile   = RunFile

	unfinishedRun     = "run-unfinished.json"
	unfinishedModel   = "model-unfinished.json"
	unfinishedHistory = "history-unfinished.jsonl"
	unfinishedJudged  = "judged-unfinished.arrow"
	unfinishedJob     = "-unfinished"        // in a prefix
	unfinishedWeights = "weights-unfinished" // a prefix
)

// weightsEndings make the two files of a checkpoint of its prefix.
var weightsEndings = []string{".index", ".data-00000-of-00001"}

// digits is how many of a digest's a name has.
const digits = 12

var (
	prefixPattern      = regexp.MustCompile(`^weights-[0-9a-f]{12}$`)
	historyPattern     = regexp.MustCompile(`^history-[0-9a-f]{12}\.jsonl$`)
	judgedPattern      = regexp.MustCompile(`^judged-[0-9a-f]{12}\.arrow$`)
	interruptedPattern = regexp.MustCompile(`^job-([0-9a-f]{12})-unfinished\.json$`)
	jobPattern         = regexp.MustCompile(`^job-[0-9a-f]{12}(-[0-9]{1,18})?(-best)?\.(json|index|data-00000-of-00001)$`)

	// finished and unfinished are files of ours, but for model.json. TensorFlow gives
	// endings of its own to what it has not finished.
	finished   = regexp.MustCompile(`^(run\.json|weights-[0-9a-f]{12}\.(index|data-00000-of-00001)|history-[0-9a-f]{12}\.jsonl|judged-[0-9a-f]{12}\.arrow)$`)
	unfinished = regexp.MustCompile(`^((model|run)-unfinished\.json|job-[0-9a-f]{12}-unfinished[.-].*|history-unfinished\.jsonl|judged-unfinished\.arrow|weights-unfinished\..*)$`)
)

// digest is the SHA-256 of files, one behind the other.
func digest(files ...io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.MultiReader(files...)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// checkpointFiles are the paths of a checkpoint in dir.
func checkpointFiles(dir, prefix string) []string {
	var paths []string
	for _, ending := range weightsEndings {
		paths = append(paths, filepath.Join(dir, prefix+ending))
	}
	return paths
}

// digestOf is the digest of the files at paths.
func digestOf(paths []string) (string, error) {
	var readers []io.Reader
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return "", pathError(err)
		}
		defer f.Close()
		readers = append(readers, f)
	}
	return digest(readers...)
}

// checkpoints are those of a model, each once: equal weights are in the same files.
func (m *Model) checkpoints() []Weights {
	var all []Weights
	for _, k := range m.Kinds {
		all = append(all, k.Weights...)
	}
	if m.Rival != nil {
		all = append(all, m.Rival.Weights...)
	}
	var once []Weights
	for _, w := range all {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return once
}

// files are the names of a model's files.
func (m *Model) files() []string {
	names := []string{modelFile}
	for _, w := range m.checkpoints() {
		for _, ending := range weightsEndings {
			names = append(names, w.Prefix+ending)
		}
	}
	for _, name := range []string{m.History, m.Judged} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}
