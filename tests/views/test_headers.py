"""Security headers on every kind of answer, and templates that need no exception."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tasks_app.views import tasks as tasks_views
from tests.factories import make_task, make_team, make_user

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
}


def check_headers(response: HttpResponse) -> None:
    policy = response["Content-Security-Policy"]
    assert {part.strip() for part in policy.split(";") if part.strip()} == POLICY
    assert "unsafe" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.fixture
def lead() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user(make_team(), is_staff=True, is_superuser=True))
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/tasks/", 200),
        ("/tasks/?status=open", 200),
        ("/tasks/export.csv", 200),
        ("/nothing/", 404),
        ("/theme/", 405),
        ("/healthz", 200),
        ("/password/", 200),
        ("/admin/", 200),
        ("/admin/auth/user/", 200),
    ],
)
def test_pages_carry_the_policy(lead: Client, url: str, status: int) -> None:
    response = lead.get(url)

    assert response.status_code == status
    check_headers(response)


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/sign-in/", "/admin/login/", "/tasks/"])
def test_answers_to_strangers_carry_the_policy(url: str) -> None:
    check_headers(Client().get(url))


@pytest.mark.django_db
def test_a_refusal_carries_the_policy() -> None:
    client = Client()
    client.force_login(make_user())

    response = client.get("/tasks/")

    assert response.status_code == 403
    check_headers(response)


@pytest.mark.django_db
def test_a_part_of_a_page_carries_the_policy(lead: Client) -> None:
    check_headers(lead.get("/tasks/", headers={"HX-Request": "true"}))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (SuspiciousOperation("odd"), 400, "did not understand"),
        (RuntimeError("broken: key-saleshandy"), 500, "Baton has a fault here"),
    ],
)
def test_faults_carry_the_policy_and_tell_nothing(
    lead: Client,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    sentence: str,
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(tasks_views, "read_filter", fail)

    response = lead.get("/tasks/")

    assert response.status_code == status
    check_headers(response)
    assert sentence in response.text
    assert str(error) not in response.text


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused_with_a_sentence() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(make_team()))
    task = make_task()

    for url in (reverse("theme"), reverse("task-retry", args=[task.pk])):
        response = client.post(url)

        assert response.status_code == 403
        assert "too old" in response.text
        check_headers(response)


@pytest.mark.django_db
def test_cookies_are_not_for_scripts_and_not_for_other_sites() -> None:
    client = Client()
    user = make_user(make_team())

    client.post(
        "/sign-in/", {"username": user.get_username(), "password": "baton-test-pass"}
    )

    session = client.cookies[settings.SESSION_COOKIE_NAME]
    assert session["httponly"]
    assert session["samesite"] == "Lax"


# -- templates ---------------------------------------------------------------------------

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(p for p in (ROOT / "templates").rglob("*") if p.is_file())
FORBIDDEN: dict[str, str] = {
    "a style attribute": r"\sstyle\s*=",
    "a style element": r"<style\b",
    "a script in the page": r"<script(?![^>]*\ssrc=)[^>]*>",
    "an event attribute": r"\son[a-z]+\s*=",
    "hx-on": r"hx-on",
    "a script as an address": r"javascript:",
    "a trigger filter or js: value": r"hx-(?:vals|headers)\s*=\s*[\"']js:",
    "an unescaped value": r"\|\s*safe\b|safeseq",
}


def found_in(text: str) -> list[str]:
    return [
        what for what, pattern in FORBIDDEN.items() if re.search(pattern, text, re.I)
    ]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_templates_need_no_exception_from_the_policy(template: Path) -> None:
    text = template.read_text()

    assert found_in(text) == []
    if template.suffix == ".html":
        assert "autoescape off" not in text


@pytest.mark.parametrize(
    "text",
    [
        '<p style="color:red">',
        "<style>",
        "<script>x</script>",
        '<a onclick="x">',
        '<a hx-on:click="x">',
        '<a href="javascript:x">',
        "{{ x|safe }}",
    ],
)
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert found_in(text)


def test_no_code_of_ours_marks_text_as_safe() -> None:
    marks: Callable[[str], object] = re.compile(
        r"mark_safe|(?:SafeString|SafeText)\("
    ).search
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tasks_app").rglob("*.py")
        if marks(path.read_text())
    ]

    assert found == []


def test_links_to_other_sites_do_not_hand_over_the_window() -> None:
    for template in TEMPLATES:
        for tag in re.findall(
            r"<a\b[^>]*target=\"_blank\"[^>]*>", template.read_text()
        ):
            assert "noreferrer" in tag, (template.name, tag)
