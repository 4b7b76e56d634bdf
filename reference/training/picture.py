"""One picture of a training: loss on the left, validation accuracy on the right."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reference.training.data import MissingDependencyError
from reference.training.digits import TARGET, DigitsResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg")
INK, QUIET, TRAINING, VALIDATION = "#1f2430", "#8a93a3", "#c2571a", "#1f6fb2"
LEGEND: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "framealpha": 1.0}


def save_picture(result: DigitsResult, path: Path | str, *, target: float = TARGET) -> Path:
    """Draw loss and validation accuracy over the epochs, as PNG or SVG, whichever the name ends in.

    Args:
        result: a finished run.
        path: where to; an existing file is replaced. Equal results give equal bytes.
        target: the accuracy aimed at, 0 to 1.

    Raises:
        ValueError: the name ends in neither .png nor .svg.
        MissingDependencyError: matplotlib is not installed.
        OSError: the file can't be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"the picture's name must end in {' or '.join(SUFFIXES)}, not {path.name!r}")
    drawn()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "gradbook", "font.size": 10, "axes.edgecolor": QUIET, "text.color": INK}):
        figure = Figure(figsize=(9.6, 4.2), layout="constrained")  # no pyplot: no window, no global state
        figure.suptitle(_headline(result), x=0.012, ha="left", fontsize=13, fontweight="bold")
        left, right = figure.subplots(1, 2)
        _draw_loss(left, result)
        _draw_accuracy(right, result, target)
        # no date in the file
        stamp = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        drawing = io.BytesIO()
        figure.savefig(drawing, format=path.suffix.lower()[1:], dpi=150, metadata=stamp)
    beside = path.with_name(f".{path.name}.part")
    try:  # a full disk leaves the picture that was there
        beside.write_bytes(drawing.getvalue())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def drawn() -> None:
    """Ask, before a run, whether there will be a picture after it.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "the picture is drawn by matplotlib, which is not installed: pip install matplotlib"
        ) from error


def _headline(result: DigitsResult) -> str:
    kind = result.recipe.title
    return f"{result.test_accuracy:.1%} of {result.examples[2]} held-out digits read right by a {kind}"


def _draw_loss(axes: "Axes", result: DigitsResult) -> None:
    epochs = [e.epoch for e in result.history]
    axes.plot(
        epochs,
        [e.loss for e in result.history],
        color=TRAINING,
        linewidth=1.8,
        label="training, with penalty",
    )
    axes.plot(
        epochs,
        [e.validation_loss for e in result.history],
        color=VALIDATION,
        linewidth=1.8,
        label="validation",
    )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="upper right", **LEGEND)
    _finish(axes, result, "Loss (nats, log scale)")


def _draw_accuracy(axes: "Axes", result: DigitsResult, target: float) -> None:
    epochs = [e.epoch for e in result.history]
    percent = [100 * e.validation_accuracy for e in result.history]
    axes.plot(epochs, percent, color=VALIDATION, linewidth=1.8, label="validation")
    axes.axhline(100 * target, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label=f"target {target:.0%}")
    axes.plot(
        [result.best.epoch],
        [100 * result.test_accuracy],
        "o",
        color=INK,
        markersize=7,
        label=f"test {result.test_accuracy:.1%}",
        clip_on=False,
        zorder=3,
    )
    # the first epochs are far below: show where it is decided, but never cut the outcome off
    lowest = min(100 * result.test_accuracy, 100 * target, max(percent) - 2)
    axes.set_ylim(max(0.0, min(90.0, lowest - 2)), 100.5)
    axes.legend(loc="lower right", **LEGEND)
    _finish(axes, result, "Accuracy (%)")


def _finish(axes: "Axes", result: DigitsResult, title: str) -> None:
    axes.axvline(result.best.epoch, color=QUIET, linewidth=1, alpha=0.6)
    axes.annotate(
        f"best epoch {result.best.epoch}",
        (result.best.epoch, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center" if result.best.epoch < 0.85 * result.history[-1].epoch else "right",
        fontsize=8.5,
        color=QUIET,
    )
    axes.set_title(title, loc="left", fontsize=11, pad=18)
    axes.set_xlabel("epoch")
    axes.set_xlim(1, max(2, result.history[-1].epoch))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=QUIET, alpha=0.25, linewidth=0.6)
    axes.tick_params(colors=INK, length=3)
