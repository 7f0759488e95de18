package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/python"
)

const (
	deployed  = "../../scripts/serve"
	clustered = "../../scripts/cluster"
)

// What scripts/serve has for others to start servers by starts them by flags that there are.
func TestDeployedServers(t *testing.T) {
	for name, args := range map[string][]string{
		"rnnbin.service":                 unitArgs(t),
		"compose.yaml":                   words(t, "compose.yaml", "$.services.rnnbin.command"),
		"compose.yaml, health":           words(t, "compose.yaml", "$.services.rnnbin.healthcheck.test")[2:],
		"inferenceservice.yaml":          words(t, "inferenceservice.yaml", "$.spec.predictor.containers[0].args"),
		"what Dockerfile's comment says": dockerArgs(t),
	} {
		if len(args) == 0 || args[0] != "serve" {
			t.Errorf("%s: it does not serve: %q", name, args)
			continue
		}
		cmd := newServe()
		if err := cmd.ParseFlags(args[1:]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if check, _ := cmd.Flags().GetBool("check"); !check && cmd.Flags().NArg() != 1 {
			t.Errorf("%s: it serves %q", name, cmd.Flags().Args())
		}
	}
}

// So does what scripts/cluster has.
func TestDeployedClusters(t *testing.T) {
	for _, test := range []struct {
		name string
		part int
		path string
	}{
		{"compose.yaml", 0, "$.services.chief.command"}, {"compose.yaml", 0, "$.services.left.command"},
		{"jobs.yaml", 1, "$.spec.template.spec.containers[0].args"}, {"jobs.yaml", 2, "$.spec.template.spec.containers[0].args"},
		{"tfjob.yaml", 0, "$.spec.tfReplicaSpecs.Chief.template.spec.containers[0].args"},
		{"tfjob.yaml", 0, "$.spec.tfReplicaSpecs.Worker.template.spec.containers[0].args"},
	} {
		part, err := yaml.YAMLToJSON([]byte(strings.Split(read(t, clustered+"/"+test.name), "\n---\n")[test.part])) // without aliases
		if err != nil {
			t.Fatal(err)
		}
		var args []string
		at, err := yaml.PathString(test.path)
		if err == nil {
			err = at.Read(bytes.NewReader(part), &args)
		}
		if err != nil || len(args) == 0 {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		cmd := map[string]func() *cobra.Command{"train": newTrain, "worker": newWorker}[args[0]]()
		if err := cmd.ParseFlags(args[1:]); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// The compose files fit the schema of such files.
func TestComposeSchema(t *testing.T) {
	home, err := python.Packages("compose-schema", filepath.Join("testdata", "serve", "requirements.txt"))
	if err != nil {
		t.Skip("the schema cannot be installed: ", err)
	}
	for _, dir := range []string{deployed, clustered} {
		checkCompose(t, home, dir+"/compose.yaml")
	}
}

// Those of Kubernetes and of Kubeflow have fields that their types have.
func TestKubernetesTypes(t *testing.T) {
	home, err := python.Packages("kubernetes-types", filepath.Join("testdata", "cluster", "requirements.txt"))
	if err != nil {
		t.Skip("the types cannot be installed: ", err)
	}
	for name, kinds := range map[string][]string{"jobs.yaml": {"V1Service", "V1StatefulSet", "V1Job"}, "tfjob.yaml": {"KubeflowOrgV1TFJob"}} {
		for i, part := range strings.Split(read(t, clustered+"/"+name), "\n---\n") {
			text, err := yaml.YAMLToJSON([]byte(part))
			if err != nil {
				t.Fatal(err)
			}
			if out, err := hasType(home, kinds[i], text); err != nil {
				t.Errorf("%s: %v: %s", name, err, out)
			}
			if _, err := hasType(home, kinds[i], bytes.Replace(text, []byte(`"spec"`), []byte(`"spek"`), 1)); err == nil {
				t.Errorf("%s: a field that there is not is not found", name)
			}
		}
	}
}

func hasType(home, kind string, text []byte) ([]byte, error) {
	check := exec.Command("python3", filepath.Join("testdata", "cluster", "check.py"), home, kind)
	check.Stdin = bytes.NewReader(text)
	return check.CombinedOutput()
}

func checkCompose(t *testing.T, home, path string) {
	text, err := yaml.YAMLToJSON([]byte(read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	validate := exec.Command("python3", "-c", `
import json, os, sys, jsonschema
with open(os.path.join(sys.argv[1], "compose", "config", "compose_spec.json")) as f:
    jsonschema.validate(json.load(sys.stdin), json.load(f))`, home)
	validate.Env, validate.Stdin = append(os.Environ(), "PYTHONPATH="+home), bytes.NewReader(text)
	if out, err := validate.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", path, err, out)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// words are a list in a file.
func words(t *testing.T, name, path string) (list []string) {
	t.Helper()
	at, err := yaml.PathString(path)
	if err == nil {
		err = at.Read(strings.NewReader(read(t, deployed+"/"+name)), &list)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return list
}

// unitArgs are those of the service of systemd.
func unitArgs(t *testing.T) []string {
	t.Helper()
	text := read(t, deployed+"/rnnbin.service")
	_, args, _ := strings.Cut(text, `Environment="RNNBIN_SERVE=`)
	args, _, _ = strings.Cut(args, `"`)
	_, command, _ := strings.Cut(text, "ExecStart=/usr/local/bin/rnnbin ")
	command, _, _ = strings.Cut(command, "\n")
	return strings.Fields(strings.ReplaceAll(command, "$RNNBIN_SERVE", args))
}

// dockerArgs are those of the example of a server.
func dockerArgs(t *testing.T) []string {
	t.Helper()
	for line := range strings.Lines(read(t, "../../Dockerfile")) {
		if all := strings.Fields(line); slices.Contains(all, "serve") {
			return all[slices.Index(all, "serve"):]
		}
	}
	return nil
}
