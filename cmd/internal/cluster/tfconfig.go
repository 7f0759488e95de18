package cluster

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
)

// Task is what a process of several does, which all have the same command line.
type Task struct {
	Chief   bool     // it trains, by the workers
	Listen  string   // of a worker: the address where it waits
	Workers []string // of the chief: their addresses, in order
}

// ParseTFConfig is the task that the variable TF_CONFIG of a process says, as TensorFlow's own programs
// have it: the chief, or without one the first worker, trains, and the workers are its workers. An
// evaluator has nothing to do, as the chief judges; its task is the zero value.
func ParseTFConfig(text string) (Task, error) {
	var c struct {
		Cluster map[string][]string `json:"cluster"`
		Task    struct {
			Type  string `json:"type"`
			Index int    `json:"index"`
		} `json:"task"`
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Task{}, err
	}
	workers, of := c.Cluster["worker"], c.Task
	for job, addresses := range c.Cluster {
		if !slices.Contains([]string{"chief", "worker", "evaluator"}, job) && len(addresses) > 0 {
			return Task{}, fmt.Errorf("there is no work for a %s, only for chief, worker and evaluator", job)
		}
	}
	if of.Type == "evaluator" {
		return Task{}, nil
	}
	if of.Index < 0 || of.Index >= len(c.Cluster[of.Type]) {
		return Task{}, fmt.Errorf("the cluster has no %s %d", of.Type, of.Index)
	}
	leads := len(c.Cluster["chief"]) == 0 && of.Index == 0
	if of.Type == "chief" || leads {
		if leads {
			workers = workers[1:]
		}
		return Task{Chief: true, Workers: workers}, nil
	}
	_, port, err := net.SplitHostPort(workers[of.Index])
	return Task{Listen: ":" + port}, err
}
