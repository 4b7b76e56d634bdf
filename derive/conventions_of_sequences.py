"""Conventions of recurrence and of attention; see derive.conventions."""

from __future__ import annotations

from derive.convention import Convention

MASKED = (*("attention",),)
#: Layers of sequences of which every argument takes part in everything.
OF_SEQUENCES = (
    *("lstm", "rnn_cell", "gru_cell", "lstm_cell", "rnn", "reverse_rnn", "gru"),
    *("linear_recurrence",),
    *(
        "biased_attention",
        "dropout_attention",
        "sinusoidal_positions",
    ),
)

CONVENTIONS_OF_SEQUENCES: tuple[Convention, ...] = (
    Convention(
        MASKED,
        "NaN or infinity in what a mask, or causal, leaves out",
        "stays out of values and of gradients, in keys, values, cotangents and tangents; elsewhere it shows",
        "PyTorch gives NaN: 0 times NaN in the product with V, and in gradients",
        "attention.forward(np.ones((1, 1)), np.array([[1], [np.nan]]), np.array([[3], [np.nan]]), "
        "np.array([[True, False]]))[0].item() == 3",
    ),
    Convention(
        ("attention",),
        "a row that may look nowhere",
        "zeros, and no gradient",
        "PyTorch gives NaN with an additive mask, and zeros in its newer fused kernels; JAX gives the mean of V",
        "not grad(attention, *[np.ones((1, 2))] * 3, np.zeros((1, 1), bool)).V.any()",
        at="nothing",
    ),
    Convention(
        ("biased_attention",),
        "a bias of -inf",
        "a probability of 0, and no gradient; NaN in a row of nothing else",
        "PyTorch the same in its plain kernel",
        "biased_attention.forward(*np.ones((2, 1, 1)), np.array([[3.0]]), np.zeros((1, 1)))[0].item() == 3 and "
        "grad(biased_attention, np.ones((1, 1)), np.ones((2, 1)), np.eye(2)[:, :1], np.array([[0, -inf]])).B[0, 1] "
        "== 0",
    ),
    Convention(
        ("lstm", "lstm_cell"),
        "order of the gates",
        "input, forget, cell, output",
        "PyTorch the same, with two biases; Keras the same; ONNX: input, output, forget, cell",
        "lstm.forward(np.zeros((1, 1)), np.zeros(1), np.ones(1), *[np.zeros((4, 1))] * 2, "
        "np.array([-99.0, 99, 0, 0]))[0].c[0, 0] == 1",
    ),
    Convention(
        ("gru", "gru_cell"),
        "order of the gates, and where the reset gate stands",
        "reset, update, new; the update gate keeps the state; the reset gate weighs the product with the state after "
        "the bias c has been added",
        "PyTorch the same; Keras the same by default, in the order update, reset, new; ONNX in that order, and with "
        "the reset gate before the product unless linear_before_reset is 1",
        "gru_cell.forward(np.zeros(1), np.ones(1), *[np.zeros((3, 1))] * 2, np.array([0.0, 99, 0]), np.zeros(3))[0][0] "
        "== 1 and gru_cell.forward(np.zeros(1), np.ones(1), *[np.zeros((3, 1))] * 2, np.array([-99.0, -99, 0]), "
        "np.array([0.0, 0, 1]))[0][0] < 1e-40",
    ),
    Convention(
        ("linear_recurrence",),
        "NaN or infinity in the last coefficients, or elements, in second order",
        "NaN in gradients that do not depend on it: it is multiplied by the cotangent of a state that no gradient "
        "reads, which is 0",
        "",
    ),
    Convention(
        ("sinusoidal_positions",),
        "where sines and cosines stand",
        "in turn, each pair of one angle, as in the paper",
        "many programs put all sines before all cosines",
        "sinusoidal_positions.forward(np.zeros((1, 4)))[0].tolist() == [[0, 1, 0, 1]]",
    ),
)
