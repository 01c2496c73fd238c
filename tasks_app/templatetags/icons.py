"""`{% lucide %}` as the package has it, with each icon drawn once and kept.

The package copies and writes an XML tree for each use: a fifth of a millisecond, and a
page has sixty of them. `TEMPLATES` names this library in the place of the package's.
"""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from lucide.templatetags import lucide as package

register = template.Library()


@register.simple_tag
def lucide(name: str, *, size: int | None = 24, **attributes: str) -> SafeString:
    return drawn(name, size, tuple(attributes.items()))


@lru_cache(maxsize=512)
def drawn(
    name: str, size: int | None, attributes: tuple[tuple[str, str], ...]
) -> SafeString:
    return conditional_escape(package.lucide(name, size=size, **dict(attributes)))
