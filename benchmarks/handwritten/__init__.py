"""Every layer as an engineer writes it by hand in NumPy the first time: the baseline of the benchmarks.

`<layer>_forward(*tensors, **options)` returns `(output, cache)`, `<layer>_backward(doutput, cache)` the
gradients in the order of the inputs. Written for clarity, from the textbook formulas, with the care that is
customary (softmax subtracts the maximum, no Python loop over data where an array operation is at hand) and
nothing beyond: no `out=`, no blocks, no checks. Shapes and meaning are those of the kernels' docstrings.

tests/peers holds these functions to PyTorch's results, so the baseline computes the right thing.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.handwritten import dense, losses, normalization, parameters, structured

LAYERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    name.removesuffix("_forward"): (forward, vars(module)[name.replace("_forward", "_backward")])
    for module in (dense, losses, normalization, parameters, structured)
    for name, forward in vars(module).items()
    if name.endswith("_forward") and forward.__module__ == module.__name__
}
