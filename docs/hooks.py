"""MkDocs hook: what the site has in common with a page by itself: extensions, styles, the formulas' font."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from derive.targets.html import styles
from derive.targets.html.extensions import EXTENSIONS
from derive.targets.html.fonts import characters, subset
from derive.targets.synonyms import SYNONYMS

shown: set[str] = set()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.markdown_extensions = [*dict.fromkeys([*config.markdown_extensions, *EXTENSIONS])]
    config.mdx_configs = {**config.mdx_configs, **EXTENSIONS}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for file in styles.SHARED:
        files.append(File.generated(config, f"assets/{file.name}", abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> None:
    """A layer is found by its names before what mentions it."""
    name = Path(page.file.src_uri).stem
    if page.file.src_uri.startswith("layers/") and name != "index":
        page.meta["tags"] = [name, *SYNONYMS.get(name, ())]
        page.meta["search"] = {"boost": 1 + 1.5 / len(name.split("_"))}  # relu before leaky_relu


def on_pre_build(**_: Any) -> None:
    shown.clear()


def on_post_page(output: str, **_: Any) -> None:
    shown.update(characters([output]))


def on_post_build(config: MkDocsConfig) -> None:
    place = Path(config.site_dir) / "assets" / styles.FONT
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(subset(shown))
