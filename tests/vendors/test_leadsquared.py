"""LeadSquared: the documented requests and answers, one by one and in bulk."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

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
from tasks_app.vendors.findings import SyncScope
from tasks_app.vendors.leadsquared import LeadSquaredAdapter
from tasks_app.vendors.leadsquared_finding import MOST_PAGES
from tasks_app.vendors.words import Action, Channel, Priority, Status
from tests.vendors.driving import drive, read
from tests.vendors.mutating import answer, empty, mutants, sample, web_page

LEAD = "7e5b7380-4295-4af2-9706-941ab71be772"
OWNER = "aaaaaaaa-0000-4000-8000-000000000001"
TASK = "11111111-0000-4000-8000-000000000001"
SENT = datetime(2020, 11, 10, 8, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def adapter(**settings: str) -> LeadSquaredAdapter:
    keys = {"access_key": "secret-access", "secret_key": "secret-secret"}
    config = AccountConfig("https://api-in21.leadsquared.com/v2", keys, settings)
    return LeadSquaredAdapter(config)


def make_draft(**overrides: Any) -> TaskDraft:
    """The task in `retrieve.json`."""
    fields: dict[str, Any] = {
        "ref": "r1",
        "type_code": "Meeting",
        "prospect": ProspectDraft(LEAD),
        "title": "Meeting: Subject",
        "note": "Describing the task",
        "starts_at": at("2020-11-11 10:30:00"),
        "due_at": at("2020-11-11 10:45:00"),
        "assignee": AssigneeDraft(OWNER, "sri@example.com"),
    }
    return TaskDraft(**(fields | overrides))


def make_drafts(count: int) -> list[TaskDraft]:
    return [make_draft(ref=f"r{n}", title=f"Call {n}") for n in range(count)]


def body_of(draft: TaskDraft, **settings: str) -> dict[str, Any]:
    return adapter(**settings).create_request([draft]).json


def refused_fields(draft: TaskDraft) -> list[str]:
    return [e.field for e in adapter().validate(draft)]


# -- what may be filled in -----------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"type_code": ""}, "type_code"),
        ({"title": "  "}, "title"),
        ({"assignee": None}, "assignee"),
        ({"assignee": AssigneeDraft()}, "assignee"),
        ({"starts_at": None, "due_at": None}, "due_at"),
        ({"due_at": at("2020-11-11 10:29:59")}, "due_at"),
        ({"due_at": None, "due_on": date(2020, 11, 10)}, "due_on"),
        ({"options": {"related": "deal"}}, "related"),
        ({"options": {"related": "opportunity"}}, "opportunity_id"),
        ({"options": {"related": "5", "opportunity_id": "42"}}, "opportunity_id"),
        ({"options": {"reminder": "soon"}}, "reminder"),
        ({"options": {"reminder": -5}}, "reminder"),
        ({"options": {"reminder": True}}, "reminder"),
        ({"options": {"reminder": 30, "reminder_time": "10:00"}}, "reminder"),
        ({"options": {"reminder_before_days": 1}}, "reminder_time"),
        ({"options": {"reminder_time": "25:00"}}, "reminder_time"),
        ({"options": {"category": "0", "reminder_time": "9:00"}}, "reminder_time"),
        ({"options": {"notify_by": "phone"}}, "notify_by"),
        ({"options": {"custom_fields": "mx_Custom_1"}}, "custom_fields"),
        ({"options": {"custom_fields": {"Color": "red"}}}, "custom_fields"),
        ({"options": {"custom_fields": ["mx_1"]}}, "custom_fields"),
        ({"options": {"custom_fields": {"mx_1": ["a"]}}}, "custom_fields"),
    ],
)
def test_what_leadsquared_refuses_is_said_at_the_field(wrong, field):
    draft = make_draft(**wrong)

    assert refused_fields(draft) == [field]
    with pytest.raises(UnsupportedTask):
        adapter().create_request([draft])


def test_sentences_say_what_to_do():
    draft = make_draft(assignee=None, starts_at=None, due_at=None)

    assert [e.message for e in adapter().validate(draft)] == [
        "LeadSquared needs an owner: choose an assignee.",
        "LeadSquared would assume today in an unknown zone: give a due date.",
    ]


def test_a_lead_is_needed_unless_the_task_relates_to_something_else():
    stranger = make_draft(prospect=ProspectDraft())
    opportunity = {"related": "opportunity", "opportunity_id": LEAD}

    assert adapter().prospect_error(stranger)
    assert not adapter().prospect_error(replace(stranger, options={"related": "none"}))
    assert not adapter().prospect_error(replace(stranger, options=opportunity))
    with pytest.raises(UnsupportedTask):
        adapter().create_request([stranger])


def test_what_cannot_travel_is_said():
    options = {"opportunity_id": LEAD}
    draft = make_draft(priority=Priority.URGENT, options=options)

    lost = adapter().losses(draft)

    assert lost[0] == "Priority stays in Baton: LeadSquared has none."
    assert "opportunity" in lost[1]
    assert adapter().losses(make_draft()) == []


# -- creating --------------------------------------------------------------------------


def test_create_as_in_the_seed():
    draft = make_draft(
        prospect=ProspectDraft(),
        assignee=AssigneeDraft(email="taskowner@example.com"),
        options={"related": "none", "reminder": "30", "notify_by": "email"},
    )

    request = adapter().create_request([draft])

    assert (request.method, request.path, request.writes) == (
        "POST",
        "/Task.svc/Create",
        True,
    )
    assert request.json == sample("leadsquared", "create_request")


def test_bulk_create_as_in_the_seed():
    meeting = make_draft(
        ref="a",
        title="Meeting",
        note="Meeting with Adam",
        starts_at=at("2021-11-25 13:10:00"),
        due_at=at("2021-11-25 13:15:00"),
        assignee=AssigneeDraft(OWNER, "sri@example.com"),
        options={
            "reminder": 30,
            "notify_by": "1100",
            "location": "Koramangala",
            "custom_fields": "mx_Custom_1=Meeting in Koramangala",
        },
    )
    collection = make_draft(
        ref="b",
        type_code="Document Collection",
        prospect=ProspectDraft(),
        title="Document Collection",
        note="Collect KYC documents",
        starts_at=at("2021-11-27 13:10:00"),
        due_at=at("2021-11-27 13:15:00"),
        assignee=AssigneeDraft("", "vir@example.com"),
        options={
            "related": "none",
            "reminder": "45",
            "notify_by": "none",
            "mx_Custom_1": "None",
        },
    )
    webhook = "https://webhook.site/5f51ba29-ca49-405d-ac10-587bbc7647d4"

    request = adapter(status_webhook_url=webhook).create_request([meeting, collection])

    assert (request.method, request.path, request.writes) == (
        "POST",
        "/Task.svc/Bulk/Create",
        True,
    )
    assert request.json == sample("leadsquared", "bulk_request")


def test_keys_travel_in_headers_or_in_the_address():
    assert adapter().auth().headers == {
        "x-LSQ-AccessKey": "secret-access",
        "x-LSQ-SecretKey": "secret-secret",
    }
    assert adapter(keys_in="query").auth().query == {
        "accessKey": "secret-access",
        "secretKey": "secret-secret",
    }


def test_a_single_owner_goes_by_id_where_it_is_known():
    assert body_of(make_draft())["OwnerId"] == OWNER
    assert "OwnerEmailAddress" not in body_of(make_draft())


@pytest.mark.parametrize(
    ("times", "due", "end"),
    [
        (
            {
                "starts_at": at("2026-01-05 09:00:00"),
                "due_at": at("2026-01-05 10:00:00"),
            },
            "2026-01-05 09:00:00",
            "2026-01-05 10:00:00",
        ),
        ({"starts_at": at("2026-01-05 09:00:00")}, "2026-01-05 09:00:00", None),
        ({"due_at": at("2026-01-05 10:00:00")}, "2026-01-05 10:00:00", None),
        ({"due_on": date(2026, 1, 5)}, "2026-01-04 18:30:00", "2026-01-05 18:29:59"),
        (
            {"starts_at": at("2026-01-05 09:00:00"), "due_on": date(2026, 1, 5)},
            "2026-01-05 09:00:00",
            "2026-01-05 18:29:59",
        ),
    ],
)
def test_the_due_date_is_the_start_where_there_is_one(times, due, end):
    draft = make_draft(**({"starts_at": None, "due_at": None} | times))

    body = body_of(draft, time_zone="Asia/Kolkata")

    assert (body["DueDate"], body.get("EndDate")) == (due, end)


def test_a_to_do_is_reminded_in_days():
    options = {"category": "1", "reminder_before_days": "1", "reminder_time": "10:00"}

    body = body_of(make_draft(options=options))

    assert (body["ReminderBeforeDays"], body["ReminderTime"]) == ("1", "10:00:00")
    assert "Reminder" not in body


def test_an_opportunity_is_related_by_its_own_id():
    options = {"related": "opportunity", "opportunity_id": LEAD}

    body = body_of(make_draft(prospect=ProspectDraft("lead"), options=options))

    assert (body["RelatedEntity"], body["RelatedEntityId"]) == (5, LEAD)


@pytest.mark.parametrize(
    "options",
    [
        {"custom_fields": {"mx_Custom_1": 5, "mx_Custom_2": ""}},
        {"custom_fields": "mx_Custom_1=5\n\nmx_Custom_2="},
        {"custom_fields": [["mx_Custom_1", "5"]]},
        {"mx_Custom_1": "5"},
    ],
)
def test_fields_of_the_type_may_be_given_in_several_ways(options):
    assert body_of(make_draft(options=options))["CustomFields"] == {"mx_Custom_1": "5"}


def test_the_marker_stands_at_the_end_of_the_description():
    draft = make_draft(note="", marker="bt-7f3aq2kz")

    assert body_of(draft)["Description"] == "[bt-7f3aq2kz]"


@pytest.mark.parametrize(
    ("bulk_from", "count", "sizes"),
    [
        ("10", 8, [1] * 8),
        ("10", 10, [10]),
        ("10", 55, [50] + [1] * 5),
        ("10", 60, [50, 10]),
        ("10", 100, [50, 50]),
        ("1", 51, [50, 1]),
        ("0", 60, [1] * 60),
        ("60", 55, [1] * 55),
        ("60", 100, [50, 50]),
        ("soon", 8, [1] * 8),
        ("", 10, [10]),
    ],
)
def test_calls_are_shared_only_where_it_is_worth_it(bulk_from, count, sizes):
    drafts = make_drafts(count)

    calls = adapter(bulk_from=bulk_from).split(drafts)

    assert [len(call) for call in calls] == sizes
    assert [draft for call in calls for draft in call] == drafts


def test_drafts_share_calls_unless_that_is_switched_off_or_nobody_can_be_named():
    by_id_alone = make_draft(assignee=AssigneeDraft(OWNER))

    assert adapter().group_key(make_draft()) == "bulk"
    assert adapter(bulk_from="0").group_key(make_draft()) == ""
    assert adapter().group_key(by_id_alone) == ""


def test_the_created_task_has_its_id():
    response = answer(sample("leadsquared", "create_success"))

    [result] = adapter().read_created(response, [make_draft()])

    assert result.task_id == "xxxxxxxx-Task-Idxx-xxxx-xxxxxxxxxxxx"
    assert (result.ref, result.request_id) == ("r1", "")


def test_a_bulk_call_is_accepted_under_one_number():
    drafts = make_drafts(3)

    results = adapter().read_created(
        answer(sample("leadsquared", "bulk_success")), drafts
    )

    assert [(r.ref, r.request_id, r.task_id) for r in results] == [
        ("r0", "1556275384", ""),
        ("r1", "1556275384", ""),
        ("r2", "1556275384", ""),
    ]


MX = sample("leadsquared", "error_mx")
SYSTEM = {
    "Status": "Error",
    "ExceptionType": "SystemException",
    "ExceptionMessage": "x",
}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(MX, 500), TaskRejected),
        (answer(MX, 200), TaskRejected),
        (answer(MX, 400), TaskRejected),
        (empty(400), TaskRejected),
        (answer(MX, 401), CredentialsRejected),
        (empty(401), CredentialsRejected),
        (answer(MX, 404), Misconfigured),
        (empty(404), Misconfigured),
        (empty(302), Misconfigured),
        (answer(MX, 429), RateLimited),
        (answer(SYSTEM, 500), OutcomeUnknown),
        (answer(SYSTEM, 200), OutcomeUnknown),
        (answer({"Status": "Error"}, 200), OutcomeUnknown),
        (answer(MX, 502), OutcomeUnknown),
        (web_page(500), OutcomeUnknown),
        (empty(503), OutcomeUnknown),
        (empty(408), OutcomeUnknown),
        (empty(409), OutcomeUnknown),
        (web_page(200), UnreadableResponse),
        (empty(200), UnreadableResponse),
        (answer({}, 200), UnreadableResponse),
        (answer({"Status": "Success"}, 200), UnreadableResponse),
        (
            answer({"Status": "Success", "Message": {"Id": "1556275384"}}),
            UnreadableResponse,
        ),
        (answer({"Message": {"Id": TASK}}), UnreadableResponse),
        (
            answer(
                {
                    "Status": "Success",
                    "Message": {"Id": "00000000-0000-0000-0000-000000000000"},
                }
            ),
            UnreadableResponse,
        ),
    ],
)
def test_every_other_answer_is_the_right_error(response, error):
    with pytest.raises(error) as raised:
        adapter().read_created(response, [make_draft()])

    assert type(raised.value) is error
    assert "secret" not in str(raised.value)


def test_a_refusal_quotes_the_reason_without_our_keys():
    reason = "Bad\x00 key secret-access " + "x" * 500
    body = MX | {"ExceptionMessage": reason}

    with pytest.raises(TaskRejected) as raised:
        adapter().check(answer(body, 500))

    assert "secret-access" not in str(raised.value)
    assert "\x00" not in str(raised.value)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("name", "count"), [("create_success", 1), ("bulk_success", 2)]
)
def test_no_damage_to_an_answer_makes_a_false_success(name, count):
    whole = sample("leadsquared", name)
    for body in mutants(whole):
        try:
            results = adapter().read_created(answer(body), make_drafts(count))
        except VendorError:
            continue
        assert len(results) == count
        assert {r.task_id or r.request_id for r in results} == {whole["Message"]["Id"]}


def test_an_answer_cut_short_is_no_success():
    text = json.dumps(sample("leadsquared", "create_success"))
    for end in range(len(text)):
        with pytest.raises(UnreadableResponse):
            adapter().read_created(replace(empty(), text=text[:end]), [make_draft()])


# -- the account -----------------------------------------------------------------------


def test_the_connection_is_tested_by_asking_whose_keys_these_are():
    requests, info = drive(
        adapter().test_connection(), [answer(sample("leadsquared", "user_by_key"))]
    )

    assert requests[0].path == "/Authentication.svc/UserByAccessKey.Get"
    assert "owner@example.com" in info.sentence
    assert "Asia/Kolkata" in info.sentence
    assert info.settings == {"time_zone": "Asia/Kolkata"}


def test_keys_of_another_region_are_noticed():
    body = sample("leadsquared", "user_by_key")
    body["LSQCommonServiceURLs"] = {"api": "https://api-ir31.leadsquared.com/v2/"}

    with pytest.raises(Misconfigured, match="Ireland"):
        drive(adapter().test_connection(), [answer(body)])


@pytest.mark.parametrize("body", [{}, [], {"Id": None}, {"Message": []}])
def test_an_answer_that_names_nobody_is_no_connection(body):
    with pytest.raises(UnreadableResponse):
        drive(adapter().test_connection(), [answer(body)])


def test_types_are_read_with_category_and_what_they_demand():
    requests, types = drive(
        adapter().read_types(), [answer(sample("leadsquared", "types"))]
    )

    assert (requests[0].method, requests[0].path) == (
        "GET",
        "/Task.svc/RetrieveTaskType",
    )
    assert [(t.code, t.channel) for t in types] == [
        ("Meeting", Channel.MEETING),
        ("Phone Call", Channel.CALL),
        ("Document Collection", Channel.TODO),
    ]
    assert types[0].fields == {
        "category": 0,
        "id": "cccccccc-0000-4000-8000-000000000001",
        "mandatory": ["Name"],
    }


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("Send WhatsApp message", Channel.WHATSAPP),
        ("LinkedIn request", Channel.LINKEDIN),
        ("Follow-up e-mail", Channel.EMAIL),
        ("Site visit", Channel.MEETING),
        ("Product Demo", Channel.MEETING),
        ("Telephonic check", Channel.CALL),
        ("Revive Old Lead", Channel.TODO),
    ],
)
def test_channels_are_guessed_from_the_name(name, channel):
    _, types = drive(adapter().read_types(), [answer([{"Name": name, "Category": 0}])])

    assert types[0].channel == channel


def test_users():
    requests, users = drive(
        adapter().read_users(), [answer(sample("leadsquared", "users"))]
    )

    assert requests[0].path == "/UserManagement.svc/Users.Get"
    assert [(u.name, u.email, u.active) for u in users] == [
        ("Sri Rao", "sri@example.com", True),
        ("Vir", "vir@example.com", False),
    ]


# -- reading ---------------------------------------------------------------------------


def test_a_task_as_lists_show_it():
    meeting, collection = (
        adapter().remote(row) for row in sample("leadsquared", "retrieve")["List"]
    )

    assert meeting is not None
    assert collection is not None
    assert (meeting.external_id, meeting.status) == (TASK, Status.OPEN)
    assert meeting.starts_at == at("2020-11-11 10:30:00")
    assert meeting.due_at == at("2020-11-11 10:45:00")
    assert (meeting.prospect_id, meeting.prospect_name) == (LEAD, "Adam Lee")
    assert (meeting.assignee_id, meeting.assignee_email) == (OWNER, "sri@example.com")
    assert meeting.completed_at is None
    assert {"title", "note", "status", "prospect_id", "due_at"} <= meeting.shown
    assert collection.status == Status.COMPLETED
    assert collection.completed_at == at("2020-11-12 14:00:00")
    assert (collection.due_at, collection.starts_at) == (
        at("2020-11-12 13:10:00"),
        None,
    )
    assert (collection.prospect_id, collection.note) == ("", "")


def test_a_whole_day_comes_back_as_a_day():
    row = {"UserTaskId": TASK, "DueDate": "2026-01-04 18:30:00.000"}
    ended = row | {"EndDate": "2026-01-05 18:29:59.000"}

    task = adapter(time_zone="Asia/Kolkata").remote(ended)

    assert task is not None
    assert (task.due_on, task.due_at, task.starts_at) == (date(2026, 1, 5), None, None)
    assert "due_at" not in task.shown


@pytest.mark.parametrize(
    ("row", "status", "word"),
    [
        ({"StatusCode": 0}, Status.OPEN, "Incomplete"),
        ({"StatusCode": "1"}, Status.COMPLETED, "Complete"),
        ({"Status": "Pending"}, Status.OPEN, "Pending"),
        ({"Status": "overdue"}, Status.OPEN, "overdue"),
        ({"Status": "Completed"}, Status.COMPLETED, "Completed"),
        ({"StatusCode": 2}, None, "2"),
        ({"Status": "Parked"}, None, "Parked"),
        ({}, None, ""),
    ],
)
def test_statuses(row, status, word):
    task = adapter().remote({"UserTaskId": TASK} | row)

    assert task is not None
    assert (task.status, task.vendor_status) == (status, word)


def test_one_task_comes_as_an_array_of_one():
    row = sample("leadsquared", "retrieve")["List"][0]

    requests, task = drive(adapter().read_task(TASK), [answer([row])])

    assert (requests[0].path, requests[0].query) == (
        "/Task.svc/Retrieve.GetById",
        {"id": TASK},
    )
    assert task.title == "Meeting: Subject"


@pytest.mark.parametrize(
    "response",
    [
        answer([]),
        answer({"RecordCount": 0, "List": []}),
        answer(MX | {"ExceptionType": "MXTaskNotFoundException"}, 500),
        answer(MX | {"ExceptionMessage": "Task does not exist"}, 200),
    ],
)
def test_a_task_is_gone_where_leadsquared_says_so(response):
    assert drive(adapter().read_task(TASK), [response])[1] is None


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(MX, 500), TaskRejected),
        (answer(SYSTEM | {"ExceptionMessage": "not found"}, 500), OutcomeUnknown),
        (empty(404), Misconfigured),
        (answer([{}]), UnreadableResponse),
        (answer([{"UserTaskId": "other"}]), UnreadableResponse),
        (answer({"Status": "Success"}), UnreadableResponse),
        (answer("gone"), UnreadableResponse),
        (web_page(), UnreadableResponse),
    ],
)
def test_a_task_is_not_gone_because_of_an_odd_answer(response, error):
    with pytest.raises(error):
        drive(adapter().read_task(TASK), [response])


def rows_of(request: Any, rows: list[dict[str, Any]]) -> Any:
    """Answer `Task.svc/Retrieve` from these rows, sorted and paged as asked."""
    body = request.json
    column = body["Sorting"]["ColumnName"]
    fitting = [r for r in rows if r["StatusCode"] == body["Parameter"]["StatusCode"]]
    fitting.sort(key=lambda row: row.get(column) or "", reverse=True)
    first = body["Paging"]["Offset"]
    page = fitting[first : first + body["Paging"]["RowCount"]]
    return answer({"RecordCount": len(fitting), "List": page})


def many_rows(count: int, status: int = 0) -> list[dict[str, Any]]:
    row = sample("leadsquared", "retrieve")["List"][0]
    newest = at("2020-11-10 09:00:00")
    return [
        row
        | {
            "UserTaskId": f"{status}-{n}",
            "StatusCode": status,
            "CreatedOn": f"{newest - timedelta(minutes=n):%Y-%m-%d %H:%M:%S}.000",
            "ModifiedOn": f"{newest - timedelta(minutes=n):%Y-%m-%d %H:%M:%S}.000",
        }
        for n in range(count)
    ]


def scope(**overrides: Any) -> SyncScope:
    fields: dict[str, Any] = {
        "until": at("2020-11-10 09:00:00"),
        "starts_from": date(2020, 11, 1),
        "starts_to": date(2020, 11, 30),
        "owners": [AssigneeDraft(OWNER), AssigneeDraft("", "vir@example.com")],
    }
    return SyncScope(**(fields | overrides))


def test_reading_covers_every_owner_first_what_was_completed():
    rows = sample("leadsquared", "retrieve")["List"]

    requests, pages = read(adapter().read_tasks(scope()), lambda r: rows_of(r, rows))

    parameters = [r.json["Parameter"] for r in requests]
    assert [
        (p["LookupName"], p["LookupValue"], p["StatusCode"]) for p in parameters
    ] == [
        ("OwnerId", OWNER, 1),
        ("OwnerId", OWNER, 0),
        ("OwnerEmailAddress", "vir@example.com", 1),
        ("OwnerEmailAddress", "vir@example.com", 0),
    ]
    assert parameters[0]["FromDate"] == "2020-11-01 00:00:00"
    assert parameters[0]["ToDate"] == "2020-12-01 00:00:00"
    assert requests[0].json["Sorting"] == {"ColumnName": "ModifiedOn", "Direction": "1"}
    assert requests[0].json["Columns"] == {"Exclude_CSV": "TaskType"}
    assert not any(r.writes for r in requests)
    assert [len(p.tasks) for p in pages] == [1, 1, 1, 1]
    assert pages[-1].cursor == {"done": True}
    done = scope(cursor=pages[-1].cursor)
    assert read(adapter().read_tasks(done), []) == ([], [])


def test_completed_tasks_are_read_back_to_the_last_reading():
    rows = many_rows(1000, status=1)
    since = at("2020-11-10 09:00:00") - timedelta(minutes=210)

    requests, pages = read(
        adapter().read_tasks(scope(owners=[AssigneeDraft(OWNER)], since=since)),
        lambda r: rows_of(r, rows),
    )

    assert [r.json["Paging"]["Offset"] for r in requests] == [0, 200, 0]
    assert sum(len(p.tasks) for p in pages) == 400


def test_an_order_that_does_not_hold_is_not_relied_on():
    rows = many_rows(450, status=1)
    rows[7]["ModifiedOn"] = None

    def unsorted(request):
        if request.json["Parameter"]["StatusCode"] == 0:
            return answer({"RecordCount": 0, "List": []})
        first = request.json["Paging"]["Offset"]
        return answer({"RecordCount": 450, "List": rows[first : first + 200]})

    since = at("2020-11-10 09:00:00") - timedelta(minutes=10)
    _, pages = read(
        adapter().read_tasks(scope(owners=[AssigneeDraft(OWNER)], since=since)),
        unsorted,
    )

    assert sum(len(p.tasks) for p in pages) == 450


def test_a_stopped_reading_resumes_at_the_cursor():
    rows = many_rows(450) + many_rows(300, status=1)
    respond = lambda request: rows_of(request, rows)  # noqa: E731
    whole, pages = read(adapter().read_tasks(scope()), respond)

    for place, page in enumerate(pages[:-1]):
        cursor = json.loads(json.dumps(page.cursor))
        rest, _ = read(adapter().read_tasks(scope(cursor=cursor)), respond)
        assert [r.json for r in rest] == [r.json for r in whole[place + 1 :]]


def test_a_reading_starts_anew_where_other_people_hold_tasks_by_now():
    respond = lambda request: rows_of(request, many_rows(450))  # noqa: E731
    _, pages = read(adapter().read_tasks(scope()), respond)
    cursor = {**pages[1].cursor, "owner": "somebody-else"}

    rest, _ = read(adapter().read_tasks(scope(cursor=cursor)), respond)

    assert rest[0].json["Paging"]["Offset"] == 0
    assert rest[0].json["Parameter"]["StatusCode"] == 1


def test_what_lies_outside_the_days_is_read_by_owner():
    rows = sample("leadsquared", "retrieve")["List"]
    one = scope(owners=[AssigneeDraft(OWNER)])

    requests, pages = read(adapter().read_rest(one), lambda r: rows_of(r, rows))

    windows = [
        (p["FromDate"], p["ToDate"], p["StatusCode"])
        for p in (r.json["Parameter"] for r in requests)
    ]
    assert windows == [
        ("2020-12-01 00:00:00", "2100-01-02 00:00:00", 0),
        ("2000-01-01 00:00:00", "2020-11-01 00:00:00", 0),
    ]
    assert pages[-1].cursor == {"done": True}


def test_a_list_that_repeats_itself_ends():
    rows = many_rows(200)

    def respond(request):
        return answer({"RecordCount": 10_000, "List": rows})

    with pytest.raises(UnreadableResponse):
        read(adapter().read_tasks(scope()), respond)


def test_everything_visible_starts_with_the_users():
    users = sample("leadsquared", "users")

    def respond(request):
        if request.method == "GET":
            return answer(users)
        return rows_of(request, sample("leadsquared", "retrieve")["List"])

    requests, pages = read(
        adapter().read_tasks(scope(owners=[], bring_in=True)), respond
    )

    assert requests[0].path == "/UserManagement.svc/Users.Get"
    assert len(requests) == 5
    assert "Columns" not in requests[1].json
    assert len({t.external_id for p in pages for t in p.tasks}) == 2


def test_damaged_lists_never_pass_for_empty_ones():
    whole = sample("leadsquared", "retrieve")
    for body in mutants(whole):
        try:
            _, pages = read(adapter().read_tasks(scope()), lambda r, b=body: answer(b))
        except VendorError:
            continue
        assert isinstance(body, dict)
        assert isinstance(body["List"], list)
        assert pages


# -- finding ---------------------------------------------------------------------------


def lookup(
    drafts: list[TaskDraft], rows: list[Any], by_lead: Any = None, one: Any = None
):
    def respond(request):
        if request.path.endswith("RetrieveTaskByLeadId"):
            return by_lead or answer({"RecordCount": 0, "TaskList": []})
        if request.path.endswith("GetById"):
            return one or empty(404)
        return rows_of(request, rows)

    return drive(adapter().find(drafts, sent_at=SENT), respond)


def row(**change: Any) -> dict[str, Any]:
    """The row of the sample; None drops a key."""
    whole = sample("leadsquared", "retrieve")["List"][0] | change
    return {key: value for key, value in whole.items() if value is not None}


def test_all_drafts_of_an_owner_are_found_by_one_list():
    drafts = make_drafts(50)

    assert len({adapter().find_key(draft) for draft in drafts}) == 1
    assert adapter().find_key(make_draft(assignee=AssigneeDraft("", "a@b.c"))) == (
        "owner:a@b.c"
    )

    rows = [row(UserTaskId=f"t{n}", Name=f"Call {n}", EndDate=None) for n in range(50)]
    requests, found = lookup(drafts, rows)

    assert [r.path for r in requests] == ["/Task.svc/Retrieve"] * 2
    assert [r.json["Parameter"]["StatusCode"] for r in requests] == [0, 1]
    assert found.complete
    for number, draft in enumerate(drafts):
        same = [t for t in found.tasks if adapter().same_task(draft, t)]
        assert [t.external_id for t in same] == [f"t{number}"]


def test_the_window_holds_for_due_dates_and_for_creation():
    requests, _ = lookup(
        [make_draft(starts_at=at("2021-03-01 09:00:00"), due_at=None)], []
    )

    parameter = requests[0].json["Parameter"]
    assert parameter["FromDate"] == "2020-11-08 08:00:00"
    assert parameter["ToDate"] == "2021-03-03 09:00:00"


def test_rows_that_do_not_say_whose_they_are_are_looked_up_by_lead():
    draft = make_draft()
    rows = [row(RelatedEntity=None, RelatedEntityId=None)]

    requests, found = lookup([draft], rows, answer(sample("leadsquared", "by_lead")))

    assert requests[2].path == "/LeadManagement.svc/RetrieveTaskByLeadId"
    assert requests[2].query == {"leadId": LEAD}
    assert found.complete
    assert [t.external_id for t in found.tasks] == [TASK]
    assert adapter().same_task(draft, found.tasks[0])


def test_a_row_that_the_lead_does_not_have_is_another_leads():
    rows = [row(RelatedEntity=None, RelatedEntityId=None)]

    _, found = lookup([make_draft()], rows)

    assert found.complete
    assert not any(adapter().same_task(make_draft(), task) for task in found.tasks)


def test_the_marker_decides_without_further_calls():
    draft = make_draft(marker="bt-7f3aq2kz")
    rows = [
        row(
            RelatedEntity=None,
            RelatedEntityId=None,
            CreatedOn=None,
            Description="Changed by hand [bt-7f3aq2kz]",
        ),
        row(UserTaskId="t2"),
    ]

    requests, found = lookup([draft], rows)

    assert len(requests) == 2
    assert found.complete
    same = [t for t in found.tasks if adapter().same_task(draft, t)]
    assert [t.external_id for t in same] == [TASK]


def test_a_completed_task_is_found_too():
    _, found = lookup([make_draft()], [row(StatusCode=1)])

    assert adapter().same_task(make_draft(), found.tasks[0])


def test_tasks_from_before_are_not_ours():
    _, found = lookup([make_draft()], [row(CreatedOn="2020-11-10 07:54:59.000")])

    assert (list(found.tasks), found.complete) == ([], True)


def test_a_row_without_creation_time_is_looked_up_and_else_leaves_doubt():
    rows = [row(CreatedOn=None)]

    _, found = lookup([make_draft()], rows, answer(sample("leadsquared", "by_lead")))
    assert found.complete
    assert len(found.tasks) == 1

    undated = sample("leadsquared", "by_lead")
    del undated["TaskList"][0]["CreatedOn"]
    _, found = lookup([make_draft()], rows, answer(undated))
    assert (list(found.tasks), found.complete) == ([], False)


def test_a_task_of_nobody_is_read_by_itself_where_its_row_does_not_tell():
    draft = make_draft(prospect=ProspectDraft(), options={"related": "none"})
    rows = [row(RelatedEntity=None, RelatedEntityId=None)]

    _, found = lookup([draft], rows, one=answer([row(RelatedEntity=0)]))
    assert found.complete
    assert adapter().same_task(draft, found.tasks[0])

    _, found = lookup([draft], rows)
    assert not found.complete


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Meeting"},
        {"note": "Another text"},
        {"starts_at": at("2020-11-11 10:30:01")},
        {"prospect": ProspectDraft("x")},
        {"options": {"related": "none"}},
        {"assignee": AssigneeDraft("bbbbbbbb-0000-4000-8000-000000000001")},
    ],
)
def test_a_task_that_differs_is_another(other):
    remote = adapter().remote(row())

    assert remote is not None
    assert adapter().same_task(make_draft(), remote)
    assert not adapter().same_task(make_draft(**other), remote)


def test_spacing_and_escapes_do_not_make_another_task():
    remote = adapter().remote(
        row(Description="Describing  the\r\ntask", Name="A &amp; B")
    )

    assert remote is not None
    assert adapter().same_task(make_draft(title="A & B"), remote)


def test_a_list_too_long_to_read_is_not_complete():
    rows = many_rows(200)

    def respond(request):
        first = request.json["Paging"]["Offset"]
        page = [r | {"UserTaskId": f"t{first + n}"} for n, r in enumerate(rows)]
        return answer({"RecordCount": 10**6, "List": page})

    draft = make_draft(title="Another")
    requests, found = drive(adapter().find([draft], sent_at=at("2020-01-01")), respond)

    assert len(requests) == MOST_PAGES * 2
    assert not found.complete


def test_thousands_of_tasks_of_one_owner_are_all_found():
    count = 6000
    drafts = [
        make_draft(prospect=ProspectDraft(external_id=f"lead{n}")) for n in range(count)
    ]
    one = row()
    rows = [
        one | {"UserTaskId": f"t{n}", "RelatedEntityId": f"lead{n}"}
        for n in reversed(range(count))
    ]

    def respond(request):
        if request.json["Parameter"]["StatusCode"] == 1:
            return answer({"RecordCount": 0, "List": []})
        first = request.json["Paging"]["Offset"]
        return answer({"RecordCount": count, "List": rows[first : first + 200]})

    requests, found = drive(adapter().find(drafts, sent_at=at("2020-01-01")), respond)

    assert len(requests) == count // 200 + 2  # and an empty answer for each status
    assert found.complete
    assert {task.external_id for task in found.tasks} == {f"t{n}" for n in range(count)}


def test_rows_of_other_prospects_are_not_kept():
    """An owner's list may hold tens of thousands of tasks that are not looked for."""
    mine, other = row(), row(UserTaskId="t2", RelatedEntityId="someone else")
    listed = [other, mine]

    _, found = drive(
        adapter().find([make_draft()], sent_at=at("2020-01-01")),
        lambda request: answer({"RecordCount": 2, "List": listed}),
    )

    assert [task.external_id for task in found.tasks] == [mine["UserTaskId"]]


def test_a_lead_list_that_is_cut_off_is_not_complete():
    rows = [row(RelatedEntity=None, RelatedEntityId=None)]
    cut = {"RecordCount": 3, "TaskList": []}

    _, found = lookup([make_draft()], rows, answer(cut))

    assert not found.complete


def test_without_an_owner_the_lead_is_read():
    draft = make_draft(assignee=None)

    requests, found = lookup([draft], [], answer(sample("leadsquared", "by_lead")))

    assert [r.path for r in requests] == ["/LeadManagement.svc/RetrieveTaskByLeadId"]
    assert found.complete
    assert adapter().same_task(draft, found.tasks[0])


def test_damaged_rows_never_make_a_task_absent():
    draft = make_draft()
    whole = {"RecordCount": 1, "List": [row()]}
    for body in mutants(whole):

        def respond(request, body=body):
            if request.path.endswith("RetrieveTaskByLeadId"):
                return answer(sample("leadsquared", "by_lead"))
            if request.path.endswith("GetById"):
                return empty(404)
            return answer(body)

        try:
            _, found = drive(adapter().find([draft], sent_at=SENT), respond)
        except VendorError:
            continue
        if body == {"RecordCount": 0, "List": None} or not body.get("List"):
            continue  # says that there is nothing
        same = [t for t in found.tasks if adapter().same_task(draft, t)]
        shown = adapter().remote(body["List"][0])
        differs = shown is not None and any(
            shown.compare.get(key, value) != value
            for key, value in adapter().comparable(draft).items()
        )
        assert same or differs or not found.complete, body


# -- acting ------------------------------------------------------------------------------


def act(action: Action, *answers: Any, task: TaskDraft | None = None, **values: Any):
    draft = ActionDraft(action, TASK, task or make_draft(), values)
    return drive(adapter().act(draft), answers)


def updated() -> Any:
    return answer(sample("leadsquared", "update_success"))


def test_complete_is_a_get_with_an_effect():
    requests, task = act(Action.COMPLETE, answer({"Status": "Success"}))

    assert (requests[0].method, requests[0].path) == ("GET", "/Task.svc/MarkComplete")
    assert (requests[0].query, requests[0].writes) == ({"id": TASK}, True)
    assert task is None


@pytest.mark.parametrize("first", [empty(), answer(True), answer({}), web_page()])
def test_an_unknown_answer_to_complete_is_checked_at_the_task(first):
    requests, task = act(Action.COMPLETE, first, answer([row(StatusCode=1)]))
    assert task.status == Status.COMPLETED
    assert [r.writes for r in requests] == [True, False]

    for second in (answer([row()]), answer([])):
        with pytest.raises(OutcomeUnknown):
            act(Action.COMPLETE, first, second)


def test_reschedule_sends_all_that_is_known():
    options = {"reminder": 30, "notify_by": "email"}
    start = at("2020-11-12 09:00:00")

    requests, task = act(
        Action.RESCHEDULE,
        updated(),
        task=make_draft(options=options, marker="bt-7f3aq2kz"),
        starts_at=start,
    )

    assert (requests[0].method, requests[0].path) == ("POST", "/Task.svc/Update")
    assert requests[0].writes
    assert requests[0].json == {
        "UserTaskId": TASK,
        "Name": "Meeting: Subject",
        "Description": "Describing the task [bt-7f3aq2kz]",
        "RelatedEntity": 1,
        "RelatedEntityId": LEAD,
        "DueDate": "2020-11-12 09:00:00",
        "Reminder": 30,
        "NotifyBy": "1100",
        "OwnerId": OWNER,
    }
    assert task is None


def test_the_end_cannot_be_moved():
    with pytest.raises(UnsupportedTask):
        act(Action.RESCHEDULE, due_at=at("2020-11-13 09:00:00"))
    with pytest.raises(UnsupportedTask):
        act(Action.RESCHEDULE)

    task = make_draft(starts_at=None)
    requests, _ = act(
        Action.RESCHEDULE, updated(), task=task, due_at=at("2020-11-13 09:00:00")
    )
    assert requests[0].json["DueDate"] == "2020-11-13 09:00:00"


def test_reassign_and_note():
    requests, _ = act(
        Action.REASSIGN, updated(), assignee=AssigneeDraft("", "vir@example.com")
    )
    assert requests[0].json["OwnerEmailAddress"] == "vir@example.com"
    assert "OwnerId" not in requests[0].json

    requests, _ = act(Action.NOTE, updated(), note="New")
    assert requests[0].json["Description"] == "New"

    with pytest.raises(UnsupportedTask):
        act(Action.REASSIGN, assignee=None)


def test_take_back_deletes():
    requests, task = act(Action.CANCEL, answer(sample("leadsquared", "delete_success")))

    assert (requests[0].method, requests[0].path) == ("POST", "/Task.svc/DeleteTasks")
    assert (requests[0].json, requests[0].writes) == ({"TaskIds": [TASK]}, True)
    assert task is None


@pytest.mark.parametrize(
    ("action", "response", "error"),
    [
        (
            Action.NOTE,
            answer({"Status": "Success", "Message": {"AffectedRows": 0}}),
            TaskRejected,
        ),
        (Action.NOTE, answer(MX, 500), TaskRejected),
        (Action.NOTE, answer(SYSTEM, 500), OutcomeUnknown),
        (Action.NOTE, answer({}), UnreadableResponse),
        (Action.NOTE, empty(), UnreadableResponse),
        (
            Action.CANCEL,
            answer({"Status": "Success", "FailureReason": "locked"}),
            TaskRejected,
        ),
        (Action.CANCEL, web_page(), UnreadableResponse),
        (Action.COMPLETE, answer(MX, 500), TaskRejected),
        (Action.COMPLETE, empty(500), OutcomeUnknown),
    ],
)
def test_actions_that_fail_say_how(action, response, error):
    with pytest.raises(error):
        act(action, response, note="New")


@pytest.mark.parametrize("action", [Action.SKIP, Action.SNOOZE])
def test_what_leadsquared_cannot_do(action):
    assert not adapter().can(action)
    with pytest.raises(UnsupportedTask):
        act(action)
