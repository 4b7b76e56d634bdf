"""What is known of the arrays of a function: kind, axes, and where each axis begins."""

from __future__ import annotations

from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Ref
from derive.notation.layer import Tensor
from derive.program.draft import Draft
from derive.program.ir import Array, Function, expressions, names


def with_numbers(draft: Draft) -> Draft:
    """What is computed from options and sizes alone is a plain number."""
    tensors = dict(draft.tensors)
    for e in draft.equations:
        if not e.left and not any(isinstance(n, Ref) and tensors[n.tensor].kind == "real" for n in x.walk(e.body)):
            tensors[e.target] = Tensor(e.target, (), kind="number")
    return replace(draft, tensors=tensors)


def with_arrays(draft: Draft) -> Draft:
    """Every array that a function reads or makes is declared."""

    def declared(f: Function) -> Function:
        made = names(f.statements)
        read = (n.tensor for s in f.statements for e in expressions(s) for n in x.walk(e) if isinstance(n, Ref))
        every = dict.fromkeys((*(p.name for p in f.parameters), *f.needed, *read, *made))
        return replace(f, arrays={name: array(draft, name) for name in every}, notes=draft.notes)

    return replace(draft, functions=tuple(map(declared, draft.functions)))


def array(draft: Draft, name: str) -> Array:
    """What is known of one of a draft's tensors."""
    tensor, sequence = draft.tensors[name], draft.layer.sequence_axis
    listed = bool(tensor.axes) and (tensor.kind == "saved" or (sequence is not None and tensor.axes[0] == sequence))
    early = draft.early.get(name)
    starts = tuple(-1 if a == early else 0 for a in tensor.axes)
    return Array(name, tensor.axes, tensor.kind, starts, listed, name in draft.layer.masks, tensor.domain)
