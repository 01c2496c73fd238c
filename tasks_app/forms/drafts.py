"""From the form for new tasks to its draft and back, without judging what was typed."""

from __future__ import annotations

import uuid

from django.http import QueryDict

from tasks_app.models import FormDraft
from tasks_app.services.form_drafts import Typed
from tasks_app.services.prospect_query import ProspectQuery

from .choosing import choice_from, token_from

#: What belongs to one sending of the form, not to what was typed.
PASSING = frozenset(
    {
        "csrfmiddlewaretoken", "form_token", "page", "version", "do", "add", "remove",
        "go", "at", "seen", "q", "draft", "template", "template_name", "prospects",
        "next", "pick", "words_seen",
    }
)  # fmt: skip
#: Fields that hold something from the start.
WRITTEN = ("title", "note", "pasted", "prospect", "filter_text", "filter_company")


def page_id(source: QueryDict) -> uuid.UUID:
    """Return which open page this is: the same until somebody opens it anew."""
    try:
        return uuid.UUID(source.get("page", ""))
    except ValueError:
        return uuid.uuid4()


def version_of(source: QueryDict) -> int:
    text = source.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def values_of(source: QueryDict) -> dict[str, list[str]]:
    """Return all that was typed, by field."""
    chosen = choice_from(source).ids
    values = {
        name: [str(value) for value in found]
        for name, found in source.lists()
        if name not in PASSING
    }
    if chosen:
        values["prospect"] = [str(pk) for pk in chosen]
    else:
        values.pop("prospect", None)
    return values


def typed_from(source: QueryDict) -> Typed:
    values = values_of(source)
    return Typed(
        token=token_from(source),
        values=values,
        title=title_of(source),
        people=people_of(source),
        page=page_id(source),
        version=version_of(source),
    )


def title_of(source: QueryDict) -> str:
    """Return what this draft is called in a list: its title, else its first line."""
    lines = [source.get("title", ""), *source.get("note", "").splitlines()]
    return next((line.strip() for line in lines if line.strip()), "")


def people_of(source: QueryDict) -> str:
    """Return in a few words whom it is for, '' for nobody yet."""
    choice = choice_from(source)
    if choice.how == "paste":
        lines = sum(bool(line.strip()) for line in choice.pasted.splitlines())
        return counted(lines, "pasted line") if lines else ""
    if choice.how == "filter":
        asked = choice.filter
        if asked == ProspectQuery():
            return "all prospects"
        words = [w for w in (asked.text, asked.company, asked.tag) if w]
        return f"all matching {', '.join(words) or 'a filter'}"
    return counted(len(choice.ids), "prospect") if choice.ids else ""


def counted(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number:,} {word}s"


def is_blank(source: QueryDict) -> bool:
    """Return whether nothing would be lost with this form."""
    return not any(value.strip() for n in WRITTEN for value in source.getlist(n))


def source_of(draft: FormDraft) -> QueryDict:
    """Return what was typed, as if it came from the form itself."""
    source = QueryDict(mutable=True)
    for name, values in draft.values.items():
        source.setlist(name, values)
    source["form_token"] = str(draft.form_token)
    source["version"] = str(draft.version)
    return source
