"""``gradbook judge``: the judge on the command line."""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path
from typing import Any

EPILOG = """\
examples:
  gradbook judge layer_norm mine.py:forward --backward mine.py:backward
  gradbook judge softmax torch.nn.functional:softmax --framework torch --rename axis=dim --dtype bfloat16
  gradbook judge linear package.kernels --framework module --json
  gradbook judge my_layers.py:gated_norm package.kernels:gated_norm --option epsilon=1e-3

Exit status: 0 right; 1 wrong; 2 could not judge.
"""


def add(commands: Any) -> None:
    """The subcommand and its options."""
    judge = commands.add_parser(
        "judge",
        help="whether an implementation of a layer is right, and what is wrong with it",
        description="Judge somebody's implementation of a layer: values and gradients against proven enclosures, in "
        "units of the error that its arithmetic excuses. The implementation runs in a process of its own.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    judge.add_argument("layer", metavar="LAYER|FILE:LAYER", help="a layer of the project, or of a file of definitions")
    judge.add_argument(
        "forward",
        nargs="?",
        metavar="MODULE:FUNCTION",
        help="what computes it: f(inputs, options); or FILE.py:FUNCTION",
    )
    judge.add_argument("--backward", metavar="MODULE:FUNCTION", help="its gradients: g(cotangents, inputs, options)")
    judge.add_argument(
        "--framework",
        choices=("numpy", "module", "torch", "jax", "c", "exec"),
        default="numpy",
        help="what it is; gradients of torch and jax are asked for by themselves",
    )
    judge.add_argument("--dtype", help="of its inputs and results: float64, float32, float16, bfloat16")
    judge.add_argument("--accumulate", default="", metavar="FORMAT", help="of its sums, where they are not float32")
    judge.add_argument("--products", default="", metavar="FORMAT", help="of factors: tf32, bfloat16")
    words = "of every operator's result; float32 where one kernel keeps it in that (that of inputs for torch and jax)"
    judge.add_argument("--intermediates", default="", metavar="FORMAT", help=words)
    judge.add_argument("--option", action="append", default=[], metavar="K=V", help="an option that stays as it is; "
                       "one of several numbers as stride=2 or stride=2,1")  # fmt: skip
    judge.add_argument("--shape", action="append", default=[], metavar="AXIS=N", help="the length of an axis")
    judge.add_argument(
        "--rename", action="append", default=[], metavar="OURS=THEIRS", help="another name of an argument"
    )
    judge.add_argument(
        "--layout", action="append", default=[], metavar="NAME=AXES", help="x='b p q c': axes in its order"
    )
    judge.add_argument("--device", default="cpu", help="where torch puts tensors")
    judge.add_argument("--budget", default="10s", metavar="TIME", help="how long it may take, 10s by default")
    judge.add_argument("--timeout", default="20s", metavar="TIME", help="how long one call may take")
    judge.add_argument("--seed", type=int, help="of the cases; drawn otherwise")
    judge.add_argument("--replay", default="", metavar="ID", help="one case alone, from a report")
    judge.add_argument("--json", action="store_true", help="the report as JSON")


def seconds(text: str) -> float:
    """``10s``, ``2m`` or a number of seconds.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|)", text.strip())
    if not match or not float(match[1]):
        raise ValueError(f"{text!r} is no time: write 10s, 500ms or 2m")
    return float(match[1]) * {"ms": 1e-3, "m": 60.0}.get(match[2], 1.0)


def pairs(words: list[str], option: str) -> dict[str, str]:
    """``k=v`` as a dictionary.

    Raises:
        ValueError: there is no = in one of them.
    """
    for word in words:
        if "=" not in word:
            raise ValueError(f"--{option} {word}: write --{option} NAME=VALUE")
    return {k.strip(): v.strip() for k, v in (w.split("=", 1) for w in words)}


def value(text: str) -> Any:
    """A number, several in a tuple (``2,1``), True or False, or else the word itself."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False}.get(text.lower(), text)
    return found if isinstance(found, bool | int | float | tuple) else text


def lengths(words: list[str]) -> dict[str, int]:
    """``i=64,o=128`` as axes and lengths.

    Raises:
        ValueError: one is no length.
    """
    found = {}
    for axis, length in pairs([w for word in words for w in word.split(",")], "shape").items():
        if not length.isdigit():
            raise ValueError(f"--shape {axis}={length}: a length is a whole number")
        found[axis] = int(length)
    return found


def run(arguments: argparse.Namespace) -> int:
    """Judge, print, and say by the exit status what came of it."""
    from derive.judge.decide import judge
    from derive.judge.isolate import Limits
    from derive.judge.report import UNKNOWN, Report

    named: dict[str, Any] = {}
    try:
        if arguments.forward is None and arguments.backward is None:
            raise ValueError(
                f"there is nothing to judge: say which function computes it, gradbook judge {arguments.layer} "
                "FILE.py:FUNCTION (or MODULE:FUNCTION, or --backward alone)"
            )
        if arguments.seed is not None and arguments.seed < 0:
            raise ValueError(f"--seed {arguments.seed}: a seed is a whole number from 0 on")
        named = {
            "shape": lengths(arguments.shape),
            "rename": pairs(arguments.rename, "rename"),
            "layout": pairs(arguments.layout, "layout"),
            "options": {k: value(v) for k, v in pairs(arguments.option, "option").items()},
            "budget": seconds(arguments.budget),
            "limits": Limits(seconds=seconds(arguments.timeout)),
        }
        if "." not in sys.path and "" not in sys.path:
            sys.path.insert(0, str(Path.cwd()))  # as python -m has it
        shown = sys.stderr.isatty() and not arguments.json

        def progress(words: str, place: int) -> None:
            if shown:
                print(f"\r\033[Kcase {place + 1}: {words}", end="", file=sys.stderr, flush=True)

        report = judge(
            arguments.layer,
            forward=arguments.forward,
            backward=arguments.backward,
            framework=arguments.framework,
            dtype=arguments.dtype,
            accumulate=arguments.accumulate,
            products=arguments.products,
            intermediates=arguments.intermediates,
            device=arguments.device,
            seed=arguments.seed,
            replay=arguments.replay,
            progress=progress,
            **named,
        )
        if shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
    except ValueError as error:
        report = Report(arguments.layer, "", UNKNOWN, diagnosis=str(error))
    if arguments.json:
        print(report.to_json())
    elif report.verdict == UNKNOWN:
        print(f"gradbook judge: {report.diagnosis}", file=sys.stderr)
    else:
        print(report)
    return report.exit_status
