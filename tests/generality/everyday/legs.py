"""Runs legs of the evidence on the definitions of this folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from derive.calculus.derivation import derive
from derive.command import verify
from derive.evidence import verify as evidence
from tests.generality.probes.probe import Built, definitions, made, texts

FILES = sorted((Path(__file__).parent / "definitions").glob("*.py"))
DEFINITIONS = {name: text for file in FILES for name, text in texts(file).items()}


def red(name: str, folder: Path, legs: Iterable[str] = evidence.LEGS) -> dict[str, str]:
    """The legs that fail on a definition, and what they say; ``mixtures-coulomb`` is one of the probes."""
    text = DEFINITIONS.get(name) or definitions()[name]
    with made(name.rpartition("-")[2], text, folder) as layer:
        return failing(layer, legs)


def failing(layer: Built, legs: Iterable[str] = evidence.LEGS) -> dict[str, str]:
    """The legs that fail on a layer, and what they say."""
    derivations = [derive(v) for v in layer.variants]
    asked = [leg for leg in legs if evidence.applies(leg, layer.variants[0], layer.kernel)]
    verdicts = [verify.run_leg(leg, derivations, layer.kernel) for leg in asked]
    return {v.leg: v.detail for v in verdicts if v.passed is False}
