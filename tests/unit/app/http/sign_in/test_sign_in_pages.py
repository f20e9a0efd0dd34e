"""Pages of the sign-in: nothing runs on an error, and no text of a request becomes part of a page."""

from app.auth.personas import Persona, personas
from app.http.sign_in.sign_in_pages import error_page, picker_page
from policies.principal import PrincipalKind


def test_an_error_page_runs_nothing() -> None:
    """Its message is text, and its policy permits neither scripts nor forms nor frames."""
    page = error_page("<script>alert(1)</script>", 400, {"Retry-After": "3"})
    text = bytes(page.body).decode()
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert (page.status_code, page.headers["retry-after"]) == (400, "3")
    assert (
        page.headers["content-security-policy"]
        == "default-src 'none'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    )
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")


def test_the_choice_lists_all_personas() -> None:
    """Each persona is a button; the form may lead to the callback, and the page has no script of its own."""
    page = picker_page(personas().values(), "http://127.0.0.1:8000")
    text = bytes(page.body).decode()
    assert [f'value="{name}"' in text for name in personas()] == [True] * len(personas())
    assert "form-action 'self' http://127.0.0.1:8000;" in page.headers["content-security-policy"]
    assert 'role="alert"' not in text
    odd = Persona("<b>", "<i>", PrincipalKind.PERSON, "x")
    assert "<b>" not in bytes(picker_page([odd], "http://x", 403, "<u>").body).decode()
