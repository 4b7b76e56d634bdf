"""Axes that are one to a caller: ``y[b, h * w] = x[b, h, w]`` gives rows; equations read y[b, h, w]."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from derive.notation import expr as x
from derive.notation.axes import Axes
from derive.notation.layer import Call, Slot, Tensor
from derive.notation.options import items


@dataclass
class Together(Axes):
    """Keeps which axes of results are put together.

    Attributes:
        begun: tensors that begin a recurrence, and at which places.
    """

    begun: dict[str, frozenset[int]] = field(default_factory=dict)

    def slots_of(self, target: ast.Subscript) -> tuple[Slot, ...]:
        """The axes of a result as a caller sees them, where ``y[b, h * w]`` puts some together; else nothing."""
        places = items(target.slice)
        if not any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult) for n in places):
            return ()
        named = ast.Name | ast.BinOp | ast.Constant  # -1 begins a recurrence
        return tuple(self.slot(n) if isinstance(n, named) else Slot(("",)) for n in places)

    def put_together(self, node: ast.AST, name: str, slots: tuple[Slot, ...]) -> None:
        """Keep which axes of a tensor are one; a recurrence says so wherever it is begun."""
        tensor = self.tensors[name]
        if len(self.begun.get(name, ())) and slots:
            mend = f"write {name}[{', '.join(tensor.axes)}], and an equation below that puts them together"
            self.fail(node, f"axes of the recurrence {name} are put together", mend)
        self.tensors[name] = replace(tensor, slots=slots) if slots else tensor

    def stay_together(self, name: str, call: Call, output: Tensor) -> None:
        """Axes that a part puts together on the left of an equation are one here too."""
        lead = tuple(x.plain(e) for e in call.lead)
        if any(len(s.parts) > 1 for s in output.slots) and None not in lead:
            slots = [Slot((i,)) for i in lead if i is not None]
            for s in output.slots:
                here = call.spread(s.parts)
                slots += [Slot(here)] if len(s.parts) > 1 else [Slot((a,)) for a in here]
            self.tensors[name] = replace(self.tensors[name], slots=tuple(slots))


def factors(node: ast.expr) -> list[ast.expr]:
    """The factors of a product, one after another."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return factors(node.left) + factors(node.right)
    return [node]
