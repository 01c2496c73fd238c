"""A vendor that switched our webhook off: noticed within the hour, and said (F84)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Exchange
from tasks_app.services import hook_watch, hooks, syncing
from tasks_app.vendors.calls import VendorResponse
from tasks_app.vendors.findings import RemoteHook
from tests.factories import make_account, make_user
from tests.hooks.test_live import subscribe

pytestmark = pytest.mark.django_db

State = ConnectedAccount.HookState
EVENTS = {"saleshandy": ["task-updated"], "leadsquared": 16}
both = pytest.mark.parametrize("vendor", EVENTS)


@pytest.fixture(autouse=True)
def public(settings):
    settings.PUBLIC_URL = "https://baton.example"


def read(bench):
    """Read the account an hour later, as the scheduler does; return how it stands."""
    ConnectedAccount.objects.update(
        hook_checked_at=timezone.now() - hook_watch.EVERY - timedelta(seconds=1)
    )
    syncing.request_sync(bench.account)
    run = syncing.sync_account(bench.account.pk, transport=bench.transport)
    assert run is not None
    assert run.error == ""
    return ConnectedAccount.objects.get(pk=bench.account.pk)


def set_status(bench, **values) -> None:
    """Change the webhook at the practice vendor, as the vendor itself would."""
    store = bench.server.app.store
    with store.lock:
        for hook in store.documents("webhook"):
            key = hook.get("Id") or hook["id"]
            store.put("webhook", key, {**hook, **values})


OFF = {"saleshandy": {"status": "inactive"}, "leadsquared": {"StatusCode": 2}}
ON = {"saleshandy": {"status": "active"}, "leadsquared": {"StatusCode": 0}}


@both
def test_a_webhook_that_is_switched_off_is_said_until_it_is_on_again(
    vendor, connect, client
):
    bench = connect(vendor)
    name = bench.account.adapter_class.name
    client.force_login(make_user(bench.account.team))
    url = reverse("account-detail", args=[bench.account.pk])
    assert read(bench).hook_state == State.NONE
    assert "No webhook is set up" in client.get(url).content.decode()

    subscribe(bench, hooks.url_for(bench.account), EVENTS[vendor])
    assert read(bench).hook_state == State.ON
    assert "stopped sending" not in client.get(url).content.decode()

    set_status(bench, **OFF[vendor])
    account = read(bench)
    assert account.hook_state == State.OFF
    assert account.state == ConnectedAccount.State.CONNECTED
    page = client.get(url).content.decode()
    assert f"{name} stopped sending updates" in page
    assert "Statuses are read every 5 minutes instead" in page
    assert f"switches it on again in {name}" in page

    set_status(bench, **ON[vendor])
    assert read(bench).hook_state == State.ON
    assert "stopped sending" not in client.get(url).content.decode()


@both
def test_one_that_was_removed_is_said_too(vendor, connect, client):
    bench = connect(vendor)
    subscribe(bench, hooks.url_for(bench.account), EVENTS[vendor])
    read(bench)
    bench.server.reset()

    account = read(bench)

    assert account.hook_state == State.GONE
    client.force_login(make_user(account.team))
    page = client.get(reverse("account-detail", args=[account.pk])).content.decode()
    assert "Its webhook is removed there" in page


@both
def test_it_is_asked_once_an_hour(vendor, connect):
    bench = connect(vendor)
    read(bench)
    calls = Exchange.objects.filter(purpose="webhooks").count()

    for _ in range(3):
        syncing.request_sync(bench.account)
        syncing.sync_account(bench.account.pk, transport=bench.transport)

    assert Exchange.objects.filter(purpose="webhooks").count() == calls > 0


@both
def test_the_secret_address_is_not_kept_with_the_call(vendor, connect):
    bench = connect(vendor)
    old = bench.account.hook_token
    subscribe(bench, hooks.url_for(bench.account), EVENTS[vendor])
    hooks.renew_token(bench.account)

    account = read(bench)

    assert account.hook_state == State.ON  # the old address is still taken
    for exchange in Exchange.objects.filter(purpose="webhooks"):
        assert old not in exchange.response_body
        assert account.hook_token not in exchange.response_body


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500, 502])
@both
def test_a_vendor_that_does_not_tell_is_no_trouble(vendor, status, fake_transport):
    account = make_account(vendor, hook_state=State.ON)
    fake_transport.default = VendorResponse(status, text="<p>No</p>")

    hook_watch.check(account, transport=fake_transport)

    account.refresh_from_db()
    assert account.hook_state == State.ON
    assert account.state == ConnectedAccount.State.CONNECTED
    assert account.trouble_count == 0
    assert account.held_until is None


@pytest.mark.parametrize(
    "body", [None, [], {}, {"payload": None}, {"Response": "no"}, {"payload": {"a": 1}}]
)
@both
def test_no_answer_is_too_odd(vendor, body, fake_transport):
    account = make_account(vendor, hook_state=State.OFF)
    fake_transport.default = VendorResponse(200, body=body)

    hook_watch.check(account, transport=fake_transport)

    account.refresh_from_db()
    assert account.hook_state in (State.OFF, State.GONE)


def test_a_busy_vendor_holds_the_account_and_is_asked_in_an_hour(fake_transport):
    account = make_account("saleshandy")
    fake_transport.default = VendorResponse(429, headers={"retry-after": "30"})

    hook_watch.check(account, transport=fake_transport)

    account.refresh_from_db()
    assert account.held_until is not None
    assert account.hook_state == ""


@pytest.mark.parametrize("vendor", ["reply", "ysuite"])
def test_where_there_are_none_it_is_said_and_nobody_is_asked(
    vendor, fake_transport, client
):
    account = make_account(vendor)
    name = account.adapter_class.name
    hook_watch.check(account, transport=fake_transport)
    client.force_login(make_user(account.team))
    page = client.get(reverse("account-detail", args=[account.pk])).content.decode()

    assert fake_transport.requests == []
    assert f"{name} sends none about tasks" in page


def test_without_a_public_url_nobody_is_asked(settings, fake_transport):
    settings.PUBLIC_URL = ""

    hook_watch.check(make_account("saleshandy"), transport=fake_transport)

    assert fake_transport.requests == []


def test_an_unknown_word_is_not_called_off():
    account = make_account("saleshandy")

    assert hook_watch.state_of(account, [RemoteHook(account.hook_url)]) == State.ON
    assert (
        hook_watch.state_of(account, [RemoteHook("https://other.example/", False)])
        == State.NONE
    )


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("", "not asked yet whether LeadSquared posts to it"),
        ("on", "LeadSquared posts to it."),
        ("off", "has switched it off"),
        ("gone", "does not know it any more"),
        ("none", "no webhook of LeadSquared posts to it"),
    ],
)
def test_the_administrators_site_says_how_it_stands(client, state, sentence):
    account = make_account(
        "leadsquared", hook_state=state, hook_checked_at=timezone.now()
    )
    client.force_login(make_user(None, is_staff=True, is_superuser=True))

    page = client.get(reverse("admin:baton_connectedaccount_change", args=[account.pk]))

    assert sentence in page.content.decode()
    assert account.hook_token not in page.content.decode()
