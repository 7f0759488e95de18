//go:build race

package graph_test

// shadow is how many times the memory it has Go takes: the race detector keeps as much again.
const shadow = 2
