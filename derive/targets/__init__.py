"""Printers: the same program or equation, for NumPy, for TeX, for the site."""
