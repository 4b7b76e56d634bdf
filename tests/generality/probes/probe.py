"""Builds a probe as ``gradbook build`` does, runs its kernel and compares it with what PyTorch says."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from derive import build
from derive.notation import define
from derive.notation.layer import Layer
from tests.generality.probes.cases import Arrays, Case, Names, named
from tests.generality.support import own_registry

HERE = Path(__file__).parent
HEAD = "from __future__ import annotations\n\nfrom derive import layer\n\n\n"


def texts(file: Path) -> dict[str, str]:
    """The text of every definition of a file, by its name."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    functions = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)]
    return {f.name: "\n".join(lines[f.decorator_list[0].lineno - 1 : f.end_lineno]) + "\n" for f in functions}


@cache
def definitions() -> dict[str, str]:
    """The text of every definition, by its group and name: ``losses-bce``."""
    files = sorted((HERE / "definitions").glob("*.py"))
    return {f"{file.stem}-{name}": text for file in files for name, text in texts(file).items()}


@dataclass(frozen=True)
class Built:
    """A probe's variants and its kernel."""

    variants: tuple[Layer, ...]
    kernel: Any


def built(probe: str, folder: Path) -> AbstractContextManager[Built]:
    """The kernel of a probe; see ``made``."""
    return made(probe.partition("-")[2], definitions()[probe], folder)


@contextmanager
def made(name: str, text: str, folder: Path) -> Iterator[Built]:
    """The kernel of a definition as the command builds it: printed, compared with its text, its page made.

    Raises:
        derive.notation.errors.DefinitionError: it cannot be built.
    """
    file, out = folder / f"{name}_definition.py", folder / "kernels"
    file.write_text(HEAD + text, encoding="utf-8")
    with own_registry():
        plan = build.generate(file=file, out=out)
        build.write(plan)
        package = f"made_{name}"
        module = sys.modules[package] = types.ModuleType(package)
        module.__path__ = [str(out)]
        importlib.invalidate_caches()
        try:
            yield Built(define.REGISTRY[name], importlib.import_module(f"{package}.{name}"))
        finally:
            for own in [n for n in sys.modules if n.split(".")[0] == package]:
                del sys.modules[own]


@cache
def names(probe: str) -> Names:
    """The names of a definition's inputs and outputs, whether or not the project can read it."""
    function = ast.parse(definitions()[probe]).body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = function.args.args[: len(function.args.args) - len(function.args.defaults)]
    kinds = {a.arg: re.match(r"\w+", ast.unparse(a.annotation))[0] for a in arguments}
    returned = next(n.value for n in function.body if isinstance(n, ast.Return))
    listed = returned.elts if isinstance(returned, ast.Tuple) else [returned]
    states = tuple(a.id for n in listed if isinstance(n, ast.Call) for a in n.args)
    smooth = tuple(n.id for n in listed if isinstance(n, ast.Name))
    return Names(tuple(kinds), tuple(n for n, kind in kinds.items() if kind == "Real"), smooth + states, smooth)


# ---- what the kernel gives -------------------------------------------------------------------------------------------


def by_name(listed: tuple[str, ...], result: Any) -> dict[str, Any]:
    """Results of a kernel: one is itself, several are a named tuple or a tuple."""
    if len(listed) == 1:
        bare = result[0] if isinstance(result, tuple) and len(result) == 1 else result
        return {listed[0]: bare}
    return dict(zip(listed, result, strict=True))


def measured(case: Case, kernel: Any) -> Arrays:
    """Values, gradients, tangents and second gradients of a kernel; a warning is an error."""
    own, found = names(case.probe), Arrays()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inputs = case.inputs()
        result, saved = kernel.forward(*inputs, **case.options)
        values = by_name(own.outputs, result)
        for n, v in values.items():
            found |= named("", n, v)
        if not own.differentiable or not own.differentiable_outputs:
            return found
        cotangents = tuple(case.like(values[n], f"cotangent of {n}") for n in own.differentiable_outputs)
        cotangent = cotangents[0] if len(cotangents) == 1 else cotangents
        gradients = kernel.backward(cotangent, saved)
        for n in gradients._fields:
            found |= named("gradient of ", n, getattr(gradients, n))
        given = dict(zip(own.inputs, inputs, strict=True))
        along = tuple(case.like(given[n], f"tangent of {n}") for n in own.differentiable)
        for n, v in by_name(own.differentiable_outputs, kernel.jvp(tuple(inputs), along, **case.options)).items():
            found |= named("tangent of ", n, v)
        second = kernel.double_backward(cotangent, tuple(inputs), along, **case.options)
        for n in own.differentiable:
            if hasattr(second, n):
                found |= named("second gradient of ", n, getattr(second, n))
    return found
