"""Which change of a list makes a step in the browser to go back to."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar
from urllib.parse import urlsplit

from django.http import HttpResponse, QueryDict
from django_htmx.http import push_url, replace_url

from .middleware import TeamRequest

Response = TypeVar("Response", bound=HttpResponse)


def keep_address(
    request: TeamRequest,
    response: Response,
    address: str,
    *,
    texts: Collection[str] = ("q",),
    days: Collection[str] = (),
) -> Response:
    """Let the browser show this address of a list, which htmx has asked for.

    The same list again makes no step, and what somebody types makes none for each
    letter. A day does only when it is begun: a browser tells of it digit by digit.
    """
    before = parts_of(request.htmx.current_url_abs_path or "")
    after = parts_of(address)
    names = before.keys() | after.keys()
    changed = {name for name in names if before.get(name) != after.get(name)}
    if not changed:
        return push_url(response, False)
    begun = {name for name in days if name in before}
    typed = changed - {"page"}
    if typed and typed <= {*texts, *begun}:
        return replace_url(response, address)
    return push_url(response, address)


def parts_of(address: str) -> dict[str, str]:
    """Return what an address asks for; values by commas are the same as many."""
    query = QueryDict(urlsplit(address).query)
    parts = {name: ",".join(filter(None, query.getlist(name))) for name in query}
    return {name: value for name, value in parts.items() if value}
