"""Prints programs as readable NumPy."""
