"""Every leg of the evidence on every probe, as a table.

``python -m tests.generality [NAME ...] [--legs LEG,...] [--seconds 60] [--json FILE]`` runs the legs on each probe
whose name has one of the words in it, and prints a line for each: ✓ holds, ✗ fails, – not run (with the reason in the
file), … took more seconds of processor time than it may. What fails is said below the table, and every verdict is
written to the file as it comes. It is an error if a leg is red and has no row in tests.generality.probes.expected.RED,
or green and has one.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from derive.calculus.derivation import derive
from derive.command.verify import Verdict, run_leg
from derive.evidence import verify
from tests.generality.everyday import legs
from tests.generality.probes.expected import RED, REFUSED
from tests.generality.probes.probe import definitions, made

MARKS = {True: "✓", False: "✗", None: "–"}
LATE = "…"


class Late(BaseException):
    """A leg took more time than it may; no Exception, which a leg would take for a finding."""


def texts() -> dict[str, str]:
    """The text of every definition that builds, by its group and name: ``losses-bce``, ``everyday-mult``."""
    probes = {p: text for p, text in sorted(definitions().items()) if p not in REFUSED}
    return probes | {f"everyday-{name}": text for name, text in legs.DEFINITIONS.items()}


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Ends what takes more processor time.

    Raises:
        Late: it did.
    """

    def late(number: int, frame: FrameType | None) -> None:
        raise Late

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def swept(probe: str, text: str, asked: list[str], seconds: float) -> Iterator[Verdict]:
    """The verdict of each leg; ``LATE`` as its text where it took too long."""
    name = probe.partition("-")[2]
    with tempfile.TemporaryDirectory() as folder, made(name, text, Path(folder)) as layer:
        derivations = [derive(v) for v in layer.variants]
        for leg in asked:
            if verify.applies(leg, layer.variants[0], layer.kernel):
                begin = time.process_time()
                try:
                    with limited(seconds):
                        verdict = run_leg(leg, derivations, layer.kernel)
                except Late:
                    verdict = Verdict(name, leg, None, LATE, f"more than {seconds:g} seconds", 0.0)
                spent = time.process_time() - begin
                yield Verdict(probe, leg, verdict.passed, verdict.text, verdict.detail, spent)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.generality", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="words, one of which a probe's name has in it")
    parser.add_argument("--legs", default=",".join(verify.LEGS), help="which legs, with commas between")
    parser.add_argument("--seconds", type=float, default=60.0, help="of processor time, for one leg of one probe")
    parser.add_argument("--json", type=Path, help="a file to which every verdict is added, one a line")
    given = parser.parse_args(arguments)
    asked = given.legs.split(",")
    if unknown := [leg for leg in asked if leg not in verify.LEGS]:
        parser.error(f"there is no leg {unknown[0]!r}; there are {', '.join(verify.LEGS)}")
    chosen = {p: t for p, t in texts().items() if not given.names or any(n in p for n in given.names)}
    found: list[Verdict] = []
    print(f"{'':<40}" + " ".join(f"{leg[:8]:>8}" for leg in asked))
    for probe, text in chosen.items():
        own: dict[str, Verdict] = {}
        for verdict in swept(probe, text, asked, given.seconds):
            own[verdict.leg] = verdict
            if given.json:
                with given.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(vars(verdict)) + "\n")
        found += own.values()
        marks = [(LATE if v.text == LATE else MARKS[v.passed]) if (v := own.get(leg)) else "" for leg in asked]
        print(f"{probe:<40}" + " ".join(f"{mark:>8}" for mark in marks), flush=True)
    red = [v for v in found if v.passed is False]
    for verdict in red:
        print(f"\n✗ {verdict.layer}: {verdict.leg}\n  {verdict.detail}")
    wrong = unlike(found)
    for verdict in wrong:
        print(
            f"\n{verdict.layer}: {verdict.leg} is {'red, and not' if verdict.passed is False else 'green, but'} in RED"
        )
    late = sum(v.text == LATE for v in found)
    print(f"\n{len(found)} legs of {len(chosen)} probes: {len(red)} red, {late} took too long, {len(wrong)} unlike RED")
    return 1 if wrong else 0


def unlike(found: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts that are not as the list of what is red says."""
    return [v for v in found if v.passed is not None and v.passed == (v.leg in RED.get(v.layer, {}))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
