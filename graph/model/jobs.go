package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
)

// Jobs keeps what the trainings of a run come to in the folder of a [Writer], each as soon as
// it has ended, so that it outlasts a run that is killed. Those of a run with the same version
// of the program that ended early are there to be read. Close removes them after Commit has
// made a whole model.
type Jobs struct {
	w       *Writer
	version string // of the program

	mu sync.Mutex
}

// Jobs are those in the folder.
func (w *Writer) Jobs(version string) *Jobs { return &Jobs{w: w, version: version} }

// job is the content of a job's file.
type job struct {
	Version string          `json:"rnnbin"`
	Digest  string          `json:"digest"` // of all that the result follows from
	Weights Weights         `json:"weights"`
	Record  json.RawMessage `json:"record"` // what only the program understands
}

// Load has restore read the weights of the job of a digest from a checkpoint of the prefix, and
// returns its record; found is false if it is not there or is damaged.
func (j *Jobs) Load(digest string, restore func(prefix string) error) (record []byte, found bool) {
	kept, err := readJob(j.w.path(jobFile(digest)))
	if err != nil || kept.Digest != digest || kept.Version != j.version {
		return nil, false
	}
	sum, err := digestOf(checkpointFiles(j.w.dir, kept.Weights.Prefix))
	if err != nil || sum != kept.Weights.SHA256 || restore(j.w.path(kept.Weights.Prefix)) != nil {
		return nil, false
	}
	return kept.Record, true
}

// Save has save write the weights of the job of a digest as a checkpoint of the prefix, and
// keeps them with the record, JSON.
func (j *Jobs) Save(digest string, record []byte, save func(prefix string) error) error {
	j.mu.Lock() // files that are being written have one name each
	defer j.mu.Unlock()
	weights, err := j.w.write(save)
	if err != nil {
		return err
	}
	text, err := json.Marshal(job{j.version, digest, weights, record})
	if err != nil {
		return err
	}
	if err := j.w.writeFile(unfinishedJob, jobFile(digest), text); err != nil {
		return err
	}
	return flush(j.w.dir)
}

func jobFile(digest string) string { return "job-" + digest[:digits] + ".json" }

func readJob(path string) (*job, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	kept := new(job)
	if err := json.Unmarshal(text, kept); err != nil {
		return nil, err
	}
	return kept, kept.Weights.validate()
}

// jobs are the names of the files of all jobs in a folder, with those of their weights.
func jobs(dir string) []string {
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !jobPattern.MatchString(e.Name()) {
			continue
		}
		kept, err := readJob(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		names = append(names, e.Name())
		for _, ending := range weightsEndings {
			names = append(names, kept.Weights.Prefix+ending)
		}
	}
	return names
}
