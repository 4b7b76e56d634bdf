"""Forms that lose digits, overflow or are not defined, and what is computed in their place."""
