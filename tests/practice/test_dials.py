import gzip
import http.client
import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tasks_app import practice
from tasks_app.practice import PracticeServer

from .client import call, create, created_id, saleshandy_body

LOST = (ConnectionResetError, http.client.RemoteDisconnected, BrokenPipeError)


def ledger_size(server: PracticeServer) -> int:
    return len(server.ledger())


def results(server: PracticeServer, count: int = 4) -> list[dict[str, Any]]:
    ids = [f"Prospect{number:02d}" for number in range(count)]
    answer = create(server, prospectIds=ids)
    found: list[dict[str, Any]] = answer.body["payload"]["results"]
    return found


@pytest.mark.parametrize("kind", ["429", "500", "502", "503"])
def test_an_error_status_does_nothing(any_vendor: PracticeServer, kind: str) -> None:
    any_vendor.dial(kind, next=1)

    answer = create(any_vendor)

    assert answer.status == int(kind)
    assert "retry-after" not in answer.headers
    assert ledger_size(any_vendor) == 0
    assert create(any_vendor).status in (200, 201)


@pytest.mark.parametrize("kind", ["500", "502", "503"])
def test_an_error_status_may_come_after_the_work(
    any_vendor: PracticeServer, kind: str
) -> None:
    any_vendor.dial(kind, done=True)

    assert create(any_vendor).status == int(kind)
    assert ledger_size(any_vendor) == 1


@pytest.mark.parametrize("kind", ["429", "503"])
def test_retry_after_takes_every_form(saleshandy: PracticeServer, kind: str) -> None:
    def header(value: Any) -> str | None:
        saleshandy.dial(kind, next=1, retry_after=value)
        return create(saleshandy).headers.get("retry-after")

    assert header(90) == "90"
    assert header(-5) == "-5"
    assert header("soon") == "soon"
    assert header(None) is None
    ahead = parsedate_to_datetime(header("date:30") or "").timestamp() - time.time()
    assert 25 < ahead <= 30


@pytest.mark.parametrize(
    "kind, done", [("reset", 0), ("lost_answer", 1), ("hang", 0), ("hang_after", 1)]
)
def test_no_answer_before_or_after_the_work(
    any_vendor: PracticeServer, kind: str, done: int
) -> None:
    any_vendor.dial(kind, next=1, seconds=0.05)

    with pytest.raises(LOST):
        create(any_vendor)

    assert ledger_size(any_vendor) == done
    assert any_vendor.calls()[-1]["status"] == 0
    assert any_vendor.calls()[-1]["fault"] == kind


def test_a_hanging_vendor_notices_that_the_client_left(
    saleshandy: PracticeServer,
) -> None:
    saleshandy.dial("hang_after", seconds=60)

    with pytest.raises(TimeoutError):
        call(saleshandy, "POST", "/v1/tasks/create", saleshandy_body(), timeout=0.1)

    assert ledger_size(saleshandy) == 1


def test_a_late_creation_appears_after_its_time(any_vendor: PracticeServer) -> None:
    any_vendor.dial("late", next=1, seconds=0.1)

    with pytest.raises(LOST):
        create(any_vendor)

    assert ledger_size(any_vendor) == 0
    assert any_vendor.settle()
    assert ledger_size(any_vendor) == 1


def test_slow_answers_late(saleshandy: PracticeServer) -> None:
    saleshandy.dial("slow", seconds=0.1)

    begun = time.monotonic()
    answer = create(saleshandy)

    assert answer.status == 201
    assert time.monotonic() - begun >= 0.1


def test_truncated_breaks_off_in_the_body(saleshandy: PracticeServer) -> None:
    saleshandy.dial("truncated", next=1)

    with pytest.raises(http.client.IncompleteRead):
        create(saleshandy)

    assert ledger_size(saleshandy) == 1


def test_quiet_truncation_has_a_matching_length(saleshandy: PracticeServer) -> None:
    saleshandy.dial("truncated", size=7, variant="quiet")

    answer = create(saleshandy)

    assert (answer.status, len(answer.raw)) == (201, 7)


@pytest.mark.parametrize(
    "kind, content_type",
    [
        ("garbage", "application/json"),
        ("html", "text/html; charset=utf-8"),
        ("empty", "application/json"),
    ],
)
def test_unreadable_answers_follow_done_work(
    any_vendor: PracticeServer, kind: str, content_type: str
) -> None:
    any_vendor.dial(kind)

    answer = create(any_vendor)

    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    with pytest.raises(ValueError):
        json.loads(answer.raw)
    assert ledger_size(any_vendor) == 1


def test_drip_sends_byte_by_byte(ysuite: PracticeServer) -> None:
    ysuite.dial("drip", seconds=0.001)

    begun = time.monotonic()
    answer = create(ysuite)

    assert answer.body["success"] is True
    assert time.monotonic() - begun >= 0.001 * len(answer.raw)


def test_giant_answers(saleshandy: PracticeServer) -> None:
    saleshandy.dial("giant", size=1_000_000, next=1)
    plain = create(saleshandy)
    saleshandy.dial("giant", size=1_000_000, next=1, variant="gzip")
    packed = create(saleshandy)

    assert len(plain.body) == 1_000_000 - 2
    assert len(packed.raw) < 10_000
    assert gzip.decompress(packed.raw) == plain.raw


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_points_elsewhere(saleshandy: PracticeServer, status: int) -> None:
    saleshandy.dial("redirect", status=status)

    answer = create(saleshandy)

    assert answer.status == status
    assert answer.headers["location"] == "http://elsewhere.example/"
    assert ledger_size(saleshandy) == 0


@pytest.mark.parametrize(
    "vendor, status",
    [("saleshandy", 400), ("leadsquared", 401), ("reply", 401), ("ysuite", 401)],
)
def test_a_revoked_key_answers_like_a_wrong_one(vendor: str, status: int) -> None:
    with practice.start(vendor) as server:
        wrong = call(server, "GET", f"{server.app.prefix}/x", auth={})
        server.dial("wrong_key")

        revoked = create(server)

        assert (revoked.status, revoked.raw) == (status, wrong.raw)
        assert ledger_size(server) == 0


def test_results_may_be_missing(saleshandy: PracticeServer) -> None:
    saleshandy.dial("missing_results", count=3, next=1)
    assert len(results(saleshandy)) == 1
    saleshandy.dial("missing_results", count=-1, next=1)
    assert results(saleshandy) == []
    assert ledger_size(saleshandy) == 8


@pytest.mark.parametrize(
    "variant, verdicts, ids",
    [("same", {True}, 4), ("refused", {True, False}, 5), ("second_id", {True}, 5)],
)
def test_results_may_be_repeated(
    saleshandy: PracticeServer, variant: str, verdicts: set[bool], ids: int
) -> None:
    saleshandy.dial("repeated_results", variant=variant)

    found = results(saleshandy)

    assert len(found) == 5
    assert {result["success"] for result in found} == verdicts
    assert len({result["taskId"] for result in found}) == ids
    assert ledger_size(saleshandy) == 4


def test_results_may_be_reordered(saleshandy: PracticeServer) -> None:
    saleshandy.dial("reordered_results")

    found = [result["prospectId"] for result in results(saleshandy, 2)]

    assert found == ["Prospect01", "Prospect00"]


def test_results_may_be_somebody_elses(saleshandy: PracticeServer) -> None:
    saleshandy.dial("foreign_results", next=1)
    unknown = results(saleshandy, 2)
    saleshandy.dial("foreign_results", variant="shared", next=1)
    shared = results(saleshandy, 2)

    assert unknown[2]["prospectId"] == "zzForeign0"
    assert shared[0]["taskId"] == shared[1]["taskId"]


def test_failed_items_at_reply_bend_too(reply: PracticeServer) -> None:
    body = {"ids": [7, 8]}
    reply.dial("missing_results", next=1)
    missing = call(reply, "POST", "/v3/tasks/batch/complete", body).body
    reply.dial("foreign_results", next=1)
    foreign = call(reply, "POST", "/v3/tasks/batch/complete", body).body

    assert len(missing) == 1
    assert len(foreign) == 3


def test_partial_refusal_takes_each_nth_prospect(saleshandy: PracticeServer) -> None:
    saleshandy.dial("partial_refusal", every=3)

    found = results(saleshandy, 7)

    refused = [row["prospectId"] for row in found if not row["success"]]
    assert refused == ["Prospect02", "Prospect05"]


@pytest.mark.parametrize(
    "vendor, status", [("leadsquared", 500), ("reply", 404), ("ysuite", 400)]
)
def test_partial_refusal_elsewhere(vendor: str, status: int) -> None:
    with practice.start(vendor) as server:
        server.dial("partial_refusal", every=2)

        statuses = [create(server).status for _ in range(4)]

        assert statuses[1::2] == [status, status]
        assert ledger_size(server) == 2


def test_a_dial_may_fit_some_requests_only(saleshandy: PracticeServer) -> None:
    saleshandy.dial("500", method="POST", path="/v1/tasks/create")

    assert create(saleshandy).status == 500
    assert call(saleshandy, "GET", "/v1/tasks").status == 200


def test_next_counts_only_requests_that_fit(saleshandy: PracticeServer) -> None:
    saleshandy.dial("500", next=2, method="POST")

    call(saleshandy, "GET", "/v1/tasks")
    statuses = [create(saleshandy).status for _ in range(3)]

    assert statuses == [500, 500, 201]
    assert saleshandy.state()["dials"] == []


def test_chance_is_seeded() -> None:
    def draw(seed: int) -> list[int]:
        with practice.start("ysuite", seed=seed) as server:
            server.dial("500", probability=0.5)
            return [create(server).status for _ in range(20)]

    assert draw(1) == draw(1) != draw(2)
    assert {200, 500} == set(draw(1))


def test_troubles_add_up(saleshandy: PracticeServer) -> None:
    saleshandy.dial("slow", seconds=0.05)
    saleshandy.dial("lost_answer")
    saleshandy.dial("partial_refusal", every=2)

    begun = time.monotonic()
    with pytest.raises(LOST):
        results(saleshandy)

    assert time.monotonic() - begun >= 0.05
    assert ledger_size(saleshandy) == 2


def test_setting_a_dial_again_replaces_it(saleshandy: PracticeServer) -> None:
    saleshandy.dial("slow", seconds=9)
    saleshandy.dial("slow", seconds=0)

    [dial] = saleshandy.state()["dials"]
    assert dial["seconds"] == 0


@pytest.mark.parametrize(
    "kind, settings",
    [
        ("flood", {}),
        ("500", {"probability": 2}),
        ("500", {"next": 0}),
        ("500", {"a": 1}),
    ],
)
def test_a_dial_must_make_sense(
    saleshandy: PracticeServer, kind: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(ValueError):
        saleshandy.dial(kind, **settings)


def test_a_fault_leaves_the_next_call_alone(any_vendor: PracticeServer) -> None:
    any_vendor.dial("lost_answer", next=1)

    with pytest.raises(LOST):
        create(any_vendor)
    created_id(any_vendor)

    assert ledger_size(any_vendor) == 2
