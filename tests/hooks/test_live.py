"""A practice vendor posts over HTTP, as the real one would."""

from __future__ import annotations

import pytest

from tasks_app import practice
from tasks_app.models import Push, Task, WebhookEvent
from tasks_app.services import hooks
from tests.hooks.test_processing import forget_when_read

pytestmark = pytest.mark.django_db(transaction=True)


def subscribe(bench, url: str, events: list[str] | str) -> None:
    """Create the webhook as the account's owner would."""
    from tasks_app.services.talking import converse
    from tasks_app.vendors.calls import VendorRequest

    if bench.account.vendor == "saleshandy":
        path = "/webhook/create"
        body = {
            "name": "Baton",
            "webhookUrl": url,
            "webhookEvent": events,
            "headers": {},
        }
    else:
        path = "/Webhook.svc/Create"
        body = {"URL": url, "Method": "POST", "WebhookEvent": events}

    def conversation():
        answer = yield VendorRequest("POST", path, json=body, writes=True)
        assert answer.status_code < 300, answer.text

    converse(bench.account, conversation(), transport=bench.transport, purpose="test")


@pytest.mark.parametrize(
    ("vendor", "events"), [("saleshandy", ["task-updated"]), ("leadsquared", 16)]
)
def test_what_a_rep_does_there_shows_within_one_look(
    vendor,
    events,
    connect,
    live_server,
    settings,
):
    settings.PUBLIC_URL = live_server.url
    bench: practice.PracticeServer = connect(vendor)
    subscribe(bench, hooks.url_for(bench.account), events)
    task = bench.create(1)[0]
    bench.push()
    task.refresh_from_db()

    bench.server.act("complete", [task.external_id])
    assert bench.server.settle()
    forget_when_read()
    hooks.process_account(bench.account.pk, transport=bench.transport)

    task.refresh_from_db()
    assert WebhookEvent.objects.filter(account=bench.account).exists()
    assert task.status == Task.Status.COMPLETED
    assert task.events.get(kind="status").source == "webhook"


def test_the_status_post_of_a_bulk_create_brings_the_look_forward(
    connect,
    live_server,
    settings,
):
    settings.PUBLIC_URL = live_server.url
    bench = connect("leadsquared", settings={"bulk_from": "2"})
    bench.create(3)
    bench.push()
    assert bench.states() == {"accepted": 3}

    assert bench.server.settle()

    assert WebhookEvent.objects.filter(account=bench.account).count() == 1
    hooks.process_account(bench.account.pk, transport=bench.transport)
    assert not Push.objects.filter(look_at__gt=Push.objects.first().look_at).exists()
    assert bench.look() == 3
    assert bench.states() == {"delivered": 3}


def test_the_secret_url_is_not_kept_with_the_call(
    connect,
    live_server,
    settings,
):
    settings.PUBLIC_URL = live_server.url
    bench = connect("leadsquared", settings={"bulk_from": "2"})
    bench.create(3)
    bench.push()

    sent = bench.account.exchanges.get(path="/Task.svc/Bulk/Create")
    assert "[key removed]" in sent.request_body["StatusWebhookURL"]
    for exchange in bench.account.exchanges.all():
        kept = f"{exchange.request_body} {exchange.response_body} {exchange.path}"
        assert bench.account.hook_token not in kept
