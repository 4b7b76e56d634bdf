"""Array programs: the equations as a list of array operations with names. Independent of any target."""
