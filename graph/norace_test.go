//go:build !race

package graph_test

// shadow is how many times the memory it has Go takes.
const shadow = 1
