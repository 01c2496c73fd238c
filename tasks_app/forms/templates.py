"""From the form for new tasks to a template and back: all but prospects and dates."""

from __future__ import annotations

from django.http import QueryDict

from tasks_app.models import TaskTemplate

from .drafts import PASSING, values_of

#: Of one time only: whom it is for, and when.
ONCE = frozenset(
    {
        "how", "prospect", "pasted", "seen", "starts_at", "due_at", "due_on", "open",
        "open_seen", "template_name",
    }
)  # fmt: skip


def lasts(name: str) -> bool:
    """Return whether a template keeps this field."""
    return name not in ONCE and name not in PASSING and not name.startswith("filter_")


def template_values(source: QueryDict) -> dict[str, list[str]]:
    return {name: found for name, found in values_of(source).items() if lasts(name)}


def with_template(source: QueryDict, template: TaskTemplate) -> QueryDict:
    """Return the form filled from the template, its prospects and dates untouched."""
    filled = source.copy()
    for name in list(filled):
        if lasts(name):
            del filled[name]
    for name, values in template.values.items():
        if lasts(name):
            filled.setlist(name, values)
    return filled
