"""The rows of the ledger, in the order of the source document."""

from __future__ import annotations

from derive.ledger.row import Row, row

LEDGER: tuple[Row, ...] = (
    row(
        "S01",
        "A layer maps $d_{l-1}$ numbers to $d_l$",
        "proved",
        "linear mlp",
        note="A size that does not fit is an error that names the axis and both lengths.",
    ),
    row(
        "S02",
        r"A hidden layer applies $\sigma$ to $W h + b$ of the layer before",
        "proved",
        "mlp linear",
        note="One recurrence, any depth and widths.",
    ),
    row(
        "S03",
        "The logistic function is $1 / (1 + e^{-x})$",
        "proved",
        "sigmoid",
        note="The kernel is within 4 units in the last place in both tails.",
    ),
    row(
        "S04",
        r"Its derivative is $\sigma (1 - \sigma)$, its range $(0, 1)$; it vanishes for large $\vert x "
        r"\vert$",
        "assumption",
        "sigmoid",
        note=(
            r"In exact arithmetic. In float64, $\sigma (1 - \sigma)$ of the rounded $\sigma$ is 0 at $x "
            r"= 40$ where the truth is 4.2e-18; the kernel evaluates $1/(2 + 2\cosh x)$, which "
            r"keeps it. The range is open only on paper, too: $\sigma(40)$ rounds to 1."
        ),
    ),
    row(
        "S05",
        r"$\tanh x = (e^x - e^{-x}) / (e^x + e^{-x})$",
        "proved",
        "tanh",
        note="Evaluated as written it overflows at 710; the kernel does not.",
    ),
    row(
        "S06",
        r"Its derivative is $1 - \tanh^2 x$, its range $(-1, 1)$; it is odd",
        "assumption",
        "tanh",
        note=(
            "In exact arithmetic. In float64, $1 - y^2$ of the rounded $y$ is 0 at $x = 20$ where the truth is 1.7e-17."
        ),
    ),
    row(
        "S07",
        r"ReLU is $\max(0, x)$, its range $[0, \infty)$",
        "proved",
        "relu",
    ),
    row(
        "S08",
        "Its derivative is 1 for $x > 0$, else 0; units can die",
        "assumption",
        "relu mlp",
        note=(
            "At 0 there is no derivative: 0 is a convention, stated in the table of conventions. Where "
            "the slopes on both sides are averaged, as automatic differentiation of a maximum may do, "
            "it is 1/2. A unit that is off for every example has no gradient at all: shown with a "
            "network."
        ),
    ),
    row(
        "S09",
        r"Leaky ReLU is $x$ for $x > 0$, else $\alpha x$, with $\alpha$ about 0.01",
        "corrected",
        "leaky_relu",
        note=r"The document leaves the derivative out: it is 1 for $x > 0$, else $\alpha$; derived.",
    ),
    row(
        "S10",
        r"Softmax is $e^{z_i} / \sum_j e^{z_j}$",
        "proved",
        "softmax",
        note="The kernel overflows for no finite input; as written it does at 710.",
    ),
    row(
        "S11",
        r"The loss is $-\sum_i t_i \log y_i$",
        "assumption",
        "cross_entropy",
        note=r"With $0 \log 0 = 0$: as written, a target of 0 at a probability of 0 gives NaN.",
    ),
    row(
        "S12",
        "The gradient for $W^{(l)}$ and $b^{(l)}$ is that for $h^{(l)}$ times a Jacobian",
        "proved",
        "linear residual",
        note=("The engine's one rule, scattered: for each reference, the cotangent times a scalar derivative."),
    ),
    row(
        "S13",
        r"$\delta^{(l)}$ is the gradient for $z^{(l)} = W^{(l)} h^{(l-1)} + b^{(l)}$",
        "proved",
        "mlp",
        note=r"$\overline{z}$ on the network's page.",
    ),
    row(
        "S14",
        "The forward pass keeps $z$ and $h$",
        "proved",
        "mlp",
        note="$z$ is a named field of what forward returns; $h$ is what its linear layers keep of their inputs.",
    ),
    row(
        "S15",
        r"$\delta^{(L)} = \partial L / \partial h^{(L)} \odot \sigma'(z^{(L)})$",
        "assumption",
        "mlp softmax",
        note=(
            r"For an elementwise $\sigma$. Softmax has a full Jacobian: with it, the product with its "
            r"diagonal alone is wrong, and $\overline{z}_i = y_i (\overline{y}_i - \sum_j \overline{y}_j"
            r" y_j)$ is right."
        ),
    ),
    row(
        "S16",
        r"Softmax with cross-entropy gives $\delta^{(L)} = h^{(L)} - t$",
        "assumption",
        "softmax_cross_entropy",
        note=(
            r"If $\sum_i t_i = 1$. In general it is $h^{(L)} \sum_i t_i - t$: with targets that sum to 2"
            r" the document's form is wrong by $h^{(L)}$."
        ),
    ),
    row(
        "S17",
        r"$\delta^{(l)} = (W^{(l+1)})^T \delta^{(l+1)} \odot \sigma'(z^{(l)})$",
        "proved",
        "mlp",
        note="Found as the adjoint of the recurrence S02, not written.",
    ),
    row(
        "S18",
        r"The gradient for $W^{(l)}$ is $\delta^{(l)} (h^{(l-1)})^T$",
        "proved",
        "mlp linear",
    ),
    row(
        "S19",
        r"The gradient for $b^{(l)}$ is $\delta^{(l)}$",
        "proved",
        "mlp linear",
    ),
    row(
        "S20",
        "Over a mini-batch, both are averages of the examples' gradients",
        "assumption",
        "mlp softmax_cross_entropy",
        note=(
            "If the loss is the mean over the batch; with the sum they are sums, with batch "
            "normalisation in between there are no gradients of single examples to average."
        ),
    ),
    row(
        "S21",
        r"The forward pass costs of the order of $\sum_l d_l d_{l-1}$",
        "proved",
        "mlp",
        note=(
            r"Exactly $B \sum_l d_l d_{l-1}$ multiplications and as many additions, counted from the "
            r"equations and in the kernel."
        ),
    ),
    row(
        "S22",
        "The backward pass costs of the same order",
        "proved",
        "mlp",
        note=r"$2 B \sum_l d_l d_{l-1} + B \sum_l d_l$ multiplications: twice the forward pass, nearly.",
    ),
    row(
        "S23",
        r"Activations take memory of the order of $\sum_l d_l$",
        "assumption",
        "mlp",
        note=(
            r"For one example. A batch takes $B$ times that (twice over where $z$ and $h$ are both "
            r"kept), beside $\sum_l d_l d_{l-1}$ for the weights and as much for their gradients, which "
            r"the document leaves out."
        ),
    ),
    row(
        "S24",
        r"Clipping: if the gradient's norm is above $\tau$, scale it to $\tau$",
        "corrected",
        "clip_by_global_norm",
        note=(
            "The document says neither over what the norm is taken (here over all parameters together) "
            "nor what happens where squaring overflows (here nothing: the norm is right for 1e200) or "
            "the norm is 0 (the gradient is left alone)."
        ),
    ),
    row(
        "S25",
        r"Batch normalisation: $\mu_B$ is the mean over the batch",
        "proved",
        "batch_norm",
    ),
    row(
        "S26",
        r"$\sigma_B^2$ is the mean squared deviation, divided by $B$",
        "proved",
        "batch_norm",
        note=("In two passes: at mean 1e6 in float32, mean of squares minus square of mean has no right digit."),
    ),
    row(
        "S27",
        r"$\hat{x} = (x - \mu_B) / \sqrt{\sigma_B^2 + \epsilon}$",
        "proved",
        "batch_norm",
    ),
    row(
        "S28",
        r"$y = \gamma \hat{x} + \beta$",
        "corrected",
        "batch_norm batch_norm_inference",
        note=(
            r"The backward pass, the running statistics and inference are left out. Derived: "
            r"$\overline{x} = r\,(g - \mathrm{mean}\,g - \hat{x}\,\mathrm{mean}(g \hat{x}))$ with $g = "
            r"\gamma \overline{y}$ and $r = 1/\sqrt{\sigma_B^2 + \epsilon}$."
        ),
    ),
    row(
        "S29",
        r"An update is $W \leftarrow W - \alpha\, \partial L / \partial W$, the same for $b$",
        "proved",
        "sgd",
    ),
    row(
        "S30",
        "Training is mini-batches through five steps: predict, loss, backward, update, repeat",
        "proved",
        note="A network reads handwritten digits, trained with generated kernels alone.",
        where="`gradbook train digits`",
    ),
    row(
        "S31",
        "Stop on the loss, the gradient's norm, the validation part, or after T epochs",
        "proved",
        note="Each is usable alone, and the result says which one stopped it.",
        where="`reference.training`",
    ),
    row(
        "S32",
        "Xavier: weights of variance $2 / (d_{in} + d_{out})$",
        "assumption",
        "xavier",
        note=(
            "Keeping the variance forward asks for $1 / d_{in}$, backward for $1 / d_{out}$, with "
            "independent weights of mean 0 and a linear activation. Both hold only where $d_{in} = "
            "d_{out}$; elsewhere Xavier's value keeps the mean of the two gains at 1: at 300 to 100, "
            "variance grows by 1.5 forward and shrinks by 0.5 backward."
        ),
    ),
    row(
        "S33",
        "He: weights of variance $2 / d_{in}$ for ReLU",
        "assumption",
        "he relu",
        note=(
            r"If $z$ is symmetric about 0: then $E[\mathrm{relu}(z)^2] = \mathrm{Var}(z) / 2$, derived "
            r"by integration. With mean 1 and variance 1 it is 1.92, not 0.5."
        ),
    ),
    row(
        "S34",
        r"L2: add $\frac{\lambda}{2} \sum_l \Vert W^{(l)} \Vert^2$ to the loss",
        "corrected",
        "l2_penalty",
        note=r"The gradient, left out, is $\lambda W$; derived.",
    ),
    row(
        "S35",
        "Dropout multiplies by $m$, Bernoulli with parameter $p$",
        "corrected",
        "dropout inverted_dropout",
        note=(
            r"So $p$ is the probability to keep, and $E[h \odot m] = p\,h$: inference must scale by $p$,"
            r" or training by $1 / p$, which the document leaves out. Both are here; `inverted_dropout` "
            r"is the default of the training code."
        ),
    ),
    row(
        "S36",
        r"Rules of thumb: $d_l = \sqrt{d_{l-1} d_{l+1}}$, ranges for rate, batch and $\lambda$, 2 to 5 "
        r"layers, a schedule",
        "proved",
        note=(
            "As data and functions of the training code; a rule of thumb is not a theorem, and leaving "
            "a range is a warning."
        ),
        where="`reference.training`",
    ),
    row(
        "S37",
        r"Skip: $h^{(l)} = \sigma(W h^{(l-1)} + b) + h^{(l-2)}$",
        "assumption",
        "residual",
        note=(
            "If $d_l = d_{l-2}$; otherwise there is nothing to add, and it is an error. The gradient "
            "reaches $h^{(l-2)}$ unchanged."
        ),
    ),
    row(
        "S38",
        r"Attention is $\mathrm{softmax}(Q K^T / \sqrt{d_k})\,V$",
        "corrected",
        "attention",
        note=(
            r"Masks and the backward pass are left out. Derived: $\overline{S} = P \odot (\overline{P} -"
            r" \mathrm{rowsum}(\overline{O} \odot O))$. A row that may look nowhere gives zeros."
        ),
    ),
    row(
        "S39",
        "ResNet: blocks with skip connections",
        "proved",
        "residual_block",
        note=(
            "A block and a network of any number of them, forward and backward derived; `gradbook train digits "
            "--network resnet` trains one. With the branch off, the gradient goes through the connection unchanged."
        ),
    ),
    row(
        "S40",
        "DenseNet: every layer sees all before it",
        "proved",
        "dense_layer",
        note=(
            "A layer that puts its channels after those it was given, and a network with a block of two; `gradbook "
            "train digits --network densenet` trains one."
        ),
    ),
    row(
        "S41",
        "Transformer: attention, normalisation and feed-forward blocks",
        "proved",
        "encoder_block",
        note=(
            "A block with any number of heads and a network of any number of blocks; `gradbook train digits --network "
            "transformer` trains one. Without positions a block treats all places alike."
        ),
    ),
    row(
        "S42",
        "Multilayer perceptrons approximate any function",
        "assumption",
        "mlp",
        where="`reference.training.approximation`",
        note=(
            "If the function is continuous, and on an interval. Shown by a construction: a relu unit for each piece of "
            "the broken line through points at equal distances. The line is off by at most the function's largest "
            "change over such a distance; where the second derivative has a bound, by at most an eighth of that bound "
            "times the distance squared; exactly so for a parabola, on fractions. Outside the interval nothing holds, "
            "and at a jump half of it stays. That training finds such weights is another claim, which this does not "
            "show."
        ),
    ),
)
