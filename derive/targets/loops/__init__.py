"""Plain Python loops: a second printer of the same programs, to be read, and a proof that they say all there is."""
