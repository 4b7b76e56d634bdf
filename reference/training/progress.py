"""What is seen while training: a bar on a terminal (with rich), a line every few epochs anywhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TextIO

from reference.training.stopping import Epoch

LINES = 10  # about so many lines a training, where there is no bar


@contextmanager
def progress(epochs: int, stream: TextIO) -> Iterator[Callable[[Epoch], None]]:
    """Yield what to call after every epoch.

    Args:
        epochs: the most there can be.
        stream: where to write; a bar if it is a terminal and rich is installed, else plain lines.
    """
    with (_bar if stream.isatty() and find_spec("rich") else _lines)(epochs, stream) as report:
        yield report


@contextmanager
def _bar(epochs: int, stream: TextIO) -> Iterator[Callable[[Epoch], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(bar_width=24),
        TextColumn("loss {task.fields[loss]}  validation accuracy [bold]{task.fields[accuracy]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task("training", total=epochs, loss="  -   ", accuracy="  -   ")

        def report(e: Epoch) -> None:
            bar.update(task, completed=e.epoch, loss=f"{e.loss:.4f}", accuracy=f"{e.validation_accuracy:6.1%}")

        yield report


@contextmanager
def _lines(epochs: int, stream: TextIO) -> Iterator[Callable[[Epoch], None]]:
    every = max(1, round(epochs / LINES))
    held: list[Epoch] = []  # the last epoch, while it is not written

    def write(e: Epoch) -> None:
        held.clear()
        stream.write(
            f"epoch {e.epoch:{len(str(epochs))}d}/{epochs}   loss {e.loss:.4f}   "
            f"validation loss {e.validation_loss:.4f}   validation accuracy {e.validation_accuracy:6.1%}\n"
        )
        stream.flush()

    def report(e: Epoch) -> None:
        held[:] = [e]
        if e.epoch == 1 or e.epoch % every == 0:
            write(e)

    yield report
    for e in held:  # stopped between two lines: show where
        write(e)
