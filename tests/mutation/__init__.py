"""Random changes to the engine's own code, and whether anything notices; see tests.engine_mutants."""
