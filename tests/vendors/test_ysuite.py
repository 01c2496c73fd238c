"""YSuite: documented requests and answers, and every odd answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
    UnreadableResponse,
    UnsupportedTask,
    VendorError,
)
from tasks_app.vendors.findings import ItemResult, RemoteTask, SyncScope
from tasks_app.vendors.words import Action, Channel, Priority, Status
from tasks_app.vendors.ysuite import YSuiteAdapter
from tasks_app.vendors.ysuite_reading import MOST_PAGES
from tasks_app.vendors.ysuite_words import local_moment, local_text
from tests.vendors.driving import drive, read
from tests.vendors.mutating import answer, empty, mutants, sample, web_page

KEYS = {"access_key": "canary-access", "secret_key": "canary-secret"}
START = datetime(2026, 7, 15, 10, tzinfo=UTC)
SENT = datetime(2026, 7, 1, tzinfo=UTC)
MARKER = "bt-7f3aq2kz"


def adapter(**settings: str) -> YSuiteAdapter:
    return YSuiteAdapter(
        AccountConfig("https://api.ysuite.org/v1", KEYS, settings=settings)
    )


def make_draft(prospect: str = "10", **overrides: Any) -> TaskDraft:
    fields: dict[str, Any] = {
        "ref": "r1",
        "type_code": "task",
        "prospect": ProspectDraft(prospect),
        "title": "Follow up with Sarah",
        "priority": Priority.MEDIUM,
        "starts_at": START,
        "due_at": START + timedelta(hours=1),
    }
    return TaskDraft(**(fields | overrides))


def row(**overrides: Any) -> dict[str, Any]:
    fields = {**sample("ysuite", "list")["data"]["data"][0], **overrides}
    return {name: value for name, value in fields.items() if value != "-"}


def page(rows: list[Any], *, pages: int = 1, records: int | None = None) -> Any:
    body: dict[str, Any] = {"data": rows, "current_page": 1, "total_pages": pages}
    body["total_records"] = len(rows) if records is None else records
    return answer({"success": True, "data": body})


def created(draft: TaskDraft, response: VendorResponse) -> list[ItemResult]:
    return adapter().read_created(response, [draft])


# -- creating --------------------------------------------------------------------------


def test_the_documented_request_is_what_is_sent():
    draft = make_draft(priority=Priority.HIGH, note="Discuss contract renewal terms")

    request = adapter().create_request([draft])

    assert (request.method, request.path, request.writes) == ("POST", "/tasks", True)
    assert request.json == sample("ysuite", "create_request")
    assert adapter().auth().headers == {
        "x-ysuite-access-key": "canary-access",
        "x-ysuite-secret-key": "canary-secret",
    }
    assert "canary" not in repr(request) + repr(adapter().auth())


def test_everything_that_can_be_given_is_sent_as_numbers():
    draft = make_draft(
        assignee=AssigneeDraft("7"),
        options={"deal_id": " 31 ", "status": "1", "tags": "4, 5,"},
        due_at=None,
        marker=MARKER,
    )

    body = adapter().create_request([draft]).json

    assert body == {
        "title": f"Follow up with Sarah [{MARKER}]",
        "start_datetime": "2026-07-15T10:00:00",
        "cstid": 10,
        "deal_id": 31,
        "priority": 2,
        "status": 1,
        "assigned_user_id": 7,
        "tags": [4, 5],
    }


@pytest.mark.parametrize(
    ("priority", "number"),
    [
        (Priority.NONE, 0),
        (Priority.LOW, 1),
        (Priority.HIGH, 3),
        (Priority.URGENT, 4),
    ],
)
def test_priorities_run_upwards(priority, number):
    assert (
        adapter().create_request([make_draft(priority=priority)]).json["priority"]
        == number
    )


def test_a_deal_stands_in_for_a_contact():
    draft = make_draft("", options={"deal_id": 31})

    assert adapter().prospect_error(draft) == ""
    assert "cstid" not in adapter().create_request([draft]).json


@pytest.mark.parametrize(
    ("prospect", "sentence"),
    [
        ("", "Has no YSuite id in this account, and the task names no deal."),
        ("abc", "Its YSuite id is not a number."),
        ("0", "Its YSuite id is not a number."),
        ("1.5", "Its YSuite id is not a number."),
    ],
)
def test_a_prospect_needs_a_number(prospect, sentence):
    draft = make_draft(prospect)

    assert adapter().prospect_error(draft) == sentence
    with pytest.raises(UnsupportedTask):
        adapter().create_request([draft])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type_code": "call"}, "type_code"),
        ({"title": " "}, "title"),
        ({"title": "x" * 151}, "title"),
        ({"title": "x" * 137, "marker": MARKER}, "title"),
        ({"starts_at": None}, "starts_at"),
        ({"due_at": START - timedelta(seconds=1)}, "due_at"),
        ({"assignee": AssigneeDraft(email="a@x.test")}, "assignee"),
        ({"assignee": AssigneeDraft("me")}, "assignee"),
        ({"options": {"deal_id": "x"}}, "deal_id"),
        ({"options": {"deal_id": 0}}, "deal_id"),
        ({"options": {"deal_id": True}}, "deal_id"),
        ({"options": {"deal_id": [1]}}, "deal_id"),
        ({"options": {"status": "5"}}, "status"),
        ({"options": {"status": "open"}}, "status"),
        ({"options": {"tags": "1,x"}}, "tags"),
        ({"options": {"tags": [1, None]}}, "tags"),
        ({"options": {"tags": "-1"}}, "tags"),
        ({"options": {"tags": {"a": 1}}}, "tags"),
    ],
)
def test_what_ysuite_would_refuse_is_said_before_sending(change, field):
    draft = make_draft(**change)

    errors = adapter().validate(draft)

    assert [error.field for error in errors] == [field]
    assert errors[0].message.endswith(".")
    with pytest.raises(UnsupportedTask):
        adapter().create_request([draft])


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"title": "x" * 150},
        {"title": "x" * 136, "marker": MARKER},
        {"due_at": START},
        {"due_at": None},
        {"options": {"deal_id": "", "status": "", "tags": ""}},
        {"options": {"deal_id": None, "status": 0, "tags": [1, "2"]}},
        {"options": {"tags": 3}},
    ],
)
def test_what_ysuite_takes_passes(change):
    assert adapter().validate(make_draft(**change)) == []


def test_the_form_offers_every_documented_field():
    fields = adapter().fields("task")

    assert {field.vendor_name for field in fields} == {
        "title",
        "start_datetime",
        "deal_id",
        "end_datetime",
        "description",
        "priority",
        "status",
        "assigned_user_id",
        "tags",
    }
    assert {f.name for f in fields if f.required} == {"title", "starts_at"}
    assert next(f.default for f in fields if f.name == "priority") == "2"
    assert adapter().fixed_types[0].channel is Channel.TODO


def test_a_due_day_is_said_to_stay():
    assert adapter().losses(make_draft(due_on=date(2026, 7, 16))) == [
        "YSuite takes a time, not a day: the due day stays in Baton."
    ]
    assert adapter().losses(make_draft()) == []


def test_one_call_carries_one_task():
    drafts = [make_draft(ref="1"), make_draft(ref="2")]

    assert adapter().split(drafts) == [[drafts[0]], [drafts[1]]]
    with pytest.raises(UnsupportedTask):
        adapter().create_request(drafts)


# -- times without a zone --------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "2026-07-15T10:00:00"),
        ("Asia/Kolkata", "2026-07-15T15:30:00"),
        ("America/New_York", "2026-07-15T06:00:00"),
        ("Asia/Kathmandu", "2026-07-15T15:45:00"),
    ],
)
def test_times_are_sent_in_the_accounts_zone(zone, text):
    request = adapter(time_zone=zone).create_request([make_draft()])

    assert request.json["start_datetime"] == text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        # 02:30 does not exist in Berlin that night: it moves forward by the jump.
        ("2026-03-29T02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        # 02:30 occurs twice there: the first is taken.
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-07-15T10:00:00", datetime(2026, 7, 15, 8, tzinfo=UTC)),
        ("2026-07-15 10:00:00.123", datetime(2026, 7, 15, 8, tzinfo=UTC)),
        ("2026-07-15T10:00:00Z", datetime(2026, 7, 15, 10, tzinfo=UTC)),
        ("2026-07-15", None),
        ("soon", None),
        ("2026-02-30T10:00:00", None),
        ("0001-01-01T00:00:00", None),
        (None, None),
        (17, None),
    ],
)
def test_zoneless_times_become_instants(text, instant):
    assert local_moment(text, ZoneInfo("Europe/Berlin")) == instant


@pytest.mark.parametrize(
    "name",
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Pacific/Apia",
        "America/Santiago",
        "Africa/Casablanca",
    ],
)
def test_times_come_back_as_they_were_sent(name):
    zone = ZoneInfo(name)
    at = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)

    while at.year == 2026:
        text = local_text(at, zone)
        back = local_moment(text, zone)
        assert local_text(back, zone) == text
        if at.astimezone(zone).fold == 0:
            assert back == at
        at += timedelta(hours=1)


def test_an_end_in_the_hour_that_occurs_twice_may_not_look_earlier():
    start = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # 02:45 in Berlin, the first
    end = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 in Berlin, the second

    errors = adapter(time_zone="Europe/Berlin").validate(
        make_draft(starts_at=start, due_at=end)
    )

    assert [error.field for error in errors] == ["due_at"]


# -- results ---------------------------------------------------------------------------


def test_the_documented_answer_names_the_task():
    found = created(make_draft(), answer(sample("ysuite", "created")))

    assert found == [ItemResult("r1", task_id="15")]


def test_no_mutated_answer_gives_a_false_verdict():
    for mutant in mutants(sample("ysuite", "created")):
        try:
            found = created(make_draft(), answer(mutant))
        except OutcomeUnknown:
            continue
        except TaskRejected:
            assert mutant["success"] is False
            assert not mutant["data"]
            continue
        assert found == [ItemResult("r1", task_id="15")]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"success": False, "message": "Contact not found"}, TaskRejected),
        (
            {"success": False, "message": "x", "data": {"activity_id": 3}},
            OutcomeUnknown,
        ),
        ({"success": False}, OutcomeUnknown),
        ({"data": {"activity_id": 3}}, OutcomeUnknown),
        ({"success": "true", "data": {"activity_id": 3}}, OutcomeUnknown),
        ({"success": True, "data": {}}, OutcomeUnknown),
        ({"success": True, "data": {"activity_id": "x"}}, OutcomeUnknown),
        ({"success": True, "data": {"activity_id": True}}, OutcomeUnknown),
        ({"success": True, "data": [15]}, OutcomeUnknown),
    ],
)
def test_success_is_read_in_the_body_too(body, error):
    with pytest.raises(error):
        created(make_draft(), answer(body))


@pytest.mark.parametrize("response", [web_page(), empty(), empty(201), answer([])])
def test_a_success_that_cannot_be_read_is_unclear(response):
    with pytest.raises(UnreadableResponse):
        created(make_draft(), response)


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (
            400,
            {"success": False, "message": "Contact not found."},
            TaskRejected,
            "“Contact not found.”",
        ),
        (400, None, TaskRejected, "no reason (400)"),
        (
            400,
            {"success": False, "message": "No organisation assigned to user"},
            CredentialsRejected,
            "no organisation",
        ),
        (
            422,
            {
                "success": False,
                "message": "Validation failed",
                "errors": {"title": ["is too\nlong", 3], "cstid": "is bad", "x": {}},
            },
            TaskRejected,
            "“Validation failed · title: is too long · cstid: is bad”",
        ),
        (422, {"errors": []}, TaskRejected, "no reason (422)"),
        (
            401,
            {"success": False, "message": "Invalid API credentials."},
            CredentialsRejected,
            "rejects the key",
        ),
        (403, {"success": False}, CredentialsRejected, "403"),
        (404, None, Misconfigured, "base URL"),
        (409, {}, OutcomeUnknown, "409"),
        (429, {}, RateLimited, "busy"),
        (500, {"success": False, "message": "Unexpected"}, OutcomeUnknown, "500"),
        (503, None, OutcomeUnknown, "503"),
        (302, None, Misconfigured, "redirect"),
    ],
)
def test_each_status_ends_in_its_error(status, body, error, words):
    with pytest.raises(VendorError) as caught:
        created(make_draft(), answer(body, status))

    assert type(caught.value) is error
    assert words in str(caught.value)


def test_a_quoted_text_is_short_and_without_keys():
    body = {"success": False, "message": "key canary-secret " + "x" * 500}

    with pytest.raises(TaskRejected) as caught:
        created(make_draft(), answer(body, 400))

    assert "canary" not in str(caught.value)
    assert len(str(caught.value)) < 230


# -- reading one -----------------------------------------------------------------------


def test_a_task_is_read_with_all_it_shows():
    requests, task = drive(
        adapter(time_zone="Europe/Berlin").read_task("15"),
        [answer(sample("ysuite", "task"))],
    )

    assert requests == [VendorRequest("GET", "/tasks/15")]
    assert task.title == "Follow up with Sarah"
    assert task.text.endswith(f"[{MARKER}]")
    assert (task.status, task.vendor_status) == (Status.NO_SHOW, "4")
    assert task.priority is Priority.HIGH
    assert task.starts_at == datetime(2026, 7, 15, 8, tzinfo=UTC)
    assert task.due_at == datetime(2026, 7, 15, 9, tzinfo=UTC)
    assert (task.prospect_id, task.assignee_id) == ("10", "7")
    assert task.note == "Discuss contract renewal terms"
    assert {"title", "note", "status", "starts_at", "assignee_id"} <= task.shown


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (0, Status.OPEN),
        (1, Status.IN_PROGRESS),
        (2, Status.COMPLETED),
        (3, Status.CANCELLED),
        (9, None),
    ],
)
def test_statuses_are_mapped_and_unknown_ones_kept(number, status):
    body = {"success": True, "data": row(status=number)}

    _, task = drive(adapter().read_task("15"), [answer(body)])

    assert (task.status, task.vendor_status) == (status, str(number))


@pytest.mark.parametrize("status", [400, 404])
def test_a_missing_task_is_a_refusal_that_says_so(status):
    gone = answer({"success": False, "message": "Task not found."}, status)

    assert drive(adapter().read_task("15"), [gone])[1] is None


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer({"success": False, "message": "No organisation"}, 400), VendorError),
        (answer({"success": False, "message": "Busy"}, 400), TaskRejected),
        (web_page(404), Misconfigured),
        (answer({"success": True, "data": row(activity_id=16)}), UnreadableResponse),
        (answer({"success": True, "data": {}}), UnreadableResponse),
        (answer({"success": True, "data": None}), UnreadableResponse),
    ],
)
def test_any_other_answer_never_means_gone(response, error):
    with pytest.raises(error):
        drive(adapter().read_task("15"), [response])


@pytest.mark.parametrize("key", ["", "x", "1/../2", "-1"])
def test_an_id_that_is_no_number_is_not_asked_for(key):
    with pytest.raises(UnsupportedTask):
        drive(adapter().read_task(key), [])


def test_no_mutated_task_breaks_the_reading():
    for mutant in mutants(sample("ysuite", "task")):
        try:
            _, task = drive(adapter().read_task("15"), [answer(mutant)])
        except VendorError:
            continue
        assert isinstance(task, RemoteTask)
        assert task.external_id == "15"


# -- finding ---------------------------------------------------------------------------


def find(respond: Any, *drafts: TaskDraft) -> tuple[list[VendorRequest], Any]:
    return drive(adapter().find(drafts or (make_draft(),), sent_at=SENT), respond)


def listing(
    *, search: list[Any], window: list[Any] | None = None
) -> Callable[..., Any]:
    def respond(request: VendorRequest) -> VendorResponse:
        if request.path != "/tasks":
            every = [*search, *(window or [])]
            number = int(request.path.rpartition("/")[2])
            body = next(r for r in every if r["activity_id"] == number)
            return answer({"success": True, "data": {"description": "Terms", **body}})
        return page(search if "search" in request.query else window or [])

    return respond


def test_a_lost_task_is_found_by_its_title():
    requests, found = find(listing(search=[row(activity_id=9, cstid=11), row()]))

    assert [task.external_id for task in found.tasks] == ["15"]
    assert found.complete
    assert requests == [
        VendorRequest(
            "GET",
            "/tasks",
            {"search": "Follow up with Sarah", "pageSize": 100, "pageIndex": 0},
        )
    ]


def test_a_marker_decides():
    draft = make_draft(marker=MARKER)
    ours = row(activity_id=16, title=f"Follow up with Sarah [{MARKER}]", priority=4)

    requests, found = find(listing(search=[row(), ours]), draft)

    assert [task.external_id for task in found.tasks] == ["16"]
    assert requests[0].query["search"] == f"Follow up with Sarah [{MARKER}]"
    assert not adapter().same_task(
        draft, replace(found.tasks[0], compare={"prospect": 9})
    )


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Follow up with Sam"},
        {"cstid": 11},
        {"start_datetime": "2026-07-15T10:00:01"},
        {"end_datetime": "2026-07-15T12:00:00"},
        {"priority": 3},
    ],
)
def test_without_a_marker_every_field_decides(change):
    _, found = find(listing(search=[row(**change)]))

    assert not found.tasks
    assert found.complete


def test_where_the_search_fails_the_days_around_are_walked():
    requests, found = find(listing(search=[], window=[row()]))

    assert [task.external_id for task in found.tasks] == ["15"]
    assert requests[1].query == {
        "due_date_from": "2026-07-14",
        "due_date_to": "2026-07-16",
        "pageSize": 100,
        "pageIndex": 0,
    }


def test_the_description_and_the_deal_are_looked_up():
    draft = make_draft("", options={"deal_id": 31}, note="Terms")
    rows = [row(activity_id=n, cstid="-", deal_id=n) for n in (30, 31)]

    def respond(request: VendorRequest) -> VendorResponse:
        shorter = [{k: v for k, v in r.items() if k != "deal_id"} for r in rows]
        if request.path == "/tasks":
            return page(shorter)
        return listing(search=rows)(request)

    _, found = find(respond, draft)

    assert [task.external_id for task in found.tasks] == ["31"]
    assert found.complete


def test_a_row_that_never_shows_whom_it_is_for_leaves_the_question_open():
    _, found = find(listing(search=[row(cstid="-")]))

    assert not found.tasks
    assert not found.complete


def test_all_pages_are_read():
    def respond(request: VendorRequest) -> VendorResponse:
        index = int(request.query["pageIndex"])
        return page([row(activity_id=index + 1, cstid=9 + index)], pages=3, records=3)

    requests, found = find(respond)

    assert [task.external_id for task in found.tasks] == ["2"]
    assert [r.query["pageIndex"] for r in requests] == [0, 1, 2]
    assert found.complete


def test_rows_that_shift_between_pages_leave_the_question_open():
    _, found = find(lambda request: page([row(cstid=11)], pages=1, records=2))

    assert not found.complete


def test_a_walk_is_bounded():
    def respond(request: VendorRequest) -> VendorResponse:
        number = int(request.query["pageIndex"]) + 1
        return page([row(activity_id=number, cstid=11)], pages=999, records=999)

    requests, found = find(respond)

    assert len(requests) == 2 * MOST_PAGES
    assert not found.complete


def test_drafts_of_one_title_and_day_are_looked_up_together():
    drafts = [make_draft("10"), make_draft("11")]

    assert len({adapter().find_key(draft) for draft in drafts}) == 1
    _, found = find(listing(search=[row(), row(activity_id=16, cstid=11)]), *drafts)
    assert [task.external_id for task in found.tasks] == ["15", "16"]


def test_no_mutated_list_raises_anything_odd_or_finds_another_task():
    body = {
        "success": True,
        "data": {"data": [row(cstid=11), row()], "total_records": 2, "total_pages": 1},
    }

    for mutant in mutants(body):

        def respond(request: VendorRequest, mutant: Any = mutant) -> VendorResponse:
            if request.path != "/tasks":
                return answer({"success": False, "message": "Busy"}, 400)
            return answer(mutant)

        try:
            _, found = find(respond)
        except VendorError:
            continue
        for task in found.tasks:
            assert adapter().same_task(make_draft(), task)


# -- reading the account ---------------------------------------------------------------


def test_a_reading_walks_the_window_once():
    scope = SyncScope(
        until=SENT,
        starts_from=date(2026, 7, 1),
        starts_to=date(2026, 7, 31),
        owners=[AssigneeDraft()],
    )
    answers = [
        page([row(activity_id=1, status=2), row(activity_id=2)], pages=2, records=3),
        page([row(activity_id=2), row(activity_id=3, status=3)], pages=2, records=3),
    ]

    requests, pages = read(adapter().read_tasks(scope), answers)

    assert [r.query for r in requests] == [
        {
            "due_date_from": "2026-07-01",
            "due_date_to": "2026-07-31",
            "pageSize": 100,
            "pageIndex": index,
        }
        for index in (0, 1)
    ]
    assert [[t.external_id for t in p.tasks] for p in pages] == [["1", "2"], ["2", "3"]]
    assert [p.cursor for p in pages] == [
        {"list": 0, "holder": None, "page": 1},
        {"done": True},
    ]


def test_each_holders_list_tells_who_holds_its_tasks():
    scope = SyncScope(
        until=SENT,
        starts_from=date(2026, 7, 1),
        starts_to=date(2026, 7, 31),
        owners=[AssigneeDraft("12"), AssigneeDraft("", "x@example.com")],
    )
    bare = {k: v for k, v in row(activity_id=5).items() if k != "assigned_user_id"}

    requests, pages = read(adapter().read_tasks(scope), [page([bare], pages=1)])

    assert [r.query["assigned_user_id"] for r in requests] == [12]
    assert pages[0].tasks[0].assignee_id == "12"
    assert "assignee_id" in pages[0].tasks[0].shown

    requests, _ = read(adapter().read_rest(scope), [page([]), page([])])
    days = [
        (r.query.get("due_date_from"), r.query.get("due_date_to")) for r in requests
    ]
    assert days == [("2026-08-01", None), (None, "2026-06-30")]


def test_the_documented_list_is_read():
    scope = SyncScope(until=SENT, bring_in=True)
    answers = [answer(sample("ysuite", "list")), page([])]

    requests, pages = read(adapter().read_tasks(scope), answers)

    assert requests[0].query == {"pageSize": 100, "pageIndex": 0}
    assert pages[0].tasks[0].external_id == "15"
    assert pages[0].tasks[0].status is Status.OPEN
    assert len(requests) == 2


def test_a_reading_without_open_tasks_makes_no_call():
    assert read(adapter().read_tasks(SyncScope(until=SENT)), []) == ([], [])


def test_a_reading_goes_on_where_it_stopped():
    scope = SyncScope(until=SENT, bring_in=True, cursor={"page": 4})

    requests, _ = read(adapter().read_tasks(scope), [page([])])

    assert requests[0].query["pageIndex"] == 4
    done = replace(scope, cursor={"done": True})
    assert read(adapter().read_tasks(done), []) == ([], [])


def test_no_mutated_list_breaks_a_reading():
    for mutant in mutants(sample("ysuite", "list")):
        answers = iter([answer(mutant)])

        def respond(_: VendorRequest, answers: Any = answers) -> VendorResponse:
            return next(answers, page([]))

        try:
            read(adapter().read_tasks(SyncScope(until=SENT, bring_in=True)), respond)
        except VendorError:
            continue


# -- connecting and acting -------------------------------------------------------------


def test_a_connection_is_tested_by_a_harmless_read():
    requests, info = drive(
        adapter().test_connection(), [answer(sample("ysuite", "list"))]
    )

    assert [(r.method, r.path, r.writes) for r in requests] == [
        ("GET", "/tasks", False)
    ]
    assert info.sentence == "YSuite accepts the keys and shows 12 tasks."


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer({"success": False, "message": "Invalid"}, 401), CredentialsRejected),
        (answer({"success": True, "data": {}}), UnreadableResponse),
        (web_page(), UnreadableResponse),
        (web_page(404), Misconfigured),
    ],
)
def test_a_connection_that_fails_says_why(response, error):
    with pytest.raises(error):
        drive(adapter().test_connection(), [response])


def test_people_and_types_need_no_call():
    assert drive(adapter().read_users(), []) == ([], [])
    assert [t.code for t in drive(adapter().read_types(), [])[1]] == ["task"]


@pytest.mark.parametrize("action", list(Action))
def test_nothing_can_be_changed_from_outside(action):
    assert not adapter().can(action, "task")
    with pytest.raises(UnsupportedTask, match="Do it in YSuite"):
        drive(adapter().act(ActionDraft(action, "15", make_draft())), [])
