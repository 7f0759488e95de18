package graph

// Machine is to be replaced.
type Machine struct {
	Threads        int
	Form           Form
	InstructionSet string
}

// Validate is to be replaced.
func (m Machine) Validate() error { return between("Threads", m.Threads, 0, maxThreads) }
