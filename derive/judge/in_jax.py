"""How a candidate of JAX is called; see derive.judge.adapters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.judge.adapters import Numpy, flat, needed


class Jax(Numpy):
    """Functions of JAX arrays; gradients by jax.vjp."""

    def __init__(self, forward: Any, backward: Any, rename: Mapping[str, str]) -> None:
        super().__init__(forward, backward, rename)
        self.jax = needed("jax")
        self.jax.config.update("jax_enable_x64", True)

    @property
    def gives(self) -> tuple[bool, bool]:
        return self.function is not None, True

    @property
    def compiled(self) -> bool:
        return True  # every operation, for every shape

    def own(self, bits: Any, format: str) -> Any:
        found = super().own(bits, format)
        return found if found is None or isinstance(found, list) else self.jax.numpy.asarray(found)

    def forward(self, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
        real = [n for n, v in arrays.items() if v is not None and all(a.dtype.kind in "fV" for a in flat(v))]

        def function(*chosen: Any) -> Any:
            positional, keywords = self.arguments({**arrays, **dict(zip(real, chosen, strict=True))})
            return self.function(*positional, **keywords, **options)

        result, pull = self.jax.vjp(function, *(arrays[n] for n in real))
        return result, (result, pull, real)

    def gradients(self, handle: Any, cotangents: list[Any]) -> Any:
        result, pull, real = handle
        given = flat(cotangents)
        some = flat(result)
        zeros = [self.jax.numpy.zeros_like(r) for r in some[len(given) :]]
        tree = self.jax.tree_util.tree_structure(result)
        return dict(zip(real, pull(self.jax.tree_util.tree_unflatten(tree, [*given, *zeros])), strict=True))
