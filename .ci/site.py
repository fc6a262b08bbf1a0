"""Hooks of mkdocs: the pages beside the README join the site, and links that leave docs/ are mended.

The pages are written for GitHub and read there too. So a link may lead to a module or a folder;
on the site it becomes the path in words, or a link to `repo_url` where mkdocs.yml has one.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
BESIDE = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "CODE_OF_CONDUCT.md": "project/code-of-conduct.md",
}
_SOURCE = {site: source for source, site in BESIDE.items()}
_SETTING = re.compile(r"<td><code>[A-Z][A-Z0-9_]+</code>")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```.*?^```$)", re.DOTALL | re.MULTILINE)
# Markdown for Python wants an empty line before a list or a table; GitHub does not.
_LIST = re.compile(r"^(?![ \t]*(?:[-*]|\d+\.|\|)[ ])(?!#)(\S.*)\n(?=(?:[-*]|\d+\.)[ ])", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, site in BESIDE.items():
        files.append(File.generated(config, site, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, **_: object) -> str:
    site = page.file.src_uri
    source = _SOURCE.get(site, f"docs/{site}")
    parts = _FENCE.split(markdown)
    return "".join(
        part if part.startswith("```") else _LIST.sub(r"\1\n\n", _mend(part, source, site, config))
        for part in parts
    )


def on_page_content(html: str, **_: object) -> str:
    """The page with places in the names of settings where a narrow screen may break them."""
    return _SETTING.sub(lambda cell: cell.group().replace("_", "_<wbr>"), html)


def _mend(text: str, source: str, site: str, config: MkDocsConfig) -> str:
    def one(link: re.Match[str]) -> str:
        words, target = link.groups()
        path, sharp, heading = target.partition("#")
        if "://" in target or not path:
            return link.group()
        found = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        here = posixpath.dirname(site)
        if found in BESIDE:
            return f"[{words}]({posixpath.relpath(BESIDE[found], here or '.')}{sharp}{heading})"
        if found == "README.md":
            return f"[{words}]({posixpath.relpath('index.md', here or '.')})"
        if found.startswith("docs/") and (ROOT / found).is_dir() and (ROOT / found / "index.md").exists():
            found += "/index.md"
        if found.startswith("docs/") and (ROOT / found).is_file():
            return f"[{words}]({posixpath.relpath(found[5:], here or '.')}{sharp}{heading})"
        if config.repo_url:
            return f"[{words}]({config.repo_url.rstrip('/')}/blob/main/{found})"
        return words if words.strip("`") == found else f"{words} (`{found}`)"

    return _LINK.sub(one, text)
