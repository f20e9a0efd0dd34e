"""The HTML of the sign-in: a page for an error, and the choice of a persona in development."""

from collections.abc import Iterable
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from app.auth.personas import Persona

PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of pages and redirects; the address of a callback has a code, so no other server gets it as a referrer."""

PICKER_SCRIPT: Final = "/dev-issuer/picker.js"

_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<title>{title}</title><link rel="icon" href="data:,">{head}<main><h1>{title}</h1>{body}</main></html>'
)


def error_page(message: str, status: int, headers: dict[str, str] | None = None) -> HTMLResponse:
    """Return a page with an error of a sign-in and a link to begin again."""
    body = f'<p role="alert">{escape(message)}</p><p><a href="/sign-in">Sign in</a></p>'
    policy = {"Content-Security-Policy": "default-src 'none'; img-src data:; base-uri 'none'; frame-ancestors 'none'"}
    page = _PAGE.format(title="Sign-in failed", head="", body=body)
    return HTMLResponse(page, status, headers={**PAGE_HEADERS, **policy, **(headers or {})})


def picker_page(personas: Iterable[Persona], origin: str, status: int = 200, problem: str = "") -> HTMLResponse:
    """Return the page on which a developer chooses a persona; ``origin`` is that of the callback.

    The form posts to the address of the page, which has the parameters of the request.
    """
    choices = "".join(
        f'<p><button name="persona" value="{escape(each.name)}">{escape(each.name)}</button> {escape(each.about)}</p>'
        for each in personas
    )
    alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    key = (
        "<p><label>Key of this machine, which <code>mlg dev</code> prints behind <code>#key=</code>: "
        '<input name="key" type="password" id="key" autocomplete="off" required></label></p>'
    )
    policy = (
        f"default-src 'none'; script-src 'self'; img-src data:; form-action 'self' {origin}; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    page = _PAGE.format(
        title="Sign in as a persona",
        head=f'<script defer src="{PICKER_SCRIPT}"></script>',
        body=f'{alert}<form method="post">{key}{choices}</form>',
    )
    return HTMLResponse(page, status, headers={**PAGE_HEADERS, "Content-Security-Policy": policy})
