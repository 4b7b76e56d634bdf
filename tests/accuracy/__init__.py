"""How accurate elementwise functions are, over the whole line: ``python -m tests.accuracy --help``."""
