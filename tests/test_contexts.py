"""Nothing depends on the state of a caller's libraries, on what was derived before, or on another thread."""

from __future__ import annotations

import decimal
import os
import subprocess
import sys
import threading
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from derive.command.build import generate
from derive.evidence import inputs, world
from derive.evidence.kernels import precision
from derive.evidence.numbers import FLOAT
from derive.notation import errors
from derive.notation.define import REGISTRY, load_file, load_project
from reference.runtime.functions import quietly

STRANGE = """
import decimal, flint, mpmath, numpy as np
decimal.getcontext().prec, mpmath.mp.dps, flint.ctx.prec = 2, 3, 20
np.seterr(all="raise", under="ignore")
np.set_printoptions(precision=1, threshold=2)
"""
KERNELS = """
import hashlib
from derive.evidence import inputs, kernels
from derive.notation.define import load_project
found = hashlib.sha256()
for name, variants in load_project().items():
    kernel = kernels.kernel_of(name)
    for dtype in ("float64", "float32"):
        for case in inputs.cases(variants[0], 3, 2, inputs.Plan(trusted=True), dtype=dtype):
            with np.errstate(all="ignore"):
                arrays = kernels.forward(kernel, case)[0]
            found.update(repr([np.asarray(a).tolist() if not isinstance(a, list) else [b.tolist() for b in a]
                               for a in arrays.values()]).encode())
print(found.hexdigest())
"""
PAGES = """
from derive.command import build
from derive.notation.define import load_project
registry = load_project()
plan = build.Plan(build.ROOT)
notes = build.record.load(plan.record())
for name in ("softmax_cross_entropy", "layer_norm", "gelu", "clip_by_global_norm"):
    build.layer_files(plan, registry[name], build.ROOT / build.KERNELS, build.ROOT / build.PAGES, notes)
print([p.name for p in plan.stale()])
"""
OWN = '''
from derive import layer


@layer(cites="a file that is read twice")
def squash(x: Real[...]):
    """A power."""
    y[...] = x[...] ** {power}
    return y


@layer(cites="uses it")
def squashed(x: Real[..., i], W: Real[o, i]):
    """A power of sums."""
    z[..., o] = sum(i, W[o, i] * x[..., i])
    y[..., o] = squash(z[..., o])
    return y
'''


def told(program: str) -> str:
    """What a program prints, run by itself, warnings being errors."""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ})
    assert not out.returncode, out.stderr
    return out.stdout.strip()


def test_kernels_do_not_depend_on_the_state_at_import() -> None:
    assert told(STRANGE + KERNELS) == told("import numpy as np\n" + KERNELS)


def test_pages_and_kernels_do_not_depend_on_the_state_at_import_nor_on_the_order() -> None:
    """They are derived last to first, and compared with what is there, derived first to last."""
    assert told(STRANGE + PAGES) == "[]"


def test_a_function_without_warnings_has_the_contexts_of_its_caller() -> None:
    with decimal.localcontext(decimal.Context(prec=50)):
        assert quietly(lambda: decimal.getcontext().prec) == 50  # type: ignore[arg-type, return-value]
    with np.errstate(all="raise"):
        assert quietly(np.exp, np.array(1e4)) == np.inf
        with pytest.raises(FloatingPointError):
            np.exp(np.array(1e4))


def test_a_file_that_is_read_twice_means_what_it_says_now(tmp_path: Path) -> None:
    before, file, texts = dict(load_project()), tmp_path / "own.py", []
    try:
        for power in (3, 2, 3):
            file.write_text(OWN.format(power=power))
            load_file(file)
            (case,) = inputs.cases(REGISTRY["squashed"][0], 0, 1)
            run = world.forward(case, FLOAT)
            x, w = (np.asarray(case.tensors[n]) for n in "xW")
            assert np.allclose(list(run.values("y", "y").values()), ((x @ w.T) ** power).ravel())
            texts.append(list(generate(file=file).files.values()))
        assert texts[0] == texts[2] != texts[1]
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)


def test_rounding_has_the_precision_of_the_moment() -> None:
    pytest.importorskip("flint")
    from derive.evidence.balls import rounding

    with precision(30):
        assert rounding(-53).pi.rad() > 2.0**-40
    with precision(160):
        assert rounding(-53).pi.rad() < 2.0**-50


def test_a_deadline_is_that_of_its_own_thread() -> None:
    here = errors.DEADLINE.get()
    token = errors.DEADLINE.set(process_time() - 1)
    seen: list[float] = []
    thread = threading.Thread(target=lambda: seen.append(errors.DEADLINE.get()))
    thread.start()
    thread.join()
    errors.DEADLINE.reset(token)
    assert seen == [here]
