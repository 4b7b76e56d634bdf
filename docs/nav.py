"""MkDocs hook: the navigation, with the layers in the families that docs/layers/index.md has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig

ENTRY = re.compile(r"^\| \[(\w+)\]\((\w+\.md)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    families: list[Any] = ["layers/index.md"]
    for line in (Path(config.docs_dir) / "layers" / "index.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            families.append({line[3:]: []})
        elif entry := ENTRY.match(line):
            next(iter(families[-1].values())).append({entry[1]: f"layers/{entry[2]}"})
    config.nav = [
        {"Home": "index.md"},
        {"Layers": families},
        {
            "Learn": [
                {"Backpropagation": "backpropagation.md"},
                {"How to read a derivation": "how-to-read.md"},
                {"What is proved": "what-is-proved.md"},
                {"Misprints not noticed": "misprints.md"},
                {"The engine, built small": "how-it-works.md"},
                {"How a layer is compiled": "how-a-layer-is-compiled.md"},
            ]
        },
        {"Ledger": "ledger.md"},
        {"Conventions": "conventions.md"},
        {"KernelBench": "kernelbench.md"},
        {"Training": "training.md"},
        {"ONNX": "onnx.md"},
        {"Speed": "speed.md"},
        {"Add a layer": "add-a-layer.md"},
        {
            "Judge a kernel": [
                "judge-a-kernel.md",
                {"A NumPy function": "judge-a-numpy-function.md"},
                {"A PyTorch module": "judge-a-pytorch-module.md"},
                {"A Triton kernel": "judge-a-triton-kernel.md"},
                {"A C function": "judge-a-c-function.md"},
                {"In any language": "judge-any-language.md"},
                {"What it found": "judge-findings.md"},
                {"At size": "judge-at-size.md"},
                {"Other checks": "judge-compared.md"},
            ]
        },
        {"API": "api.md"},
    ]
    return config
