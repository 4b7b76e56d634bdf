"""Lines of a page's kernel, linked to the equations that they compute."""

from __future__ import annotations

import re

COMMENT = re.compile(r'(<span class="c1"># )(\w+)(\[[^<]* = [^<]*|(?:\(\))? = [^<]*)(</span>)')
ID = re.compile(r'<div class="math" id="(eq-(?:forward|backward)-(\w+))">')


def linked(body: str) -> str:
    """A page's HTML with a link in every comment of its kernel that is an equation of it: `# dx[..., i] = ...`."""
    known = {name: place for place, name in reversed(ID.findall(body))}
    start = body.find('id="kernel"')

    def link(m: re.Match[str]) -> str:
        place = known.get(m[2])
        return f'{m[1]}<a class="gb-equation" href="#{place}">{m[2]}{m[3]}</a>{m[4]}' if place else m[0]

    return body if start < 0 else body[:start] + COMMENT.sub(link, body[start:])
