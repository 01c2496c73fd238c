"""Saleshandy: documented requests and answers, and every odd answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.drafts import (
    AccountConfig,
    ActionDraft,
    AssigneeDraft,
    ProspectDraft,
    TaskDraft,
)
from tasks_app.vendors.errors import (
    CredentialsRejected,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    TaskRejected,
    TooLarge,
    UnreadableResponse,
    UnsupportedTask,
    VendorError,
)
from tasks_app.vendors.findings import ItemResult, RemoteTask, SyncScope
from tasks_app.vendors.saleshandy import SaleshandyAdapter
from tasks_app.vendors.saleshandy_reading import MOST_PAGES
from tasks_app.vendors.words import Action, Channel, Priority, Status
from tests.vendors.driving import drive, read
from tests.vendors.mutating import answer, empty, mutants, sample, web_page

KEY = "canary-saleshandy-key"
SENT = datetime(2026, 4, 20, 8, tzinfo=UTC)
MARKER = "bt-7f3aq2kz"


def adapter(**settings: str) -> SaleshandyAdapter:
    return SaleshandyAdapter(
        AccountConfig(
            "https://open-api.saleshandy.com/v1", {"api_key": KEY}, settings=settings
        )
    )


def make_draft(prospect: str = "Pr9xQ2Lm", **overrides: Any) -> TaskDraft:
    fields: dict[str, Any] = {
        "ref": f"r-{prospect}",
        "type_code": "13",
        "prospect": ProspectDraft(prospect),
        "note": "Ask about the offer",
        "priority": Priority.MEDIUM,
        "due_on": date(2026, 4, 22),
    }
    return TaskDraft(**(fields | overrides))


THREE = [make_draft("Pr9xQ2Lm"), make_draft("Pr4Kb8Qw"), make_draft("INVALIDxx")]


def row(**overrides: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "taskId": "T1",
        "taskType": "13",
        "priority": "3",
        "dueDate": "2026-04-22",
        "taskNote": "Ask about the offer",
        "prospectId": "Pr9xQ2Lm",
        "createdAt": "2026-04-20T08:00:01.000Z",
    }
    fields |= overrides
    return {name: value for name, value in fields.items() if value != "-"}


def listing(**by_status: list[Any]) -> Callable[[VendorRequest], VendorResponse]:
    """A vendor whose list has one page of these rows for each status."""

    def respond(request: VendorRequest) -> VendorResponse:
        rows = by_status.get(str(request.query.get("status")), [])
        return answer({"payload": rows if request.query["page"] == 1 else []})

    return respond


def results(drafts: list[TaskDraft], rows: list[Any]) -> dict[str, ItemResult]:
    found = adapter().read_created(
        answer({"payload": {"results": rows}}, 201), list(drafts)
    )
    assert sorted(r.ref for r in found) == sorted(d.ref for d in drafts)
    return {result.ref: result for result in found}


# -- creating --------------------------------------------------------------------------


def test_the_documented_request_is_what_is_sent():
    draft = make_draft(
        "8PvBmrB7P7", note="Call to follow up on the proposal sent yesterday."
    )

    request = adapter().create_request([draft])

    assert (request.method, request.path) == ("POST", "/tasks/create")
    assert request.json == sample("saleshandy", "create_request")
    assert request.writes
    assert adapter().auth().headers == {"x-api-key": KEY}
    assert KEY not in repr(request) + repr(adapter().auth()) + repr(adapter().config)


def test_what_is_not_given_is_not_sent():
    draft = make_draft(note="", priority=Priority.NONE, due_on=None)

    body = adapter().create_request([draft]).json

    assert body == {"prospectIds": ["Pr9xQ2Lm"], "taskType": "13"}


def test_many_prospects_share_one_call_and_one_marker():
    drafts = [make_draft(f"P{n}", marker=MARKER) for n in range(60)]
    sales = adapter()

    calls = sales.split(drafts)
    bodies = [sales.create_request(call).json for call in calls]

    assert [len(body["prospectIds"]) for body in bodies] == [25, 25, 10]
    assert {body["taskNote"] for body in bodies} == {f"Ask about the offer [{MARKER}]"}


@pytest.mark.parametrize(
    "change",
    [
        {"type_code": "12"},
        {"priority": Priority.HIGH},
        {"due_on": date(2026, 4, 23)},
        {"note": "Other"},
        {"marker": MARKER},
    ],
)
def test_drafts_that_differ_do_not_share_a_call(change):
    sales = adapter()
    drafts = [make_draft("P1"), make_draft("P2", **change)]

    assert sales.group_key(drafts[0]) != sales.group_key(drafts[1])
    with pytest.raises(UnsupportedTask):
        sales.create_request(drafts)


def test_one_prospect_twice_goes_out_in_two_calls():
    drafts = [make_draft("P1", ref=str(n)) for n in range(3)] + [make_draft("P2")]

    calls = adapter().split(drafts)

    assert [[d.prospect.external_id for d in call] for call in calls] == [
        ["P1", "P2"],
        ["P1"],
        ["P1"],
    ]
    with pytest.raises(UnsupportedTask):
        adapter().create_request(drafts)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", "2026-04-22"),
        ("Asia/Kolkata", "2026-04-23"),
        ("America/New_York", "2026-04-22"),
        ("Pacific/Kiritimati", "2026-04-23"),
    ],
)
def test_a_time_becomes_the_day_of_the_accounts_zone(zone, day):
    at = datetime(2026, 4, 22, 20, 30, tzinfo=UTC)

    body = adapter(time_zone=zone).create_request([make_draft(due_on=None, due_at=at)])

    assert body.json["dueDate"] == day


@pytest.mark.parametrize(
    ("priority", "code"),
    [(Priority.URGENT, "1"), (Priority.HIGH, "2"), (Priority.LOW, "4")],
)
def test_priorities_run_downwards(priority, code):
    body = adapter().create_request([make_draft(priority=priority)]).json

    assert body["priority"] == code


def test_the_fourteen_types_and_their_channels():
    types = {info.code: info for info in adapter().fixed_types}

    assert len(types) == 14
    assert types["9"].channel is Channel.TODO
    assert types["16"].name == "WhatsApp message"
    assert {types[c].channel for c in ("2", "6")} == {Channel.LINKEDIN}
    assert not {"1", "7", "8", "10"} & types.keys()


def test_the_form_offers_note_priority_and_day():
    names = {field.name: field.vendor_name for field in adapter().fields("13")}

    assert names == {"note": "taskNote", "priority": "priority", "due_on": "dueDate"}


@pytest.mark.parametrize("code", ["1", "7", "10", "call", ""])
def test_an_unknown_type_is_refused_in_the_form_and_before_sending(code):
    draft = make_draft(type_code=code)

    errors = adapter().validate(draft)

    assert [error.field for error in errors] == ["type_code"]
    with pytest.raises(UnsupportedTask, match="no such task type"):
        adapter().create_request([draft])


def test_a_prospect_without_an_id_is_not_sent():
    draft = make_draft("")

    assert adapter().prospect_error(draft) == "Has no Saleshandy id in this account."
    with pytest.raises(UnsupportedTask):
        adapter().create_request([draft])
    with pytest.raises(UnsupportedTask):
        adapter().create_request([])


def test_what_cannot_travel_is_said():
    draft = make_draft(
        title="Offer",
        due_on=None,
        due_at=datetime(2026, 4, 22, 13, tzinfo=UTC),
        starts_at=SENT,
        assignee=AssigneeDraft("7"),
    )

    assert adapter(time_zone="Europe/Berlin").losses(draft) == [
        "Saleshandy has no title: it stays in Baton.",
        "Saleshandy has no time of day: 15:00 will be dropped.",
        "Saleshandy has no start: it stays in Baton.",
        "Saleshandy decides who gets the task: the assignee stays in Baton.",
    ]
    assert adapter().losses(make_draft()) == []


# -- results ---------------------------------------------------------------------------


def test_the_documented_answer_is_read_per_prospect():
    found = adapter().read_created(answer(sample("saleshandy", "created"), 201), THREE)

    assert found == [
        ItemResult("r-Pr9xQ2Lm", task_id="7PWYDWW7zo"),
        ItemResult("r-Pr4Kb8Qw", task_id="Mw5Mjoo1wb"),
        ItemResult(
            "r-INVALIDxx",
            refused="Saleshandy refused this prospect and gave no reason. "
            "Check that it still exists there.",
        ),
    ]


def test_results_are_matched_by_prospect_in_any_order():
    body = sample("saleshandy", "created")
    expected = adapter().read_created(answer(body, 201), THREE)

    for _ in range(50):
        random.shuffle(body["payload"]["results"])
        assert adapter().read_created(answer(body, 201), THREE) == expected


def test_a_prospect_the_answer_leaves_out_is_unclear():
    found = results(
        THREE, [{"prospectId": "Pr4Kb8Qw", "taskId": "T2", "success": True}]
    )

    assert found["r-Pr4Kb8Qw"].task_id == "T2"
    assert found["r-Pr9xQ2Lm"].unclear
    assert found["r-INVALIDxx"].unclear


def test_the_same_verdict_twice_counts_once():
    good = {"prospectId": "Pr9xQ2Lm", "taskId": "T1", "success": True}

    found = results(THREE[:1], [good, good])

    assert found["r-Pr9xQ2Lm"].task_id == "T1"


@pytest.mark.parametrize(
    "rows",
    [
        [("T1", True), (None, False)],
        [("T1", True), ("T2", True)],
        [("T1", False)],
        [(None, True)],
        [("", True)],
        [("T1", None)],
        [("T1", "true")],
        [("T1", 1)],
        [(17, True)],
        [(None, None)],
        [("T1", True), ("T1", "?")],
    ],
)
def test_contradictions_are_unclear_and_never_a_refusal(rows):
    found = results(
        THREE[:1],
        [{"prospectId": "Pr9xQ2Lm", "taskId": t, "success": s} for t, s in rows],
    )

    assert found["r-Pr9xQ2Lm"].unclear


def test_one_task_for_two_prospects_is_unclear_for_both():
    found = results(
        THREE[:2],
        [
            {"prospectId": "Pr9xQ2Lm", "taskId": "T1", "success": True},
            {"prospectId": "Pr4Kb8Qw", "taskId": "T1", "success": True},
        ],
    )

    assert all(result.unclear for result in found.values())


def test_foreign_prospects_are_ignored():
    found = results(
        THREE[:1],
        [
            {"prospectId": "Foreign", "taskId": "T9", "success": False},
            {"prospectId": "Pr9xQ2Lm", "taskId": "T1", "success": True, "new": {}},
            "noise",
            None,
        ],
    )

    assert found["r-Pr9xQ2Lm"].task_id == "T1"


def test_no_mutated_answer_gives_a_false_verdict():
    body = sample("saleshandy", "created")
    told = {"r-Pr9xQ2Lm": "7PWYDWW7zo", "r-Pr4Kb8Qw": "Mw5Mjoo1wb"}
    count = 0

    for mutant in mutants(body):
        count += 1
        try:
            found = adapter().read_created(answer(mutant, 201), THREE)
        except OutcomeUnknown:
            continue
        assert len(found) == 3
        for result in found:
            assert (
                bool(result.task_id) + bool(result.refused) + bool(result.unclear) == 1
            )
            if result.task_id:
                assert result.task_id == told[result.ref]
            if result.refused:
                assert result.ref == "r-INVALIDxx"
    assert count > 200


@pytest.mark.parametrize("response", [web_page(201), empty(201), answer([], 201)])
def test_a_success_that_cannot_be_read_is_unclear(response):
    with pytest.raises(UnreadableResponse):
        adapter().read_created(response, THREE)


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"message": "1001: Invalid token"},
        {"code": 1001, "message": "Something"},
        {"error": {"code": 1001}},
        {"error": "Invalid token"},
        {"message": ["1001: Invalid token"]},
        "1001: Invalid token",
    ],
)
def test_a_wrong_key_is_a_400(body):
    with pytest.raises(CredentialsRejected):
        adapter().read_created(answer(body, 400), THREE)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            {"message": "4000: Failed to create task"},
            "Saleshandy refused this: “4000: Failed to create task”",
        ),
        (
            {
                "statusCode": 400,
                "error": "Bad Request",
                "message": ["dueDate must be\na date", "x"],
            },
            "Saleshandy refused this: “dueDate must be a date”",
        ),
        (
            {"message": f"The header {KEY} is bad"},
            "Saleshandy refused this: “The header … is bad”",
        ),
        ({}, "Saleshandy refused this and gave no reason (400)."),
        (None, "Saleshandy refused this and gave no reason (400)."),
        (
            {"message": "10010 tokens left"},
            "Saleshandy refused this: “10010 tokens left”",
        ),
    ],
)
def test_another_400_refuses_in_the_vendors_words(body, sentence):
    with pytest.raises(TaskRejected) as caught:
        adapter().read_created(answer(body, 400), THREE)

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {}, CredentialsRejected),
        (403, {}, CredentialsRejected),
        (404, {"message": "Cannot POST /v1/tasks/create"}, Misconfigured),
        (404, None, Misconfigured),
        (404, {"message": "Prospects could not be found"}, TaskRejected),
        (409, {}, OutcomeUnknown),
        (413, None, TooLarge),
        (422, {"message": "no"}, TaskRejected),
        (429, {}, RateLimited),
        (302, None, Misconfigured),
        (408, None, OutcomeUnknown),
        (500, {"message": "5001: Internal server error"}, OutcomeUnknown),
        (502, None, OutcomeUnknown),
        (503, None, OutcomeUnknown),
    ],
)
def test_each_status_ends_in_its_error(status, body, error):
    with pytest.raises(VendorError) as caught:
        adapter().read_created(answer(body, status), THREE)

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after": "30"}, 30, 30),
        ({"x-ratelimit-reset": "12"}, 12, 12),
        ({"x-ratelimit-reset": "2020-01-01T00:00:00.000Z"}, 1, 1),
        ({"x-ratelimit-reset": "Fri, 01 May 2099 12:00:00 GMT"}, 86400, 86400),
        ({"x-ratelimit-reset": "4102444800"}, 86400, 86400),
    ],
)
def test_a_429_waits_as_long_as_any_header_says(headers, low, high):
    with pytest.raises(RateLimited) as caught:
        adapter().read_created(answer({}, 429, **headers), THREE)

    assert low <= (caught.value.retry_after or 0) <= high


@pytest.mark.parametrize("headers", [{}, {"x-ratelimit-reset": "soon"}])
def test_a_429_that_names_no_time_leaves_it_open(headers):
    with pytest.raises(RateLimited) as caught:
        adapter().read_created(answer({}, 429, **headers), THREE)

    assert caught.value.retry_after is None


# -- reading one -----------------------------------------------------------------------


def test_a_task_is_read_with_all_it_shows():
    body = sample("saleshandy", "task")

    requests, task = drive(adapter().read_task("7PWYDWW7zo"), [answer(body)])

    assert requests == [VendorRequest("GET", "/tasks/7PWYDWW7zo")]
    assert task.status is Status.COMPLETED
    assert task.note == "Ask about <b>the offer</b>"
    assert MARKER in task.text
    assert task.due_on == date(2026, 4, 22)
    assert (task.prospect_id, task.prospect_name) == ("Pr9xQ2Lm", "Ada Berg")
    assert (task.assignee_id, task.assignee_email) == ("Us1", "rep@example.com")
    assert task.completed_at == datetime(2026, 4, 22, 9, 30, tzinfo=UTC)
    assert {"status", "note", "priority", "due_on", "type_code"} <= task.shown
    assert adapter().same_task(
        make_draft(note="Ask about <b>the offer</b>", marker=MARKER), task
    )


@pytest.mark.parametrize("wrap", ["payload", "task", "bare"])
def test_a_task_is_found_wherever_the_answer_holds_it(wrap):
    body = {
        "payload": {"payload": row()},
        "task": {"payload": {"task": row()}},
        "bare": {"task": row()},
    }[wrap]

    assert drive(adapter().read_task("T1"), [answer(body)])[1].external_id == "T1"


def test_only_the_documented_404_means_gone():
    gone = answer({"message": "The requested task could not be found"}, 404)

    assert drive(adapter().read_task("T1"), [gone])[1] is None
    for body in ({"message": "Cannot GET /v1/tasks/T1", "error": "Not Found"}, None):
        with pytest.raises(Misconfigured):
            drive(adapter().read_task("T1"), [answer(body, 404)])


def test_another_tasks_answer_is_not_taken():
    with pytest.raises(UnreadableResponse):
        drive(adapter().read_task("T2"), [answer({"payload": row()})])


def test_an_id_cannot_leave_its_place_in_the_path():
    request = next(adapter().read_task("../x?y=1"))

    assert request.path == "/tasks/..%2Fx%3Fy%3D1"


def test_no_mutated_task_breaks_the_reading():
    for mutant in mutants(sample("saleshandy", "task")):
        try:
            _, task = drive(adapter().read_task("7PWYDWW7zo"), [answer(mutant)])
        except VendorError:
            continue
        assert isinstance(task, RemoteTask)
        assert task.external_id == "7PWYDWW7zo"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("upcoming", Status.OPEN),
        ("dueToday", Status.OPEN),
        ("overdue", Status.OPEN),
        ("snoozed", Status.OPEN),
        ("completed", Status.COMPLETED),
        ("skipped", Status.SKIPPED),
        ("paused", None),
    ],
)
def test_status_words_are_mapped_and_unknown_ones_kept(word, status):
    body = {"payload": row(status=word)}

    _, task = drive(adapter().read_task("T1"), [answer(body)])

    assert (task.status, task.vendor_status) == (status, word)


@pytest.mark.parametrize(
    ("shown", "zone", "day"),
    [
        ("2026-04-22", "Asia/Kolkata", date(2026, 4, 22)),
        ("2026-04-22T00:00:00.000Z", "America/New_York", date(2026, 4, 22)),
        ("2026-04-22T23:59:59.999Z", "Asia/Kolkata", date(2026, 4, 22)),
        ("2026-04-21T18:30:00.000Z", "Asia/Kolkata", date(2026, 4, 22)),
        ("2026-04-22T13:00:00.000Z", "UTC", None),
        ("2026-13-45", "UTC", None),
        (None, "UTC", None),
        (12, "UTC", None),
    ],
)
def test_a_due_day_is_read_only_where_it_is_sure(shown, zone, day):
    body = {"payload": row(dueDate=shown)}

    _, task = drive(adapter(time_zone=zone).read_task("T1"), [answer(body)])

    assert task.due_on == day
    assert ("due" in task.compare) == (day is not None)


# -- finding ---------------------------------------------------------------------------


def find(respond: Any, *drafts: TaskDraft) -> tuple[list[VendorRequest], Any]:
    return drive(adapter().find(drafts or (make_draft(),), sent_at=SENT), respond)


def test_a_lost_task_is_found_by_its_marker_among_all_statuses():
    draft = make_draft(marker=MARKER, note="Ask")
    ours = row(taskId="T7", taskNote=f"<p>Ask [{MARKER}]</p>", dueDate="2026-04-29")
    respond = listing(dueToday=[row(taskId="T6"), ours], upcoming=[row(taskId="T5")])

    requests, found = find(respond, draft)

    assert [task.external_id for task in found.tasks] == ["T7"]
    assert found.complete
    assert {r.query["taskType"] for r in requests} == {"call"}
    assert [r.query["status"] for r in requests if r.query["page"] == 1] == [
        "upcoming",
        "dueToday",
        "overdue",
        "completed",
        "skipped",
    ]


def test_a_shared_marker_tells_calls_apart_and_the_prospect_tells_tasks_apart():
    drafts = [make_draft("P1", marker=MARKER), make_draft("P2", marker=MARKER)]
    text = f"Ask about the offer [{MARKER}]"
    respond = listing(
        upcoming=[
            row(taskId="T1", prospectId="P1", taskNote=text),
            row(taskId="T2", prospectId="P2", taskNote=text),
            row(taskId="T3", prospectId="P3", taskNote=text),
        ]
    )

    _, found = find(respond, *drafts)

    assert [task.external_id for task in found.tasks] == ["T1", "T2"]
    assert adapter().same_task(drafts[0], found.tasks[0])
    assert not adapter().same_task(drafts[0], found.tasks[1])


def test_without_a_marker_every_field_decides():
    others = [
        row(taskId="A", prospectId="Other"),
        row(taskId="B", taskType="12"),
        row(taskId="C", priority="1"),
        row(taskId="D", dueDate="2026-04-23"),
        row(taskId="E", taskNote="Something else"),
        row(taskId="F", createdAt="2026-04-19T08:00:00Z"),
    ]
    respond = listing(
        upcoming=[*others, row(taskId="G", taskNote="Ask  about the\noffer")]
    )

    _, found = find(respond)

    assert [task.external_id for task in found.tasks] == ["G"]
    assert found.complete


def test_thin_rows_are_read_one_by_one():
    thin = row(taskId="T1", taskNote="-", prospectId="-")
    other = row(taskId="T2", taskNote="-", prospectId="-", taskType="12")

    def respond(request: VendorRequest) -> VendorResponse:
        if request.path == "/tasks/T1":
            return answer({"payload": row(taskId="T1")})
        return listing(upcoming=[thin, other])(request)

    requests, found = find(respond)

    assert [task.external_id for task in found.tasks] == ["T1"]
    assert found.complete
    assert [r.path for r in requests if r.path != "/tasks"] == ["/tasks/T1"]


def test_a_task_that_never_shows_its_prospect_leaves_the_question_open():
    thin = row(taskNote="-", prospectId="-")

    def respond(request: VendorRequest) -> VendorResponse:
        if request.path != "/tasks":
            return answer({"payload": thin})
        return listing(upcoming=[thin])(request)

    _, found = find(respond)

    assert not found.tasks
    assert not found.complete


def test_absence_is_certain_only_after_an_empty_page():
    full = answer({"payload": [row(taskId=f"X{n}", taskType="12") for n in range(3)]})

    _, found = find(lambda request: full)

    assert not found.complete  # the same page came back for ever


def test_a_walk_is_bounded():
    def respond(request: VendorRequest) -> VendorResponse:
        number = f"{request.query['status']}{request.query['page']}"
        return answer({"payload": [row(taskId=number, taskType="12")]})

    requests, found = find(respond)

    assert len(requests) == 5 * MOST_PAGES
    assert not found.complete


def test_finished_tasks_are_walked_only_back_to_the_sending():
    old = row(taskId="Old", completedAt="2026-04-01T00:00:00Z")

    requests, found = find(listing(completed=[old]))

    assert [r.query["page"] for r in requests if r.query["status"] == "completed"] == [
        1
    ]
    assert found.complete


def test_rows_out_of_order_do_not_end_a_walk():
    old = row(taskId="Old", completedAt="2026-04-01T00:00:00Z", createdAt="-")
    new = row(taskId="New", completedAt="2026-04-21T00:00:00Z", createdAt="-")

    requests, _ = find(listing(completed=[old, new, old]))

    assert [r.query["page"] for r in requests if r.query["status"] == "completed"] == [
        1,
        2,
    ]


def test_a_row_that_cannot_be_read_leaves_the_question_open():
    _, found = find(listing(upcoming=[{"taskId": None}, "noise"]))

    assert not found.complete


def test_a_refused_later_page_leaves_the_question_open():
    def respond(request: VendorRequest) -> VendorResponse:
        if request.query["page"] == 2:
            return answer({"message": "4000: Failed to fetch tasks"}, 400)
        return listing(upcoming=[row()])(request)

    _, found = find(respond)

    assert [task.external_id for task in found.tasks] == ["T1"]
    assert not found.complete


@pytest.mark.parametrize("place", ["tasks", "data", "results", "items", "rows"])
def test_the_list_is_found_wherever_the_answer_holds_it(place):
    def respond(request: VendorRequest) -> VendorResponse:
        rows = [row()] if request.query["page"] == 1 else []
        return answer({"payload": {place: rows}})

    _, found = find(respond)

    assert len(found.tasks) == 1


def test_no_mutated_list_raises_anything_odd_or_denies_the_task():
    body = {"payload": {"tasks": [row(), row(taskId="T2", prospectId="Other")]}}

    for mutant in mutants(body):

        def respond(request: VendorRequest, mutant: Any = mutant) -> VendorResponse:
            if request.path != "/tasks":
                return answer({"message": "4000: Failed to fetch task by ID"}, 400)
            first = (request.query["status"], request.query["page"]) == ("upcoming", 1)
            return answer(mutant if first else {"payload": []})

        try:
            _, found = find(respond)
        except VendorError:
            continue
        for task in found.tasks:
            assert adapter().same_task(make_draft(), task)


def test_types_of_one_family_are_looked_up_together():
    keys = {adapter().find_key(make_draft(type_code=code)) for code in ("11", "15")}

    assert keys == {"call"}
    assert adapter().find_key(make_draft(type_code="9")) == "custom"


# -- reading the account ---------------------------------------------------------------


def finished(name: str, status: str, at: datetime) -> dict[str, Any]:
    field = {"completed": "completedAt", "skipped": "skippedAt"}[status]
    return row(taskId=name, **{field: at.isoformat()})


def test_a_reading_walks_finished_tasks_back_to_the_last_one():
    since = datetime(2026, 4, 20, tzinfo=UTC)
    hour = timedelta(hours=1)
    pages = {
        ("completed", 1): [finished("C1", "completed", since + 3 * hour)],
        ("completed", 2): [
            finished("C2", "completed", since + hour),
            finished("C1", "completed", since + hour),
            finished("C3", "completed", since - hour),
        ],
        ("skipped", 1): [finished("S1", "skipped", since + hour)],
    }

    def respond(request: VendorRequest) -> VendorResponse:
        key = (request.query["status"], request.query["page"])
        return answer({"payload": pages.get(key, [])})

    scope = SyncScope(until=since + timedelta(days=1), since=since)
    requests, found = read(adapter().read_tasks(scope), respond)

    assert [(r.query["status"], r.query["page"]) for r in requests] == [
        ("completed", 1),
        ("completed", 2),
        ("skipped", 1),
        ("skipped", 2),
    ]
    assert requests[0].query["sortBy"] == "completedAt"
    assert requests[0].query["sortOrder"] == "DESC"
    assert [[t.external_id for t in page.tasks] for page in found] == [
        ["C1"],
        ["C2", "C1", "C3"],
        ["S1"],
        [],
    ]
    assert found[0].tasks[0].status is Status.COMPLETED
    assert found[2].tasks[0].status is Status.SKIPPED
    assert [page.cursor for page in found] == [
        {"status": "completed", "page": 2},
        {"status": "skipped", "page": 1},
        {"status": "skipped", "page": 2},
        {"status": "done"},
    ]


def test_a_reading_goes_on_where_it_stopped():
    scope = SyncScope(until=SENT, cursor={"status": "skipped", "page": 3})

    requests, _ = read(adapter().read_tasks(scope), listing())

    assert [(r.query["status"], r.query["page"]) for r in requests] == [("skipped", 3)]
    done = replace(scope, cursor={"status": "done"})
    assert read(adapter().read_tasks(done), listing()) == ([], [])


def test_open_lists_are_walked_only_to_bring_tasks_in():
    respond = listing(upcoming=[row(taskId="U")], dueToday=[row(taskId="D")])
    scope = SyncScope(until=SENT, bring_in=True)

    _, pages = read(adapter().read_tasks(scope), respond)
    _, short = read(adapter().read_tasks(replace(scope, bring_in=False)), respond)

    assert [t.external_id for page in pages for t in page.tasks] == ["U", "D"]
    assert not [t for page in short for t in page.tasks]


def test_a_page_with_fewer_rows_than_the_first_is_the_last():
    rows = [row(taskId=f"U{number}") for number in range(7)]

    def respond(request: VendorRequest) -> VendorResponse:
        first = 3 * (request.query["page"] - 1)  # whatever page size is asked for
        listed = (
            rows[first : first + 3] if request.query["status"] == "upcoming" else []
        )
        return answer({"payload": listed})

    scope = SyncScope(until=SENT, open_tasks=50, cursor={"status": "upcoming"})
    requests, pages = read(adapter().read_tasks(scope), respond)

    asked = [(r.query["status"], r.query["page"]) for r in requests]
    assert asked == [
        ("upcoming", 1),
        ("upcoming", 2),
        ("upcoming", 3),
        ("dueToday", 1),
        ("overdue", 1),
    ]
    assert len({t.external_id for page in pages for t in page.tasks}) == 7


def test_a_list_that_repeats_its_page_ends():
    respond = listing()
    rows = [row(taskId=f"U{number}") for number in range(100)]
    scope = SyncScope(until=SENT, open_tasks=50, cursor={"status": "overdue"})

    requests, _ = read(
        adapter().read_tasks(scope),
        lambda r: answer({"payload": rows}) if "status" in r.query else respond(r),
    )

    assert len(requests) == 2


def test_many_snoozed_tasks_are_read_by_the_list_of_all_down_to_the_first_due_day():
    first = date(2026, 5, 4)
    rows = [
        row(
            taskId=f"T{number}",
            status="snoozed" if number % 3 else "completed",
            dueDate=(first + timedelta(days=30 - number // 10)).isoformat(),
        )
        for number in range(600)
    ]

    def respond(request: VendorRequest) -> VendorResponse:
        if "status" in request.query:
            return answer({"payload": []})
        last = 100 * request.query["page"]
        return answer({"payload": rows[last - 100 : last]})

    scope = SyncScope(until=SENT, open_tasks=200, unlisted=150, starts_from=first)
    requests, pages = read(adapter().read_tasks(scope), respond)

    assert [r.query.get("status", "all") for r in requests] == [
        "completed",
        "skipped",
        *["all"] * 4,
    ]
    statuses = {t.vendor_status: t.status for page in pages for t in page.tasks}
    assert statuses == {"snoozed": Status.OPEN, "completed": Status.COMPLETED}
    assert read(adapter().read_rest(scope), respond) == ([], [])

    few = replace(scope, unlisted=0)
    requests, _ = read(adapter().read_rest(few), respond)
    assert {"status" in r.query for r in requests} == {False}


def test_no_mutated_list_breaks_a_reading():
    for mutant in mutants({"payload": [finished("C1", "completed", SENT)]}):
        answers = iter([answer(mutant)])

        def respond(_: VendorRequest, answers: Any = answers) -> VendorResponse:
            return next(answers, answer({"payload": []}))

        try:
            read(adapter().read_tasks(SyncScope(until=SENT)), respond)
        except VendorError:
            continue


# -- connecting ------------------------------------------------------------------------


def test_a_connection_is_tested_by_a_harmless_read():
    requests, info = drive(adapter().test_connection(), [answer({"payload": [row()]})])

    assert [(r.method, r.path, r.writes) for r in requests] == [
        ("GET", "/tasks", False)
    ]
    assert info.sentence == "Saleshandy accepts the key and shows its tasks."


def test_a_list_that_looks_unknown_is_said():
    _, info = drive(adapter().test_connection(), [answer({"payload": {}})])

    assert "looks unlike" in info.sentence


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer({"message": "1001: Invalid token"}, 400), CredentialsRejected),
        (web_page(), UnreadableResponse),
        (web_page(404), Misconfigured),
    ],
)
def test_a_connection_that_fails_says_why(response, error):
    with pytest.raises(error):
        drive(adapter().test_connection(), [response])


def test_people_are_read_leniently():
    body = {"payload": [{"id": "U1", "firstName": "Ada", "email": "a@x.test"}, {}, 3]}

    _, users = drive(adapter().read_users(), [answer(body)])

    assert [(u.external_id, u.name, u.email) for u in users] == [
        ("U1", "Ada", "a@x.test")
    ]
    assert drive(adapter().read_users(), [answer({"payload": {}})])[1] == []


def test_types_need_no_call():
    requests, types = drive(adapter().read_types(), [])

    assert requests == []
    assert len(types) == 14


# -- acting ----------------------------------------------------------------------------


def act(action: Action, *answers: Any, task: Any = None, **values: Any) -> Any:
    draft = ActionDraft(action, "T1", task or make_draft(), values)
    return drive(adapter().act(draft), answers)


def test_completing_a_call_names_its_outcome():
    body = {"payload": {"task": row(status="completed")}}

    requests, task = act(Action.COMPLETE, answer(body), outcome="Left Voicemail")

    assert requests == [
        VendorRequest(
            "POST",
            "/tasks/T1/complete",
            json={"callOutcome": "Left Voicemail"},
            writes=True,
        )
    ]
    assert task.status is Status.COMPLETED


@pytest.mark.parametrize("outcome", [None, "", "no-answer"])
def test_a_call_without_a_listed_outcome_is_not_completed(outcome):
    with pytest.raises(UnsupportedTask):
        act(Action.COMPLETE, outcome=outcome)


def test_other_tasks_are_completed_without_an_outcome():
    requests, _ = act(
        Action.COMPLETE, answer({}), task=make_draft(type_code="9"), outcome="x"
    )

    assert requests[0].json == {}


def test_a_task_is_skipped_without_a_body():
    requests, task = act(Action.SKIP, answer({"message": "ok"}))

    assert requests == [VendorRequest("POST", "/tasks/T1/skip", writes=True)]
    assert task is None


def test_the_documented_snooze_answer_is_read():
    until = datetime(2024, 6, 17, 7, 55, 38, tzinfo=UTC)
    draft = ActionDraft(Action.SNOOZE, "lP0Zg2keMz", make_draft(), {"until": until})

    requests, task = drive(
        adapter().act(draft), [answer(sample("saleshandy", "snoozed"))]
    )

    assert requests[0].path == "/tasks/lP0Zg2keMz/snooze"
    assert requests[0].json == {"snoozeUntil": "2024-06-17T07:55:38.000Z"}
    assert (task.status, task.vendor_status) == (Status.OPEN, "snoozed")


def test_a_snooze_needs_a_time():
    with pytest.raises(UnsupportedTask):
        act(Action.SNOOZE)


def test_a_new_note_keeps_the_marker():
    requests, _ = act(
        Action.NOTE, answer({}), task=make_draft(marker=MARKER), note="New text"
    )

    assert requests == [
        VendorRequest(
            "PATCH",
            "/tasks/T1/note",
            json={"note": f"New text [{MARKER}]"},
            writes=True,
        )
    ]


@pytest.mark.parametrize("action", [Action.CANCEL, Action.REASSIGN, Action.RESCHEDULE])
def test_what_saleshandy_cannot_do_is_not_tried(action):
    assert not adapter().can(action)
    with pytest.raises(UnsupportedTask):
        act(action)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer({"message": "4000: Failed to skip task"}, 400), TaskRejected),
        (answer({"message": "The task could not be found"}, 404), TaskRejected),
        (answer({"message": "Cannot POST /v1/tasks/T1/skip"}, 404), Misconfigured),
        (answer({"message": "1001: Invalid token"}, 400), CredentialsRejected),
        (answer({"success": False}), OutcomeUnknown),
        (answer({"payload": {"task": row(taskId="T2")}}), UnreadableResponse),
        (web_page(), UnreadableResponse),
        (empty(500), OutcomeUnknown),
        (empty(408), OutcomeUnknown),
    ],
)
def test_an_action_that_fails_says_how_sure_that_is(response, error):
    with pytest.raises(VendorError) as caught:
        act(Action.SKIP, response)

    assert type(caught.value) is error


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_empty_success_is_one(status):
    assert act(Action.SKIP, empty(status))[1] is None
