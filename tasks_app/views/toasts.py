"""What a message offers beside its words: a way to undo, or a page to read more."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from django.contrib.messages.storage.base import Message


@dataclass(frozen=True)
class Links:
    """`undo` is posted to, with the page to show after it as `next` and the list it
    came from as `in_list`; `page` is only a link, called `label`."""

    undo: str = ""
    next: str = ""
    in_list: str | None = None
    page: str = ""
    label: str = ""

    def __str__(self) -> str:
        """Return it as a message's `extra_tags`, from which `links_of` reads it."""
        return json.dumps(asdict(self))


def links_of(message: Message) -> Links:
    """Return the links that a view put beside its message, empty if it put none."""
    try:
        return Links(**json.loads(message.extra_tags or "{}"))
    except (ValueError, TypeError):
        return Links()
