"""The command ``gradbook``. Everything heavy is imported by the subcommand that needs it.

Exit codes: 0 done; 1 a check failed (``--check`` found differences, a leg of the evidence does not hold); 2
not possible as asked (unknown layer, a definition that cannot be read, a file in the way, a full disk, an internal
error); 130 interrupted, 143 ended from outside. What goes wrong is said in one sentence, never as a traceback.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive import __version__
from derive.command.ending import ENDED, INTERRUPTED, Ended, ended_in_order, refuse
from derive.command.suggest import Parser, meant

if TYPE_CHECKING:
    from rich.console import Console

    from derive.command.build import Plan

EPILOG = """\
examples:
  gradbook build                                   derive every layer, write kernels and pages
  gradbook build my_layers.py --out my_kernels/    the same for layers of your own, and verify them
  gradbook build my_layers.py --html               its pages as HTML too, to be opened in a browser
  gradbook show layer_norm                         its equations, gradient and kernel
  gradbook show layer_norm --as loops              the same functions as plain Python loops
  gradbook verify attention softmax                run the evidence of two layers
  gradbook judge layer_norm mine.py:forward        is somebody's implementation right, and what is wrong with it
  gradbook vectors softmax -o vectors/             the same question for an implementation in any language
  gradbook train digits --picture digits.png       train a network with the kernels alone
"""


STATUS = "Exit status: 0 {}; 1 {}; 2 not possible as asked; 130 interrupted."


def parser() -> argparse.ArgumentParser:
    top = Parser(
        prog="gradbook",
        description="Neural-network layers derived from their equations: gradients, kernels, evidence and a book.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"gradbook {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    build = commands.add_parser(
        "build",
        help="generate kernels and pages",
        description="Derive layers and write their kernels and pages. Only what differs is written, and nothing is "
        "written over or removed but what an earlier build made (DIR/.gradbook.json lists it).",
        epilog=STATUS.format("done or nothing differs", "--check found differences, or a leg of the evidence fails"),
    )
    build.add_argument(
        "what", nargs="*", metavar="FILE|LAYER", help="a file of definitions, or names of layers; none: all"
    )
    build.add_argument("--out", type=Path, metavar="DIR", help="where to put the kernels and pages of FILE")
    build.add_argument(
        "--check",
        action="store_true",
        help="write nothing; show what differs and exit with 1 if anything does",
    )
    build.add_argument(
        "--isolated",
        action="store_true",
        help="run nothing of FILE, which may then hold definitions alone; without it FILE is run, as Python",
    )
    build.add_argument(
        "--html",
        action="store_true",
        help="with FILE: pages also as HTML, each one file that needs no network; once made, they are kept up to date",
    )
    build.add_argument("--no-verify", action="store_true", help="with FILE: do not run the evidence afterwards")

    commands.add_parser(
        "list",
        help="every layer by family, with the state of its evidence",
        description="List every layer by family: the state of each leg of its evidence as recorded, and what it does.",
        epilog="Exit status: 0 done; 2 the list cannot be printed.",
    )

    show = commands.add_parser(
        "show",
        help="a layer's equations, derivation and kernel",
        description="Show a layer: equations, shapes, gradient, and the kernel generated from them.",
        epilog="Exit status: 0 done; 2 there is no such layer.",
    )
    show.add_argument(
        "layer", metavar="LAYER|FILE[:LAYER]", help="a layer of the project, or of a file of definitions (which is run)"
    )
    show.add_argument("--isolated", action="store_true", help="run nothing of FILE")
    show.add_argument("--steps", action="store_true", help="also every step of the derivation")
    show.add_argument("--no-kernel", action="store_true", help="leave the kernel out")
    show.add_argument(
        "--as",
        dest="form",
        choices=("kernel", "loops"),
        default="kernel",
        help="its functions as the kernel has them, or as plain Python loops, to be read",
    )

    verify = commands.add_parser(
        "verify",
        help="run the evidence",
        description="Run every leg of the evidence and record the result for the pages. A leg that needs what is not "
        "installed is not run, and does not fail.",
        epilog=STATUS.format("every leg that was run holds", "one does not"),
    )
    verify.add_argument("layers", nargs="*", metavar="LAYER", help="none: all")
    verify.add_argument(
        "--no-record", action="store_true", help="do not write the result into docs/assets/verification.json"
    )
    verify.add_argument(
        "--misprints",
        type=int,
        metavar="N",
        help="with --no-record: of each page try about N misprints of its equations and N of its other formulas, "
        "instead of all",
    )

    from derive.judge.battery import add as add_campaign
    from derive.judge.command import add
    from derive.vectors.command import add as add_vectors

    add(commands)
    add_vectors(commands)
    add_campaign(commands)

    train = commands.add_parser(
        "train",
        add_help=False,
        help="train a network on real data with the kernels",
        description="See gradbook train --help.",
    )
    train.add_argument("rest", nargs=argparse.REMAINDER)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    command = next((w for w in words if not w.startswith("-")), "")
    with ended_in_order():
        try:
            status = run(words)
            if sys.stdout is not None:  # closed from the start
                sys.stdout.flush()
            return status
        except Exception as error:
            return refuse(f"gradbook {command}", error)
        except KeyboardInterrupt:
            print(f"gradbook {command}: interrupted", file=sys.stderr)
            return INTERRUPTED
        except Ended:
            print(f"gradbook {command}: ended from outside", file=sys.stderr)
            return ENDED


def run(words: list[str]) -> int:
    if words[:1] == ["train"]:  # its options are its own
        from reference.training.cli import run as train

        return train(words[1:], Parser)
    arguments = parser().parse_args(words)
    return int(COMMANDS[arguments.command](arguments))


def console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


# ---- build -------------------------------------------------------------------------------------------------


def build(arguments: argparse.Namespace) -> int:
    from derive.command import build as work

    file, names = split(arguments.what)
    for option in ("out", "isolated", "html"):
        if file is None and getattr(arguments, option):
            raise work.BuildError(
                f"--{option} goes with a file of definitions: gradbook build my_layers.py --{option} ..."
            )
    out = arguments.out or (file.with_name("kernels") if file else None)
    whole = file is None and not names
    begin = time.perf_counter()
    if whole and not arguments.check and work.unchanged():
        print(
            f"nothing to do: {count_layers()} layers are as their definitions say ({time.perf_counter() - begin:.2f} s)"
        )
        return 0
    plan = progress(
        arguments.what, lambda told: work.generate(names, file, out, told, arguments.isolated, arguments.html)
    )
    if arguments.check:
        return report_check(plan, whole, arguments.what, out)
    written, gone = work.write(plan, remove=whole or file is not None)
    report_build(plan, written, gone, time.perf_counter() - begin)
    if file is not None and out is not None and not arguments.no_verify:
        return verify_file(file, out, arguments.isolated, plan)
    return 0


def split(what: Sequence[str]) -> tuple[Path | None, list[str]]:
    """A file of definitions, or names of layers.

    Raises:
        BuildError: both, more than one file, or one that is not there.
    """
    from derive.command.build import BuildError

    files = [Path(w) for w in what if w.endswith(".py") or "/" in w]
    names = [w for w in what if not (w.endswith(".py") or "/" in w)]
    if len(files) > 1 or (files and names):
        raise BuildError("give one file of definitions, or names of layers")
    if files and not files[0].is_file():
        near = meant(files[0].name, (p.name for p in files[0].parent.glob("*.py")))
        raise BuildError(f"there is no file {files[0]}" + (f"; {near}" if near else ""))
    return (files[0] if files else None), names


def count_layers() -> int:
    from derive.command.build import KERNELS, products

    return sum(1 for name in products() if Path(name).parent == KERNELS)


def progress(what: Sequence[str], make: Any) -> Plan:
    """Run a build under a spinner that names the layer just done."""
    screen = console()
    plan: Plan
    with screen.status("reading definitions") as status:
        plan = make(lambda name, seconds: status.update(f"derived {name} ({seconds * 1e3:.0f} ms)"))
    return plan


def report_check(plan: Plan, whole: bool, what: Sequence[str], out: Path | None) -> int:
    from rich.syntax import Syntax

    from derive.command import build as work

    screen, found = console(), 0
    for text in work.differences(plan, orphans=whole or out is not None):
        found += 1
        if screen.is_terminal:
            screen.print(Syntax(text, "diff", background_color="default", word_wrap=True))
        else:
            print(text)
    if found:
        again = " ".join(["gradbook build", *what, *(["--out", str(out)] if out else [])])
        print(f"{found} files differ from what their definitions say. To update them: {again}", file=sys.stderr)
        return 1
    if whole:  # a build now would make the same again
        work.remember(whole=True)
    print(f"{len(plan.files)} generated files are as their definitions say")
    return 0


def report_build(plan: Plan, written: list[Path], gone: list[Path], seconds: float) -> None:
    from rich.table import Table

    from derive.command.build import shown

    screen = console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("layer")
    table.add_column("derived and printed in", justify="right")
    table.add_column("kernel", justify="right")
    for name, took in plan.seconds.items():
        source = next((t for p, t in plan.files.items() if p.suffix == ".py" and p.stem == name), "")
        lines = f"{source.count(chr(10))} lines" if source else ""
        table.add_row(name, f"{took * 1e3:.0f} ms", lines)
    screen.print(table)
    for path in written if len(written) <= 12 else []:
        print(f"wrote {shown(path)}")
    if len(written) > 12:
        print(f"wrote {len(written)} of {len(plan.files)} files")
    for path in gone:
        print(f"removed {shown(path)}: it has no definition any more")
    same = "" if written or gone else "; every file was as it should be"
    count = len(plan.layers)
    print(f"{count} layer{'s' * (count != 1)} derived in {seconds:.1f} s{same}")


# ---- list and show -----------------------------------------------------------------------------------------


def list_layers(arguments: argparse.Namespace) -> int:
    from derive.command.terminal import by_family
    from derive.notation.define import load_project

    for line in by_family(load_project()):
        print(line)
    return 0


def show(arguments: argparse.Namespace) -> int:
    from derive.command.build import known
    from derive.command.terminal import show_layer
    from derive.notation.define import load_file, load_project

    word = re.fullmatch(r"(.*\.py)(?::(.*))?", arguments.layer)
    file, _ = split([word[1]]) if word else (None, [])
    registry = load_file(file, arguments.isolated) if file else load_project()
    name = word[2] if word else arguments.layer
    for one in [name] if name else registry:
        layer = known([one], registry)[one][0]
        form = "" if arguments.no_kernel else arguments.form
        show_layer(console(), layer, file, steps=arguments.steps, form=form)
    return 0


# ---- verify ------------------------------------------------------------------------------------------------


def verify(arguments: argparse.Namespace) -> int:
    from derive.command.build import BuildError
    from derive.command.verify import verify_project

    if arguments.misprints is not None and not (arguments.no_record and arguments.misprints > 0):
        raise BuildError("--misprints takes a number above 0, and --no-record: what is recorded is of all misprints")
    return verify_project(console(), arguments.layers, not arguments.no_record, arguments.misprints)


def verify_file(file: Path, out: Path, isolated: bool, plan: Plan) -> int:
    from derive.command.verify import verify_outside

    return verify_outside(console(), file, out, isolated, plan)


# ---- judge -------------------------------------------------------------------------------------------------


def judge(arguments: argparse.Namespace) -> int:
    from derive.judge.command import run as judged

    return judged(arguments)


def vectors(arguments: argparse.Namespace) -> int:
    from derive.vectors.command import run as made

    return made(arguments)


def campaign(arguments: argparse.Namespace) -> int:
    from derive.judge.battery import campaign as run_campaign

    return run_campaign(arguments)


COMMANDS = {
    "build": build, "list": list_layers, "show": show, "verify": verify, "judge": judge, "vectors": vectors,
    "campaign": campaign,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())  # the installed command does the same
