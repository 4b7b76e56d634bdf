"""The full run of each network on the digits, as the book shows it: figures, pictures, docs/training.md.

``python -m tests.training.record [NETWORK ...]`` trains, all by default, and writes docs/assets/training.json, a
picture for each and the page; ``python -m tests.training.record --page`` makes pictures and page of what is recorded.
Another machine rounds otherwise, so a run there may read a digit more or less.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from reference.training.digits import RECIPES, Recipe, train_digits
from reference.training.picture import save_picture
from reference.training.stopping import Epoch

DOCS = Path(__file__).parents[2] / "docs"
RECORD = DOCS / "assets" / "training.json"
PAGE = DOCS / "training.md"
DIGITS = 5  # of a figure that is recorded
HEAD = """# Networks trained with the kernels alone

Four networks learn to read handwritten digits. Every value and gradient on the way comes from a generated kernel: the
[mlp](layers/mlp.md) and a residual network, a dense one and a transformer (`reference/networks`), each with a backward
pass that was derived from its equations. The three are made of layers by `examples/networks.py`; PyTorch agrees with
their values and gradients (`tests/peers`), and what is derived of their blocks has pages of its own:
[residual_block](layers/residual_block.md), [dense_layer](layers/dense_layer.md),
[encoder_block](layers/encoder_block.md).
{ .gb-lead }

The digits are the 1797 images of 8 by 8 pixels that ship inside scikit-learn; a fifth of them is held out and read
once, at the end. `gradbook train digits --network NETWORK --picture FILE.svg` repeats a run; `--optimizer` and
`--schedule` choose what moves the weights and how fast, `--help` lists the rest. `python -m tests.training.record` made
this page.

| network | numbers to learn | trained by | epochs | held-out digits read right |
| --- | --- | --- | --- | --- |
"""


def run(network: str) -> dict[str, Any]:
    """Train one network by its recipe, and keep what the page shows."""
    result = train_digits(RECIPES[network])
    return {
        "recipe": asdict(result.recipe),
        "size": sum(p.size for p in result.network.parameters),
        "history": [[rounded(v) for v in epoch] for epoch in result.history],
        "best": result.best.epoch,
        "test_accuracy": result.test_accuracy,
        "examples": list(result.examples),
    }


def rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def recorded() -> dict[str, Any]:
    """What was recorded last, by network."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}  # type: ignore[no-any-return]


def result_of(entry: dict[str, Any]) -> Any:
    """A run as the picture takes it."""
    history = [Epoch(*values) for values in entry["history"]]
    known = {f.name for f in fields(Recipe)}
    recipe = Recipe(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry["recipe"].items() if k in known})
    return SimpleNamespace(
        recipe=recipe,
        history=history,
        best=next(e for e in history if e.epoch == entry["best"]),
        test_accuracy=entry["test_accuracy"],
        examples=tuple(entry["examples"]),
    )


def page(record: dict[str, Any]) -> str:
    """The text of docs/training.md."""
    rows, pictures = [], []
    for network in RECIPES:
        entry = record[network]
        recipe, test = result_of(entry).recipe, entry["examples"][2]
        right = round(entry["test_accuracy"] * test)
        by = f"`{recipe.optimizer}`, rate {recipe.rate:g}, {recipe.schedule}"
        rows.append(
            f"| {recipe.title} | {entry['size']:,} | {by} | {len(entry['history'])} "
            f"| {right} of {test}, {right / test:.1%} |"
        )
        pictures.append(
            f"## {network} {{ #{network} }}\n\n"
            f"![Loss and accuracy of {network} over the epochs](assets/{picture(network).name})\n"
        )
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(pictures)


def picture(network: str) -> Path:
    return DOCS / "assets" / f"training_{network}.svg"


def main(arguments: list[str]) -> None:
    for network in [] if arguments == ["--page"] else arguments or RECIPES:
        record = recorded() | {network: run(network)}
        lines = (f" {json.dumps(n)}: {json.dumps(record[n])}" for n in RECIPES if n in record)
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        print(f"{network}: {record[network]['test_accuracy']:.1%}")
    record = recorded()
    for network, entry in record.items():
        save_picture(result_of(entry), picture(network))
    if set(record) == set(RECIPES):
        PAGE.write_text(page(record), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
