"""Icons are those of the package, drawn once."""

from __future__ import annotations

from django.template import engines
from lucide.templatetags import lucide as package

from tasks_app.templatetags import icons


def test_an_icon_is_the_packages_own() -> None:
    template = engines["django"].from_string(
        '{% load lucide %}{% lucide "plus" size=16 class="icon" %}'
    )

    shown = template.render({})

    assert shown == package.lucide("plus", size=16, **{"class": "icon"})
    assert shown.startswith("<svg")


def test_an_icon_is_drawn_once(monkeypatch) -> None:
    icons.drawn.cache_clear()
    drawn = []

    def draw(name: str, **attributes: object) -> str:
        drawn.append(name)
        return name

    monkeypatch.setattr(package, "lucide", draw)
    for size in (16, 16, 14):
        icons.lucide("plus", size=size)
    icons.drawn.cache_clear()

    assert drawn == ["plus", "plus"]
