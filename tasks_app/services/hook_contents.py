"""What a vendor's post may be about: the ids that occur in it, and nothing it says.

A body is whatever somebody sent: any size up to the cap, any depth, JSON or not.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

#: Values looked at in one body, ids taken from it, and levels gone down.
MOST_VALUES = 20_000
MOST_IDS = 2_000
DEEPEST = 20

PLAUSIBLE = re.compile(r"[0-9A-Za-z_-]{1,100}")
GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
#: The vendors' words for "a task was created": for our own tasks that is an echo.
CREATION = {"task-created", "task-create"}


@dataclass(frozen=True)
class Hint:
    """Texts that may be ids of tasks, and whether it only tells of a creation."""

    ids: frozenset[str] = frozenset()
    creation: bool = False


def hint_of(body: str) -> Hint:
    """Return what this body may be about; an empty hint where it names nothing."""
    content = parsed(body)
    if content is None:
        return Hint(frozenset(plausible(PLAUSIBLE.findall(unquote_plus(body)))))
    return Hint(frozenset(plausible(texts_in(content))), tells_of_creation(content))


def parsed(text: str) -> Any:
    """Return the JSON list or object in this text, None where there is none."""
    text = text.strip("\ufeff \t\r\n")
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def texts_in(content: Any) -> list[str]:
    """Return texts and whole numbers in it, also those in JSON that stands as text."""
    texts: list[str] = []
    waiting = [(content, 0)]
    for _ in range(MOST_VALUES):
        if not waiting:
            break
        value, depth = waiting.pop()
        if isinstance(value, str) and value[:1] in ("{", "[") and depth < DEEPEST:
            value = parsed(value)
        if isinstance(value, (dict, list)):
            if depth < DEEPEST:
                inner = value.values() if isinstance(value, dict) else value
                waiting += [(item, depth + 1) for item in inner]
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            texts.append(str(value))
    return texts


def plausible(texts: list[str]) -> set[str]:
    """Return those that may be ids; a GUID also in small letters."""
    ids: set[str] = set()
    for text in texts:
        if len(ids) >= MOST_IDS:
            break
        if PLAUSIBLE.fullmatch(text):
            ids.add(text)
            if GUID.fullmatch(text):
                ids.add(text.lower())
    return ids


def tells_of_creation(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    words = [value for value in content.values() if isinstance(value, str)]
    return any(word.casefold().replace("_", "-") in CREATION for word in words)
