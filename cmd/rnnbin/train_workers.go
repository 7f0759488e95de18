package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/cluster"
)

// farmOptions are the flags that have a run's networks trained elsewhere.
type farmOptions struct {
	accessOptions
	workers []string
	bits    bool
}

func (o *farmOptions) addFlags(f *pflag.FlagSet) {
	o.bits = true
	addFlag(f, "workers", &o.workers, "train on other machines, where rnnbin worker waits at these `addresses`: HOST:PORT,HOST:PORT")
	addFlag(f, "bits", &o.bits, "use only workers whose processors give the same results to the last bit as this machine's")
	o.accessOptions.addFlags(f)
}

// taskVariable has TensorFlow's description of a cluster, and which of its tasks this process is.
const taskVariable = "TF_CONFIG"

// ownTask is the task of this process that the environment has, if it has one.
func ownTask() (t cluster.Task, some bool, err error) {
	text := os.Getenv(taskVariable)
	if text == "" {
		return t, false, nil
	}
	if t, err = cluster.ParseTFConfig(text); err != nil {
		err = fmt.Errorf("%s: %w", taskVariable, err)
	}
	return t, true, err
}

// task takes from the environment who the workers are, where no flag says so. With done the process is
// another task than the one that trains, which has come to its end.
func (o *farmOptions) task(ctx context.Context, errOut io.Writer) (done bool, err error) {
	if len(o.workers) > 0 {
		return false, nil
	}
	t, some, err := ownTask()
	if !some || err != nil {
		return false, err
	}
	switch {
	case t.Chief:
		o.workers = t.Workers
		return false, nil
	case t.Listen == "":
		fmt.Fprintln(errOut, "rnnbin: an evaluator has nothing to do: the chief judges")
		return true, nil
	}
	w := defaultWorker()
	w.accessOptions, w.listen = o.accessOptions, t.Listen
	return true, runWorker(ctx, &w, errOut)
}

// open connects to the workers, so many of whose slots train a network together; nil without any.
func (o *farmOptions) open(ctx context.Context, replicas int, note func(format string, args ...any)) (*cluster.Farm, error) {
	if len(o.workers) == 0 {
		return nil, nil
	}
	all := cluster.DefaultOptions()
	var err error
	if all.TLS, err = o.config(); err != nil {
		return nil, err
	}
	if all.Build, err = ownBuild(); err != nil {
		return nil, err
	}
	all.Workers, all.Bits, all.Replicas, all.Log = o.workers, o.bits, max(1, replicas), note
	if _, some := os.LookupEnv(taskVariable); some {
		all.Arrival = 10 * time.Minute // pods begin in any order
	}
	f, err := cluster.NewFarm(ctx, all)
	if err != nil {
		return nil, flagf("workers", "%w", err)
	}
	together := ""
	if replicas > 1 {
		together = fmt.Sprintf(", by %d together", replicas)
	}
	note("networks are trained by workers with %s%s", count(f.Slots(), "slot"), together)
	return f, nil
}

// check finds what is wrong with the flags.
func (o *farmOptions) check(changed func(string) bool, replicas int) error {
	if len(o.workers) > 0 {
		return nil
	}
	if replicas > 1 && os.Getenv(taskVariable) == "" {
		return usagef("replicas", "needs --workers")
	}
	for _, name := range []string{"bits", "secret-file", "tls-cert", "tls-key", "tls-ca"} {
		if changed(name) && os.Getenv(taskVariable) == "" {
			return usagef(name, "needs --workers")
		}
	}
	return nil
}
