"""Which results a NaN takes part in, found by brute force: those that change with the number in its place.

Numbers larger than all others are put in the place of the NaN, since NaN is the largest where a largest is wanted, and
whatever differs between them depends on it. What does not must be the same, to the last bit but for the order of sums,
with a NaN there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import kernels
from derive.evidence.inputs import cotangents, tangents
from derive.evidence.layout import Case

Array = np.ndarray[Any, np.dtype[Any]]
Results = dict[str, list[Array]]
INSTEAD = (2.1, 2.7)  # no other number is above 1


def listed(value: Any) -> list[Array]:
    return [np.asarray(v) for v in value] if isinstance(value, list | tuple) else [np.asarray(value)]


class Calls:
    """All four functions of a kernel, of arguments by name: an input's, a cotangent's, a tangent's."""

    def __init__(self, kernel: Any, derivation: Derivation, case: Case) -> None:
        self.kernel, self.derivation, self.case = kernel, derivation, case
        real = [t.name for t in case.layer.inputs if t.kind == "real"]
        given = {("input", n): case.tensors[n] for n in real}
        given |= {("cotangent", n): v for n, v in cotangents(case).items()}
        given |= {("tangent", n): v for n, v in tangents(case).items()}
        self.given: dict[tuple[str, str], Any] = given

    def __call__(self, given: dict[tuple[str, str], Any]) -> Results:
        def of(kind: str) -> dict[str, Any]:
            return {n: v for (k, n), v in given.items() if k == kind}

        case = replace(self.case, tensors=self.case.tensors | of("input"))
        outputs, saved = kernels.forward(self.kernel, case)
        found = {
            "forward": outputs,
            "backward": kernels.backward(self.kernel, case, of("cotangent"), saved),
            "jvp": kernels.jvp(self.kernel, case, of("tangent")),
        }
        if hasattr(self.kernel, "double_backward"):
            found["double_backward"] = kernels.double_backward(
                self.kernel, self.derivation, case, of("cotangent"), of("tangent")
            )
        return {f"{f} {n}": listed(v) for f, by_name in found.items() for n, v in by_name.items()}

    def places(self) -> Iterator[tuple[tuple[str, str], int, tuple[int, ...]]]:
        """Every element of every argument: its name, the entry of a list, the index."""
        for name, value in self.given.items():
            for entry, array in enumerate(listed(value)):
                for at in np.ndindex(array.shape):
                    yield name, entry, at

    def put(self, name: tuple[str, str], entry: int, at: tuple[int, ...], number: float) -> dict[tuple[str, str], Any]:
        """The arguments with one element replaced."""
        arrays = [a.copy() for a in listed(self.given[name])]
        arrays[entry][at] = number
        return self.given | {name: arrays if isinstance(self.given[name], list) else arrays[0]}


def faults(
    calls: Calls,
    instead: tuple[float, ...] = INSTEAD,
    special: float = np.nan,
    exempt: Callable[[str, str], bool] = lambda argument, result: False,
) -> list[str]:
    """Where a NaN shows although nothing there depends on it, or does not although it takes part."""
    found: list[str] = []
    for name, entry, at in calls.places():
        finite = [calls(calls.put(name, entry, at, number)) for number in instead]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            got = calls(calls.put(name, entry, at, special))
        for result, arrays in got.items():
            if exempt(" ".join(name), result):
                continue
            for n, array in enumerate(arrays):
                first, *others = (f[result][n] for f in finite)
                moved = np.any([first != o for o in others], axis=0)
                place = f"{special} in {' '.join(name)}{list(at)}: {result}"
                if np.isnan(special) and not np.isnan(array[moved]).all():
                    found.append(f"{place} does not show it")
                if not np.allclose(array[~moved], first[~moved], rtol=1e-12, atol=1e-14):
                    found.append(f"{place} shows it where it takes no part")
    return found
