"""Which mistakes the pages of the project's layers show: ``python -m derive.command.mistakes [LAYER ...]`` keeps them.

To look for them takes a second or more a layer, so what was chosen is kept (docs/assets/mistakes.json, checked in): the
changed equation, the case and which usual checks accept it. The numbers are computed whenever a page is made. An entry
counts for the definition that it was made with alone; without one, and for a user's own layers, they are looked for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.command.files import replace, text_of
from derive.evidence.layout import Case
from derive.evidence.mutate import mutants
from derive.judge.changes import known_mistakes
from derive.judge.known import WRITTEN, equations
from derive.judge.mistakes import Apart, Mistake, apart, fails, found, right, wrong
from derive.judge.small import Small
from derive.notation.layer import Equation, Layer
from derive.notation.several import from_lists
from derive.notation.text import show_equation

CHOSEN = Path("docs/assets/mistakes.json")
Entry = dict[str, Any]


def mistakes(derivation: Derivation, definition: str, recorded: Mapping[str, Any]) -> tuple[Mistake, ...]:
    """A layer's mistakes: those of its entry, where that is of this definition and as the layer is now."""
    entry = recorded.get(derivation.layer.name)
    if entry and entry["definition"] == definition:
        known = [again(derivation, one) for one in entry["chosen"]]
        if all(known):
            return tuple(m for m in known if m)
    return found(derivation)


def of_page(derivation: Derivation, definition: str, project: bool) -> tuple[Mistake, ...]:
    """Those that a page shows, of a layer of the project or of a user's own."""
    from derive.command.build import ROOT

    return mistakes(derivation, definition, load(ROOT / CHOSEN) if project else {})


def load(path: Path) -> dict[str, Any]:
    """Every entry, by layer; none where there is no file.

    Raises:
        ValueError: the file is no such record.
    """
    if not path.exists():
        return {}
    try:
        return parsed(text_of(path))
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no record of mistakes ({error!r}); delete it and run {COMMAND}") from error


@lru_cache(maxsize=1)
def parsed(text: str) -> dict[str, Any]:
    """The entries of a record that has this text: every page of a build asks for its own."""
    record: dict[str, Any] = json.loads(text)
    return {name: {"definition": e["definition"], "chosen": list(e["chosen"])} for name, e in record.items()}


COMMAND = "python -m derive.command.mistakes"


def entry(mistake: Mistake) -> Entry:
    """What is kept of one."""
    case = mistake.at.case
    return {
        "kind": mistake.kind,
        "what": mistake.what,
        "part": mistake.part,
        "equation": show_equation(mistake.before),
        "mistake": "" if mistake.kind == WRITTEN else show_equation(mistake.after),
        "tensors": {n: plain(v) for n, v in case.tensors.items()},
        "options": case.options,
        "cotangents": {n: plain(v) for n, v in mistake.at.cotangents.items()} if mistake.part == "backward" else {},
        "accepted": list(mistake.accepted),
    }


def plain(value: Any) -> Any:
    return (
        [plain(v) for v in value] if isinstance(value, list) else None if value is None else np.asarray(value).tolist()
    )


def again(derivation: Derivation, kept: Entry) -> Mistake | None:
    """A mistake as it was chosen, its numbers computed; None where it is none of this layer's any more."""
    part, layer = kept["part"], derivation.layer
    tensors = {t.name: array(layer, t.name, kept["tensors"][t.name]) for t in layer.inputs}
    one = Small(
        Case(layer, tensors, {n: from_lists(v) for n, v in kept["options"].items()}),
        {o: array(layer, o, v) for o, v in kept["cotangents"].items()},
    )
    for n, equation in enumerate(equations(derivation, part)):
        if show_equation(equation) != kept["equation"]:
            continue
        if kept["kind"] == WRITTEN:
            known = fails(derivation, one)
            accepted = tuple(kept["accepted"])
            return Mistake(WRITTEN, "", part, n, equation, equation, one, *known, accepted) if known else None
        for after in changed(equation):
            if show_equation(after) == kept["mistake"]:
                shown: Apart | None = apart(right(derivation, one, part), wrong(derivation, one, part, n, after))
                accepted = tuple(kept["accepted"])
                if shown is None:
                    return None
                return Mistake(kept["kind"], kept["what"], part, n, equation, after, one, *shown, accepted)
    return None


def changed(equation: Equation) -> Iterator[Equation]:
    for rule in (None, known_mistakes):
        yield from (m.after for m in mutants(equation, rule))


def array(layer: Layer, name: str, value: Any) -> Any:
    tensor = layer.tensors[name]
    dtype = {"integer": np.int64, "boolean": np.bool_}.get(tensor.kind, np.float64)
    if value is None:
        return None
    return [np.array(v, dtype) for v in value] if tensor.sequence else np.array(value, dtype)


def main(names: Sequence[str]) -> int:
    from derive.calculus.derivation import derive
    from derive.command.build import ROOT, fingerprint
    from derive.notation.define import load_project

    project = load_project()
    if unknown := [n for n in names if n not in project]:
        print(f"there is no layer {unknown[0]!r}", file=sys.stderr)
        return 2
    record = {n: e for n, e in load(ROOT / CHOSEN).items() if n in project}
    for name in names or project:
        layer = project[name][0]
        chosen = found(derive(layer))
        record[name] = {"definition": fingerprint(layer), "chosen": [entry(m) for m in chosen]}
        print(f"{name:30} {', '.join(m.kind for m in chosen)}", flush=True)
    text = "{\n" + ",\n".join(f" {json.dumps(n)}: {lines(record[n])}" for n in sorted(record)) + "\n}\n"
    replace({ROOT / CHOSEN: text.encode()})
    return 0


def lines(of: Entry) -> str:
    """An entry, each mistake on a line."""
    chosen = ",\n".join(f"   {json.dumps(e, ensure_ascii=False)}" for e in of["chosen"])
    return f'{{"definition": {json.dumps(of["definition"])}, "chosen": [\n{chosen}\n ]}}'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
