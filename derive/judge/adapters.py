"""How a candidate of each kind is called, in its own process: arrays in, what it gave out.

Every adapter offers ``forward(arrays, options)``, which gives the results and a handle, and ``gradients(handle,
cotangents)``. A handle is what gradients need: the arguments again, what a module's forward saved, or a graph.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from derive.judge.found import Unusable, callable_, named
from derive.judge.wire import bfloat16_bits, from_bfloat16

NOT_SMOOTH = "is not differentiable with respect to argument"  # what PyTorch says
WRITTEN = 40  # characters of a default
INSTALL = {"torch": "pip install torch", "jax": "pip install jax", "ml_dtypes": "pip install ml_dtypes"}


def needed(module: str) -> Any:
    """An optional module.

    Raises:
        Unusable: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unusable(f"this needs {module}: {INSTALL[module]}") from error


def accepted(function: Any) -> dict[str, bool] | None:
    """The parameters a function has, and which of them must be given; None where that is not known, or any name will
    do."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters):
        return None
    return {p.name: p.default is p.empty for p in parameters}


def defaults(function: Any) -> dict[str, str]:
    """A function's own defaults that are numbers or words, as they are written."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    plain = [p for p in parameters if type(p.default) in (bool, int, float, str, tuple)]
    return {p.name: repr(p.default)[:WRITTEN] for p in plain}


class Numpy:
    """Functions of arrays. Gradients are asked for with the arguments, cotangents first."""

    def __init__(self, forward: Any, backward: Any, rename: Mapping[str, str]) -> None:
        self.function, self.backward, self.rename = forward, backward, rename
        self.context: dict[str, Any] = {}  # of the request of the moment: the shapes of results
        self.check()

    def check(self) -> None:
        """Raises:
        Unusable: what was given is nothing to call.
        """
        callable_(self.function, "forward")
        callable_(self.backward, "backward")

    @property
    def gives(self) -> tuple[bool, bool]:
        return self.function is not None, self.backward is not None

    @property
    def called(self) -> Any:
        """What has the parameters."""
        return self.function

    @property
    def parameters(self) -> dict[str, bool] | None:
        """Those of forward."""
        return accepted(self.called)

    @property
    def defaults(self) -> dict[str, str]:
        """Those of forward that are its own."""
        return defaults(self.called)

    @property
    def parameters_of_gradients(self) -> dict[str, bool] | None:
        """Those of backward, the cotangents first; None where it takes something else than arguments."""
        return accepted(self.backward)

    @property
    def held(self) -> list[str]:
        """Arguments that are not passed but put in the place of parameters of a module."""
        return []

    @property
    def compiled(self) -> bool:
        """Whether a call may be compiled first, for each form that its arguments have."""
        return False

    def own(self, bits: Any, format: str) -> Any:
        """An array of bits as a number type of NumPy's."""
        if bits is None or isinstance(bits, list):
            return bits if bits is None else [self.own(b, format) for b in bits]
        if (format == "bfloat16" and bits.dtype == np.uint16) or format.startswith("float8"):
            return bits.view(getattr(needed("ml_dtypes"), format))
        return bits

    def plain(self, result: Any) -> tuple[str, Any]:
        """A result as the name of its format and bits.

        Raises:
            TypeError: it is no array.
        """
        array = np.asarray(result)
        name = str(array.dtype)
        if name == "bfloat16":
            return name, array.view(np.uint16)
        if name.startswith("float8"):
            return name, array.view(np.uint8)
        if array.dtype == np.longdouble:
            return "longdouble", array
        if array.dtype.kind not in "fbiu":
            raise TypeError(f"an array of {name}, of type {type(result).__name__}")
        return name, array

    def arguments(self, arrays: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Positional as long as no name was changed, by keyword from there on."""
        names = list(arrays)
        first = next((k for k, n in enumerate(names) if n in self.rename), len(names))
        return [arrays[n] for n in names[:first]], {self.rename.get(n, n): arrays[n] for n in names[first:]}

    def forward(self, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
        if self.function is None:
            return None, (arrays, options)
        positional, keywords = self.arguments(arrays)
        return self.function(*positional, **keywords, **options), (arrays, options)

    def gradients(self, handle: Any, cotangents: list[Any]) -> Any:
        arrays, options = handle
        positional, keywords = self.arguments(arrays)
        return self.backward(joined(cotangents), *positional, **keywords, **options)


def joined(cotangents: list[Any]) -> Any:
    return cotangents[0] if len(cotangents) == 1 else tuple(cotangents)


class Module(Numpy):
    """Our own shape: ``forward`` gives the results and what ``backward`` takes beside the cotangents."""

    @property
    def parameters_of_gradients(self) -> dict[str, bool] | None:
        return None

    def forward(self, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
        positional, keywords = self.arguments(arrays)
        result = self.function(*positional, **keywords, **options)
        if not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError("forward of a module gives two things: its results, and what backward needs")
        return result

    def gradients(self, handle: Any, cotangents: list[Any]) -> Any:
        return self.backward(joined(cotangents), handle)


class Torch(Numpy):
    """Functions of tensors; gradients by autograd, or by a backward of tensors."""

    def __init__(self, forward: Any, backward: Any, rename: Mapping[str, str], device: str = "cpu") -> None:
        self.torch, self.device = needed("torch"), device
        self.torch.set_num_threads(1)
        try:
            self.torch.zeros(1, device=device)
        except (RuntimeError, AssertionError) as error:
            raise Unusable(f"there is no device {device!r} here: {str(error).splitlines()[0]}") from None
        if isinstance(forward, type) and issubclass(forward, self.torch.autograd.Function):
            forward = getattr(forward, "apply")  # noqa: B009
        if isinstance(forward, self.torch.nn.Module):
            forward = forward.to(device)
        self.fixed: set[str] = set()  # what PyTorch does not differentiate along, such as running statistics
        super().__init__(forward, backward, rename)

    @property
    def gives(self) -> tuple[bool, bool]:
        return self.function is not None, True

    @property
    def compiled(self) -> bool:
        return any(map(is_compiled, (self.function, self.backward)))

    @property
    def called(self) -> Any:
        module = isinstance(self.function, self.torch.nn.Module)
        return getattr(self.function, "_orig_mod", self.function).forward if module else self.function

    @property
    def held(self) -> list[str]:
        if not isinstance(self.function, self.torch.nn.Module):
            return []
        own = getattr(self.function, "_orig_mod", self.function)
        return [n for n, _ in (*own.named_parameters(), *own.named_buffers())]

    def own(self, bits: Any, format: str) -> Any:
        if bits is None or isinstance(bits, list):
            return bits if bits is None else [self.own(b, format) for b in bits]
        if format == "bfloat16" and bits.dtype == np.uint16:
            return self._tensor(bits.view(np.int16)).view(self.torch.bfloat16)
        if format.startswith("float8") and bits.dtype == np.uint8:
            return self._tensor(bits).view(getattr(self.torch, format))
        return self._tensor(bits)

    def _tensor(self, bits: Any) -> Any:
        if any(s < 0 for s in bits.strides):  # tensors have no negative strides
            bits = bits.copy()
        return self.torch.as_tensor(bits, device=self.device)

    def plain(self, result: Any) -> tuple[str, Any]:
        if not isinstance(result, self.torch.Tensor):
            return super().plain(result)
        result = result.detach().cpu()
        if result.dtype == self.torch.bfloat16:
            return "bfloat16", result.contiguous().view(self.torch.int16).numpy().view(np.uint16)
        if (name := str(result.dtype).removeprefix("torch.")).startswith("float8"):
            return name, result.contiguous().view(self.torch.uint8).numpy()
        return super().plain(result.numpy())

    def forward(self, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
        if self.backward is not None:
            return super().forward(arrays, options)

        def leaf(value: Any, smooth: bool) -> Any:
            if isinstance(value, list):
                return [leaf(v, smooth) for v in value]
            real = value is not None and value.is_floating_point()
            return value.detach().requires_grad_(smooth) if real else value

        def called(fixed: set[str]) -> tuple[Any, Any]:
            leaves = {n: leaf(v, n not in fixed) for n, v in arrays.items()}
            if isinstance(self.function, self.torch.nn.Module):
                result = self.module(leaves, options)
            else:
                positional, keywords = self.arguments(leaves)
                result = self.function(*positional, **keywords, **options)
            return result, (result, leaves)

        try:
            return called(self.fixed)
        except RuntimeError as error:
            if NOT_SMOOTH not in str(error):
                raise
            for fixed in few(list(arrays)):
                try:
                    found = called(fixed)
                except RuntimeError as other:
                    if NOT_SMOOTH not in str(other):
                        raise
                else:
                    self.fixed = fixed
                    return found
            raise

    def module(self, leaves: dict[str, Any], options: dict[str, Any]) -> Any:
        """A module, with those of the arguments in the place of its parameters that have their names."""
        own = set(self.held)
        inside = "_orig_mod." if hasattr(self.function, "_orig_mod") else ""  # of a module that is compiled
        state = {f"{inside}{t}": v for n, v in leaves.items() if (t := self.rename.get(n, n)) in own}
        positional, keywords = self.arguments({n: v for n, v in leaves.items() if self.rename.get(n, n) not in own})
        return self.torch.func.functional_call(self.function, state, tuple(positional), {**keywords, **options})

    def gradients(self, handle: Any, cotangents: list[Any]) -> Any:
        if self.backward is not None:
            return super().gradients(handle, cotangents)
        result, leaves = handle
        outputs = flat(result)[: len(flat(cotangents))]
        live = [(o, c) for o, c in zip(outputs, flat(cotangents), strict=False) if o.requires_grad]
        wanted = [v for v in flat(list(leaves.values())) if v is not None and v.requires_grad]
        if not live:
            raise TypeError("no result is connected with an input: autograd has nothing to differentiate")
        found = iter(
            self.torch.autograd.grad(
                [o for o, _ in live], wanted, [c for _, c in live], retain_graph=True, allow_unused=True
            )
        )

        def of(value: Any) -> Any:
            if isinstance(value, list):
                return [of(v) for v in value]
            if value is None or not value.requires_grad:
                return None
            gradient = next(found)
            return self.torch.zeros_like(value) if gradient is None else gradient

        return {n: of(v) for n, v in leaves.items()}


def is_compiled(what: Any) -> bool:
    """Whether torch.compile made it."""
    return "_torchdynamo_orig_callable" in getattr(what, "__dict__", {}) or hasattr(what, "_orig_mod")


def few(names: list[str]) -> Iterator[set[str]]:
    """One of them, and two of them."""
    for count in (1, 2):
        yield from map(set, combinations(names, count))


def flat(value: Any) -> list[Any]:
    """The arrays of a result, lists and tuples opened."""
    if isinstance(value, list | tuple):
        return [a for v in value for a in flat(v)]
    return [value]


def made(framework: str, forward: Any, backward: Any, rename: Mapping[str, str], device: str) -> Numpy:
    """The adapter for a framework.

    Raises:
        Unusable: there is none, what it needs is not installed, or what was given cannot be called.
    """
    if device != "cpu" and framework != "torch":
        raise Unusable(f"device {device!r} is for torch alone; a candidate of {framework} puts arrays where it likes")
    if framework == "torch":
        return Torch(forward, backward, rename, device)
    if framework == "jax":
        from derive.judge.in_jax import Jax

        return Jax(forward, backward, rename)
    if framework in ("c", "exec"):
        from derive.judge.foreign import adapter

        return adapter(framework, forward, backward, rename)
    kinds: dict[str, Any] = {"numpy": Numpy, "module": Module}
    if framework not in kinds:
        raise Unusable(f"there is no framework {framework!r}; there are numpy, module, torch, jax, c and exec")
    found: Numpy = kinds[framework](forward, backward, rename)
    return found


__all__ = ["Numpy", "Unusable", "bfloat16_bits", "from_bfloat16", "made", "named"]
