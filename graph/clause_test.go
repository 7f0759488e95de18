package graph

import "testing"

func TestFirstClause(t *testing.T) {
	for message, want := range map[string]string{
		"OOM when allocating tensor with shape[9,9] and type float on /job:localhost/replica:0 by allocator cpu\n\t [[{{node add}}]]\nHint: If you want": "OOM when allocating tensor with shape[9,9] and type float",
		"no memory for an output\n\t [[{{node train/while}}]]":                           "no memory for an output",
		"Key a not found in checkpoint [[{{node checkpoint/x}}]]":                        "Key a not found in checkpoint",
		"From /job:worker/replica:0/task:0:\nno memory for an output\n\t [[{{node a}}]]": "no memory for an output",
		"":      "",
		"plain": "plain",
	} {
		if got := firstClause(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}
