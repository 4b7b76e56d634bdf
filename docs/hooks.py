"""MkDocs hook: what the site has in common with a page by itself: extensions, styles, the formulas' font."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from derive.targets.html import styles
from derive.targets.html.extensions import EXTENSIONS
from derive.targets.html.fonts import characters, subset

shown: set[str] = set()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.markdown_extensions = [*dict.fromkeys([*config.markdown_extensions, *EXTENSIONS])]
    config.mdx_configs = {**config.mdx_configs, **EXTENSIONS}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for file in styles.SHARED:
        files.append(File.generated(config, f"assets/{file.name}", abs_src_path=str(file)))
    return files


def on_pre_build(**_: Any) -> None:
    shown.clear()


def on_post_page(output: str, **_: Any) -> None:
    shown.update(characters([output]))


def on_post_build(config: MkDocsConfig) -> None:
    place = Path(config.site_dir) / "assets" / styles.FONT
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(subset(shown))
