"""No key gets anywhere: marked keys go through every fault, then every byte is searched.

The practice vendors are made to repeat what they were sent, keys and all, in each of
the spellings a vendor might use: as it is, in JSON, in an address, on a page, cut off.
"""

from __future__ import annotations

import base64
import html
import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import reverse

from tasks_app.models import ConnectedAccount, Exchange, Push, Task
from tasks_app.practice.dials import KINDS as DIALS
from tasks_app.practice.wire import Request, Response
from tasks_app.services import doorbell, sweeping
from tasks_app.services.exchanges import KEPT, without_secrets
from tasks_app.services.syncing import request_sync, sync_account
from tasks_app.vendors.errors import VendorError
from tests.factories import make_user

from .conftest import Bed

pytestmark = pytest.mark.django_db

#: Characters that are spelt differently everywhere.
ODD = 'CANARY+{}/=%&"<é'
PLAIN = "CANARY-{}-0123456789"
KINDS = {
    "saleshandy": ("saleshandy", {}),
    "leadsquared": ("leadsquared", {}),
    "leadsquared by query": ("leadsquared", {"keys_in": "query"}),
    "reply": ("reply", {}),
    "reply in words": ("reply", {"dialect": "words"}),
    "ysuite": ("ysuite", {}),
}


def spelt(secret: str) -> set[str]:
    """Return every form in which a key could be found again."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        html.escape(secret),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode().rstrip("="),
        repr(secret)[1:-1],
    }


def leaks(text: str, secrets: list[str]) -> list[str]:
    return [
        form
        for secret in secrets
        for form in spelt(secret)
        if form.lower() in text.lower()
    ] + (["the mark itself"] if "canary" in text.lower() else [])


def every_column() -> Iterator[tuple[str, str]]:
    """Yield where and what for each text in each table, as the database holds it."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    if isinstance(value, memoryview | bytes):
                        value = bytes(value).decode("latin-1")
                    if value is not None:
                        yield f"{table}.{name}", str(value)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger says, tracebacks too, from DEBUG on."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    root = logging.getLogger()
    names = ["httpx", "httpcore", "celery", "django", "tasks_app", "urllib3", "kombu"]
    names += [name for name in root.manager.loggerDict if name.split(".")[0] in names]
    before = {name: logging.getLogger(name).level for name in ["", *names]}
    for name in before:
        logging.getLogger(name).setLevel(logging.DEBUG)
    # What the database is told is searched where it ends up, in its tables.
    logging.getLogger("django.db.backends").setLevel(logging.INFO)
    root.addHandler(handler)
    yield heard
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def echoing(bed: Bed, status: int, form: int) -> None:
    """Answer the next create with everything that was sent, keys and all."""
    app = bed.server.app

    def echo(request: Request, _: Any) -> Response:
        carried = {**request.headers, **request.query}
        secrets = [v for v in carried.values() if "CANARY" in v or "%C3" in v]
        secrets += list(app.settings.credentials.values())
        said = " ".join(
            [
                *secrets,
                *map(html.escape, secrets),
                *map(quote_plus, secrets),
                *(quote(s, safe="").lower() for s in secrets),
                *(json.dumps(s) for s in secrets),
            ]
        )
        if form == 0:
            body = {"message": f"Bad request {said}", "error": {"detail": said}}
            body |= {"Status": "Error", "ExceptionType": "MXOdd"}
            body |= {"ExceptionMessage": said, "detail": said, "success": False}
            return Response(status, {**body, "errors": {"title": [said]}})
        if form == 1:
            page = f"<html>{html.escape(request.query_string)} {said}</html>"
            return Response(status, page.encode(), {"Content-Type": "text/html"})
        # A key that begins just before the end of what is kept.
        pad = "x" * (KEPT - 12)
        return Response(status, f"{pad} {secrets[-1]}".encode(), {"X-Echo": "no"})

    bed._answer(1, lambda request, do: echo(request, do))


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("500", {}),
    ("502", {}),
    ("429", {"retry_after": "1"}),
    ("429", {}),
    ("503", {}),
    ("503", {"retry_after": "1"}),
    ("reset", {}),
    ("lost_answer", {}),
    ("late", {"seconds": 0.0}),
    ("truncated", {}),
    ("truncated", {"size": 0}),
    ("truncated", {"variant": "quiet"}),
    ("garbage", {}),
    ("html", {}),
    ("empty", {}),
    ("giant", {}),
    ("giant", {"variant": "gzip"}),
    ("redirect", {}),
    ("slow", {"seconds": 0.05}),
    ("hang", {}),
    ("hang_after", {}),
    ("drip", {"seconds": 0.1}),
    ("wrong_key", {}),
    ("partial_refusal", {"every": 1}),
    ("missing_results", {"count": -1}),
    ("repeated_results", {"variant": "refused"}),
    ("reordered_results", {}),
    ("foreign_results", {"variant": "unknown"}),
]
SLOW = ("hang", "hang_after", "drip")


def test_every_fault_that_a_vendor_can_be_told_to_make_is_among_them():
    assert {kind for kind, _ in FAULTS} == set(DIALS)


@pytest.mark.parametrize(
    ("kind", "marks"), [*((kind, ODD) for kind in KINDS), ("ysuite", PLAIN)]
)
def test_a_key_goes_through_every_fault_and_is_found_nowhere(
    lay, log, monkeypatch, settings, kind, marks
):
    vendor, choices = KINDS[kind]
    if marks == ODD:  # a header takes no é
        marks = marks if choices.get("keys_in") == "query" else ODD.replace("é", "e")
    bed = lay(vendor, settings=choices)
    names = list(bed.account.credentials)
    keys = {name: marks.format(name.replace("_", "-")) for name in names}
    bed.server.set(credentials=keys)
    bed.account.credentials = keys
    bed.account.save(update_fields=["credentials"])
    secrets = list(keys.values())
    rung: list[Any] = []
    settings.HAS_BROKER = True
    monkeypatch.setattr(
        "tasks_app.jobs.push.push_account_job.delay",
        lambda *args, **kwargs: rung.append((args, kwargs)),
    )
    raised: list[str] = []
    send = bed.transport.send

    def watched(*args: Any, **kwargs: Any) -> Any:
        try:
            return send(*args, **kwargs)
        except VendorError as error:
            chain: BaseException | None = error
            while chain is not None:
                raised.append(f"{chain!r} {chain} {vars(chain)}")
                chain = chain.__cause__ or chain.__context__
            raise

    bed.transport.send = watched  # type: ignore[method-assign]

    tasks = bed.create(3)
    for fault, dial in FAULTS:
        bed.dial(fault, **dial)
        settings.CALL_DEADLINE = 0.2 if fault in SLOW else 5
        step(bed)
    for status in (200, 400, 409):
        for form in range(3):
            echoing(bed, status, form)
            step(bed)
    bed.heal()
    bed.settle()
    request_sync(bed.account)
    sync_account(bed.account.pk, transport=bed.transport)
    sweeping.sweep()
    doorbell.ring_now(bed.account.pk)

    assert Exchange.objects.count() > len(FAULTS)
    assert Exchange.objects.filter(response_body__contains="[key removed]").exists()
    found = {
        place: leaks(text, secrets)
        for place, text in every_column()
        if leaks(text, secrets)
    }
    assert found == {}
    assert rung
    assert leaks(repr(rung), secrets) == []
    assert raised
    assert leaks("\n".join(raised), secrets) == []
    assert leaks(log.getvalue(), secrets) == []
    shown = {url: leaks(page, secrets) for url, page in pages(bed, tasks[0])}
    assert {url: leaked for url, leaked in shown.items() if leaked} == {}
    # And it was really sent, or none of this means anything.
    assert dict(ConnectedAccount.objects.get(pk=bed.account.pk).credentials) == keys
    assert any(call["status"] in (200, 201) for call in bed.server.calls())


def step(bed: Bed) -> None:
    """Send one push again, whatever became of it before."""
    bed.revive()
    ConnectedAccount.objects.update(held_until=None)
    Push.objects.filter(pk=Push.objects.order_by("pk")[0].pk).update(
        state="queued", not_before="2020-01-01T00:00Z", call_limit=1, group_key="alone"
    )
    Push.objects.exclude(state="queued").update(look_at=None)
    Push.objects.filter(state="queued").exclude(group_key="alone").update(
        not_before="2999-01-01T00:00Z"
    )
    bed.push()
    Push.objects.filter(state="queued").update(not_before="2020-01-01T00:00Z")


def pages(bed: Bed, task: Task) -> Iterator[tuple[str, str]]:
    """Yield every page and file that shows calls, tasks or accounts: to a lead, and in
    the administrator's site."""
    account = bed.account
    lead = make_user(account.team, is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(lead)
    lists = ["today", "task-list", "task-export", "account-list", "needs-check"]
    lists += ["batch-list", "workload"]
    of_admin = ["exchange", "push", "task", "syncrun", "drift", "connectedaccount"]
    urls = [
        *map(reverse, lists),
        reverse("task-detail", args=[task.pk]),
        reverse("batch-detail", args=[task.batch_id]),
        reverse("account-detail", args=[account.pk]),
        *(reverse(f"admin:baton_{name}_changelist") for name in of_admin),
        reverse("admin:baton_connectedaccount_change", args=[account.pk]),
        *(
            reverse("admin:baton_exchange_change", args=[exchange.pk])
            for exchange in Exchange.objects.order_by("pk")[:60]
        ),
    ]
    for url in urls:
        answer = browser.get(url)
        assert answer.status_code == 200, url
        # Time zones are named after the islands.
        yield url, b"".join(answer).decode().replace("Atlantic/Canary", "")


def test_the_stored_key_is_not_legible(lay):
    bed = lay("ysuite")
    keys = {"access_key": "CANARY-access-1", "secret_key": "CANARY-secret-2"}
    bed.account.credentials = keys
    bed.account.save(update_fields=["credentials"])
    kept = [text for place, text in every_column() if place.endswith(".credentials")]
    assert any(kept)
    assert all("CANARY" not in text for text in kept)
    for model in apps.get_models():
        assert "CANARY" not in " ".join(map(repr, model._default_manager.all()[:50]))


@pytest.mark.parametrize("length", range(4, 20))
def test_a_key_cut_off_at_the_end_is_taken_out_too(length):
    key = "CANARY-0123456789-abc"
    text = without_secrets("you sent " + key[:length], {"key": key})
    assert "CANA" not in text
    assert text.startswith("you sent ")
