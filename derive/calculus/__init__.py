"""Differentiation of equations, and the proof that two forms of one are equal."""
