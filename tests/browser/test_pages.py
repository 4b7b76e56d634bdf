"""The site in a real browser: on a phone, a tablet and a desk, light and dark.

Of the layers' pages a sample (tests/sampling.py); `pytest tests/browser --every-layer` looks at every one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlparse

import pytest

from derive.notation.define import load_project
from derive.targets.synonyms import SYNONYMS
from tests import sampling

LOOK = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")
WIDTHS = {360: 740, 768: 1024, 1280: 900}
OPEN = "() => document.querySelectorAll('article details').forEach(d => d.open = true)"
COLOUR = """() => [...document.querySelectorAll('math')]
    .filter(m => getComputedStyle(m).color !== getComputedStyle(m.parentElement).color)
    .map(m => 'a colour of its own: ' + m.textContent)"""
#: Layers' pages are made alike, and looking for contrast takes seconds a page: these have everything a page can have.
ALIKE = ("layers/", "layers/layer_norm/", "layers/attention/", "layers/lstm/", "layers/gelu/")
RESULT = "document.querySelector('.md-search-result__item a')"  # the first
FORMULAS = [["math"], ["svg"]]  # have the colour of the text around them


#: Networks written out, forty equations each: smaller than now they could not be read above the fold.
LONGER = ("encoder_block", "residual_block")
SEEN = 40  # layers' pages looked at beside those of layers that changed; all with --every-layer


@pytest.fixture
def pages(site: Path, address: str, request: pytest.FixtureRequest) -> list[str]:
    """Addresses of every page that is no layer's, of layers that changed, of those above, and of a sample."""
    found = sorted(p.relative_to(site).as_posix().removesuffix("index.html") for p in site.rglob("index.html"))
    layers = {page: page.split("/")[1] for page in found if page.startswith("layers/") and page != "layers/"}
    assert len(found) - len(layers) > 20
    if not request.config.getoption("every_layer"):
        always = sampling.changed() | {page.split("/")[1] for page in ALIKE} | set(LONGER)
        drawn = sampling.drawn("browser", layers.values(), always, sampling.seed(), SEEN)
        found = [page for page in found if page not in layers or layers[page] in drawn]
    return [urljoin(address, page) for page in found]


#: The two largest tests by far in parts, so that several processes share them.
PARTS = 6


#: Every page reads the whole index of the search when it is opened, which takes longer than all that is looked at.
INDEX = "**/search/search_index.json"
NOTHING = {"config": {"lang": ["en"], "separator": " ", "pipeline": [], "fields": {}}, "docs": []}


@contextmanager
def reading(browser: Any, scheme: str, width: int = 1280, search: bool = False) -> Iterator[tuple[Any, list[str]]]:
    """A page of a reader, and what goes wrong meanwhile; unless they search, the index is empty."""
    wrong: list[str] = []
    size = {"width": width, "height": WIDTHS[width]}
    context = browser.new_context(color_scheme=scheme, viewport=size)
    page = context.new_page()
    if not search:
        page.route(INDEX, lambda route: route.fulfill(json=NOTHING))
    page.on("console", lambda m: wrong.append(f"{page.url}: console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: wrong.append(f"{page.url}: {e}"))
    page.on("response", lambda r: wrong.append(f"{page.url}: {r.status} {r.url}") if r.status >= 400 else None)
    page.on("request", lambda r: wrong.append(f"{page.url}: another host: {r.url}") if foreign(r.url) else None)
    try:
        yield page, wrong
    finally:
        context.close()


def foreign(url: str) -> bool:
    return urlparse(url).scheme not in ("data", "blob") and urlparse(url).hostname != "127.0.0.1"


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_cut_and_nothing_complains(browser: Any, pages: list[str], scheme: str, part: int) -> None:
    """In the dark, where only colours differ, layers' pages at one width with closed folds."""
    with reading(browser, scheme) as (page, wrong):
        for url in pages[part::PARTS]:
            page.goto(url, wait_until="load")
            page.add_style_tag(content="* { transition: none !important; }")  # what slides in is not there yet
            page.evaluate("() => document.fonts.ready")
            like_in_the_light = scheme == "dark" and "/layers/" in url and not url.endswith(ALIKE)
            for folds in ("closed",) if like_in_the_light else ("closed", "open"):
                if folds == "open":
                    page.evaluate(OPEN)
                for width, height in [(1280, WIDTHS[1280])] if like_in_the_light else WIDTHS.items():
                    page.set_viewport_size({"width": width, "height": height})
                    wrong += [f"{url} at {width}, folds {folds}: {what}" for what in page.evaluate(LOOK)]
    assert not wrong, "\n".join(wrong)


def test_text_has_contrast(browser: Any, pages: list[str], address: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install gradbook[browser]").Axe()
    found: list[str] = []
    kinds = [url for url in pages if "/layers/" not in url or url.endswith(ALIKE)]
    with reading(browser, scheme) as (page, _):
        for url in kinds:
            page.goto(url, wait_until="load")
            page.evaluate(OPEN)
            found += [f"{url}: {what}" for what in page.evaluate(COLOUR)]
            text = "body" if url == address else "article"  # the frame is the same around all
            result = axe.run(
                page, context={"include": [[text]], "exclude": FORMULAS}, options={"runOnly": ["color-contrast"]}
            )
            for violation in result.response["violations"]:
                found += [f"{url}: {n['target'][0]}: {n['any'][0]['message']}" for n in violation["nodes"]]
    assert not found, "\n".join(found)


def test_folds_open_by_a_click_and_show_their_formulas(browser: Any, address: str) -> None:
    with reading(browser, "light") as (page, wrong):
        page.goto(urljoin(address, "layers/layer_norm/"))
        folds = page.locator("article details")
        assert folds.count() >= 3
        for n in range(folds.count()):
            fold = folds.nth(n)
            assert fold.get_attribute("open") is None
            fold.locator("summary").click()
            assert fold.get_attribute("open") is not None
        assert page.locator("article details math").last.bounding_box()["height"] > 5
        assert not wrong


@pytest.mark.parametrize("part", range(PARTS // 2))
def test_search_finds_layers_by_name_and_synonym(browser: Any, address: str, part: int) -> None:
    wanted = {name: {name} for name in load_project()}
    for name, others in SYNONYMS.items():
        for word in others:  # several may be called so
            wanted.setdefault(word, set()).add(name)
    missed = []
    with reading(browser, "light", search=True) as (page, wrong):
        page.goto(address)
        field = page.locator(".md-search__input")
        field.click()
        for words, named in list(wanted.items())[part :: PARTS // 2]:
            for text, state in (("", f"!{RESULT}"), (words, RESULT)):
                field.fill(text)
                field.press("End")  # the theme listens to keys
                page.wait_for_function(f"() => {state}")
            first = page.evaluate(f"() => {RESULT}.href")
            if not urlparse(first).path.endswith(tuple(f"layers/{name}/" for name in named)):
                missed.append(f"{words}: {first} stands before {', '.join(named)}")
        assert not wrong
    assert not missed, "\n".join(missed)


#: Of a page that begins with the plain case, that case's.
BOTTOM = """([all, plain]) => {
    const own = document.querySelectorAll(plain);
    return [...(own.length ? own : document.querySelectorAll(all))].at(-1).getBoundingClientRect().bottom;
}"""


def test_forward_and_gradient_are_on_the_first_screen(browser: Any, pages: list[str]) -> None:
    with reading(browser, "light") as (page, _):
        for url in pages:
            if (name := url.removesuffix("/").rpartition("/")[2]) and "/layers/" in url and not url.endswith("layers/"):
                page.goto(url)
                page.evaluate("() => document.fonts.ready")
                last = [".math[id^=eq-backward]", ".math[id^=eq-plain-backward]"]
                screens = 2 if name in LONGER else 1
                assert page.evaluate(BOTTOM, last) <= screens * WIDTHS[1280], name


def test_an_equation_is_copied_and_a_link_opens_its_fold(browser: Any, address: str) -> None:
    with reading(browser, "light") as (page, wrong):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(urljoin(address, "layers/softmax/"))
        page.hover("#eq-backward-dz")
        page.click("#eq-backward-dz .gb-copy")
        tex = page.evaluate("() => navigator.clipboard.readText()")
        assert tex == page.text_content("#eq-backward-dz annotation")
        line = page.get_attribute("article details [id^=__codelineno]", "id")
        assert not page.is_visible(f"#{line}")
        page.evaluate("line => { location.hash = line; }", line)
        page.wait_for_function("line => document.getElementById(line).closest('details').open", arg=line)
        page.click(".gb-equation >> nth=0")
        assert page.url.endswith("#eq-forward-y")
        assert wrong == []


@pytest.mark.parametrize("words", ["delta", "backpropagation", "error signal"])
def test_search_finds_the_chapter_by_the_words_of_textbooks(browser: Any, address: str, words: str) -> None:
    with reading(browser, "light", search=True) as (page, wrong):
        page.goto(address)
        field = page.locator(".md-search__input")
        field.click()
        field.fill(words)
        field.press("End")
        page.wait_for_function(f"() => {RESULT}")
        assert urlparse(page.evaluate(f"() => {RESULT}.href")).path.endswith("/backpropagation/")
        assert not wrong


def test_several_relations_stand_below_one_another_on_a_phone(browser: Any, address: str) -> None:
    """And beside one another on a desk."""
    tops = "() => [...document.querySelector('.gb-parts').children].map(e => e.getBoundingClientRect().top)"
    for width, below in ((360, True), (1280, False)):
        with reading(browser, "light", width) as (page, _):
            page.goto(urljoin(address, "backpropagation/"))
            page.evaluate("() => document.fonts.ready")
            found = page.evaluate(tops)
            assert (max(found) - min(found) > 20) == below
