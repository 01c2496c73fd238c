"""What each vendor takes, as a table that its adapter alone fills in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tasks_app.models import Push
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.drafts import AccountConfig
from tasks_app.vendors.offers import FormField

from .wording import CHANNELS, vendor_look

#: Fields that have a row of their own.
NAMED = ("title", "note", "priority", "starts_at", "due_at", "due_on", "assignee")


@dataclass(frozen=True)
class Row:
    """One line: a label, and what each vendor has; '' where it has nothing."""

    label: str
    cells: tuple[str, ...]


@lru_cache(maxsize=8)
def vendor_matrix(slugs: tuple[str, ...] = tuple(ADAPTERS)) -> list[Row]:
    """Return the rows for these vendors, in this order."""
    facts = [facts_of(slug) for slug in slugs]
    return [Row(label, tuple(fact[label] for fact in facts)) for label in facts[0]]


def facts_of(slug: str) -> dict[str, str]:
    vendor = ADAPTERS[slug]
    fields = fields_of(vendor)
    return {
        "Task types": types(vendor),
        "Title": title(fields),
        "Text": fields["note"].label if "note" in fields else "",
        "Due": due(fields),
        "Priority": priorities(vendor, fields),
        "Assignee": assignee(fields),
        "Prospect’s id": "Needed" if vendor.needs_prospect_id else "Not always needed",
        "Extras": listed(extras(fields)),
        "Many at once": many(vendor),
        "Afterwards": afterwards(vendor),
    }


def fields_of(vendor: type[VendorAdapter]) -> dict[str, FormField]:
    """Return every field that some type of this vendor takes, by name."""
    adapter = vendor(AccountConfig(vendor.base_urls[0][0]))
    codes = [info.code for info in vendor.fixed_types or ()] or [""]
    found: dict[str, FormField] = {}
    for code in codes:
        for field in adapter.fields(code):
            found.setdefault(field.name, field)
    return found


def types(vendor: type[VendorAdapter]) -> str:
    if vendor.fixed_types is None:
        return f"The types set up in {vendor.name}"
    if len(vendor.fixed_types) == 1:
        return "One type"
    channels = dict.fromkeys(info.channel.value for info in vendor.fixed_types)
    names = [CHANNELS[channel] for channel in channels]
    return f"{len(vendor.fixed_types)} types: {listed(names)}"


def title(fields: dict[str, FormField]) -> str:
    if "title" not in fields:
        return ""
    most = fields["title"].max_length
    return f"Yes, up to {most} characters" if most else "Yes"


def due(fields: dict[str, FormField]) -> str:
    if "starts_at" in fields:
        return "Start and due time"
    if "due_at" in fields:
        return "Date and time"
    return "Date" if "due_on" in fields else ""


def priorities(vendor: type[VendorAdapter], fields: dict[str, FormField]) -> str:
    if "priority" not in fields:
        return ""
    highest_first = sorted(vendor.priorities, reverse=True)
    return listed([priority.name.capitalize() for priority in highest_first])


def assignee(fields: dict[str, FormField]) -> str:
    if "assignee" not in fields:
        return ""
    return "Needed" if fields["assignee"].required else "Yes"


def extras(fields: dict[str, FormField]) -> list[str]:
    """Return the labels of all other fields, what follows a comma left out."""
    labels = [f.label.split(",")[0] for name, f in fields.items() if name not in NAMED]
    return list(dict.fromkeys(labels))


def many(vendor: type[VendorAdapter]) -> str:
    if vendor.create_limit == 1:
        return "One request for each"
    return f"Up to {vendor.create_limit} in one request"


def afterwards(vendor: type[VendorAdapter]) -> str:
    """Return what can be done from Baton to a task that is there."""
    actions = [Push.Kind(action.value).label for action in vendor.capabilities]
    return listed(actions) if actions else f"Only in {vendor.name} itself"


def listed(words: list[str]) -> str:
    """Return "Note, skip, snooze": a capital for the first alone, names kept."""
    kept = ("E-mail", "LinkedIn", "WhatsApp", "SMS")
    rest = [w if w in kept[1:] else w[:1].lower() + w[1:] for w in words[1:]]
    return ", ".join([*words[:1], *rest])


def columns(slugs: tuple[str, ...] = tuple(ADAPTERS)) -> list[object]:
    return [vendor_look(slug) for slug in slugs]
