"""Definitions that were refused once, and are read now."""

from __future__ import annotations

from tests.generality.probes.cases import group, normal

case = group("messages")

case("m_floor", lambda x: x - x.floor(), normal(5, scale=3.0))
