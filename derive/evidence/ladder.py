"""The legs of the evidence by name, in the order in which they are run and shown: DESIGN's ladder."""

from __future__ import annotations

LADDER = (
    "steps",
    "exact",
    "text",
    "definition",
    "differences",
    "enclosure",
    "duality",
    "second order",
    "generic",
    "page",
    "mutants",
    "peers",
)

#: Legs that are not run on one layer by itself: they read the built site, or need other libraries.
TOGETHER = frozenset({"page", "peers"})

LEGS = tuple(leg for leg in LADDER if leg not in TOGETHER)
