"""What a kernel takes and gives, and the decorators that make its mathematics functions for callers.

A function of a generated module is mathematics alone: it is handed arrays in one layout and plain numbers, and returns
arrays in that layout. ``SIGNATURE.forward`` and its like put around it what is the same for every kernel: arguments are
checked and brought into the layout, results get the shape and dtype that were promised and memory of their own, and
what overflows on the way is computed again in a wider format (see reference.runtime.wider).

What stands around a function is written out for it, so that a call on small arrays spends its time in NumPy.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import update_wrapper
from types import GenericAlias
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, get_args

import numpy as np

from reference.runtime import storage, wider, written
from reference.runtime.binding import Binder
from reference.runtime.blocks import in_parts
from reference.runtime.patterns import Array, Arrays, Dims, Each, Pattern
from reference.runtime.states import STATES
from reference.runtime.written import NO_ZEROS, Zeros, by_name, compiled, lines, listed, ownership, spread

__all__ = ["Array", "Arrays", "Dims", "Each", "Pattern", "Signature", "inside"]

NOWHERE: Mapping[str, int] = {}
Wide = bool | Literal["underflow"]

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
F = TypeVar("F", bound=Callable[..., Any])

#: Around a function that may overflow on the way: an overflow is an error inside, and the function is called again.
STRICT = """
    $around = $get()
    $known, $during = {states}.known
    try:
        if $around is $during:  # a part of a layer whose own call has set them
            $token = None
        else:
            $token = $put($during if $around is $known else {states}.made($around))
        try:
{body}
        finally:
            if $token is not None:
                $reset($token)
    except $FloatingPointError:
        return $wider.again($run, $loose, ({arguments}), {{{options}}})
"""

#: Results lie in memory of their own if nothing else refers to them, nor they to anything.
FORWARD = """    {result}, $saved = {call}
    {taken}{emptied}if not ({alone}):
        {apart}
    $saved = $new($Saved, $saved)
    if $dims.direct_outputs:
        return {result}, $saved
    {parts}= $brought_back($dims, $names, ({parts}))
    return {made}, $saved
"""

BACKWARD = """
    if {saved}.__class__ is not $Saved or {saved}[-1].__class__ is not $Dims:
        $refused({saved})
    $dims = {saved}[-1]
    {cotangents}{parts}= $result = {call}
    {emptied}if not ({alone}):
        {apart}
    if $dims.direct and {each}:
        return $result
    return $new($Gradients, $brought_back($dims, $names, ({parts})))
"""

LATER = """    {cotangents}{result} = $function($dims, {given})
    if not ({alone}):
        {apart}
    {parts}= $brought_back($dims, $names, ({parts}))
    return {made}
"""


class Signature(Binder):
    """What a kernel takes and gives, as data: see reference.runtime.examine.Examiner for the arguments."""

    def sizes(self, function: F) -> F:
        """Decorate the function that finds the sizes of computed axes, from the other sizes and the options."""
        self.sized = function
        return function

    def forward(
        self,
        kept: type[S],
        wide: Wide = False,
        rows: str = "",
        saved: Mapping[str, int] = NOWHERE,
        out: tuple[str, ...] = (),
        zeros: Zeros = NO_ZEROS,
    ) -> Callable[[Callable[Concatenate[Dims, P], tuple[R, Any]]], Callable[P, tuple[R, S]]]:
        """Decorate the mathematics of forward: ``f(dims, *inputs, **options) -> outputs, saved``.

        Args:
            kept: the class of what is saved, of which the function returns the fields.
            wide: it may overflow on the way to its results; "underflow": or lose their digits to that.
            rows: the axis of which some positions may be computed after others, so that what is made on the way stays
                in the cache; none if it is "".
            saved: the place of that axis in what is saved beside the inputs.
            out: for each output, and what else is saved beside the inputs, the name by which ``dims.out`` has an array
                to put it in; "" where it does not.
            zeros: the results that are 0 where one of these axes is empty: sums over it, of what there is none of.
        """
        self.out |= dict.fromkeys(out)

        def decorate(function: Callable[Concatenate[Dims, P], Any]) -> Callable[P, tuple[R, S]]:
            result = get_args(written.hints(function)["return"])[0]
            _, *names = inspect.signature(function).parameters
            inputs, options = names[: len(self.inputs)], names[len(self.inputs) :]
            bound = [f"${n}" for n in range(len(inputs))]
            parts = [f"$r{n}" for n in range(len(self.outputs))]
            several = hasattr(result, "_fields")
            text = self.looked_up(inputs, options, bound) + FORWARD.format(
                call=written.called(f"$dims, {listed([*bound, *by_name(options)])}", rows, "large"),
                parts=listed(parts),
                result="$result" if several else parts[0],
                taken=lines([f"{listed(parts)}= $result"] if several else []),
                **ownership(
                    parts, self.outputs, [*spread(bound, self.inputs), "*$saved"], "$Outputs" if several else ""
                ),
                made=f"$new($Outputs, ({listed(parts)}))" if several else parts[0],
                emptied=written.emptied(zeros, parts),
            )
            scope = {"names": [p.name for p in self.outputs], "Saved": kept, "Outputs": result, "zeros": zeros}
            if rows:
                scope["in_rows"] = self.forward_in_rows(function, names, result, kept, rows, saved, out)
            raises = [
                "ValueError: shapes do not fit the index patterns, or an option is out of range.",
                "TypeError: an argument has the wrong kind of numbers.",
            ]
            made: Any = self.wrapped(function, text, scope, wide, inputs, options, raises)
            made.__annotations__["return"] = returned = GenericAlias(tuple, (result, kept))
            made.__signature__ = made.__signature__.replace(return_annotation=returned)
            return made  # type: ignore[no-any-return]

        return decorate

    def backward(
        self,
        wide: Wide = False,
        rows: str = "",
        saved: Mapping[str, int] = NOWHERE,
        out: tuple[str, ...] = (),
        zeros: Zeros = NO_ZEROS,
    ) -> Callable[[F], F]:
        """Decorate the mathematics of backward: ``f(cotangents, saved) -> gradients``; see forward."""
        self.out |= dict.fromkeys(out)
        places = saved

        def decorate(function: F) -> F:
            cotangents, saved = inspect.signature(function).parameters
            outputs = [p for p in self.outputs if p.differentiable]
            inputs = [p for p in self.inputs if p.differentiable]
            bound = [f"$d{n}" for n in range(len(outputs))]
            parts = [f"$g{n}" for n in range(len(inputs))]
            text = BACKWARD.format(
                saved=saved,
                cotangents=lines(self.taken_apart(cotangents, "cotangents", outputs, bound)),
                call=written.called(
                    f"{bound[0] if len(bound) == 1 else f'({listed(bound)})'}, {saved}", rows, "large_back"
                ),
                parts=listed(parts) or "() ",
                **ownership(parts, inputs, [*spread(bound, outputs), f"*{saved}"], "$Gradients"),
                each=" and ".join([f"{p} is not None" for p in parts] or ["True"]),
                emptied=written.emptied(zeros, parts, whole=True),
            )
            label = "the cotangents have" if len(outputs) > 1 else f"{cotangents} has"
            whose = "their outputs" if len(outputs) > 1 else "the output"
            raises = [f"ValueError: {label} not the shape of {whose}.", f"TypeError: {saved} is not forward's."]
            kinds = written.hints(function)
            scope = {"names": [p.name for p in inputs], "Saved": kinds[saved], "Gradients": kinds["return"]}
            scope["zeros"] = zeros
            if rows:
                scope["in_rows"] = self.backward_in_rows(function, kinds[saved], rows, places, out)
            made: F = self.wrapped(function, text, scope, wide, [cotangents, saved], [], raises)
            return made

        return decorate

    def jvp(self, wide: Wide = False) -> Callable[[Callable[Concatenate[Dims, P], R]], Callable[P, R]]:
        """Decorate the mathematics of jvp: ``f(dims, primals, tangents, **options)``."""

        def decorate(function: Callable[Concatenate[Dims, P], R]) -> Callable[P, R]:
            _, primals, tangents, *options = inspect.signature(function).parameters
            outputs = [p for p in self.outputs if p.differentiable]
            given = [p for p in self.inputs if p.differentiable]
            along = [f"$t{n}" for n in range(len(given))]
            steps = self.taken_apart(tangents, "tangents", given, along, True)
            others = spread(along, given)
            made: Callable[P, R] = self.later(
                function, [primals, tangents], options, steps, [f"({listed(along)})"], others, outputs, None, wide
            )
            return made

        return decorate

    def double_backward(self, wide: Wide = False) -> Callable[[Callable[Concatenate[Dims, P], R]], Callable[P, R]]:
        """Decorate the mathematics of double_backward: ``f(dims, cotangents of outputs, primals, cotangents)``."""

        def decorate(function: Callable[Concatenate[Dims, P], R]) -> Callable[P, R]:
            _, first, primals, cotangents, *options = inspect.signature(function).parameters
            outputs = [p for p in self.outputs if p.differentiable]
            given = [p for p in self.inputs if p.differentiable]
            bound = [f"$d{n}" for n in range(len(outputs))]
            along = [f"$t{n}" for n in range(len(given))]
            steps = self.taken_apart(first, "cotangents_of_outputs", outputs, bound)
            steps += self.taken_apart(cotangents, "cotangents", given, along, True)
            one = bound[0] if len(bound) == 1 else f"({listed(bound)})"
            others = [*spread(bound, outputs), *spread(along, given)]
            made: Callable[P, R] = self.later(
                function, [first, primals, cotangents], options, steps, [one, f"({listed(along)})"], others,
                [*outputs, *given], written.hints(function)["return"], wide,
            )  # fmt: skip
            return made

        return decorate

    def later(
        self, function: Callable[..., Any], parameters: list[str], options: list[str], steps: list[str],
        given: list[str], more: list[str], results: list[Pattern], kind: Any, wide: Wide,
    ) -> Any:  # fmt: skip
        """What jvp and double_backward have in common.

        Args:
            steps: the lines that bring what is passed beside the primals into the layout.
            given: that, as the function's arguments, and ``more``, apart.
            results: what the results belong to, and the ``kind`` of named tuple that holds them, if any.
        """
        inputs = [f"$i{n}" for n in range(len(self.inputs))]
        bound = [f"$b{n}" for n in range(len(self.inputs))]
        parts = [f"$r{n}" for n in range(len(results))]
        several = kind is not None or len(parts) != 1
        primals = parameters[len(given) - 1]
        given.insert(len(given) - 1, f"({listed(bound)})")
        text = (
            f"\n    {listed(inputs)}= {primals} = $primals({primals}){self.looked_up(inputs, options, bound)}"
            + LATER.format(
                cotangents=lines(steps),
                parts=listed(parts),
                result=f"{listed(parts)}= $result" if several else parts[0],
                given=listed([*given, *by_name(options)]),
                **ownership(parts, results, [*spread(bound, self.inputs), *more], "$tuple" if several else ""),
                made=f"$new($kind, ({listed(parts)}))" if kind else f"({listed(parts)})" if several else parts[0],
            )
        )
        raises = ["TypeError, ValueError: an argument is none that forward takes, or a tangent none of its shape."]
        scope = {"names": [p.name for p in results], "kind": kind}
        return self.wrapped(function, text, scope, wide, parameters, options, raises)

    def forward_in_rows(
        self, function: Callable[..., Any], names: list[str], returned: Any, kept: Any, rows: str,
        saved: Mapping[str, int], out: tuple[str, ...],
    ) -> Callable[..., Any]:  # fmt: skip
        """Forward, for some rows after another; of several outputs ``returned`` is the named tuple."""
        cut = [p.place(rows) for p in self.inputs]
        results = [p.name for p in self.outputs]
        own = [n for n, field in enumerate(kept._fields[:-1]) if field not in (*names, *results)]
        fields = [kept._fields[n] for n in own]
        into = [*out, *("" for _ in (*results, *fields)[len(out) :])]

        def run(dims: Dims, *given: Any, **options: Any) -> Any:
            several, inner = len(results) > 1, copy(dims)
            passed = dict(zip(names, (*given, *options.values()), strict=True))

            def call(parts: Sequence[Any], places: dict[str, Any]) -> list[Any]:
                inner.out = dims.out | places
                found, left = function(inner, *parts, **options)
                return [*(found if several else (found,)), *(left[n] for n in own)]

            joins = [self.pattern(n, dims).place(rows) for n in results] + [saved.get(n) for n in fields]
            done = in_parts(call, given, cut, joins, into, self.elementwise)
            left = passed | dict(zip((*results, *fields), done, strict=True))
            outputs = returned(*done[: len(results)]) if several else done[0]
            return outputs, [left.get(n, dims) for n in kept._fields]

        return run

    def backward_in_rows(
        self, function: Callable[..., Any], kept: Any, rows: str, saved: Mapping[str, int], out: tuple[str, ...]
    ) -> Callable[..., Any]:
        """Backward, for some rows after another."""
        outputs = [p.name for p in self.outputs if p.differentiable]
        inputs = [p for p in self.inputs if p.differentiable]
        joins = [p.place(rows) for p in inputs]
        added = {p.name for p, axis in zip(inputs, joins, strict=True) if axis is None}
        places = {p.name: p.place(rows) for p in self.inputs} | dict(saved)
        into = [*out, *("" for _ in inputs[len(out) :])]
        several = len(outputs) != 1
        returned, new = written.hints(function)["return"], tuple.__new__

        def run(cotangents: Any, saved: Any) -> Any:
            dims = saved[-1]
            inner = copy(dims)  # the same for all blocks: to make it takes as long as some operations on one
            given = [*(cotangents if several else (cotangents,)), *saved[:-1]]
            cut = [self.pattern(n, dims).place(rows) for n in outputs] + [places.get(n) for n in kept._fields[:-1]]

            def call(parts: Sequence[Any], into: dict[str, Any]) -> Any:
                first = tuple(parts[: len(outputs)]) if several else parts[0]
                inner.out = dims.out | into
                return function(first, new(kept, (*parts[len(outputs) :], inner)))

            shapes = [shape for p, shape in zip(self.inputs, dims.inner, strict=True) if p.name in added]
            size = dims.dtype.itemsize * sum(math.prod(shape) for shape in shapes if shape is not None)
            return returned(*in_parts(call, given, cut, joins, into, self.elementwise, size))

        return run

    def taken_apart(
        self, argument: str, label: str, patterns: Sequence[Pattern], names: Sequence[str], each: bool = False
    ) -> list[str]:
        """The lines that bring cotangents or tangents into the layout; of a tuple if there are several, or ``each``."""
        given = [argument]
        steps = []
        if each or len(patterns) != 1:
            wanted = "".join(f', "{p.name}"' for p in patterns)
            steps.append(f'$each = {argument} = $one_each("{label}", {argument}{wanted})')
            given = [f"$each[{n}]" for n in range(len(patterns))]
        elif len(self.outputs) > 1:  # the other outputs are states: forward's results have their places
            steps.append(f"{argument} = {argument}[0] if $isinstance({argument}, $tuple) else {argument}")
        for p, name, a in zip(patterns, names, given, strict=True):
            steps.append(f'{name} = $cotangent("{p.name}", {a}, $dims)')
        return steps

    def wrapped(
        self, function: Any, text: str, scope: dict[str, Any], wide: Wide, positional: list[str], options: list[str],
        raises: Iterable[str] = (),
    ) -> Any:  # fmt: skip
        """A function of a module from the text of what stands around its mathematics."""
        given = inspect.signature(function)
        parameters = [p for n, p in given.parameters.items() if n in (*positional, *options)]
        star = ["*"] if options else []
        defaults = {p.name: f"{p.name}=$default_{p.name}" for p in parameters if p.default is not p.empty}
        head = ", ".join(defaults.get(n, n) for n in (*positional, *star, *options))
        code = f"def $loose({head}):{text}"
        if wide:
            body = "\n".join(f"        {line}" for line in text.strip("\n").split("\n"))
            passed = ", ".join(f'"{o}": {o}' for o in options)
            states = "$strictest" if wide == "underflow" else "$strict"
            around = STRICT.format(states=states, body=body, arguments=listed(positional), options=passed)
            code += f"\n\ndef $run({head}):{around}"
        scope |= self.scope() | {
            **{f"{word}_{p.name}": p.default for word in ("default", "usual") for p in parameters},
            "function": function,
            "primals": self.primals,
            "one_each": self.each,
            "cotangent": self.cotangent,
            "refused": self.refused,
            "brought_back": self.brought_back,
            "own": storage.own,
            "own_entries": storage.own_entries,
            "references": storage.references,
            "over_nothing": written.over_nothing,
            "ALONE": storage.ALONE,
            "BOTH": storage.BOTH,
            "new": tuple.__new__,
            "wider": wider,
            "strict": wider.STRICT,
            "strictest": wider.STRICTEST,
            "get": STATES.get,
            "put": STATES.set,
            "reset": STATES.reset,
            "ndarray": np.ndarray,
            "Dims": Dims,
        }
        made: Any = compiled("run" if wide else "loose", code, [p.name for p in parameters], scope)
        update_wrapper(made, function)
        known = (*positional, *options, "return")
        made.__signature__ = given.replace(parameters=parameters)
        made.__annotations__ = {n: a for n, a in written.hints(function).items() if n in known}
        if raises and function.__doc__:
            rows = "".join(f"\n        {r}" for r in raises)
            made.__doc__ = f"{function.__doc__.rstrip()}\n\n    Raises:{rows}\n    "
        return made


def inside(function: Callable[..., Any]) -> Callable[..., Any]:
    """The mathematics of a decorated function: what it is called with is in the layout."""
    found: Callable[..., Any] = function.__wrapped__  # type: ignore[attr-defined]
    return found
