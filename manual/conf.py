"""The configuration of Sphinx for the site. Each warning is an error; the Makefile says so on the command line."""

import os
from typing import Any

from pygments.lexers.data import JsonLexer
from sphinx.application import Sphinx

project = "Model Lifecycle Graph"
html_title = project
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
nitpicky = True

myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 5
suppress_warnings = ["misc.highlighting_failure"]
"""Blocks may be shortened with an ellipsis, which their languages do not know."""

html_theme = "furo"
html_static_path = [os.environ["SITE_STATIC"]]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_show_search_summary = False  # a page that was opened as a file may not read others
html_theme_options = {"source_repository": "", "top_of_page_buttons": []}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def _with_diagrams(app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Load the library of diagrams on pages that have one."""
    if 'class="mermaid"' in context.get("body", ""):
        app.add_js_file("mermaid.js")
        app.add_js_file("diagrams.js")


def setup(app: Sphinx) -> None:
    """Register what the pages need beside MyST."""
    app.add_lexer("jsonl", JsonLexer)
    app.connect("html-page-context", _with_diagrams)
