"""MkDocs hook: put the mathematics font into the site.

STIX Two Math (SIL Open Font License) comes inside the wheel of `ziamath`, so the repository carries no font
file. Without the wheel the build goes on and browsers fall back to their own mathematics font.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

FONT = "assets/fonts/STIXTwoMath-Regular.ttf"  # the address in assets/math.css

log = logging.getLogger("mkdocs.hooks.font")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    spec = find_spec("ziamath")  # found, not imported
    places = list(spec.submodule_search_locations or []) if spec else []
    font = next((p for place in places if (p := Path(place) / "fonts" / Path(FONT).name).is_file()), None)
    if font is None:
        log.info("no STIX Two Math: install the docs extra")
    else:
        files.append(File.generated(config, FONT, abs_src_path=str(font)))
    return files
