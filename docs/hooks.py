"""MkDocs hook: what the site has in common with a page by itself, and its formulas, of which each must have a check."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from derive.calculus.derivation import derive
from derive.command.pageleg import FORMULAS
from derive.command.terminal import step_lines
from derive.evidence.ladder import LADDER
from derive.notation.define import load_project
from derive.targets.html import styles
from derive.targets.html.extensions import EXTENSIONS
from derive.targets.html.fonts import characters, subset
from derive.targets.html.links import linked
from derive.targets.markdown import badges
from derive.targets.synonyms import SYNONYMS
from derive.targets.unnoticed import listed
from derive.targets.words import fenced, table

ROOT = Path(__file__).resolve().parents[1]
COUNTED = '<span class="gb-formulas"></span>'  # where a page says how many of the site's formulas are executed
SCRIPT = styles.HERE / "equations.js"
SEARCH = styles.HERE / "search.js"  # puts the page with the name that was typed first
LEGS = "<!-- layers by legs -->"  # where a page shows what was recorded, layer by leg
UNNOTICED = "<!-- misprints not noticed -->"  # where one shows what its checks do not tell apart
DERIVATION = "<!-- derivation of softmax -->"  # where a page shows the steps of one
EVIDENCE = re.compile(r"<!-- evidence of (\w+) -->")  # where a page shows the badges of a layer
DEFINITION = re.compile(r"<!-- definition of (\w+) -->")  # where it shows what was typed
COUNT = re.compile(r"([\d/]+) (?:comparisons|steps|misprints)")
shown: set[str] = set()
built: dict[str, str] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.markdown_extensions = [*dict.fromkeys([*config.markdown_extensions, *EXTENSIONS])]
    config.mdx_configs = {**config.mdx_configs, **EXTENSIONS}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for file in (*styles.SHARED, SCRIPT):
        files.append(File.generated(config, f"assets/{file.name}", abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """A layer is found by its names before what mentions it; tables of the evidence are made from its record."""
    name = Path(page.file.src_uri).stem
    if page.file.src_uri.startswith("layers/") and name != "index":
        page.meta["tags"] = [name, *SYNONYMS.get(name, ())]
        page.meta["search"] = {"boost": 1 + 1.5 / len(name.split("_"))}  # and relu before leaky_relu
    for mark, made in (
        (LEGS, lambda: legs(config)),
        (UNNOTICED, lambda: listed(recorded(config))),
        (DERIVATION, derivation),
    ):
        if mark in markdown:
            markdown = markdown.replace(mark, made())
    if EVIDENCE.search(markdown):
        record = recorded(config)
        markdown = EVIDENCE.sub(lambda m: evidence(m[1], record), markdown)
    return DEFINITION.sub(lambda m: fenced(load_project()[m[1]][0].source.strip()), markdown)


def evidence(name: str, record: Mapping[str, Any]) -> str:
    """A layer's badges, as its own page has them, and what is on the badges in words."""
    legs = record[name]["legs"]
    shown = badges(legs, name).replace('href="#', f'href="layers/{name}/#')
    said = " · ".join(f"{leg['leg']}: {leg['text']}" for leg in legs)
    return f'{shown}\n\n<p class="gb-said" data-search-exclude>{said}</p>'


def legs(config: MkDocsConfig) -> str:
    """What the last verification recorded: layer by leg, the numbers with which each passed; a dash for what is new."""
    record = recorded(config)
    kept = {name: record[name]["legs"] if name in record else [] for name in sorted(load_project())}
    found = {name: {leg["leg"]: leg for leg in own} for name, own in kept.items()}
    columns = [leg for leg in LADDER if any(leg in one for one in found.values())]
    rows = ((f"[{name}](layers/{name}.md)", *(cell(one.get(leg)) for leg in columns)) for name, one in found.items())
    return table(("layer", *columns), rows)


def cell(leg: dict[str, Any] | None) -> str:
    """How much a leg compared, or what its badge says where that is no number of comparisons."""
    if leg is None:
        return "—"
    if not leg["passed"]:
        return f"**{leg['text']}**"
    counted = COUNT.search(leg["text"]) or COUNT.search(leg["detail"])
    return counted[1] if counted else leg["text"]


def derivation() -> str:
    """The steps of one layer as the engine makes them now, with the gradient they end in."""
    lines = step_lines(derive(load_project()["softmax"][0]))
    steps = (f"{n}  {line}".replace(":  ", ":\n   ").replace("   (", "\n   (") for n, line in enumerate(lines, 1))
    return "```\n" + "\n\n".join(steps) + "\n```"


def on_page_content(html: str, page: Page, **_: Any) -> str:
    return linked(html) if page.file.src_uri.startswith("layers/") else html


def on_pre_build(**_: Any) -> None:
    shown.clear()
    built.clear()


def on_post_page(output: str, page: Page, **_: Any) -> None:
    shown.update(characters([output]))
    built[page.url.strip("/") or "home"] = output


def on_post_build(config: MkDocsConfig) -> None:
    with_font(config)
    if found := unchecked():  # an error, not a warning: with --quiet, --strict does not count warnings
        raise PluginError("\n".join(["every formula needs a check (tests/page/prose); these have none:", *found]))
    site = Path(config.site_dir)
    (worker,) = site.glob("assets/javascripts/workers/search.*.js")
    worker.write_text(SEARCH.read_text(encoding="utf-8") + worker.read_text(encoding="utf-8"), encoding="utf-8")
    for name in (n for n, html in built.items() if COUNTED in html):
        file = site / ("" if name == "home" else name) / "index.html"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(COUNTED, COUNTED.replace("><", f">{executed(config)}<")), encoding="utf-8")


def unchecked() -> list[str]:
    """The formulas that nothing executes, named by the reader of pages, which is a part of the tests."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from tests.page.prose.page import unchecked

    return unchecked({name: html for name, html in built.items() if "<math" in html})


def executed(config: MkDocsConfig) -> str:
    """How many formulas of the site the last verification read and executed, and how many there are.

    A page that has not as many as were recorded is another than was read: none of its formulas counts.
    """
    read = 0
    for name, entry in recorded(config).items():
        for leg in entry["legs"]:
            page = {"page": f"layers/{name}", "prose": name}.get(leg["leg"], "")
            if (m := FORMULAS.match(leg["text"])) and built.get(page, "").count("<math") == int(m[2]):
                read += int(m[1])
    return f"{read:,} of {sum(html.count('<math') for html in built.values()):,}"


def recorded(config: MkDocsConfig) -> dict[str, Any]:
    """The record of the last verification."""
    text = (Path(config.docs_dir) / "assets" / "verification.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def with_font(config: MkDocsConfig) -> None:
    place = Path(config.site_dir) / "assets" / styles.FONT
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(subset(shown))
