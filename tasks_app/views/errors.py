"""Pages for answers that Django leaves bare."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

#: Status → the page that says what to do.
PAGES = {405: "405.html", 429: "429.html"}


def explain(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Give a refusal without any text a page of its own; others stay as they are."""
    page = PAGES.get(response.status_code)
    if page and not response.streaming and not response.content:
        response.content = render_to_string(page, request=request).encode()
        response["Content-Type"] = "text/html; charset=utf-8"
    return response
