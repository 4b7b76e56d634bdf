"""What legs do not compute again: equations that a change does not reach, tensors that several analyses share."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.command import forked
from derive.evidence import enclosure, inputs, kernels, mutants
from derive.evidence.evaluation import Undecided
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import FLOAT
from derive.evidence.running import WORKING, Pool
from tests.evidence.shared import LAYERS, derivation_of, own

TRIED = 25


def gradients(point: mutants.Point, run: Any) -> dict[str, Elements]:
    found = {}
    for name, adjoint in point.derivation.gradients.items():
        try:
            found[name] = run.values(adjoint, name)
        except (ArithmeticError, ValueError) as error:
            found[name] = {(): type(error)}
    return found


@pytest.mark.parametrize("name", ["lstm", "attention", "conv2d", "mlp", "batch_norm", "max_pool2d"])
def test_a_changed_equation_gives_what_all_equations_give_that_are_evaluated_anew(name: str) -> None:
    derivation = derivation_of(LAYERS[name][0])
    point = mutants.points(derivation, 0, 1)[0]
    unchanged = derivation.backward
    right = gradients(point, point.run(unchanged, FLOAT))
    read_by = mutants.readers(unchanged)
    chosen = list(mutants.chosen(derivation, 0))
    for n, mutant in (chosen[i] for i in np.random.default_rng(0).permutation(len(chosen))[:TRIED]):
        reached = mutants.reach(read_by, mutant.after.target)
        with point.changed(n, mutant.after, reached, FLOAT) as run:
            got = gradients(point, run)
        anew = gradients(point, point.run((*unchanged[:n], mutant.after, *unchanged[n + 1 :]), FLOAT))
        assert repr(got) == repr(anew), str(mutant)
        assert gradients(point, point.unchanged(FLOAT)) == right, str(mutant)
    first = unchanged[0]
    assert not point.notices(0, first, mutants.reach(read_by, first.target), FLOAT, mutants.LIMIT_FLOAT)


@pytest.mark.parametrize("name", ["lstm", "attention", "batch_norm", "softmax", "max_pool2d", "clip_by_global_norm"])
@pytest.mark.parametrize("ties", [False, True])
def test_analyses_that_share_tensors_give_the_balls_of_those_that_do_not(name: str, ties: bool) -> None:
    pytest.importorskip("flint")
    derivation = derivation_of(LAYERS[name][0])
    case = inputs.cases(derivation.layer, 0, 1, enclosure.PLAN, ties=ties)[0]
    kernel, u, v = kernels.kernel_of(name), inputs.cotangents(case, 0), inputs.tangents(case, 0)
    shared = analysed(enclosure.parts(derivation, kernel, case, u, v))
    alone: dict[str, Any] = {}
    for part in shared:
        alone |= analysed({part: enclosure.parts(derivation, kernel, case, u, v)[part]})
    assert repr(shared) == repr(alone)


#: A tie that only the tensor of an argument without gradient meets, and a recurrence that derivations have in another
#: form than was typed.
DEFINITIONS = """
def weighed(x: Real[..., i], w: State[..., i]):
    m[..., i] = x[..., i] if w[..., i] * w[..., i] * 3 >= 3 else 2 * x[..., i]
    y[..., i] = m[..., i] * m[..., i]
    return y

def two_steps(x: Real[t, b], h0: Real[b]):
    y[-2, b] = h0[b]
    y[-1, b] = 2 * h0[b]
    y[t, b] = y[t - 1, b] * y[t - 2, b] + x[t, b]
    return y
"""


def test_ties_are_met_by_all_that_share_a_tensor(tmp_path: Path) -> None:
    pytest.importorskip("flint")
    with own(tmp_path, DEFINITIONS) as made:
        for (derivation,), kernel in made.values():
            case = inputs.cases(derivation.layer, 0, 1, enclosure.PLAN)[0]
            if "w" in case.tensors:
                case.tensors["w"][...] = 1
            u, v = inputs.cotangents(case, 0), inputs.tangents(case, 0)
            shared = analysed(enclosure.parts(derivation, kernel, case, u, v))
            for part in shared:
                again = enclosure.parts(derivation, kernel, case, u, v)[part]
                assert repr(shared[part]) == repr(analysed({part: again})[part]), part
                assert shared[part][1] == ("w" in case.tensors), part


def analysed(parts: dict[str, enclosure.Part]) -> dict[str, Any]:
    """The balls of each function, and whether it met a tie."""
    found: dict[str, Any] = {}
    for name, part in parts.items():
        analysis = enclosure.Analysis(part, enclosure.DOUBLE, 1.0, name)
        balls: Any = "a tie of an argmax"
        with kernels.precision(WORKING), suppress(Undecided):
            balls = {n: {i: repr(b) for i, b in own.items()} for n, own in analysis.bounds().items()}
        found[name] = balls, analysis.ties.met
    return found


def test_a_recurrence_of_three_steps_is_shared_by_its_four_analyses(monkeypatch: pytest.MonkeyPatch) -> None:
    """In numbers of elements, which do not depend on the machine: without sharing there are a third more."""
    pytest.importorskip("flint")
    derivation = derivation_of(LAYERS["lstm"][0])
    case: Case = inputs.cases(derivation.layer, 0, 1, enclosure.PLAN)[0]
    u, v = inputs.cotangents(case, 0), inputs.tangents(case, 0)
    counts = []
    for shares in (True, False):
        if not shares:
            monkeypatch.setattr(Pool, "lend", lambda *_, **__: None)
        seen: list[str] = []
        evaluation = enclosure.world.Interpreter
        clause_at = evaluation.clause_at

        def counted(run: Any, name: str, index: tuple[int, ...], seen: list[str] = seen, f: Any = clause_at) -> Any:
            seen.append(name)
            return f(run, name, index)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(evaluation, "clause_at", counted)
            analysed(enclosure.parts(derivation, kernels.kernel_of("lstm"), case, u, v))
        counts.append(len(seen))
    assert counts[0] < 0.75 * counts[1]


# ---- processes -----------------------------------------------------------------------------------------------------


def test_tasks_give_their_results_in_their_order() -> None:
    here = os.getpid()
    tasks = [lambda n=n: (time.sleep(0.05 * (n == 0)), n, os.getpid()) for n in range(5)]
    found = list(forked.results(tasks, lambda n: n))
    assert [n for _, n, _ in found] == list(range(5))
    if forked.cores() > 1:
        assert here not in {process for *_, process in found}


def test_what_a_task_raises_ends_all_of_them() -> None:
    def slow() -> None:
        time.sleep(60)

    def wrong() -> None:
        raise LookupError("nothing")

    begin = time.perf_counter()
    with pytest.raises(LookupError):
        list(forked.results([wrong, slow], lambda n: -n))
    assert time.perf_counter() - begin < 30
