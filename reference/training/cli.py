"""The command `gradbook train digits`."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from reference.training.advice import AdviceWarning, geometric_sizes, remarks
from reference.training.composite import COMPOSITES
from reference.training.data import MissingDependencyError
from reference.training.digits import (
    CLASSES,
    NETWORKS,
    PIXELS,
    RECIPES,
    TARGET,
    DigitsResult,
    Mistake,
    Recipe,
    advised,
    train_digits,
)
from reference.training.loop import DivergedError
from reference.training.optimizer import OPTIMIZERS
from reference.training.picture import SUFFIXES, drawn, save_picture
from reference.training.progress import progress
from reference.training.schedule import SCHEDULES

REACHED, MISSED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
SHADES = " .:+#@"
SHOWN = 3  # mistakes drawn


def run(argv: Sequence[str] | None = None, parser: type[argparse.ArgumentParser] = argparse.ArgumentParser) -> int:
    """Train as the arguments after `gradbook train` say, and print what came of it.

    Args:
        argv: the arguments; those of the process by default.
        parser: what reads them, and says what is wrong with them.

    Returns:
        0 if the target was reached on the held-out digits; 1 if not, or if the training diverged; 2 if it
        could not be done as asked; 130 if it was interrupted.

    Raises:
        SystemExit: --help, or arguments that can't be read (argparse).
    """
    unless_given = argparse.Namespace(layers=None, picture=None, quiet=False, lr=None)
    arguments = _parser(parser, RECIPES[_network(argv)]).parse_args(argv, unless_given)
    try:
        if arguments.picture:
            drawn()
        recipe = _recipe(arguments)
        print(_plan(recipe))
        watch = nullcontext() if arguments.quiet else progress(recipe.epochs, sys.stdout)
        with watch as report, warnings.catch_warnings():
            warnings.simplefilter("ignore", AdviceWarning)  # the plan says it
            result = train_digits(recipe, report or (lambda epoch: None))
        print(_outcome(result, arguments.target))
        if arguments.picture:
            print(f"picture   {save_picture(result, arguments.picture, target=arguments.target)}")
    except DivergedError as error:
        return _fail(error, MISSED)
    except (MissingDependencyError, ValueError, OSError) as error:
        return _fail(error, UNUSABLE)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    return REACHED if result.test_accuracy >= arguments.target else MISSED


def _network(argv: Sequence[str] | None) -> str:
    """The network that the arguments name: other defaults follow from it."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("--network", default="mlp")
    try:
        named = first.parse_known_args(argv)[0].network
    except argparse.ArgumentError:  # said by the parser that reads all of them
        return "mlp"
    return named if named in RECIPES else "mlp"


def _parser(kind: type[argparse.ArgumentParser], usual: Recipe = RECIPES["mlp"]) -> argparse.ArgumentParser:
    parser = kind(prog="gradbook train", description="Train a network on real data with generated kernels alone.")
    commands = parser.add_subparsers(required=True, metavar="digits")
    digits = commands.add_parser(
        "digits",
        help="the handwritten digits of scikit-learn",
        description="Train a network to read the handwritten digits that ship inside scikit-learn, with"
        " generated kernels alone, and judge it on digits held out.",
        epilog="Exit status: 0 target reached, 1 target missed, 2 not possible as asked, 130 interrupted.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    shape = digits.add_argument_group("network")
    shape.add_argument(
        "--network", choices=NETWORKS, default=usual.network, help="which; other defaults follow from it"
    )
    hidden = shape.add_mutually_exclusive_group()
    hidden.add_argument(
        "--hidden",
        type=int,
        nargs="*",
        default=list(usual.hidden),
        metavar="N",
        help="sizes of the hidden layers of an mlp",
    )
    hidden.add_argument(
        "--layers",
        type=int,
        default=argparse.SUPPRESS,
        help="instead: this many layers of an mlp, each hidden size the geometric mean of its neighbours",
    )
    shape.add_argument(
        "--keep", type=float, default=usual.keep, help="probability to keep a unit of an mlp; 1 is no dropout"
    )
    shape.add_argument("--dtype", choices=("float32", "float64"), default=usual.dtype, help="number type of everything")
    shape.add_argument("--seed", type=int, default=usual.seed, help="of first weights, order and dropout")
    shape.add_argument("--split-seed", type=int, default=usual.split_seed, help="of which digits are held out")

    steps = digits.add_argument_group("training")
    steps.add_argument(
        "--optimizer", choices=tuple(OPTIMIZERS), default=usual.optimizer, help="what moves the parameters"
    )
    rates = ", ".join(f"{name} {optimizer.alpha:g}" for name, optimizer in OPTIMIZERS.items())
    steps.add_argument(
        "--lr",
        type=float,
        default=argparse.SUPPRESS,
        metavar="ALPHA",
        help=f"the first learning rate (default by optimizer: {rates})",
    )
    steps.add_argument("--schedule", choices=tuple(SCHEDULES), default=usual.schedule, help="how it changes")
    steps.add_argument("--batch-size", type=int, default=usual.batch_size, metavar="B", help="examples a step")
    steps.add_argument(
        "--weight-decay",
        type=float,
        default=usual.weight_decay,
        metavar="LAMBDA",
        help="of the penalty lambda/2 sum W^2; 0 is off",
    )
    steps.add_argument(
        "--clip",
        type=float,
        default=usual.clip,
        metavar="TAU",
        help="largest gradient norm of a step; 0 is off",
    )

    ends = digits.add_argument_group("stop at the first of")
    ends.add_argument("--epochs", type=int, default=usual.epochs, metavar="T", help="so many epochs")
    ends.add_argument(
        "--patience",
        type=int,
        default=usual.patience,
        metavar="N",
        help="so many epochs without a better validation loss; 0 is off",
    )
    ends.add_argument(
        "--loss-below",
        type=float,
        default=usual.loss_below,
        metavar="EPS",
        help="training objective below; 0 is off",
    )
    ends.add_argument(
        "--gradient-below",
        type=float,
        default=usual.gradient_below,
        metavar="EPS",
        help="its gradient's norm below; 0 is off",
    )

    output = digits.add_argument_group("output")
    output.add_argument("--target", type=_share, default=TARGET, help="test accuracy below which the exit status is 1")
    output.add_argument(
        "--picture",
        type=_picture,
        default=argparse.SUPPRESS,
        metavar="PATH",
        help="save loss and accuracy as a picture, .png or .svg",
    )
    output.add_argument("--quiet", action="store_true", default=argparse.SUPPRESS, help="no progress, the outcome only")
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text} must end in {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


def _recipe(arguments: argparse.Namespace) -> Recipe:
    hidden = arguments.hidden
    if arguments.layers is not None:
        hidden = geometric_sizes(PIXELS, CLASSES, arguments.layers)[1:-1]
    return Recipe(
        network=arguments.network,
        hidden=tuple(hidden),
        keep=arguments.keep,
        batch_size=arguments.batch_size,
        optimizer=arguments.optimizer,
        alpha=arguments.lr,
        schedule=arguments.schedule,
        weight_decay=arguments.weight_decay,
        clip=arguments.clip or None,
        epochs=arguments.epochs,
        patience=arguments.patience or None,
        loss_below=arguments.loss_below,
        gradient_below=arguments.gradient_below,
        seed=arguments.seed,
        split_seed=arguments.split_seed,
        dtype=arguments.dtype,
    )


def _plan(recipe: Recipe) -> str:
    sizes = " - ".join(str(size) for size in (PIXELS, *recipe.hidden, CLASSES))
    dropout = "no dropout" if recipe.keep == 1 else f"dropout keeps {recipe.keep:g}"
    network = f"{sizes}, relu, He initialisation, {dropout}"
    if recipe.network in COMPOSITES:
        network = (
            f"{recipe.network}, {COMPOSITES[recipe.network](np.random.default_rng(0), recipe.dtype).size:,} numbers"
        )
    clip = "no clipping" if recipe.clip is None else f"gradient clipped at norm {recipe.clip:g}"
    lines = [
        f"network   {network}, {recipe.dtype}",
        f"training  {recipe.optimizer}, mini-batches of {recipe.batch_size}, learning rate {recipe.rate:g} "
        f"({recipe.schedule}), "
        f"lambda {recipe.weight_decay:g}, {clip}",
        *(f"note      {remark}" for remark in remarks(**advised(recipe))),
    ]
    return "\n".join([*lines, ""])


def _outcome(result: DigitsResult, target: float) -> str:
    training, validation, test = result.examples
    best, stop = result.best, result.stop
    right = test - len(result.mistakes)
    verdict = "reached" if result.test_accuracy >= target else "MISSED"
    lines = [
        "",
        f"stopped   after epoch {stop.epoch}, by {stop.criterion}: {stop.reason}",
        f"kept      epoch {best.epoch}: validation loss {best.validation_loss:.4f}, accuracy"
        f" {best.validation_accuracy:.1%} of {validation}",
        f"test      {result.test_accuracy:.1%}: {right} of {test} held-out digits read right;"
        f" target {target:.0%} {verdict}",
        f"time      {result.seconds:.1f} s for {training} training digits, {len(result.history)} epochs",
        "",
        *_gallery(result.mistakes),
    ]
    return "\n".join(lines)


def _gallery(wrong: list[Mistake]) -> list[str]:
    """Draw the mistakes that the network was surest of, side by side."""
    if not wrong:
        return ["no mistakes", ""]
    shown = wrong[:SHOWN]
    captions = [f"a {m.label} read as {m.read_as} ({m.probability:.0%})" for m in shown]
    rows = ["".join(f"{_row(m, y):<26}" for m in shown).rstrip() for y in range(8)]
    few = "the" if len(wrong) <= SHOWN else f"the surest {SHOWN} of {len(wrong)}"
    return [f"{few} mistakes:", "".join(f"{c:<26}" for c in captions).rstrip(), *rows, ""]


def _row(mistake: Mistake, y: int) -> str:
    """One line of an image, two characters a pixel."""
    return "".join(2 * SHADES[round(float(pixel) * (len(SHADES) - 1))] for pixel in mistake.image[y])


def _fail(error: Exception | str, status: int) -> int:
    print(f"gradbook train digits: {error}", file=sys.stderr)
    return status
