"""The node tests of the onnx package, and the operators that the adapter has."""

from __future__ import annotations

import inspect
import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from tests.peers.nodes import elementwise, sequences, structure, training, windows
from tests.peers.nodes.layers import Row

ROWS: dict[str, Row] = elementwise.ROWS | structure.ROWS | windows.ROWS | training.ROWS | sequences.ROWS


class Case(NamedTuple):
    """A node with inputs and the outputs that the onnx package states, and how near these must be met."""

    name: str
    operator: str
    attributes: dict[str, Any]
    inputs: list[Any]
    expected: list[Any]
    rtol: float
    atol: float
    named: list[bool]  # of the operator's outputs: which does the node have?

    def run(self) -> tuple[Any, ...]:
        row = ROWS[self.operator]
        more = {"outputs": len(self.named)} if "outputs" in inspect.signature(row).parameters else {}
        found = row(*map(wider, self.inputs), **self.attributes, **more)
        wanted = [y for y, named in zip(found, self.named, strict=False) if named]
        return tuple(narrower(y, e) for y, e in zip(wanted, self.expected, strict=True))


def wider(x: Any) -> Any:
    """bfloat16 is no format of NumPy: its numbers as float32."""
    return x.astype(np.float32) if x is not None and x.dtype.name == "bfloat16" else x


def narrower(y: Any, expected: Any) -> Any:
    return y.astype(expected.dtype) if expected.dtype.name == "bfloat16" else y


@cache
def cases() -> dict[str, Case]:
    """Every test of one node whose operator has a row; tests in which the node is written out are left aside."""
    from onnx import helper
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own tests divide by zero
        tests = load_model_tests(kind="node")
    found = {}
    for test in tests:
        nodes = list(test.model.graph.node)
        if len(nodes) != 1 or "_expanded" in test.name or nodes[0].op_type not in ROWS:
            continue
        (node,) = nodes
        ((inputs, outputs),) = test.data_sets
        given = iter(inputs)
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        arrays = [np.asarray(next(given)) if name else None for name in node.input]
        expected = [np.asarray(o) for o in outputs]
        named = [bool(name) for name in node.output]
        found[test.name] = Case(test.name, node.op_type, attributes, arrays, expected, test.rtol, test.atol, named)
    return found
