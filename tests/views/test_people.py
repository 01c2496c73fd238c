"""Signing in and out, setting a password, choosing team and theme."""

from __future__ import annotations

import re

import pytest
from axes.utils import reset as reset_axes
from django.conf import settings
from django.core import mail
from django.test import Client, override_settings
from django.urls import reverse

from tests.factories import make_account, make_task, make_team, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "baton-test-pass"


def sign_in(client: Client, name: str, password: str = PASSWORD, **more: str):
    return client.post("/sign-in/", {"username": name, "password": password, **more})


def test_wrong_password_gets_a_sentence_and_keeps_the_name() -> None:
    user = make_user(make_team())

    answer = sign_in(Client(), user.username, "wrong")

    assert "The name or the password is not right." in answer.text
    assert f'value="{user.username}"' in answer.text
    assert "wrong" not in answer.text.replace("Too many wrong", "")


def test_unknown_and_retired_people_get_the_same_answer() -> None:
    make_user(make_team(), username="gone", is_active=False)

    answers = {
        name: re.sub(r'value="[^"]*"', "", sign_in(Client(), name).text)
        for name in ("gone", "nobody")
    }

    assert answers["gone"] == answers["nobody"]


@pytest.mark.parametrize("name", ["", "a" * 5000, "\0", "a\0b", "<script>", "@", "x@y"])
def test_any_name_is_answered(name: str) -> None:
    assert sign_in(Client(), name).status_code == 200


def test_sign_in_by_name_or_by_e_mail() -> None:
    user = make_user(make_team(), username="Maya")

    for name in ("Maya", user.email, user.email.upper()):
        client = Client()
        assert sign_in(client, name).status_code == 302, name
        assert client.get("/tasks/").status_code == 200


def test_an_e_mail_that_two_people_share_signs_in_neither() -> None:
    for name in ("one", "two"):
        user = make_user(make_team(), username=name)
        user.email = "both@baton.example"
        user.save()

    assert sign_in(Client(), "both@baton.example").status_code == 200


def test_the_session_ends_with_the_browser_unless_asked_to_stay() -> None:
    user = make_user(make_team())
    brief, long = Client(), Client()

    sign_in(brief, user.username)
    sign_in(long, user.username, remember="on")

    assert not brief.cookies[settings.SESSION_COOKIE_NAME]["max-age"]
    assert long.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 7 * 24 * 3600


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:1"]
)
def test_sign_in_never_leads_elsewhere(target: str) -> None:
    user = make_user(make_team())

    assert sign_in(Client(), user.username, next=target)["Location"] == "/"


def test_signing_in_leads_to_the_page_that_was_wanted() -> None:
    user = make_user(make_team())

    assert (
        sign_in(Client(), user.username, next="/tasks/?q=a")["Location"]
        == "/tasks/?q=a"
    )


@override_settings(AXES_ENABLED=True)
def test_too_many_wrong_passwords_block_and_say_until_when() -> None:
    reset_axes()
    user = make_user(make_team(), username="Maya")
    client = Client(REMOTE_ADDR="127.0.0.9")

    for _ in range(settings.AXES_FAILURE_LIMIT):
        answer = sign_in(client, "Maya", "wrong")

    assert answer.status_code == 429
    assert "Try again in 15 minutes, after" in answer.text
    assert re.search(r"after \d\d:\d\d UTC", answer.text)
    assert sign_in(client, "Maya").status_code == 429
    assert sign_in(client, user.email).status_code == 429
    # The owner, from elsewhere, is not locked out.
    assert sign_in(Client(REMOTE_ADDR="127.0.0.10"), "Maya").status_code == 302


def test_signing_out_takes_a_form() -> None:
    client = Client()
    client.force_login(make_user(make_team()))

    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/tasks/").status_code == 302


# -- a new password ------------------------------------------------------------------------


def link_in(message: str) -> str:
    found = re.search(r"https?://[^/]+(/\S+)", message)
    assert found
    return found[1]


def test_a_new_password_by_mail() -> None:
    user = make_user(make_team())
    client = Client()

    asked = client.post("/password/", {"email": user.email.upper()})
    (message,) = mail.outbox
    page = client.get(link_in(message.body), follow=True)
    url = page.redirect_chain[-1][0]
    weak = client.post(url, {"new_password1": "short", "new_password2": "short"})
    done = client.post(
        url, {"new_password1": "quite-a-long-one", "new_password2": "quite-a-long-one"}
    )

    assert asked["Location"] == reverse("password-reset-done")
    assert message.subject == "Set your password for Baton"
    assert user.username in message.body
    assert "too short" in weak.text
    assert done["Location"] == reverse("password-reset-complete")
    assert sign_in(Client(), user.username, "quite-a-long-one").status_code == 302
    assert (
        "does not work any more" in client.get(link_in(message.body), follow=True).text
    )


def test_somebody_without_a_password_can_set_the_first_one() -> None:
    user = make_user(make_team())
    user.set_unusable_password()
    user.save()

    Client().post("/password/", {"email": user.email})

    assert len(mail.outbox) == 1


@pytest.mark.parametrize("email", ["nobody@baton.example", "gone@baton.example"])
def test_asking_does_not_tell_who_is_here(email: str) -> None:
    make_user(make_team(), username="gone", is_active=False)

    answer = Client().post("/password/", {"email": email})

    assert answer["Location"] == reverse("password-reset-done")
    assert mail.outbox == []


def test_a_link_for_nobody_is_refused_with_a_sentence() -> None:
    answer = Client().get("/password/xx/set-password/")

    assert "This link does not work any more" in answer.text


# -- team and theme ----------------------------------------------------------------------------


def test_a_person_in_two_teams_works_in_one_at_a_time() -> None:
    first, second = make_team(name="Alpha"), make_team(name="Beta")
    user = make_user(first, "lead")
    user.memberships.create(team=second, role="rep")
    there = make_task(account=make_account(team=second))
    client = Client()
    client.force_login(user)

    before = client.get(f"/tasks/{there.pk}/")
    switched = client.post("/team/", {"team": second.pk})
    after = client.get(f"/tasks/{there.pk}/")

    assert (before.status_code, switched["Location"], after.status_code) == (
        404,
        "/",
        200,
    )


@pytest.mark.parametrize("value", ["", "x", "0", "99999999999999999999"])
def test_a_team_that_is_not_ones_own_is_not_found(value: str) -> None:
    client = Client()
    client.force_login(make_user(make_team()))

    assert client.post("/team/", {"team": value or make_team().pk}).status_code == 404


def test_a_person_without_a_team_is_told_what_to_do() -> None:
    client = Client()
    client.force_login(make_user())

    answer = client.get("/")

    assert answer.status_code == 403
    assert "You are not in a team yet" in answer.text
    assert "Sign out" in answer.text


def test_the_theme_is_kept_and_written_by_the_server() -> None:
    client = Client()

    client.post("/theme/", {"theme": "dark", "next": "/sign-in/"})

    assert 'data-theme="dark"' in client.get("/sign-in/").text
    client.post("/theme/", {"theme": "system"})
    assert 'data-theme="system"' in client.get("/sign-in/").text


@pytest.mark.parametrize("value", ["", "pink", '"><script>'])
def test_an_unknown_theme_changes_nothing(value: str) -> None:
    client = Client()
    client.cookies["theme"] = value

    client.post("/theme/", {"theme": value})

    assert 'data-theme="system"' in client.get("/sign-in/").text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", ""])
def test_the_theme_never_leads_elsewhere(target: str) -> None:
    answer = Client().post("/theme/", {"theme": "dark", "next": target})

    assert answer["Location"] == "/"


def test_home_leads_to_what_there_is_to_do() -> None:
    client = Client()
    client.force_login(make_user(make_team()))

    assert client.get("/")["Location"] == "/today/"
