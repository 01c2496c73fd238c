"""Which prospects a form or an address names, and which form it was."""

from __future__ import annotations

import uuid

from django.http import QueryDict

from tasks_app.services.choosing import Choice
from tasks_app.services.prospect_query import ProspectQuery


def without_nul(source: QueryDict) -> QueryDict:
    """Return what was sent without NUL characters, which no text column takes."""
    if not any("\x00" in v for _, values in source.lists() for v in values):
        return source
    clean = source.copy()
    for name, values in source.lists():
        clean.setlist(name, [str(value).replace("\x00", "") for value in values])
    return clean


def token_from(source: QueryDict) -> uuid.UUID:
    """Return the token of the form that was sent, a new one where there is none."""
    try:
        return uuid.UUID(source.get("form_token", ""))
    except ValueError:
        return uuid.uuid4()


def choice_from(source: QueryDict) -> Choice:
    """Return which prospects are meant, as the form or an address names them."""
    how = source.get("how", "search")
    ids = [*source.getlist("prospect")]
    for several in source.getlist("prospects"):
        ids += several.split(",")
    removed = source.get("remove", "")
    numbers = [int(i) for i in ids if i.isdecimal() and len(i) < 19 and i != removed]
    added = source.get("add", "")
    if added.isdecimal() and len(added) < 19:
        numbers.append(int(added))
    seen = source.get("seen", "")
    return Choice(
        how=how if how in ("search", "paste", "filter") else "search",
        ids=list(dict.fromkeys(numbers)),
        pasted=source.get("pasted", "")[:2_000_000],
        filter=ProspectQuery(
            text=source.get("filter_text", "")[:200],
            tag=source.get("filter_tag", "")[:60],
            company=source.get("filter_company", "")[:200],
            known=source.get("filter_known", "")[:30],
            contact=source.get("filter_contact", "")[:10],
            work=source.get("filter_work", "")[:10],
            owner=source.get("filter_owner", "")[:30],
            reach=source.get("filter_reach", "")[:20],
        ),
        seen=int(seen) if seen.isdecimal() and len(seen) < 10 else None,
    )
