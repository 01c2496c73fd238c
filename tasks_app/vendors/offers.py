"""What a vendor takes and can do, for the forms and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .words import Channel


@dataclass(frozen=True)
class FieldError:
    """A sentence for the person who filled in `field` (a `FormField.name`)."""

    field: str
    message: str


@dataclass(frozen=True)
class FormField:
    """One thing this vendor takes, for the form and the command line.

    `name` is `title`, `note`, `priority`, `starts_at`, `due_at`, `due_on` or
    `assignee` for what every task has, else the name of an option. `kind` is one of
    `text long choice choices date datetime integer email pairs`. `types` limits it to
    some type codes, empty = all. `vendor_name` is the vendor's own name for it.
    """

    name: str
    label: str
    kind: str = "text"
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    max_length: int | None = None
    help: str = ""
    vendor_name: str = ""
    types: frozenset[str] = frozenset()
    default: str = ""


@dataclass(frozen=True)
class Setting:
    """One per-account setting, given as text. `choices` empty = free text."""

    name: str
    label: str
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    kind: str = "text"  # text, integer, time_zone
    help: str = ""


@dataclass(frozen=True)
class TypeInfo:
    """A type of task this account offers. `fields` keeps what the vendor demands."""

    code: str
    name: str
    channel: Channel
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Capability:
    """How this vendor does an action. `outcomes` (code, label) must be asked for types
    in `outcome_types`; `many` = most tasks in one call, 1 where there is no bulk call."""

    outcomes: tuple[tuple[str, str], ...] = ()
    outcome_types: frozenset[str] = frozenset()
    many: int = 1
    note: str = ""
