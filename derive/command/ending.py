"""How the command ends: whatever happens, in one sentence and with an exit status, never with a traceback.

Output that nobody reads any more (``gradbook build my_layers.py | head -1``) does not stop the work, and
characters that a terminal has not are replaced.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from derive.targets.words import visible

UNUSABLE, INTERRUPTED, ENDED = 2, 130, 143
TRACKER = "the project's issue tracker"
DEBUG = "GRADBOOK_DEBUG"


class Ended(BaseException):
    """The signal SIGTERM: somebody ends this process, which leaves every file whole like an interrupt."""


def end(signal_number: int, frame: FrameType | None) -> None:
    raise Ended


class Unread(io.FileIO):
    """Standard output that may be closed at its other end."""

    def write(self, text: object) -> int:
        try:
            return super().write(text)  # type: ignore[arg-type]
        except BrokenPipeError:
            return memoryview(text).nbytes  # type: ignore[arg-type]


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """For the time of a command: SIGTERM is an exception, and a reader of the output may leave early."""
    before = sys.stdout
    handler = None
    with contextlib.suppress(ValueError):  # not the main thread
        handler = signal.signal(signal.SIGTERM, end)
    if before is sys.__stdout__ and before is not None:  # not one that a test put there
        before.flush()
        raw = io.BufferedWriter(Unread(before.fileno(), "w", closefd=False))
        encoding = before.encoding
        sys.stdout = io.TextIOWrapper(raw, encoding, "replace", line_buffering=before.isatty())
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        if sys.stdout is not before:
            with contextlib.suppress(OSError):  # a full disk: said already
                sys.stdout.flush()
            sys.stdout = before
        if handler is not None:
            signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C."""
    try:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which alone sees it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def refuse(command: str, error: Exception) -> int:
    """Say what went wrong; returns the exit status."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    print(visible(f"{command}: {sentence(error)}", keep="\n\t"), file=sys.stderr)
    return UNUSABLE


def sentence(error: Exception) -> str:
    """What went wrong. An error of this project's own classes says what, where and how to mend it."""
    if isinstance(error, OSError):
        about = f": {error.filename}" if error.filename is not None else ""
        return f"{(error.strerror or str(error)).lower()}{about}"
    if isinstance(error, ValueError) and type(error).__module__.startswith(("derive.", "reference.")) and str(error):
        return str(error)
    if isinstance(error, MemoryError):
        return f"not enough memory: {error}" if str(error) else "not enough memory"
    at = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {' '.join(str(error).split())} ({Path(at.filename).name}:{at.lineno})"
    return (
        f"internal error: {what}. That is a fault of gradbook: please report it with the definition to {TRACKER}, "
        f"and with what {DEBUG}=1 gradbook ... prints"
    )
