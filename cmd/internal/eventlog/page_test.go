package eventlog

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/browsertest"
)

// TensorBoard's page, in Chromium, lists the runs with their values.
func TestThePage(t *testing.T) {
	home := packages(t)
	chromium := browsertest.Program(t)
	dir := t.TempDir()
	train(t, spec(), newLog(t, dir))
	server := exec.Command("python3", "-m", "tensorboard.main", "--logdir", dir, "--port", "0", "--load_fast", "false")
	server.Env = append(os.Environ(), "PYTHONPATH="+home, "PYTHONDONTWRITEBYTECODE=1")
	said, err := server.StderrPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	address := ""
	for lines := bufio.NewScanner(said); address == "" && lines.Scan(); {
		address = regexp.MustCompile(`http://\S+`).FindString(lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	show := exec.Command(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--window-size=1400,1000",
		"--virtual-time-budget=60000", "--dump-dom", address+"?tagFilter=epoch%2F%7Cheld_back#timeseries")
	page, err := show.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"fold1/gru-4-16-steps/member0", "final/gru-4-16-steps/member1", "epoch/loss", "held_back/accuracy"} {
		if !strings.Contains(string(page), text) {
			t.Errorf("the page has no %q", text)
		}
	}
}
