"""Every trouble a vendor's answer can bring, at every vendor, over real HTTP.

The marks F26 to F56 are the rows of the failure table. Each test checks what becomes of
the push, what a person reads, how often the vendor was called, and with the trouble over
that every task stands in the vendor's ledger exactly once.
"""

from __future__ import annotations

from typing import Any

import pytest

from tasks_app.models import ConnectedAccount, Push
from tasks_app.practice.vendor import VendorApp, gateway_error
from tasks_app.practice.wire import Response
from tests.engine.conftest import VENDORS

from .conftest import plain

pytestmark = pytest.mark.django_db
State = Push.State
Gate = ConnectedAccount.State

PAGE = b"<!doctype html><html><title>Gateway</title><h1>No</h1></html>"
HTML = {"Content-Type": "text/html"}
each_vendor = pytest.mark.parametrize("vendor", VENDORS)


def own_answer(app: VendorApp, status: int) -> Response:
    """Return how this vendor says this, else what stands in front of it says."""
    if status in (400, 422):
        answer = app.bad_body("the title is too odd")
        return Response(status, answer.body, answer.headers)
    if status == 404:
        return app.not_found()
    if status == 500:
        return app.broken()
    if status in (502, 503, 504):
        return gateway_error(status)
    return Response(status, PAGE, HTML)


# -- status codes: F26, F28 to F32, F35 to F38 -----------------------------------------

REFUSED = (400, 422)
KEY = (401, 403)
MISCONFIGURED = (404, 405, 406, 414, 415, 431)
PERHAPS = (408, 409, 500, 502, 503, 504)


@pytest.mark.parametrize("status", REFUSED)
@each_vendor
def test_a_refused_task_fails_with_the_vendors_reason(lay, vendor, status):
    bed = lay(vendor)
    bed.create(1)
    answer = own_answer(bed.server.app, status)
    bed.answer(status, answer.body, answer.headers)

    bed.push()

    bed.stands(State.FAILED)
    sentence = bed.says("refused")
    assert "the title is too odd" in sentence
    assert bed.sent() == 1
    assert bed.made() == []
    assert bed.fresh().state == Gate.CONNECTED

    bed.heal()
    bed.settle()
    bed.stands(State.FAILED)  # never again by itself
    assert bed.sent() == 1


@pytest.mark.parametrize("status", [*KEY, "own"])
@each_vendor
def test_a_refused_key_shuts_the_gate_and_keeps_the_queue(lay, vendor, status):
    bed = lay(vendor)
    bed.create(12)
    answer = bed.server.app.unauthorised()
    if status != "own":
        answer = Response(status, PAGE, HTML)
    bed.answer(answer.status, answer.body, answer.headers, n=99)

    bed.push()
    bed.push()

    bed.stands(State.QUEUED, 12)
    account = bed.fresh()
    assert account.state == Gate.NEEDS_NEW_KEY
    plain(account.state_reason, bed.name)
    assert bed.sent() == 1
    assert bed.made() == []
    bed.arrives(12)


@pytest.mark.parametrize("status", MISCONFIGURED)
@each_vendor
def test_an_unknown_call_holds_the_account_and_keeps_the_task(lay, vendor, status):
    bed = lay(vendor)
    bed.create(2)
    answer = own_answer(bed.server.app, status)
    bed.answer(status, answer.body, answer.headers, n=99)

    bed.push()
    bed.push()

    bed.stands(State.QUEUED, 2)
    bed.says(f"({status})")
    account = bed.fresh()
    assert account.state == Gate.TROUBLE
    plain(account.state_reason, bed.name)
    assert bed.held_seconds() > 20
    assert bed.sent() == 1
    assert bed.made() == []
    bed.arrives(2)


@each_vendor
def test_one_task_too_large_for_a_call_holds_the_account_and_lets_others_go(
    lay, vendor
):
    bed = lay(vendor)
    bed.create(1)
    bed.answer(413, PAGE, HTML)

    bed.push()
    bed.push()

    push = bed.stands(State.QUEUED)[0]
    bed.says("too large", "(413)", "Tell your administrator")
    assert push.not_before > push.sent_at
    account = bed.fresh()
    assert account.state == Gate.TROUBLE
    assert "too large" in account.state_reason
    plain(account.state_reason, bed.name)
    assert bed.held_seconds() > 20
    assert bed.sent() == 1
    assert bed.made() == []
    bed.arrives()


@pytest.mark.parametrize("vendor", ["saleshandy", "leadsquared"])
def test_a_call_too_large_is_halved(lay, vendor):
    bed = lay(vendor)
    bed.create(24)
    bed.answer(413, PAGE, HTML)

    bed.push()

    bed.server.settle()
    bed.look()
    bed.stands(State.DELIVERED, 24)
    assert bed.fresh().state == Gate.CONNECTED
    assert bed.sent() == 3


@pytest.mark.parametrize("done", [True, False], ids=["done", "not_done"])
@pytest.mark.parametrize("status", PERHAPS)
@each_vendor
def test_what_may_have_happened_is_looked_up(lay, vendor, status, done):
    bed = lay(vendor)
    bed.create(1)
    answer = own_answer(bed.server.app, status)
    bed.answer(status, answer.body, answer.headers, done=done)

    bed.push()
    bed.push()

    push = bed.stands(State.NEEDS_CHECK)[0]
    bed.says(f"({status})", "may exist")
    assert push.look_at is not None
    assert bed.sent() == 1  # no timer sends it again
    bed.arrives()
    assert bed.sent() == (1 if done else 2)


@pytest.mark.parametrize(
    ("vendor", "status", "body"),
    [
        ("reply", 404, {"code": "contact.notFound", "title": "Contact not found"}),
        ("reply", 403, {"code": "contact.forbidden", "title": "Contact not yours"}),
        ("saleshandy", 404, {"message": "4004: Prospect not found"}),
        ("ysuite", 400, {"success": False, "message": "Contact not found."}),
        (
            "leadsquared",
            500,
            {
                "Status": "Error",
                "ExceptionType": "MXInvalidEntityReferenceException",
                "ExceptionMessage": "Lead not found",
            },
        ),
        ("ysuite", 200, {"success": False, "message": "The contact is locked."}),
        (
            "leadsquared",
            200,
            {
                "Status": "Error",
                "ExceptionType": "MXInvalidInputException",
                "ExceptionMessage": "Owner not found",
            },
        ),
    ],
)
def test_a_refusal_of_the_prospect_is_the_tasks_not_the_accounts(
    lay, vendor, status, body
):
    bed = lay(vendor)
    bed.create(1)
    bed.answer(status, body)

    bed.push()

    bed.stands(State.FAILED)
    bed.says()
    assert bed.fresh().state == Gate.CONNECTED
    assert bed.made() == []


# -- told to wait: F33, F34, F37 -------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "value", "least", "most"),
    [
        (429, "90", 85, 100),
        (429, "date:90", 80, 100),
        (429, "date:-90", 0, 1.2),
        (429, "1000000000", 86000, 96000),
        (429, "-5", 0, 1.2),
        (429, "soon", 3, 6),
        (429, None, 3, 6),
        (503, "90", 85, 100),
        (503, "date:90", 80, 100),
    ],
)
@each_vendor
def test_a_busy_vendor_holds_the_whole_account(lay, vendor, status, value, least, most):
    bed = lay(vendor)
    bed.create(3)
    bed.dial(str(status), retry_after=value, next=99)

    bed.push()
    bed.push()

    bed.stands(State.QUEUED, 3)
    bed.says(f"({status})", "busy")
    account = bed.fresh()
    assert account.state == Gate.CONNECTED
    plain(account.held_reason, bed.name)
    assert least <= bed.held_seconds() <= most
    assert bed.sent() == 1  # none during the wait
    assert bed.made() == []
    bed.arrives(3)


# -- the wire: F39 to F43, F50, F53 ----------------------------------------------------

WIRE: list[tuple[str, dict[str, Any], bool]] = [
    ("reset", {}, False),
    ("lost_answer", {}, True),
    ("truncated", {"size": 0}, True),
    ("truncated", {"size": 1}, True),
    ("truncated", {}, True),
    ("truncated", {"variant": "quiet"}, True),
    ("garbage", {}, True),
    ("html", {}, True),
    ("empty", {}, True),
    ("giant", {}, True),
    ("giant", {"variant": "gzip"}, True),
    ("hang", {}, False),
    ("hang_after", {}, True),
    ("drip", {"seconds": 0.1}, True),
]


@pytest.mark.parametrize(
    ("kind", "dial", "done"),
    WIRE,
    ids=[f"{kind}-{'-'.join(map(str, dial.values()))}" for kind, dial, _ in WIRE],
)
@each_vendor
def test_a_broken_answer_is_looked_up(lay, vendor, kind, dial, done, settings):
    bed = lay(vendor)
    bed.create(1)
    bed.dial(kind, **dial)
    if kind in ("hang", "hang_after", "drip"):
        settings.CALL_DEADLINE = 0.4

    bed.push()

    settings.CALL_DEADLINE = 5
    bed.push()
    bed.stands(State.NEEDS_CHECK)
    bed.says()
    assert bed.sent() == 1
    assert len(bed.made()) == int(done)
    bed.arrives()
    assert bed.sent() == (1 if done else 2)


PAGES = {
    "login": b"<html><form action=/login><input type=password></form></html>",
    "maintenance": b"<!doctype html><title>Maintenance</title><h1>Back soon</h1>",
    "captcha": b"<html><script src=/captcha.js></script>Are you a robot?</html>",
}


@pytest.mark.parametrize("page", PAGES)
@each_vendor
def test_three_web_pages_in_a_row_open_the_breaker(lay, vendor, page):
    bed = lay(vendor)
    bed.create(1)
    for number in range(3):
        assert bed.fresh().state == Gate.CONNECTED, number
        bed.answer(200, PAGES[page], HTML)
        bed.push()
        bed.says("web page")
        Push.objects.update(state=State.QUEUED, not_before="2020-01-01T00:00Z")

    account = bed.fresh()
    assert account.state == Gate.TROUBLE
    plain(account.state_reason, bed.name)
    assert bed.held_seconds() > 20


# -- success that does not say what was made: F44, F46, F49 ----------------------------


@pytest.mark.parametrize(
    "body", [{}, [], 7, {"data": None, "payload": [], "Message": "done"}]
)
@each_vendor
def test_a_success_without_an_id_is_looked_up(lay, vendor, body):
    bed = lay(vendor)
    bed.create(1)
    bed.answer(200, body, done=True)

    bed.push()

    bed.stands(State.NEEDS_CHECK)
    bed.says()
    assert bed.sent() == 1
    bed.arrives()
    assert bed.sent() == 1


@each_vendor
def test_an_id_of_another_task_is_never_believed(lay, vendor):
    bed = lay(vendor)
    first = bed.create(1)[0]
    bed.settle()
    first.refresh_from_db()
    bed.create(1, note="Ask for the signed contract", title="Contract")
    taken = first.external_id

    def same_id(request: Any, answer: Response) -> Response:
        body = answer.body
        if vendor == "saleshandy":
            body["payload"]["results"][0]["taskId"] = taken
        elif vendor == "leadsquared":
            body["Message"]["Id"] = taken
        elif vendor == "reply":
            body["id"] = int(taken)
        else:
            body["data"]["activity_id"] = int(taken)
        return answer

    bed.bend(same_id)
    bed.push()

    second = Push.objects.order_by("pk").last()
    assert second is not None
    assert second.state == State.NEEDS_CHECK
    assert "belongs to another task" in second.error
    plain(second.error, bed.name)
    bed.arrives(2)


# -- redirects: F52 --------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@each_vendor
def test_a_redirect_is_never_followed(lay, vendor, status):
    other = lay("reply" if vendor != "reply" else "ysuite")
    bed = lay(vendor)
    bed.create(1)
    bed.dial("redirect", status=status, location=other.server.origin + "/v1/tasks")

    bed.push()

    bed.stands(State.QUEUED)
    bed.says("redirect")
    assert bed.fresh().state == Gate.TROUBLE
    assert other.server.calls() == []  # no key has left for another place
    assert bed.sent() == 1
    assert bed.made() == []
    bed.arrives()


def test_a_redirect_to_itself_is_not_followed_either(lay):
    bed = lay("ysuite")
    bed.create(1)
    bed.dial("redirect", location="/v1/tasks")

    bed.push()

    bed.stands(State.QUEUED)
    assert bed.sent() == 1
    assert bed.made() == []
