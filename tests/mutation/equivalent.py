"""Changes that no run can tell from the code as it is: the diff without the numbers of its lines, and the reason."""

EQUIVALENT: dict[str, str] = {}
