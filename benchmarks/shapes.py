"""The shapes that every layer is timed at, by their layout in memory: chosen before anything was measured.

A kernel that is fast at one shape may be slow at another, where the same axis lies otherwise in memory: sums go
along it or across it, rows are longer than the cache or shorter than a register. So each layer is timed at
all kinds that it has, at about a million elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What each kind of shape is for; `check` is not timed.
REASONS: Mapping[str, str] = {
    "check": "all sizes distinct, two leading axes: what tests/peers compares at",
    "tiny": "128 elements or so: what a call costs by itself",
    "tall": "many short rows: sums over the features are short, sums over the rows are long and across memory",
    "wide": "few long rows: a row alone fills the cache, sums across rows are short",
    "few": "three channels or so: an innermost axis shorter than a register, or very few long slabs",
    "images": "several axes behind the batch: the channels are neither first nor last in memory",
    "turned": "Fortran order, as a transposed array has it: the leading axis is next to itself in memory",
    "large": "four million elements: nothing stays in the cache, memory comes from the system",
}
KINDS = tuple(REASONS)
TIMED = KINDS[1:]

Sizes = Mapping[str, Any]  # axis -> size; "..." -> the sizes of the leading axes; anything a Several needs
AllSizes = Mapping[str, Sizes]  # for "check" and each kind that a layer is timed at


def sizes(kinds: tuple[str, ...] = KINDS, **axes: tuple[Any, ...]) -> AllSizes:
    """Sizes of each axis at each of the kinds, in their order; `leading` stands for the axis `...`."""
    named = {"..." if axis == "leading" else axis: found for axis, found in axes.items()}
    if any(len(found) != len(kinds) for found in named.values()):
        raise ValueError(f"each axis has a size for each of {', '.join(kinds)}")
    return {kind: {axis: found[n] for axis, found in named.items()} for n, kind in enumerate(kinds)}


STRAIGHT = tuple(kind for kind in KINDS if kind != "turned")
FLAT = tuple(kind for kind in KINDS if kind != "images")

#: Rows of features; as images, of channels that lie last.
ROWS = sizes(
    leading=((2, 3), (8,), (65536,), (16,), (400000,), (16, 56, 28), (4096,), (4096,)),
    i=(5, 16, 16, 65536, 3, 48, 256, 1024),
)
#: The same, for a layer that normalises along any axis: as images, along the second of four.
SCORES = {**ROWS, "images": {"...": (16, 64, 28), "i": 40, "options": {"axis": 1}}}
#: A batch of channels, each maybe with places.
CHANNELS = sizes(
    leading=((4, 5), (), (), (), (224, 224), (56, 56), (), (64, 64)),
    b=(2, 8, 4096, 64, 8, 32, 4096, 32),
    c=(3, 16, 1024, 16384, 3, 64, 256, 32),
)
MATRIX = sizes(FLAT, o=(5, 8, 65536, 16, 400000, 4096, 2048), i=(7, 16, 16, 65536, 3, 256, 2048))
#: Features in, features out; as images, channels that lie last (a convolution of one pixel).
LINEAR = sizes(
    leading=((2, 3), (8,), (65536,), (64,), (16384,), (16, 28, 28), (4096,), (4096,)),
    i=(7, 16, 16, 4096, 64, 64, 256, 1024),
    o=(5, 12, 16, 1024, 3, 64, 64, 128),
)
RESIDUAL = {**LINEAR, "large": {"...": (4096,), "i": 128, "o": 1024}}
#: All parameters of a network: as `few`, very many small ones; as images, windows of convolutions.
PARAMETERS = sizes(
    STRAIGHT,
    shapes=(
        [(3, 4), (4,), (2, 3, 5)],
        [(8, 16), (8,), (4, 8), (4,)],
        [(65536, 16), (16,)],
        [(16, 65536), (65536,)],
        [(64,)] * 400,
        [(64, 3, 7, 7), (64,), (128, 64, 3, 3), (128,), (256, 128, 3, 3), (256,)],
        [(1024, 2048), (1024,), (2048, 1024), (2048,)],
    ),
)
#: A network, as tall for a long batch, as `few` for a curve over the plane.
NETWORK = sizes(
    ("check", "tiny", "tall", "wide", "few", "large"),
    leading=((2, 3), (8,), (32768,), (32,), (8192,), (4096,)),
    i=(7, 16, 16, 2048, 2, 784),
    W=(
        [(5, 7), (4, 5), (6, 4)],
        [(12, 16), (10, 12)],
        [(32, 16), (16, 32)],
        [(1024, 2048), (1000, 1024)],
        [(64, 2), (64, 64), (1, 64)],
        [(256, 784), (128, 256), (10, 128)],
    ),
    b=(
        [(5,), (4,), (6,)],
        [(12,), (10,)],
        [(32,), (16,)],
        [(1024,), (1000,)],
        [(64,), (64,), (1,)],
        [(256,), (128,), (10,)],
    ),
)
#: As tall many queries for few keys, as wide few queries for a long past, as `few` many short sentences, as images
#: the patches of one.
ATTENTION = sizes(
    STRAIGHT,
    leading=((2, 3), (2,), (4,), (8, 8), (512,), (2,), (8, 8)),
    q=(5, 8, 2048, 1, 16, 576, 256),
    k=(7, 8, 64, 2048, 16, 576, 256),
    d=(4, 16, 64, 64, 16, 64, 64),
    v=(6, 16, 64, 64, 16, 64, 64),
    mask=(True, False, False, False, False, False, False),
)
#: As tall many small images of many channels, as wide one large one, as `few` the first layer of a network.
CONVOLUTION = sizes(
    STRAIGHT,
    b=(2, 2, 64, 1, 8, 16, 16),
    gc=(6, 3, 64, 8, 3, 64, 32),
    c=(3, 3, 64, 8, 3, 64, 32),
    go=(4, 4, 64, 8, 16, 64, 32),
    p=(11, 8, 7, 256, 112, 28, 64),
    q=(13, 8, 7, 512, 112, 28, 128),
    k=(3, 3, 3, 3, 7, 3, 3),
    l=(2, 3, 3, 3, 7, 3, 3),
)
POOLING = sizes(
    STRAIGHT,
    b=(2, 2, 256, 1, 8, 32, 16),
    c=(3, 4, 256, 1, 3, 64, 64),
    p=(11, 8, 4, 1024, 224, 28, 64),
    q=(13, 8, 4, 1024, 224, 28, 64),
)
#: As tall many short vectors, as wide few long ones, as `few` three kinds of token; turned as the transposed one.
EMBEDDING = sizes(
    FLAT,
    leading=((2, 7), (8,), (256, 256), (512,), (64, 128), (64, 64), (64, 256)),
    v=(5, 32, 65536, 64, 3, 4096, 16384),
    d=(4, 16, 16, 4096, 128, 256, 256),
)
#: As tall a long sequence, as wide few steps of many features, as `few` three features in.
RECURRENCE = sizes(
    ("check", "tiny", "tall", "wide", "few", "large"),
    leading=((2, 3), (2,), (16,), (128,), (16,), (128,)),
    t=(6, 4, 256, 8, 128, 64),
    i=(7, 8, 32, 256, 3, 64),
    n=(5, 16, 32, 256, 64, 128),
    **{"4n": (20, 64, 128, 1024, 256, 512)},
)
