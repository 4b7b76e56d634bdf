"""``gradbook vectors``: vectors for any language, and what others made of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

EPILOG = """\
examples:
  gradbook vectors softmax layer_norm -o vectors/ --dtype float32
  gradbook vectors my_layers.py:gated_norm -o vectors/ --option epsilon=1e-3
  gradbook vectors --check vectors/ results/       results/softmax/0000.npz, with output.y and gradient.z, and so on

Exit status: 0 written, or all results are right; 1 a result is wrong; 2 not possible as asked, or a file is damaged
or missing.
"""


def add(commands: Any) -> None:
    """The subcommand and its options."""
    vectors = commands.add_parser(
        "vectors",
        help="test vectors for any language, and a checker of what it made of them",
        description="Write designed cases of layers into self-describing files: inputs, options, outputs, gradients, "
        "the error allowed for every element, why the case exists, and whether it depends on a convention.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    vectors.add_argument("layers", nargs="*", metavar="LAYER|FILE:LAYER", help="layers of the project, or of a file")
    vectors.add_argument("-o", "--out", type=Path, metavar="DIR", help="where to write; empty, or of an earlier call")
    vectors.add_argument(
        "--check", nargs=2, type=Path, metavar=("DIR", "RESULTS"), help="compare results with the vectors of DIR"
    )
    vectors.add_argument(
        "--dtype", default="float32", help="of inputs and results: float64, float32, float16, bfloat16"
    )
    vectors.add_argument("--accumulate", default="", metavar="FORMAT", help="of sums, where they are not float32")
    vectors.add_argument("--products", default="", metavar="FORMAT", help="of factors: tf32, bfloat16")
    vectors.add_argument("--option", action="append", default=[], metavar="K=V", help="an option that stays as it is")
    vectors.add_argument("--count", type=int, metavar="N", help="cases of each layer; all that are designed by default")
    vectors.add_argument("--seed", type=int, default=0, help="of the numbers; the same give the same files")
    vectors.add_argument(
        "--format", action="append", choices=("npz", "safetensors"), help="of the files; both by default"
    )
    vectors.add_argument("--strict", action="store_true", help="with --check: other conventions are errors, too")
    vectors.add_argument("--json", action="store_true", help="with --check: what was found, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Write or check; returns the exit status."""
    from derive.judge.isolate import CannotJudge

    shown = sys.stderr.isatty() and not arguments.json

    def progress(words: str) -> None:
        if shown:
            print(f"\r\033[K{words}", end="", file=sys.stderr, flush=True)

    try:
        status = checked(arguments, progress) if arguments.check else written(arguments, progress)
    except (ValueError, CannotJudge) as error:  # FileError, Unreadable and Missing are ValueErrors
        progress("")
        print(f"gradbook vectors: {error}", file=sys.stderr)
        return 2
    return status


def checked(arguments: argparse.Namespace, progress: Any) -> int:
    from derive.vectors.check import check

    if arguments.layers or arguments.out:
        raise ValueError("--check DIR RESULTS goes without layers and -o")
    folder, results = arguments.check
    found = check(folder, results, arguments.strict, progress)
    progress("")
    print(found.to_json() if arguments.json else found)
    return found.exit_status


def written(arguments: argparse.Namespace, progress: Any) -> int:
    from derive.judge.arithmetic import Arithmetic, format_named
    from derive.judge.asked import variants_of
    from derive.judge.command import pairs, value
    from derive.vectors.folder import write
    from derive.vectors.made import manifest, vectors

    if not arguments.layers or arguments.out is None:
        raise ValueError("say which layers, and where to write: gradbook vectors LAYER... -o DIR")
    if arguments.count is not None and arguments.count < 1:
        raise ValueError(f"--count {arguments.count}: at least one case")
    storage = format_named(arguments.dtype)
    formats = (format_named(f) if f else "" for f in (arguments.accumulate, arguments.products))
    arithmetic = Arithmetic(storage, *formats)
    options = {k: value(v) for k, v in pairs(arguments.option, "option").items()}
    layers, made = {}, []
    for name in dict.fromkeys(arguments.layers):
        first = variants_of(name)[0]
        if first.name in layers:
            raise ValueError(f"two of the layers are called {first.name}: write them into folders of their own")
        layers[first.name] = first
        for vector in vectors(name, arithmetic, options, arguments.count, arguments.seed):
            made.append(vector)
            progress(f"{first.name}: {len(made)} cases")
    progress("")
    forms = arguments.format or ["npz", "safetensors"]
    paths = write(arguments.out, made, manifest(layers, [dict(v.about) for v in made]), forms)
    print(f"{len(made)} cases of {', '.join(layers)} in {arguments.out} ({len(paths)} files)")
    return 0
