"""Posts from outside: who may, what is kept, what is answered (F76–F85)."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.settings.logs import HideHookSecrets
from tasks_app.models import Task, WebhookEvent
from tasks_app.services import hook_receiving, hooks
from tasks_app.services.sweeping import sweep
from tests.factories import make_account
from tests.hooks.conftest import at_once, delivered, post, url_of

SUCCESS = {"Status": "Success", "StatusReason": ""}


@pytest.fixture(autouse=True)
def nothing_remembered():
    hook_receiving._known.clear()


# -- F76: forged -------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("vendor", ["saleshandy", "leadsquared"])
@pytest.mark.parametrize("token", ["x", "x" * 32, "ключ", "../..", "%00", "a" * 5000])
def test_a_forged_post_is_not_found_and_leaves_nothing(vendor, token):
    """F76"""
    account = make_account(vendor)

    for verb in ("POST", "GET", "HEAD"):
        url = f"/hooks/{account.pk}/{token}/"
        response = Client().generic(verb, url, b"{}", content_type="application/json")
        assert response.status_code == 404

    assert not WebhookEvent.objects.exists()


@pytest.mark.django_db
def test_another_accounts_secret_opens_nothing():
    """F76"""
    mine, theirs = make_account(), make_account()

    assert post(mine, {"a": 1}, token=theirs.hook_token).status_code == 404
    assert not WebhookEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("number", [0, 999_999, 2**63, 10**30])
def test_an_unknown_account_is_not_found(number):
    """F76"""
    account = make_account()

    url = f"/hooks/{number}/{account.hook_token}/"

    assert Client().post(url, b"{}", content_type="text/plain").status_code == 404


@pytest.mark.django_db
def test_known_and_unknown_accounts_take_the_same_way(django_assert_num_queries):
    """F76: one query and one comparison each."""
    account = make_account()

    for number in (account.pk, account.pk + 1000):
        with django_assert_num_queries(1):
            assert hook_receiving.authenticate(number, "x" * 32) is None


@pytest.mark.django_db
def test_a_body_without_a_true_secret_is_not_even_read(monkeypatch):
    """F76, F82"""
    monkeypatch.setattr("tasks_app.views.hooks.body_of", lambda request: 1 / 0)

    assert post(make_account(), b"x" * 300_000, token="wrong").status_code == 404


@pytest.mark.django_db
def test_a_disconnected_account_is_not_found():
    """F80: late, after the account was closed."""
    account = make_account(deleted_at=timezone.now())

    assert post(account, {"taskId": "1"}).status_code == 404


@pytest.mark.django_db
def test_two_secrets_are_taken_while_one_is_renewed(monkeypatch):
    """S-57"""
    account = make_account()
    oldest = account.hook_token
    hooks.renew_token(account)
    old = account.hook_token
    hooks.renew_token(account)

    def answers() -> list[int]:
        tokens = (oldest, old, account.hook_token, "", account.hook_token[:-1])
        return [post(account, {"a": t}, token=t or "x").status_code for t in tokens]

    assert answers() == [404, 200, 200, 404, 404]
    assert WebhookEvent.objects.count() == 2

    later = timezone.now() + hooks.OLD_FOR + timedelta(seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert answers() == [404, 404, 200, 404, 404]


@pytest.mark.django_db
def test_the_old_secret_can_be_ended_at_once():
    """S-57"""
    account = make_account()
    old = account.hook_token
    hooks.renew_token(account)

    hooks.end_old_token(account)

    assert post(account, {}, token=old).status_code == 404
    assert post(account, {}).status_code == 200


@pytest.mark.django_db
def test_the_old_secret_is_kept_out_of_bodies_too():
    account = make_account()
    old = account.hook_token
    hooks.renew_token(account)

    post(account, {"url": f"https://x.example/hooks/{old}/"})

    assert old not in WebhookEvent.objects.get().body


# -- F77: the secret in a header ---------------------------------------------------------


@pytest.mark.django_db
def test_the_secret_may_come_in_a_header():
    """F77"""
    account = make_account()
    url = reverse("hook-by-header", args=[account.pk])

    def send(token: str) -> int:
        headers = {"X-Baton-Token": token} if token else {}
        return Client().post(url, {}, "application/json", headers=headers).status_code

    assert send("") == 404
    assert send("wrong") == 404
    assert not WebhookEvent.objects.exists()
    assert send(account.hook_token) == 200
    assert WebhookEvent.objects.count() == 1


# -- what is answered --------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vendor", "answer"), [("saleshandy", {"ok": True}), ("leadsquared", SUCCESS)]
)
def test_a_post_is_stored_before_it_is_answered(vendor, answer, monkeypatch):
    account = make_account(vendor)

    response = post(account, {"task": "7PWYDWW7zo"})

    assert response.status_code == 200
    assert response.json() == answer
    event = WebhookEvent.objects.get()
    assert event.account == account
    assert json.loads(event.body) == {"task": "7PWYDWW7zo"}
    assert event.processed_at is None


@pytest.mark.django_db
@pytest.mark.parametrize("vendor", ["saleshandy", "leadsquared"])
def test_a_validity_check_stores_nothing(vendor):
    account = make_account(vendor)

    assert Client().head(url_of(account)).status_code == 200
    assert Client().get(url_of(account)).status_code == 200
    assert not WebhookEvent.objects.exists()


@pytest.mark.django_db
def test_other_verbs_are_refused():
    for verb in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        response = Client().generic(verb, url_of(make_account()))
        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD, POST"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"hello"),
        ("", b"\xff\xfe\x00not utf-8"),
        ("application/x-www-form-urlencoded", b"data=%7B%22id%22%3A1%7D"),
        ("multipart/form-data", b"no boundary"),
        ("application/json", b"{broken"),
        ("application/json", b""),
    ],
)
def test_any_type_and_any_bytes_are_taken(content_type, body):
    account = make_account()

    response = Client().generic("POST", url_of(account), body, content_type)

    assert response.status_code == 200
    assert "\0" not in WebhookEvent.objects.get().body


@pytest.mark.django_db
def test_no_secret_is_kept_with_a_body():
    account = make_account()
    url = f"https://baton.example{url_of(account)}"

    post(account, {"sent_to": url, "key": account.credentials["api_key"]})

    body = WebhookEvent.objects.get().body
    assert account.hook_token not in body
    assert account.credentials["api_key"] not in body


# -- F78: duplicates ---------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_ten_copies_at_once_are_one_row():
    """F78"""
    account = make_account()

    answers = at_once(10, lambda n: post(account, {"task": "a"}).status_code)

    assert answers == [200] * 10
    event = WebhookEvent.objects.get()
    assert event.repeats == 9


@pytest.mark.django_db
def test_a_repeat_makes_its_row_due_again():
    """F78"""
    account = make_account()
    post(account, {"task": "a"})
    WebhookEvent.objects.update(processed_at=timezone.now(), outcome="Done.")

    assert post(account, {"task": "a"}).json() == {"ok": True}

    event = WebhookEvent.objects.get()
    assert (event.repeats, event.processed_at, event.outcome) == (1, None, "")


@pytest.mark.django_db
def test_the_same_body_for_two_accounts_is_two_rows():
    first, second = make_account(), make_account()

    post(first, {"a": 1})
    post(second, {"a": 1})

    assert WebhookEvent.objects.count() == 2


# -- F82: flood, huge, slow --------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vendor", "status"), [("saleshandy", 413), ("leadsquared", 200)]
)
def test_a_huge_body_is_not_kept(vendor, status):
    """F82"""
    account = make_account(vendor)

    assert post(account, b"x" * (256 * 1024 + 1)).status_code == status
    assert not WebhookEvent.objects.exists()
    assert post(account, b"x" * (256 * 1024)).status_code == 200
    assert WebhookEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_huge_body_is_refused_by_its_announced_length():
    """F82: before anything is read."""
    stream = io.BytesIO(b"x" * 10)

    response = Client().generic(
        "POST",
        url_of(make_account()),
        b"",
        CONTENT_LENGTH=str(10**9),
        **{"wsgi.input": stream},
    )

    assert response.status_code == 413
    assert stream.tell() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("size", "status"), [(5000, 200), (256 * 1024 + 1, 413)])
def test_a_body_in_chunks_is_read_up_to_the_cap(size, status):
    """F82: no length is announced."""
    response = Client().generic(
        "POST",
        url_of(make_account()),
        b"",
        headers={"Transfer-Encoding": "chunked"},
        **{"wsgi.input": io.BytesIO(b"x" * size), "wsgi.input_terminated": True},
    )

    assert response.status_code == status
    if status == 200:
        assert len(WebhookEvent.objects.get().body) == size


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vendor", "status"), [("saleshandy", 408), ("leadsquared", 200)]
)
def test_a_slow_body_is_given_up(vendor, status, monkeypatch):
    """F82"""
    monkeypatch.setattr(hook_receiving, "SLOWEST", -1.0)

    assert post(make_account(vendor), {"a": 1}).status_code == status
    assert not WebhookEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vendor", "status"), [("saleshandy", 429), ("leadsquared", 200)]
)
def test_a_flood_is_counted_in_one_row(vendor, status, monkeypatch):
    """F82: what is not kept is made good by a reading of the account."""
    monkeypatch.setattr(hook_receiving, "MOST_A_MINUTE", 3)
    account, other = make_account(vendor), make_account(vendor)

    answers = [post(account, {"n": n}).status_code for n in range(6)]

    assert answers == [200, 200, 200, status, status, status]
    assert account.webhook_events.count() == 4
    assert account.webhook_events.get(digest="flood").repeats == 2
    assert post(other, {"n": 1}).status_code == 200
    assert post(account, {"n": 1}).status_code == 200  # a repeat takes no room


@pytest.mark.django_db
def test_the_minute_passes(monkeypatch):
    """F82"""
    monkeypatch.setattr(hook_receiving, "MOST_A_MINUTE", 1)
    account = make_account()
    post(account, {"n": 1})
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(seconds=61))

    assert post(account, {"n": 2}).status_code == 200


# -- F83: our own trouble ----------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vendor", "status"), [("saleshandy", 503), ("leadsquared", 200)]
)
@pytest.mark.parametrize("error", [OperationalError("gone"), RuntimeError("a mistake")])
def test_trouble_while_storing_is_answered_as_the_vendor_needs(
    vendor, status, error, monkeypatch
):
    """F83"""
    account = make_account(vendor)

    def broken(*args: object) -> None:
        raise error

    monkeypatch.setattr(hook_receiving, "keep", broken)

    response = post(account, {"a": 1})

    assert response.status_code == status
    assert response.json() == (SUCCESS if status == 200 else {"ok": False})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vendor", "status"), [("saleshandy", 503), ("leadsquared", 200)]
)
def test_a_database_that_is_away(vendor, status, monkeypatch):
    """F83: who was seen before is still known; a stranger is told to come again."""
    account = make_account(vendor)
    assert post(account, {"a": 1}).status_code == 200

    def gone(*args: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(type(account).objects, "live", gone)

    assert post(account, {"a": 2}).status_code == status
    assert post(account, {"a": 2}, token="forged").status_code == 503
    assert Client().post("/hooks/1/x/", b"", "text/plain").status_code == 503


# -- logs --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_answer_is_logged_with_its_path(caplog, monkeypatch):
    """S-60"""
    account = make_account()
    caplog.set_level(logging.DEBUG)

    post(account, {}, token="a-forged-secret-of-somebody")
    post(account, b"x" * 300_000)
    Client().put(url_of(account))
    monkeypatch.setattr(hook_receiving, "keep", lambda *args: 1 / 0)
    post(account, {"a": 1})

    assert "is lost" in caplog.text
    assert account.hook_token not in caplog.text
    assert "/hooks/[removed]" not in caplog.text  # the first of two defences


@pytest.mark.parametrize(
    "path", ["/hooks/7/s3cret/", "/hooks/s3cret", "/hooks/7//s3cret/x?y=1"]
)
def test_a_line_that_names_a_secret_path_is_cleaned(path):
    """S-60: also where the address was misspelt and another part of Django logs it."""
    record = logging.makeLogRecord({"msg": "Not Found: %s", "args": (path,)})

    assert HideHookSecrets().filter(record)
    assert "s3cret" not in record.getMessage()
    assert record.getMessage().startswith("Not Found: /hooks/[removed]")


def test_other_lines_stay_as_they_are():
    record = logging.makeLogRecord({"msg": "Not Found: %s", "args": ("/tasks/7/",)})

    HideHookSecrets().filter(record)

    assert record.getMessage() == "Not Found: /tasks/7/"


# -- the address -------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_url_is_empty_where_no_vendor_can_reach_baton(settings):
    settings.PUBLIC_URL = ""
    account = make_account("leadsquared")

    assert hooks.url_for(account) == ""
    assert account.adapter().setting("status_webhook_url") == ""


@pytest.mark.django_db
def test_leadsquared_is_told_the_secret_url(settings):
    settings.PUBLIC_URL = "https://baton.example"
    account = make_account("leadsquared")

    assert hooks.url_for(account) == f"https://baton.example{url_of(account)}"
    assert account.adapter().setting("status_webhook_url") == hooks.url_for(account)
    assert "status_webhook_url" not in make_account().adapter().config.settings


# -- forgetting --------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_sweep_forgets_events_after_thirty_days():
    """F80"""
    account = make_account()
    for days in (31, 29):
        WebhookEvent.objects.create(
            account=account,
            digest=str(days),
            body="{}",
            received_at=timezone.now() - timedelta(days=days),
        )

    sweep()

    assert [event.digest for event in WebhookEvent.objects.all()] == ["29"]


@pytest.mark.django_db
def test_a_true_post_changes_nothing_by_itself():
    """F77"""
    task = delivered()

    post(task.account, {"taskId": task.external_id, "status": "completed"})

    task.refresh_from_db()
    assert task.status == Task.Status.OPEN
    assert not task.events.exists()
