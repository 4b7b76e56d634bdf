"""Conventions of recurrence and of attention; see derive.conventions."""

from __future__ import annotations

from derive.convention import Convention

MASKED = (
    *("attention", "softcap_attention", "grouped_query_attention"),
    *("sliding_window_attention", "alibi_attention"),
)
#: Layers of sequences of which every argument takes part in everything.
OF_SEQUENCES = (
    *("lstm", "rnn_cell", "gru_cell", "lstm_cell", "rnn", "reverse_rnn", "gru"),
    *(
        "linear_recurrence",
        "projected_lstm",
        "peephole_lstm",
        "gru_reset_before",
        "bidirectional_rnn",
        "cached_attention",
        "fast_weights",
        "hmm_forward",
        "linear_attention",
        "causal_linear_attention",
        "selective_scan",
    ),
    *(
        "biased_attention",
        "relative_bias_attention",
        "scaled_attention",
        "dropout_attention",
        "rotary_embedding",
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
        ("attention", "softcap_attention", "grouped_query_attention", "sliding_window_attention", "alibi_attention"),
        "a row that may look nowhere",
        "zeros, and no gradient",
        "PyTorch gives NaN with an additive mask, and zeros in its newer fused kernels; JAX gives the mean of V",
        "not grad(attention, *[np.ones((1, 2))] * 3, np.zeros((1, 1), bool)).V.any()",
        at="nothing",
    ),
    Convention(
        ("biased_attention", "multi_head_attention"),
        "a bias of -inf",
        "a probability of 0, and no gradient; NaN in a row of nothing else",
        "PyTorch the same in its plain kernel",
        "biased_attention.forward(*np.ones((2, 1, 1)), np.array([[3.0]]), np.zeros((1, 1)))[0].item() == 3 and "
        "grad(biased_attention, np.ones((1, 1)), np.ones((2, 1)), np.eye(2)[:, :1], np.array([[0, -inf]])).B[0, 1] "
        "== 0",
    ),
    Convention(
        ("lstm", "lstm_cell", "projected_lstm", "peephole_lstm", "lstm_lengths"),
        "order of the gates",
        "input, forget, cell, output",
        "PyTorch the same, with two biases; Keras the same; ONNX: input, output, forget, cell",
        "lstm.forward(np.zeros((1, 1)), np.zeros(1), np.ones(1), *[np.zeros((4, 1))] * 2, "
        "np.array([-99.0, 99, 0, 0]))[0].c[0, 0] == 1",
    ),
    Convention(
        ("peephole_lstm",),
        "what the gates see of the cell, and in which order",
        "input and forget gate the cell before, the output gate the new one; p in the order input, forget, output",
        "ONNX in the order input, output, forget; PyTorch has no peepholes",
        "peephole_lstm.forward(np.zeros((1, 1)), np.zeros(1), np.ones(1), *[np.zeros((4, 1))] * 2, np.zeros(4), "
        "np.array([0.0, 99, 0]))[0].c[0, 0] == 1",
    ),
    Convention(
        ("gru_reset_before",),
        "order of the gates, and where the reset gate stands",
        "reset, update, new; the update gate keeps the state; the reset gate weighs the state before the product",
        "ONNX by default the same, in the order update, reset, new; PyTorch and Keras by default weigh the product",
        "gru_reset_before.forward(np.zeros((1, 1)), np.ones(1), *np.zeros((2, 3, 1)), np.array([0.0, 99, 0]))[0][0, 0] "
        "== 1",
    ),
    Convention(
        ("bidirectional_rnn",),
        "where the two directions stand",
        "at each step the features of the first, then those of the one from the end, which has read the same step",
        "PyTorch the same; ONNX has an axis of directions",
        "(bidirectional_rnn.forward(np.eye(2)[:, 1:], *[np.zeros(1), *np.ones((2, 1, 1)), np.zeros(1)] * 2)[0][0] "
        "> 0).tolist() == [False, True]",
    ),
    Convention(
        ("linear_attention", "causal_linear_attention", "selective_scan"),
        "features that are all nearly 0",
        "a value near 0: epsilon is added to the sum that is divided by",
        "the authors' program the same, with 1e-6 by default",
        "linear_attention.forward(np.full((1, 1), -800.0), np.full((1, 1), -800.0), np.ones((1, 1)))[0].item() == 0",
    ),
    Convention(
        ("selective_scan",),
        "the discretisation",
        "exp(delta A) for the state, delta B for the input; delta after its softplus, A after its minus",
        "the authors' program the same, which takes delta before its softplus",
        "np.isclose(selective_scan.forward(*np.full((2, 1, 1), 2.0), np.array([[-1.0]]), *np.ones((2, 1, 1)), "
        "np.zeros(1), np.ones((1, 1)))[0].item(), 4 + np.exp(-2))",
    ),
    Convention(
        ("viterbi",),
        "several best paths",
        "the one whose last states come first in order gets the gradient",
        "PyTorch's amax shares the gradient among all; JAX the same",
        "grad(viterbi, np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2))).e.tolist() == [[1, 0], [1, 0]]",
    ),
    Convention(
        ("viterbi",),
        "NaN or infinity in a score",
        "in the value; every state behind it is as good, and the gradient goes through the first",
        "PyTorch's amax shares the gradient among all that are equal, and gives NaN at NaN",
        "np.isnan(viterbi.forward(np.array([[np.nan, 0], [0, 1]]), *np.zeros((1, 2)), np.zeros((2, 2)))[0])",
    ),
    Convention(
        ("rnn_lengths", "lstm_lengths"),
        "a length below 1, or above the number of steps",
        "below 1 every state is h0; above, the whole sequence is read",
        "PyTorch's pack_padded_sequence refuses both",
        "rnn_lengths.forward(np.ones((2, 1, 1)), np.array([-1]), np.array([[0.5]]), *[np.ones((1, 1))] * 2, "
        "np.ones(1))[0].tolist() == [[[0.5]]] * 2",
    ),
    Convention(
        ("rnn_lengths", "lstm_lengths"),
        "NaN or infinity behind the end of a sequence",
        "stays out of values, and of gradients too",
        "PyTorch the same: what is behind the end is not read",
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
        ("rotary_embedding",),
        "which features turn together",
        "one of the first half and one of the second",
        "GPT-NeoX, Llama in Hugging Face's transformers and ONNX by default the same; the paper, GPT-J and ONNX with "
        "interleaved=1 turn neighbours",
        "np.allclose(rotary_embedding.forward(np.array([[0.0, 0, 0, 0], [1, 0, 0, 0]]))[0][1], "
        "[np.cos(1), 0, np.sin(1), 0])",
    ),
    Convention(
        ("rotary_embedding",),
        "NaN or infinity at the position 0",
        "NaN in both features of the pair: it is multiplied by the sine of 0",
        "",
        "np.isnan(rotary_embedding.forward(np.array([[np.nan, 1]]))[0]).all()",
    ),
    Convention(
        ("relative_bias_attention",),
        "distances beyond the table, and its middle",
        "have the bias of its end; that of distance 0 stands at r // 2 of a table of r",
        "Shaw et al. clip the same way, T5 puts large distances into buckets that grow; Swin's window is never larger "
        "than its table",
        "relative_bias_attention.forward(np.ones((1, 1, 1, 1)), np.ones((1, 1, 4, 1)), np.eye(4)[None, None], "
        "np.log([[5.0, 1, 3]]))[0].ravel().round(9).tolist() == [0.1, 0.3, 0.3, 0.3]",
    ),
    Convention(
        ("sinusoidal_positions",),
        "where sines and cosines stand",
        "in turn, each pair of one angle, as in the paper",
        "many programs put all sines before all cosines",
        "sinusoidal_positions.forward(np.zeros((1, 4)))[0].tolist() == [[0, 1, 0, 1]]",
    ),
    Convention(
        ("alibi_attention",),
        "the slopes of heads",
        "2^(-8 (h + 1) / n) for head h of n, whatever n is",
        "the paper's program has others where n is not a power of 2",
    ),
)
