"""A candidate's process, seen from the judge: started, asked within a time, ended.

What can be named (``package.module:function``) or pickled by reference runs in a fresh interpreter; what lives in this
one alone (a function of a notebook, a closure) in a fork of it, made before anything about the truth is known.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from derive.judge import wire

OPEN = 4096  # files that a process may have open
COMPILED = 512 << 20  # bytes of a file that a compiler of torch's may write: a header of C++ that is compiled before
COMPILING = 240.0  # seconds of torch.compile in all that do not count as the judge's
START = 60.0  # seconds to import what a candidate needs


class Broken(Exception):
    """The candidate ended, hung, or answered with what is no answer: in words, a verdict."""


class CannotJudge(Exception):
    """There is nothing to judge: no such function, a package that is missing."""


@dataclass(frozen=True)
class Limits:
    """Of one candidate: seconds a call, bytes of memory and of any file."""

    seconds: float = 20.0
    memory: int = 8 << 30
    disk: int = 64 << 20


@dataclass(frozen=True)
class Candidate:
    """What is to be judged, and how it is called.

    Attributes:
        forward, backward: functions, or where to find them. framework: numpy, module, torch, jax, c, exec.
        rename: a definition's name to the candidate's. device: where torch puts tensors.
    """

    forward: Any
    backward: Any = None
    framework: str = "numpy"
    rename: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"

    def told(self) -> dict[str, Any] | None:
        """As JSON, for a fresh interpreter; None where it lives in this one alone."""

        def one(what: Any) -> Any:
            if what is None:
                return None
            if isinstance(what, str):
                return {"name": what} if self.framework not in ("c", "exec") else what
            if isinstance(what, ModuleType):
                return {"name": what.__name__}
            if self.framework in ("c", "exec"):
                return what
            if getattr(what, "__module__", "") == "__main__" and self.framework != "torch":
                raise pickle.PicklingError
            kind = what if hasattr(what, "__module__") and not hasattr(what, "state_dict") else type(what)
            home = str(getattr(kind, "__module__", None) or "builtins").split(".")[0]
            if (
                home not in sys.builtin_module_names
                and PathFinder.find_spec(home, [p or "." for p in sys.path]) is None
            ):
                raise pickle.PicklingError  # no fresh interpreter would find it
            data = pickle.dumps(what)
            if b"__main__" in data:  # a module of PyTorch's around a class of this program's
                raise pickle.PicklingError
            return {"pickle": data.hex()}

        try:
            parts = {"forward": one(self.forward), "backward": one(self.backward)}
        except (pickle.PicklingError, AttributeError, TypeError):
            return None
        return {**parts, "framework": self.framework, "rename": dict(self.rename), "device": self.device}


class Worker:
    """The process. ``hello`` is what it said about the candidate: its parameters, and what it gives.

    Raises:
        CannotJudge: the candidate cannot be loaded.
    """

    def __init__(self, candidate: Candidate, limits: Limits = Limits()) -> None:
        self.candidate, self.limits = candidate, limits
        self.folder = tempfile.mkdtemp(prefix="gradbook-judge-")
        self.pid, self.warm, self.compiling = 0, False, 0.0
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        down, up = os.pipe(), os.pipe()
        told = self.candidate.told()
        light = self.candidate.framework in ("numpy", "module", "c", "exec")
        memory = self.limits.memory if light else -1  # torch and jax reserve more addresses than memory
        disk = self.limits.disk if light else max(self.limits.disk, COMPILED)
        if told is not None and (not light or not _at_hand(self.candidate)):
            self.fresh(down[0], up[1])
        elif hasattr(os, "fork"):
            self.fork(down, up, memory)
        else:
            raise CannotJudge("on this system a candidate must be importable: give it as package.module:function")
        os.close(down[0])
        os.close(up[1])
        self.given, self.answers = down[1], up[0]
        if self.process is not None:
            path = [os.path.abspath(p) for p in sys.path]
            header = {**(told or {}), "path": path, "memory": memory, "disk": disk}
            with contextlib.suppress(wire.Closed):
                wire.send(self.given, header)
        try:
            self.hello, _ = wire.receive(self.answers, time.monotonic() + START)
        except (wire.Closed, wire.Late, wire.Malformed) as error:
            words = {"Closed": "it ends while it is loaded", "Late": f"it is not loaded after {START:.0f} s"}
            self.stop()
            raise CannotJudge(words.get(type(error).__name__, str(error)) + self.said()) from None
        if not self.hello.get("ok"):
            self.stop()
            raise CannotJudge(str(self.hello.get("error", "it cannot be loaded")))

    def fresh(self, given: int, told: int) -> None:
        here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
        with open(os.path.join(self.folder, "said"), "wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "derive.judge.worker", str(given), str(told)],
                pass_fds=(given, told), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
            )  # fmt: skip
        self.pid = self.process.pid

    def fork(self, down: tuple[int, int], up: tuple[int, int], memory: int) -> None:
        sys.stdout.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads: the child calls the candidate and nothing else
            self.pid = os.fork()
        if self.pid:
            return
        try:
            from derive.judge import worker
            from derive.judge.adapters import Numpy, made
            from derive.judge.found import parts_of

            os.setsid()
            os.close(down[1])
            os.close(up[0])
            said = os.open(os.path.join(self.folder, "said"), os.O_WRONLY | os.O_CREAT)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.dup2(said, 1)
            os.dup2(said, 2)
            kept = sorted((down[0], up[1]))  # whatever else this process has open is none of a candidate's business
            for low, high in ((3, kept[0]), (kept[0] + 1, kept[1]), (kept[1] + 1, OPEN)):
                os.closerange(low, high)
            sys.stdout, sys.stderr = (os.fdopen(n, "w", closefd=False) for n in (1, 2))
            c = self.candidate
            worker.limited(memory, self.limits.disk)
            whole = c.framework == "module" and c.backward is None

            def load() -> Numpy:
                parts = parts_of(c.forward) if whole else (c.forward, c.backward)
                return made(c.framework, *parts, c.rename, c.device)

            worker.serve(down[0], up[1], load)
        finally:
            os._exit(1)

    def ask(self, header: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """One request and its answer. The first of torch and jax may take longer: what is compiled, is compiled then.

        Raises:
            Broken: there is no answer; the process is started again for the next request.
            CannotJudge: there is no room for the arguments.
        """
        if not self.pid:
            self.start()
        seconds, compiled = self.limits.seconds, self.hello.get("compiled")
        if (not self.warm or compiled) and self.candidate.framework in ("torch", "jax") and seconds >= Limits().seconds:
            seconds += START
        begin = time.perf_counter()
        try:
            with contextlib.suppress(wire.Closed):  # it may have said why it ends
                wire.send(self.given, header, blobs)
            answer = wire.receive(self.answers, time.monotonic() + seconds)
            if "small" in answer[0]:
                raise CannotJudge(f"{answer[0]['small']}: {self.limits.memory >> 30} GiB, limits=Limits(memory=...)")
            self.warm = True
            return answer
        except wire.Late:
            words = f"no answer within {seconds:g} s (limits=Limits(seconds=...), --timeout)"
            self.stop()
        except wire.Closed:
            words = f"its process ended: {_ending(self.stop())}"
        except wire.Malformed as error:
            words = f"it disturbed its own answer: {error}"
            self.stop()
        finally:
            if compiled:  # each form of its arguments anew, which is none of the judge's time
                self.compiling = min(self.compiling + time.perf_counter() - begin, COMPILING)
        raise Broken(words + self.said())

    def said(self) -> str:
        """The end of what it printed."""
        try:
            with open(os.path.join(self.folder, "said"), "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 300))
                text = file.read().decode(errors="replace").strip()
        except OSError:
            return ""
        return f"; it printed {text[-200:]!r}" if text else ""

    def stop(self) -> int:
        """End the process and what it has started; its wait status."""
        if not self.pid:
            return 0
        status = 0
        for fd in (self.given, self.answers):
            with contextlib.suppress(OSError):
                os.close(fd)
        until = time.monotonic() + 0.2
        while time.monotonic() < until:  # it may be ending by itself, which says how
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pid = self.pid
            if pid:
                break
            time.sleep(0.002)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                status = os.waitpid(self.pid, 0)[1]
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # what it has started
        if self.process is not None:
            self.process.returncode = status  # it has been waited for
        self.pid, self.process = 0, None
        return status

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _at_hand(candidate: Candidate) -> bool:
    """Whether a fork is as good and quicker: the functions are here already and need NumPy alone."""
    here = not isinstance(candidate.forward, str) and not isinstance(candidate.backward, str)
    return hasattr(os, "fork") and here and "torch" not in sys.modules


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        special = {
            "SIGXFSZ": " (it wrote a larger file than it may)",
            "SIGSEGV": " (it read or wrote where it may not)",
        }
        name = signal.Signals(number).name
        return f"killed by {name}{special.get(name, '')}"
    return f"exit status {os.waitstatus_to_exitcode(status)}"
