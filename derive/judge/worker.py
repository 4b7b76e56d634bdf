"""The process of a candidate: takes frames with arguments, calls it, answers with what it gave and what it did.

It knows nothing but the arguments of the moment: neither what is right, nor what will be asked next. What it says is
believed only where it accuses; results are judged by the other side, from the bytes.
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from derive.judge import wire
from derive.judge.adapters import Module, Numpy, Torch, flat, made
from derive.judge.found import Unusable, named, parts_of

CLOSE = {"float16": 1e-2, "bfloat16": 1e-1, "float32": 1e-5, "float64": 1e-13}  # runs that differ by rounding alone
SMALL = "its arguments alone take more memory than its process may have"
MOST = 1024  # arrays of one result
ENVIRONMENT = "the environment"
#: What PyTorch's compilers note there, when an optimiser is first made.
NOTED = ("TORCHINDUCTOR_", "_TORCHINDUCTOR_", "TRITON_")


def serve(given: int, told: int, load: Callable[[], Numpy]) -> NoReturn:
    """Answer frames until the other side is gone, and end this process."""
    status = 0
    try:
        np.seterr(all="ignore")
        warnings.simplefilter("ignore")
        try:
            adapter = load()
            hello: dict[str, Any] = {"ok": True, "gives": adapter.gives, "held": adapter.held}
            hello["compiled"] = adapter.compiled
            hello["defaults"] = adapter.defaults
            hello["parameters"] = {"forward": adapter.parameters, "backward": adapter.parameters_of_gradients}
        except Unusable as error:
            hello = {"ok": False, "error": str(error)}
        except BaseException as error:
            hello = {"ok": False, "error": f"it cannot be loaded: {_words(error)}"}
        wire.send(told, hello)
        if hello["ok"]:
            poisoned_memory()
            while True:
                try:
                    header, blobs = wire.receive(given)
                except MemoryError:
                    wire.send(told, {"small": SMALL})
                    break
                wire.send(told, *answered(adapter, header, blobs))
    except (wire.Closed, wire.Malformed):
        pass
    except BaseException:
        status = 1
    os._exit(status)


def poisoned_memory() -> None:
    """Arrays that are not initialised hold NaN from now on, so that what is never written to shows; torch's, too."""
    for name in ("empty", "empty_like"):
        setattr(np, name, _filled(getattr(np, name), lambda a: a.dtype.kind in "fc", lambda a: a.fill(np.nan)))
    if torch := sys.modules.get("torch"):

        def poison(tensor: Any) -> None:
            with torch.no_grad():
                tensor.fill_(float("nan"))

        for home, names in ((torch, ("empty", "empty_like", "empty_strided")), (torch.Tensor, ("new_empty",))):
            for name in names:
                setattr(home, name, _filled(getattr(home, name), lambda t: t.is_floating_point(), poison))


def _filled(function: Any, real: Callable[[Any], bool], poison: Callable[[Any], None]) -> Any:
    """The function, with what it makes poisoned where it is of real numbers."""

    def empty(*args: Any, **keywords: Any) -> Any:
        array = function(*args, **keywords)
        if real(array):
            poison(array)
        return array

    return empty


def _words(error: BaseException) -> str:
    own = [f for f in traceback.extract_tb(error.__traceback__) if "/derive/judge/" not in f.filename]
    at = f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
    return f"{type(error).__name__}: {str(error)[:500]}{at}"


class Arguments:
    """One set of arguments, in memory with guards, and what it was before."""

    def __init__(self, adapter: Numpy, told: dict[str, Any], blobs: list[bytes]) -> None:
        memory: list[bytearray] = []
        self.owner: list[tuple[str, int, int]] = []
        self.bits: dict[str, Any] = {}
        self.cotangents: list[Any] = []
        form = told["format"]
        for name, one in told["inputs"].items():
            begin = len(memory)
            self.bits[name] = wire.unpacked(one, blobs, memory)
            self.owner.append((name, begin, len(memory)))
        self.arrays = {n: adapter.own(b, form) for n, b in self.bits.items()}
        for name, one in zip(told["cotangent_names"], told["cotangents"] or [], strict=False):
            begin = len(memory)
            bits = wire.unpacked(one, blobs, memory)
            self.bits[name] = bits
            self.owner.append((name, begin, len(memory)))
            self.cotangents.append(adapter.own(bits, form))
        self.memory, self.before = memory, [bytes(m) for m in memory]
        self.options = {n: tupled(v) for n, v in told["options"].items()}

    def written(self) -> list[str]:
        """Which arguments were written to; said once."""
        found = []
        for name, begin, end in self.owner:
            if any(bytes(m) != b for m, b in zip(self.memory[begin:end], self.before[begin:end], strict=True)):
                found.append(name)
        self.before = [bytes(m) for m in self.memory]
        return found


def tupled(value: Any) -> Any:
    """Several numbers of an option, which came as lists."""
    return tuple(map(tupled, value)) if isinstance(value, list) else value


def answered(adapter: Numpy, header: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """One request: results, gradients, and what was noticed on the way."""
    out: list[bytes] = []
    try:
        own = Arguments(adapter, header, blobs)
    except MemoryError:
        return {"small": SMALL}, out
    adapter.context = header
    noticed: list[str] = []
    before = state()
    answer: dict[str, Any] = {"noticed": noticed}
    wants = header["wants"]
    try:
        at = "forward"
        result, handle = adapter.forward(own.arrays, own.options)
        if wants[0]:
            answer["forward"] = described(adapter, result, out)
        noticed += [f"forward writes to its argument {n}" for n in own.written()]
        gradient = None
        if wants[1]:
            at = "backward"
            gradient = adapter.gradients(handle, own.cotangents)
            answer["backward"] = described(adapter, gradient, out)
            noticed += [f"backward writes to its argument {n}" for n in own.written()]
        noticed += shared(adapter, own, result if wants[0] else None, gradient)
        if header.get("other"):
            at = "a later call"
            answer["others"] = {}
            again(adapter, header, blobs, own, (result, handle, gradient), noticed, answer["others"], out)
    except Unusable as error:
        answer["unusable"] = str(error)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        answer["raised"] = f"{at} raised {_words(error)}"
    noticed += changed(before, state())
    return answer, out


def described(adapter: Numpy, result: Any, out: list[bytes]) -> Any:
    """A result as JSON and blobs: tuples, lists, names, arrays."""
    if result is None:
        return None
    if hasattr(result, "_asdict"):
        return {"names": {n: described(adapter, v, out) for n, v in result._asdict().items()}}
    if hasattr(result, "__dict__") and not hasattr(result, "dtype") and not callable(result):
        return {"names": {str(n): described(adapter, v, out) for n, v in vars(result).items()}}
    if isinstance(result, dict):
        return {"names": {str(n): described(adapter, v, out) for n, v in result.items()}}
    if isinstance(result, list | tuple):
        if len(result) > MOST:
            raise TypeError(f"a {type(result).__name__} of {len(result)} things, not an array")
        return {"list": [described(adapter, v, out) for v in result]}
    form, bits = adapter.plain(result)
    bits = np.asarray(bits, order="C")
    out.append(bits.tobytes())
    return {"format": form, "shape": list(bits.shape), "blob": len(out) - 1}


def parts(result: Any) -> list[Any]:
    if hasattr(result, "_asdict"):
        return parts(tuple(result))
    if isinstance(result, dict):
        return parts(list(result.values()))
    if hasattr(result, "__dict__") and not hasattr(result, "dtype"):
        return parts(list(vars(result).values()))
    return [r for r in flat(result) if r is not None]


def frozen(adapter: Numpy, result: Any) -> list[Any]:
    return [np.array(adapter.plain(r)[1]) for r in parts(result)]


def shared(adapter: Numpy, own: Arguments, result: Any, gradient: Any) -> list[str]:
    """Results that lie in the memory of arguments or of one another."""
    if isinstance(adapter, Torch) and adapter.device != "cpu":
        return []
    found: dict[str, None] = {}
    seen: list[tuple[str, Any]] = []
    given = [(n, a) for n, bits in own.bits.items() for a in flat(bits) if a is not None and a.size]
    for what, values in (("a result of forward", result), ("a gradient", gradient)):
        for r in parts(values):
            bits = np.asarray(adapter.plain(r)[1])
            for name, array in given:
                if bits.size and np.shares_memory(bits, array):
                    found[f"{what} shares its memory with the argument {name}"] = None
            for before, array in seen:
                if bits.size and np.shares_memory(bits, array):
                    found[f"{what} shares its memory with {before}"] = None
            seen.append((what.replace("a ", "another ", 1) if what[:2] == "a " else what, bits))
    return list(found)


def again(
    adapter: Numpy,
    header: dict[str, Any],
    blobs: list[bytes],
    own: Arguments,
    first: Any,
    noticed: list[str],
    others: dict[str, Any],
    out: list[bytes],
) -> None:
    """Other arguments, and the first ones again: whether an earlier answer changes, and whether it is given again.

    What is given for the other arguments is kept in ``others``, for it is judged, too.
    """
    result, handle, gradient = first
    wants, form = header["wants"], header["format"]
    kept, kept_gradient = frozen(adapter, result), frozen(adapter, gradient)
    adapter.context = {**header, **header["other"]}
    other = Arguments(adapter, adapter.context, blobs)
    value, later = adapter.forward(other.arrays, other.options)
    if wants[0]:
        others["forward"] = described(adapter, value, out)
    if wants[1]:
        others["backward"] = described(adapter, adapter.gradients(later, other.cotangents), out)
    adapter.context = header
    if not same(kept, frozen(adapter, result)):
        noticed.append("an earlier result of forward has changed after a later call")
    if not same(kept_gradient, frozen(adapter, gradient)):
        noticed.append("an earlier gradient has changed after a later call")
    if wants[1]:
        try:
            repeated = adapter.gradients(handle, own.cotangents)
        except Exception as error:  # it was answered before: what it keeps is that of the later call
            noticed.append(f"backward fails for an earlier forward after a later one: {_words(error)}")
            return
        if not same(kept_gradient, frozen(adapter, repeated), form):
            noticed.append("backward gives another answer for an earlier forward after a later one")
    if wants[0]:
        repeated, _ = adapter.forward(own.arrays, own.options)
        if not same(kept, frozen(adapter, repeated), form):
            noticed.append("forward gives another answer for the same arguments")
    if wants[1] and isinstance(adapter, Module):
        for r in parts(result):
            if isinstance(r, np.ndarray) and r.flags.writeable and r.dtype.kind == "f":
                r[...] = 7.5  # a caller may do with a result as he likes
        if not same(kept_gradient, frozen(adapter, adapter.gradients(handle, own.cotangents)), form):
            noticed.append("backward changes with what becomes of forward's result")


def same(one: list[Any], two: list[Any], form: str = "") -> bool:
    """Whether the bytes are equal; with a format, whether rounding alone can tell them apart."""
    for a, b in zip(one, two, strict=False):
        if a.shape != b.shape:
            return False
        if a.tobytes() == b.tobytes():
            continue
        if not form:
            return False
        a, b = (wire.decoded(v, form) for v in (a, b))
        size = float(np.max(np.abs(np.nan_to_num(np.asarray(a, np.float64))), initial=0.0))
        if not np.allclose(a, b, rtol=0, atol=CLOSE.get(form, 0.1) * size, equal_nan=True):
            return False
    return len(one) == len(two)


def state() -> dict[str, Any]:
    """What a call must leave as it was."""
    found: dict[str, Any] = {
        "NumPy's random state": repr(np.random.get_state()),  # noqa: NPY002
        "Python's random state": hash(random.getstate()),
        "NumPy's handling of floating-point errors": repr(np.geterr()),
        "the current folder": os.getcwd(),
        ENVIRONMENT: {n: v for n, v in os.environ.items() if not n.startswith(NOTED)},
    }
    if torch := sys.modules.get("torch"):
        found |= {
            "torch's default dtype": str(torch.get_default_dtype()),
            "torch's random state": torch.get_rng_state().numpy().tobytes(),
            "torch's deterministic flag": torch.are_deterministic_algorithms_enabled(),
            "torch's gradient mode": torch.is_grad_enabled(),
            "torch's TF32 flag": torch.backends.cuda.matmul.allow_tf32,
            "torch's number of threads": torch.get_num_threads(),
            "torch's flags of cuDNN": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
            "torch's default device": str(torch.get_default_device()),
        }
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    found = []
    for name in (n for n in before if before[n] != after[n]):
        which = sorted({k for k, _ in before[name].items() ^ after[name].items()}) if name == ENVIRONMENT else []
        found.append(f"a call changes {name}" + f" ({', '.join(which[:4])})" * bool(which))
    return found


def limited(memory: int, disk: int) -> None:
    """Limits of this process, where the system has them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, disk), (resource.RLIMIT_CORE, 0)):
        if most >= 0:
            hard = resource.getrlimit(what)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (most, hard))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def loaded(told: dict[str, Any]) -> Numpy:
    """The adapter that a description asks for."""

    def of(what: Any) -> Any:
        if not isinstance(what, dict):
            return what
        return named(what["name"]) if "name" in what else pickle.loads(bytes.fromhex(what["pickle"]))

    framework, forward, backward = told["framework"], of(told["forward"]), of(told["backward"])
    if framework == "module" and backward is None:
        forward, backward = parts_of(forward)
    return made(framework, forward, backward, told["rename"], told["device"])


def main() -> NoReturn:
    """A fresh process: the first frame says what the candidate is and which limits hold."""
    given, told = int(sys.argv[1]), int(sys.argv[2])
    header, _ = wire.receive(given)
    sys.path[:0] = [p for p in header["path"] if p not in sys.path]
    limited(header["memory"], header["disk"])
    serve(given, told, lambda: loaded(header))


if __name__ == "__main__":
    main()
