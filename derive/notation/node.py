"""What every node of an expression has."""

from __future__ import annotations


class Node:
    """What every node has: hash, free indices, tensors and size, which are asked for all the time, are found once."""

    __slots__ = ("_free", "_hash", "_size", "_tensors")
    _free: tuple[str, ...]
    _hash: int
    _size: int
    _tensors: tuple[str, ...]


def hash_once(self: Node) -> int:
    """A node's hash, found when it is first asked for."""
    try:
        return self._hash
    except AttributeError:
        kind = type(self)
        object.__setattr__(self, "_hash", hash((kind.__name__, tuple(getattr(self, n) for n in kind.__slots__))))
        return self._hash
