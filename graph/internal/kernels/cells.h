// The cells, the same on every instruction set. All else that a cell needs is its
// arithmetic, in cell.h.
//
// [x, h] times a cell's weights gives blocks of U columns, one for each gate, which
// scratch memory holds side by side, each padded.
#ifndef RNNBIN_CELLS_H
#define RNNBIN_CELLS_H

enum rnn_kind { RNN_RELU, RNN_TANH, RNN_LSTM, RNN_GRU, RNN_KINDS };
enum { RNN_STATES = 2, RNN_VARIABLES = 6, RNN_DIRECTIONS = 2 };  // at most

// A variable as TensorFlow 1 lays it out: a kernel with rows for x, for h or for
// both, in this order, or a bias.
struct rnn_variable {
  const char *shape;  // in words
  int x, h;           // whether it has rows for them; neither: a bias
  int first, blocks;  // the column blocks that its columns are for
};

struct rnn_cell {
  const char *name;
  int states;               // h is the last of them
  int variables;            // how many
  int blocks;               // of columns
  int x_blocks, h_first;    // x multiplies the first x_blocks, h those from h_first on
  int saved;                // values a unit and step that backward needs besides h
  int sparse;               // half of the states are zeros, which products skip
  struct rnn_variable variable[RNN_VARIABLES];
};

static const struct rnn_cell rnn_cells[RNN_KINDS] = {
    [RNN_RELU] = {"relu", 1, 2, 1, 1, 0, 0, 1, {{"[inputs+units, units]", 1, 1, 0, 1}, {"[units]", 0, 0, 0, 1}}},
    [RNN_TANH] = {"tanh", 1, 2, 1, 1, 0, 0, 0, {{"[inputs+units, units]", 1, 1, 0, 1}, {"[units]", 0, 0, 0, 1}}},
    // states c, h; blocks i, j, f, o; saves those and c
    [RNN_LSTM] = {"lstm", 2, 2, 4, 4, 0, 5, 0, {{"[inputs+units, 4 units]", 1, 1, 0, 4}, {"[4 units]", 0, 0, 0, 4}}},
    // blocks: x's part of n, r, u, h's part of n; saves r, u, n and h's part of n
    [RNN_GRU] = {"gru", 1, 6, 4, 3, 1, 4, 0,
                 {{"[inputs+units, 2 units]", 1, 1, 1, 2}, {"[2 units]", 0, 0, 1, 2},
                  {"[inputs, units]", 1, 0, 0, 1}, {"[units]", 0, 0, 0, 1},
                  {"[units, units]", 0, 1, 3, 1}, {"[units]", 0, 0, 3, 1}}},
};

#endif
