"""One mutated definition after another: read, derived, printed, and its kernel compared with its text."""

from __future__ import annotations

import os
import re
import resource
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

FILE = "mutated.py"
#: Layer and what is wrong; file and line; the line; the caret; how to mend it.
PLACE = re.compile(rf"^[^\n]+: [^\n]+\n  {re.escape(FILE)}:\d+\n    [^\n]*\n\s*\^+\n  \S")
LIMIT = 10  #: seconds of computing
MEMORY = 6 << 30
TOO_LONG = 9  #: the exit status of a process that was at it for longer


@dataclass(frozen=True)
class Outcome:
    """What became of a definition.

    Attributes:
        kind: refused, agrees, unread (built, and the second reader does not know), or fault.
        words: the error; or why nothing was compared.
    """

    kind: str
    words: str = ""


def attempt(text: str) -> Outcome:
    """Read, derive, print and compare one definition; nothing is written and nothing of it is run."""
    from derive.command.build import Plan, layer_files
    from derive.notation.define import REGISTRY, load_project, read_source
    from derive.notation.errors import DefinitionError
    from derive.text.validate import Kernels, validate

    load_project()
    before = dict(REGISTRY)
    folder = Path("mutated")
    plan = Plan(folder, Path(FILE))
    try:
        for name, variants in read_source(text, FILE).items():
            layer_files(plan, variants, folder, folder, {})
            kernels = Kernels({name: plan.files[folder / f"{name}.py"]})
            definitions = {n: v[0].source for n, v in REGISTRY.items()}
            verdict = validate(name, definitions, kernels, [dict(v.choice) for v in variants])
            if verdict.wrong:
                return Outcome("fault", f"the kernel disagrees: {verdict.wrong}")
            if not verdict.checks:
                return Outcome("unread", "; ".join(verdict.notes))
        return Outcome("agrees")
    except DefinitionError as error:
        if not PLACE.search(str(error)):
            return Outcome("fault", f"an error without its place: {error}")
        return Outcome("fault" if "internal error" in str(error) else "refused", str(error))
    except Exception:
        return Outcome("fault", traceback.format_exc(limit=-4))
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)


def serve(connection: Connection, answer: Callable[[str], Outcome] = attempt, limit: float = LIMIT) -> None:
    """Answer texts with outcomes for ever; end at once if one takes too long."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, lambda *_: os._exit(TOO_LONG))
    answer("")  # what is imported and read once
    connection.send(None)
    while True:
        text = connection.recv()
        signal.setitimer(signal.ITIMER_PROF, limit)
        outcome = answer(text)
        signal.setitimer(signal.ITIMER_PROF, 0)
        connection.send(outcome)
