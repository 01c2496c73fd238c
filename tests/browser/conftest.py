"""A real Chromium on a real server, with practice vendors behind it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    sync_playwright,
)

from tasks_app import practice
from tasks_app.services.demo import prepare_demo, sign_ins
from tasks_app.services.transport import default_transport

# Playwright's loop runs in this thread, and Django takes that for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    # Nothing leaves this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
#: What htmx says when a page is left, or a newer request replaces one.
GIVEN_UP = ("htmx:afterRequest", "htmx:sendError", "htmx:sendAbort")
#: What the browser says of an answer that is no success.
NOT_LOADED = "Failed to load resource"
#: What the browser says while a test has taken its connection away.
OFFLINE = "net::ERR_INTERNET_DISCONNECTED"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("BATON_ALL"):
            pytest.fail("Chromium is missing: install the package chromium.")
        pytest.skip("Chromium is missing.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def session_cookie(user: User, url: str) -> Any:
    """Return the cookie of a session that `user` has just begun."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    name = django_settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


OpenPage = Callable[..., Page]


def is_trouble(message: ConsoleMessage, address: str) -> bool:
    """Return whether what the page at this address said means that it is faulty."""
    text, where = message.text, message.location["url"]
    if text.startswith(GIVEN_UP) or OFFLINE in text:
        return False
    # A page that answers 404 or 422 on purpose is no trouble; a missing file is.
    if text.startswith(NOT_LOADED) and where == address:
        return False
    return message.type in ("error", "warning")


@pytest.fixture
def open_page(chromium: Browser, live_server: Any) -> Iterator[OpenPage]:
    """Opens a page as `user` (None: signed out); errors of the page fail the test."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def note(page: Page, message: ConsoleMessage) -> None:
        if is_trouble(message, page.url):
            troubles.append(f"{message.text} ({message.location['url']})")

    def open_as(user: User | None = None, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, **{"viewport": DESKTOP, **options}
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        if user is not None:
            context.add_cookies([session_cookie(user, live_server.url)])
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: note(page, message))
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def demo(
    transactional_db: None, settings: Any
) -> Iterator[dict[str, practice.PracticeServer]]:
    """The demo as a first start makes it, without limits on the practice vendors."""
    servers = {
        slug: practice.start(slug, bulk_delay=0.1, rate_limit=None)
        for slug in practice.VENDORS
    }
    ports = [server.port for server in servers.values()]
    settings.EXTRA_VENDOR_HOSTS = [f"127.0.0.1:{port}" for port in ports]
    default_transport.cache_clear()
    assert prepare_demo(transport=default_transport(), ports=ports) == []
    yield servers
    default_transport.cache_clear()
    for server in servers.values():
        server.close()
        assert server.errors == []


def password_of(username: str) -> str:
    found = {person.username: person.password for person in sign_ins()}
    password = found[username]
    assert password, "The demo's people were not made by this test."
    return password


def work(*command: str) -> str:
    """Do in the foreground what the worker would: push or sync."""
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()
