"""How a candidate computes: the formats of what it takes, accumulates, multiplies and keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.evidence.enclosure import DOUBLE, HALF, SINGLE, Format
from derive.evidence.running import Manner
from derive.judge import wire

BFLOAT = Format(
    np.float32,
    -8,
    ((1, 0), (0.1, 0), (5, 0), (1, 100), (3000, 0)),
    SINGLE,
    (2.0**-133, 2.0**-126, 3.3895313892515355e38),
)
SPREAD = ((1, 0), (0.1, 0), (3, 0), (1, 16))
E4M3 = Format(np.float32, -4, SPREAD, SINGLE, (2.0**-9, 2.0**-6, 448.0))
E5M2 = Format(np.float32, -3, SPREAD, SINGLE, (2.0**-16, 2.0**-14, 57344.0))
STORAGE = {
    "float64": DOUBLE, "float32": SINGLE, "float16": HALF, "bfloat16": BFLOAT, "float8_e4m3fn": E4M3,
    "float8_e5m2": E5M2,
}  # fmt: skip
UNITS = {
    "float64": -53, "float32": -24, "float16": -11, "tf32": -11, "bfloat16": -8, "float8_e4m3fn": -4, "float8_e5m2": -3,
}  # fmt: skip
SLOPES = 4  # units of 1 that a slope may lose, which a stranger computes from the function's rounded value
ALIASES = {
    "f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16", "half": "float16",
    "e4m3": "float8_e4m3fn", "float8_e4m3": "float8_e4m3fn", "e5m2": "float8_e5m2",
}  # fmt: skip


def format_named(name: Any) -> str:
    """The name of a format, of a NumPy type or torch's.

    Raises:
        ValueError: there is none.
    """
    words = str(name).removeprefix("torch.")
    words = ALIASES.get(words, words)
    if words not in UNITS:
        try:
            words = str(np.dtype(name))
        except TypeError:
            words = ""
    if words not in UNITS:
        raise ValueError(f"there is no format {name!r}; there are {', '.join(UNITS)} (tf32 for products alone)")
    return words


@dataclass(frozen=True)
class Arithmetic:
    """The formats of one candidate.

    Attributes:
        storage: of inputs, results and what is kept on the way.
        accumulate: of sums and functions; float32 where storage is narrower, storage itself otherwise.
        products: of the factors of products; "" where they are not rounded first.
        intermediates: of what is kept between one operator and the next, where a layer is composed of a library's: the
            format of every operator's result. "": the tensors that a definition names are kept in storage, and what
            lies between them in the format of sums.
    """

    storage: str = "float32"
    accumulate: str = ""
    products: str = ""
    intermediates: str = ""

    def __post_init__(self) -> None:
        """Raises:
        ValueError: TF32 is a format of factors, and a format of eight bits one of storage, alone.
        """
        named = (self.storage, "inputs and results"), (self.accumulate, "sums"), (self.intermediates, "what is kept")
        for name, part in named:
            if name == "tf32":
                raise ValueError(f"tf32 is no format of {part}: it is one of factors (products=, --products)")
        for name, part in named[1:]:
            if name in wire.EIGHT:
                raise ValueError(f"{name} is a format of inputs and results, not of {part}")

    @property
    def working(self) -> str:
        return self.accumulate or ("float32" if UNITS[self.storage] > -24 else self.storage)

    @property
    def kept(self) -> int | None:
        """The exponent of the unit roundoff of every operator's result, where that is coarser than that of sums."""
        found = UNITS.get(self.intermediates, -1000)
        return found if found > UNITS[self.working] else None

    @property
    def exact(self) -> bool:
        """Whether it loses no more than its storage does."""
        return self.working == self.storage and not self.products and self.kept is None

    @property
    def unit(self) -> int:
        """The exponent of its coarsest unit roundoff on the way."""
        return max(UNITS[self.working], UNITS[self.products] if self.products else -1000, self.kept or -1000)

    @property
    def form(self) -> Format:
        """As the enclosure leg takes it."""
        own = STORAGE[self.storage]
        if self.working == self.storage:
            return replace(own, arithmetic=None)
        working = replace(STORAGE[self.working], arithmetic=None)
        if self.kept is not None:  # what is kept between operators may underflow there
            least = STORAGE[self.intermediates]
            working = replace(working, limits=(least.tiny, least.normal, least.largest))
        return replace(own, arithmetic=working)

    @property
    def manner(self) -> Manner:
        narrow = UNITS[self.storage] > UNITS[self.working]
        return Manner(
            products=UNITS[self.products] if self.products else None,
            stored=UNITS[self.storage] if narrow else None,
            slopes=SLOPES,
            kept=self.kept,
        )

    def rounded(self, value: Any) -> Any:
        """Real numbers as the format holds them: float16, 32 and 64 as they are, bfloat16 in float32."""
        if value is None or isinstance(value, list):
            return value if value is None else [self.rounded(v) for v in value]
        array = np.asarray(value)
        if array.dtype.kind != "f":
            return array
        if self.storage == "bfloat16" or self.storage in wire.EIGHT:
            return wire.decoded(wire.encoded(array, self.storage), self.storage)
        with np.errstate(all="ignore"):
            return array.astype(STORAGE[self.storage].dtype)

    def __str__(self) -> str:
        words = [self.storage]
        if self.working != self.storage:
            words.append(f"accumulated in {self.working}")
        if self.products:
            words.append(f"products of {self.products}")
        if self.kept is not None:
            words.append(f"every operator's result kept in {self.intermediates}")
        return ", ".join(words)

    def coarser(self) -> list[Arithmetic]:
        """Ways to compute that lose more, from the least on: whether a candidate computes in one of them."""
        found = []
        for name, unit in sorted(UNITS.items(), key=lambda n: n[1]):
            if unit > UNITS[self.working] and name != "tf32" and name not in wire.EIGHT:
                found.append(replace(self, accumulate=name))
            if unit > UNITS[self.working] and not self.products and name in ("tf32", "bfloat16"):
                found.append(replace(self, products=name))
        found = sorted(found, key=lambda a: (a.unit, a.products))
        if self.intermediates and self.kept is None and UNITS[self.storage] > UNITS[self.working]:
            found.insert(0, replace(self, intermediates=self.storage))  # that they are kept in a wider one was said
        return found
