package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	tf "github.com/wamuir/graft/tensorflow"

	"github.com/rnnbin/rnnbin/cmd/internal/cluster"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/remote"
)

// accessOptions are the flags by which workers and those that use them know each other.
type accessOptions struct {
	secret, certificate, key, authority string // files
}

// secretVariable has the secret where no flag does.
const secretVariable = "RNNBIN_SECRET"

func (o *accessOptions) addFlags(f *pflag.FlagSet) {
	addFlag(f, "secret-file", &o.secret, "`file` with the secret that workers and those that use them share (default the variable\n"+secretVariable+"); `openssl rand -hex 32` makes one")
	addFlag(f, "tls-cert", &o.certificate, "in place of a secret: own certificate, a `file`")
	addFlag(f, "tls-key", &o.key, "key of --tls-cert, a `file`")
	addFlag(f, "tls-ca", &o.authority, "`file` of certificates, one of which has signed that of the other side")
}

// config is how connections are made.
func (o *accessOptions) config() (*tls.Config, error) {
	if o.certificate+o.key+o.authority != "" {
		if o.certificate == "" || o.key == "" || o.authority == "" || o.secret != "" {
			return nil, usageError{errors.New("--tls-cert, --tls-key and --tls-ca go together, without --secret-file")}
		}
		c, err := cluster.Certificates(o.certificate, o.key, o.authority)
		if err != nil {
			return nil, flagf("tls-cert", "%w", err)
		}
		return c, nil
	}
	name, secret := secretVariable, os.Getenv(secretVariable)
	if o.secret != "" {
		text, err := os.ReadFile(o.secret)
		if err != nil {
			return nil, flagf("secret-file", "%w", err)
		}
		name, secret = "--secret-file "+o.secret, string(text)
	} else if secret == "" {
		return nil, hinted{usageError{errors.New("workers need a --secret-file")}, "openssl rand -hex 32 > secret; the same file on each machine"}
	}
	c, err := cluster.Secret(strings.TrimSpace(secret))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// ownBuild is this program, as workers and those that use them compare it.
func ownBuild() (cluster.Build, error) {
	operations, err := remote.Operations()
	return cluster.Build{Program: programVersion(), Library: tf.Version(), Operations: operations, Sets: graph.InstructionSets()}, err
}

// workerOptions are the flags of worker.
type workerOptions struct {
	accessOptions
	listen string
	slots  int
	data   string
	quiet  bool
}

// defaultWorker is one that only this machine reaches.
func defaultWorker() workerOptions {
	return workerOptions{listen: "127.0.0.1:2222", slots: runtime.GOMAXPROCS(0)}
}

func newWorker() *cobra.Command {
	o := defaultWorker()
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Train for runs on other machines",
		Long: `Wait for runs on other machines, which rnnbin train --workers makes, and train networks for
them.

Each slot is a process of its own, for one training at a time on one thread; it ends with the
run that has taken it. Who uses a worker is known by a secret, or by certificates: they can run
anything that TensorFlow can as the worker's user, which includes reading and writing files.

Only programs on this machine can connect, unless --listen names another address.
` + "`rnnbin help cluster`" + ` has an example, and what goes on when workers are lost.`,
		Example: `  openssl rand -hex 32 > secret
  rnnbin worker --listen :2222 --secret-file secret
  rnnbin train heart.csv --label qrs --workers left:2222,right:2222 --secret-file secret`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("listen") {
				t, some, err := ownTask()
				switch {
				case err != nil:
					return err
				case some && t.Listen == "":
					return fmt.Errorf("%s: this task is no worker", taskVariable)
				case some:
					o.listen = t.Listen
				}
			}
			return runWorker(cmd.Context(), &o, unlessQuiet(o.quiet, cmd.ErrOrStderr()))
		},
	}
	f := cmd.Flags()
	addFlag(f, "listen", &o.listen, "`address` to listen at: HOST:PORT, :PORT for all interfaces; port 0 for any that is free")
	addFlag(f, "slots", &o.slots, "have up to `n` networks trained at a time (default as many as there are processors)")
	f.Lookup("slots").DefValue = "0" // not this machine's
	addFlag(f, "data", &o.data, "keep the rows that runs send in `folder`, on storage that workers share: what one of them was\nsent for this run or an earlier one, the others read there (default a folder of its own, for\nas long as a run needs it)")
	o.addFlags(f)
	addFlag(f, "quiet", &o.quiet, quietUsage)
	return cmd
}

func runWorker(ctx context.Context, o *workerOptions, errOut io.Writer) error {
	if o.slots < 1 {
		return usagef("slots", "must be at least 1, not %d", o.slots)
	}
	config, err := o.config()
	if err != nil {
		return err
	}
	build, err := ownBuild()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return flagf("listen", "%w", err)
	}
	fmt.Fprintf(errOut, "rnnbin: ready: %v, %s\n", l.Addr(), count(o.slots, "slot"))
	w := cluster.Worker{Slots: o.slots, Build: build, TLS: config, Data: o.data, Log: logTo(errOut), Command: func() *exec.Cmd {
		cmd := exec.Command("/proc/self/exe", slotCommand)
		cmd.Args[0] = os.Args[0] // by which tests know what to run
		cmd.Env = append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=3")
		return cmd
	}}
	return w.Serve(ctx, l)
}

// logTo prints lines.
func logTo(errOut io.Writer) func(format string, args ...any) {
	return func(format string, args ...any) { fmt.Fprintf(errOut, "rnnbin: %s\n", fmt.Sprintf(format, args...)) }
}

// slotCommand is what a worker calls itself with.
const slotCommand = "slot"

func newSlot() *cobra.Command {
	return &cobra.Command{
		Use:    slotCommand,
		Short:  "Train for a worker, which starts this",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cluster.Slot(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
