"""No page is forgotten: each is looked at in a browser, and has its pictures."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse

from tests.browser.test_pages import PAGES, PUBLIC
from tests.browser.world import make_world


@pytest.mark.django_db
def test_every_page_is_among_those_that_are_looked_at():
    world = make_world(tasks=32)
    client = Client()
    client.force_login(world.lead, "django.contrib.auth.backends.ModelBackend")
    looked_at = {urlsplit(where(world)).path for where in PAGES.values()} | {
        *PUBLIC.values()
    }
    patterns = [
        pattern
        for resolver in get_resolver().url_patterns
        if getattr(resolver, "namespace", "") != "admin"
        for pattern in getattr(resolver, "url_patterns", [])
    ]

    forgotten = []
    for pattern in patterns:
        assert isinstance(pattern, URLPattern)
        try:
            address = reverse(str(pattern.name))
        except NoReverseMatch:
            continue  # it is about one object
        answer = client.get(address)
        is_page = answer.status_code == 200 and "text/html" in answer["content-type"]
        if is_page and address not in looked_at:
            forgotten.append(address)

    assert forgotten == [], " ".join(forgotten)
