"""Prints array programs as readable NumPy."""

from derive.targets.numpy.kernel import kernel_source

__all__ = ["kernel_source"]
