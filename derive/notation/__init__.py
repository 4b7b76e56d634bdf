"""Equations in index notation: how they are written, read and held."""
