"""A user's pages as HTML, beside those in Markdown: `gradbook build my_layers.py --html`."""

from __future__ import annotations

from derive.command.build import BuildError, Plan
from derive.evidence.extras import lacking


def add(plan: Plan, asked: bool = False) -> Plan:
    """The plan with every layer's page as a document that needs nothing else, where that is or was asked for.

    What an earlier build made of this file is kept up to date.

    Raises:
        BuildError: what makes it is not installed.
    """
    if plan.file is None or not (asked or any(p.suffix == ".html" for p in plan.manifest().of(plan.source))):
        return plan
    from derive.targets.html.document import NEEDS, document

    if command := lacking(NEEDS):
        raise BuildError(f"pages in HTML are made with packages that are not installed: {command}")
    for path, page in plan.pages.items():
        plan.files[path.with_suffix(".html")] = document(page.layer.name, plan.files[path])
    return plan
