"""The training step in PyTorch, eager, on one thread: Adam as one kernel, or not."""

import torch

import work


def eager(fused):
    torch.manual_seed(0)
    rnn = torch.nn.RNN(1, work.UNITS, nonlinearity="relu", batch_first=True)
    output = torch.nn.Linear(work.UNITS, 2)
    params = [*rnn.parameters(), *output.parameters()]
    optimizer = torch.optim.Adam(params, lr=1e-3, fused=fused)

    def epoch():
        for i in range(work.EPOCH):
            x, labels = map(torch.from_numpy, work.batch(i))
            optimizer.zero_grad()
            states, _ = rnn(x)
            loss = torch.nn.functional.cross_entropy(output(states).reshape(-1, 2), labels.long().reshape(-1))
            loss.backward()
            optimizer.step()
        return loss

    return epoch


def main():
    torch.set_num_threads(1)
    work.measure("PyTorch, eager", eager(fused=False))
    work.measure("PyTorch, eager, fused Adam", eager(fused=True))


if __name__ == "__main__":
    main()
