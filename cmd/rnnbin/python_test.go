package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rnnbin/rnnbin/cmd/internal/python"
)

const labelStudio = "testdata/labelstudio"

// labelStudioSDK is the folder of Label Studio's SDK, with all that it imports (50 MB).
var labelStudioSDK = sync.OnceValues(func() (string, error) {
	return python.Packages("label-studio-sdk", filepath.Join(labelStudio, "requirements.txt"))
})

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
