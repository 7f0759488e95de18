"""A network for scripts/bench cells in PyTorch, eager: its layers forward and backward,
and a training step with Adam as one kernel."""

import torch

import work

CELLS = {"relu": torch.nn.RNN, "tanh": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def main():
    n = work.network()
    torch.set_num_threads(n.threads)
    x, labels, dy = map(torch.from_numpy, work.values(n))
    labels = labels.long().reshape(-1)
    own = {"nonlinearity": n.cell} if n.cell in ("relu", "tanh") else {}
    rnn = CELLS[n.cell](n.features, n.units, num_layers=n.layers, bidirectional=n.directions == 2, **own)
    output = torch.nn.Linear(n.directions * n.units, work.CLASSES)
    optimizer = torch.optim.Adam([*rnn.parameters(), *output.parameters()], lr=1e-4, fused=True)

    def layers():
        states, _ = rnn(x)
        torch.autograd.grad(states, list(rnn.parameters()), dy)

    def train():
        optimizer.zero_grad()
        states, _ = rnn(x)
        torch.nn.functional.cross_entropy(output(states).reshape(-1, work.CLASSES), labels).backward()
        optimizer.step()

    work.clock("layers", layers, n)
    work.clock("train", train, n)


if __name__ == "__main__":
    main()
