"""Every link of the built site leads somewhere: the page is there, and so is the place on it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

HOST = "https://here.invalid/"


class Places(HTMLParser):
    """The places of a page that a link may name, and the addresses that it links to."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address, self.ids, self.links = address, set[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids |= {value for name, value in attrs if name == "id" and value}
        self.links |= {urljoin(self.address, value) for name, value in attrs if tag == "a" and name == "href" and value}


def lost(site: Path) -> tuple[list[str], int]:
    """The links of a site that lead nowhere, each with its page, and how many there are."""
    files = sorted(site.rglob("index.html"))
    pages = [
        Places(HOST + p.relative_to(site).as_posix().removesuffix("index.html"), p.read_text("utf-8")) for p in files
    ]
    places = {page.address: page.ids for page in pages}
    found, count = [], 0
    for page in pages:
        for link in sorted(link for link in page.links if link.startswith(HOST)):
            count += 1
            where, fragment = urldefrag(link)
            if where in places:
                # the theme's own places are made by its scripts
                if fragment and unquote(fragment) not in places[where] and not fragment.startswith("__"):
                    found.append(f"{page.address}: {link} has no such place")
            elif not (site / unquote(urlparse(where).path).lstrip("/")).is_file():
                found.append(f"{page.address}: {link} is not there")
    return found, count


def test_every_link_leads_somewhere(site: Path) -> None:
    found, count = lost(site)
    assert not found, "\n".join(found)
    assert count > 10_000


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_text('<p id="here"><a href="a/">a</a> <a href="a/#gone">b</a> <a href="b/">c</a>')
    (tmp_path / "a" / "index.html").write_text('<a href="../#here">up</a> <a href="https://elsewhere.org/x">d</a>')
    assert lost(tmp_path) == ([f"{HOST}: {HOST}a/#gone has no such place", f"{HOST}: {HOST}b/ is not there"], 4)
