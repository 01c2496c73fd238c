"""Reply.io: the documented requests and answers, in both spellings."""

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
from tasks_app.vendors.reply import ReplyAdapter
from tasks_app.vendors.words import Action, Channel, Priority, Status
from tests.vendors.driving import drive, read
from tests.vendors.mutating import answer, empty, mutants, sample, web_page

START = datetime(2026, 5, 2, 9, tzinfo=UTC)
DUE = datetime(2026, 5, 2, 17, tzinfo=UTC)
SENT = datetime(2026, 5, 1, 9, tzinfo=UTC)
TEXT = "Call {{firstName}} about the offer"


def adapter(**settings: str) -> ReplyAdapter:
    config = AccountConfig(
        "https://api.reply.io/v3", {"api_key": "secret-reply-key"}, settings
    )
    return ReplyAdapter(config)


def make_draft(**overrides: Any) -> TaskDraft:
    fields: dict[str, Any] = {
        "ref": "r1",
        "type_code": "2",
        "prospect": ProspectDraft("456", first_name="Ann"),
        "note": TEXT,
        "starts_at": START,
        "due_at": DUE,
    }
    return TaskDraft(**(fields | overrides))


def act(action: Action, *answers: Any, **values: Any) -> tuple[list[Any], Any]:
    draft = ActionDraft(action, "123", make_draft(), values)
    return drive(adapter().act(draft), answers)


def messages(draft: TaskDraft, **settings: str) -> dict[str, str]:
    return {e.field: e.message for e in adapter(**settings).validate(draft)}


# -- what may be filled in ---------------------------------------------------------


def test_types_are_those_of_the_seed():
    assert {t.code: t.channel for t in ReplyAdapter.fixed_types or ()} == {
        "0": Channel.TODO,
        "2": Channel.CALL,
        "4": Channel.MEETING,
        "5": Channel.LINKEDIN,
        "7": Channel.EMAIL,
        "8": Channel.SMS,
        "9": Channel.WHATSAPP,
    }


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2", "2"),
        ("call", "2"),
        ("TODO", "0"),
        ("LinkedIn", "5"),
        ("3", None),
        ("", None),
    ],
)
def test_a_type_may_be_written_as_number_or_word(written, code):
    assert adapter().canonical_type(written) == code


def test_fields_depend_on_the_type():
    names = {code: {f.name for f in adapter().fields(code)} for code in ("2", "5", "7")}

    assert "linkedin_type" in names["5"] - names["2"]
    assert "subject" in names["7"] - names["2"]
    assert {"note", "starts_at", "due_at", "due_on"} <= names["2"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"type_code": "3"}, "type_code"),
        ({"type_code": "1"}, "type_code"),
        ({"note": " \n"}, "note"),
        ({"note": "Hi {{firstName"}, "note"),
        ({"note": "Hi firstName}}"}, "note"),
        ({"starts_at": None}, "starts_at"),
        ({"starts_at": datetime(2014, 12, 31, 23, 59, 59, tzinfo=UTC)}, "starts_at"),
        ({"due_at": None}, "due_at"),
        ({"due_at": START}, "due_at"),
        ({"due_at": START + timedelta(milliseconds=900)}, "due_at"),
        ({"due_at": None, "due_on": date(2026, 5, 1)}, "due_on"),
        ({"type_code": "5", "options": {"linkedin_type": "7"}}, "linkedin_type"),
        ({"options": {"attachment_ids": "12, x"}}, "attachment_ids"),
        ({"options": {"attachment_ids": [True]}}, "attachment_ids"),
        ({"type_code": "7", "options": {"subject": "Hi {{"}}, "subject"),
    ],
)
def test_what_reply_refuses_is_said_at_the_field(wrong, field):
    draft = make_draft(**wrong)

    assert list(messages(draft)) == [field]
    with pytest.raises(UnsupportedTask):
        adapter().create_request([draft])


def test_the_first_day_of_2015_is_early_enough():
    assert messages(make_draft(starts_at=datetime(2015, 1, 1, tzinfo=UTC))) == {}


def test_variables_need_a_contact():
    stranger = ProspectDraft(email="a@example.com")

    assert "has variables" in adapter().prospect_error(make_draft(prospect=stranger))
    assert adapter().prospect_error(make_draft(prospect=stranger, note="Call")) == ""
    assert adapter().prospect_error(make_draft(prospect=ProspectDraft("x7")))
    with pytest.raises(UnsupportedTask):
        adapter().create_request([make_draft(prospect=stranger)])


def test_what_cannot_travel_is_said():
    draft = make_draft(
        title="Call Ann",
        priority=Priority.HIGH,
        assignee=AssigneeDraft("7"),
        note="Hi {{shoeSize}}",
        options={"subject": "Hello", "linkedin_type": "1"},
    )

    lost = " ".join(adapter().losses(draft))

    for word in (
        "title",
        "Priority",
        "assignee",
        "{{shoeSize}}",
        "subject",
        "LinkedIn",
    ):
        assert word in lost
    assert adapter().losses(make_draft()) == []


# -- creating ------------------------------------------------------------------------


def test_create_in_the_spelling_of_the_seed():
    request = adapter().create_request([make_draft()])

    assert (request.method, request.path, request.writes) == ("POST", "/tasks", True)
    assert request.json == {
        "taskType": 2,
        "startAt": "2026-05-02T09:00:00Z",
        "dueTo": "2026-05-02T17:00:00Z",
        "template": {"body": TEXT},
        "contactId": 456,
    }
    assert adapter().auth().headers == {"X-API-Key": "secret-reply-key"}


def test_create_in_words():
    words = adapter(dialect="words", act_as="42")
    draft = make_draft(type_code="linkedin", options={"linkedin_type": "viewProfile"})

    request = words.create_request([draft])

    assert request.json["taskType"] == "linkedIn"
    assert request.json["linkedInTaskType"] == "viewProfile"
    assert words.auth().headers == {
        "Authorization": "Bearer secret-reply-key",
        "X-User-Id": "42",
    }


@pytest.mark.parametrize(("code", "word"), [("0", "toDo"), ("4", "meeting"), ("5", "linkedIn"), ("7", "manualEmail"), ("8", "sms"), ("9", "whatsApp")])  # fmt: skip
def test_every_type_in_both_spellings(code, word):
    draft = make_draft(type_code=code)

    assert adapter().create_request([draft]).json["taskType"] == int(code)
    spelt = adapter(dialect="words").create_request([draft])
    assert spelt.json["taskType"] == word


def test_an_email_has_a_subject_and_attachments():
    options = {"subject": " Offer ", "attachment_ids": "12, 13"}

    body = adapter().create_request([make_draft(type_code="7", options=options)]).json

    assert body["template"] == {
        "body": TEXT,
        "subject": "Offer",
        "attachmentIdList": [12, 13],
    }


def test_a_linkedin_task_is_a_message_unless_it_is_said():
    body = adapter().create_request([make_draft(type_code="5")]).json

    assert body["linkedInTaskType"] == 0


def test_a_day_is_due_at_its_end_in_the_zone_of_the_team():
    draft = make_draft(due_at=None, due_on=date(2026, 5, 2))

    body = adapter(time_zone="Asia/Kolkata").create_request([draft]).json

    assert body["dueTo"] == "2026-05-02T18:29:59Z"


def test_the_marker_stands_at_the_end_and_nobody_is_null():
    draft = make_draft(prospect=ProspectDraft(), note="Call", marker="bt-7f3aq2kz")

    body = adapter().create_request([draft]).json

    assert body["template"]["body"] == "Call [bt-7f3aq2kz]"
    assert body["contactId"] is None


def test_one_task_goes_in_a_call():
    drafts = [make_draft(ref="a"), make_draft(ref="b")]

    assert adapter().split(drafts) == [[drafts[0]], [drafts[1]]]
    with pytest.raises(UnsupportedTask):
        adapter().create_request(drafts)


@pytest.mark.parametrize("name", ["detail_integers", "detail_words", "detail_finished"])
@pytest.mark.parametrize("status", [200, 201])
def test_a_created_task_has_its_number(name, status):
    [result] = adapter().read_created(
        answer(sample("reply", name), status), [make_draft()]
    )

    assert (result.ref, result.task_id) == ("r1", "123")


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (empty(401), CredentialsRejected),
        (answer({"code": "x"}, 403), CredentialsRejected),
        (answer(sample("reply", "problem_validation"), 400), TaskRejected),
        (answer(sample("reply", "problem_validation"), 422), TaskRejected),
        (empty(400), TaskRejected),
        (answer(sample("reply", "problem_contact"), 404), TaskRejected),
        (answer({"code": "contact.forbidden"}, 403), TaskRejected),
        (web_page(404), Misconfigured),
        (empty(404), Misconfigured),
        (empty(405), Misconfigured),
        (empty(301), Misconfigured),
        (empty(409), OutcomeUnknown),
        (empty(429), RateLimited),
        (answer({}, 503, **{"retry-after": "5"}), RateLimited),
        (empty(500), OutcomeUnknown),
        (empty(502), OutcomeUnknown),
        (empty(503), OutcomeUnknown),
        (empty(408), OutcomeUnknown),
        (empty(200), UnreadableResponse),
        (empty(204), UnreadableResponse),
        (web_page(201), UnreadableResponse),
        (answer({"id": None}, 201), UnreadableResponse),
        (answer([{"id": 123}], 201), UnreadableResponse),
        (answer({"id": 123}, 202), UnreadableResponse),
    ],
)
def test_every_other_answer_is_the_right_error(response, error):
    with pytest.raises(error) as raised:
        adapter().read_created(response, [make_draft()])

    assert "secret-reply-key" not in str(raised.value)


def test_a_refusal_names_the_fields():
    response = answer(sample("reply", "problem_validation"), 400)

    with pytest.raises(TaskRejected) as raised:
        adapter().check(response)

    assert "dueTo: Must be after startAt." in str(raised.value)
    assert "template.body: Body is required." in str(raised.value)


def test_errors_by_field_name_are_read_too():
    body = {"errors": {"StartAt": ["Too early.", 5], "x": None}}

    with pytest.raises(TaskRejected, match="StartAt: Too early"):
        adapter().check(answer(body, 400))


def test_a_rate_limit_says_how_long():
    with pytest.raises(RateLimited) as raised:
        adapter().check(answer({}, 429, **{"retry-after": "17"}))

    assert raised.value.retry_after == 17


@pytest.mark.parametrize("name", ["detail_integers", "detail_words"])
def test_no_damage_to_an_answer_makes_a_false_success(name):
    for body in mutants(sample("reply", name)):
        try:
            results = adapter().read_created(answer(body, 201), [make_draft()])
        except VendorError:
            continue
        assert [(r.ref, r.task_id) for r in results] == [("r1", "123")]


def test_an_answer_cut_short_is_no_success():
    text = json.dumps(sample("reply", "detail_words"))
    for end in range(len(text)):
        response = replace(empty(201), text=text[:end])

        with pytest.raises(UnreadableResponse):
            adapter().read_created(response, [make_draft()])


# -- reading -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["detail_integers", "detail_words"])
def test_a_task_in_full(name):
    requests, task = drive(adapter().read_task("123"), [answer(sample("reply", name))])

    assert (requests[0].method, requests[0].path) == ("GET", "/tasks/123")
    assert not requests[0].writes
    assert (task.status, task.vendor_status) == (Status.OPEN, "new")
    assert task.type_code == "2"
    assert (task.starts_at, task.due_at) == (START, DUE)
    assert (task.prospect_id, task.assignee_id) == ("456", "42")
    assert task.note == task.text == TEXT
    assert task.created_at == SENT
    assert task.completed_at is None
    assert {"note", "status", "completed_at", "assignee_id"} <= task.shown
    assert "title" not in task.shown


@pytest.mark.parametrize(
    ("value", "status", "word"),
    [
        (0, Status.OPEN, "new"),
        (1, Status.COMPLETED, "finished"),
        (3, Status.CANCELLED, "cancelled"),
        (4, Status.CANCELLED, "archived"),
        (5, Status.CANCELLED, "sequenceDetached"),
        ("Finished", Status.COMPLETED, "finished"),
        ("ARCHIVED", Status.CANCELLED, "archived"),
        (2, None, "2"),
        ("snoozed", None, "snoozed"),
        (None, None, ""),
    ],
)
def test_statuses(value, status, word):
    task = adapter().remote({"id": 1, "status": value})

    assert task is not None
    assert (task.status, task.vendor_status) == (status, word)


def test_a_failed_task_says_so():
    task = adapter().remote({"id": 1, "status": "finished", "isFailed": True})

    assert task is not None
    assert task.vendor_status == "finished (failed)"


def test_a_task_is_gone_only_where_a_problem_document_says_so():
    gone = answer(sample("reply", "problem_task"), 404)

    assert drive(adapter().read_task("123"), [gone])[1] is None
    for response in (
        empty(404),
        web_page(404),
        answer({"code": "route.notFound"}, 404),
    ):
        with pytest.raises(Misconfigured):
            drive(adapter().read_task("123"), [response])


def test_another_task_than_the_one_asked_for_is_no_answer():
    with pytest.raises(UnreadableResponse):
        drive(adapter().read_task("124"), [answer(sample("reply", "detail_words"))])


def test_an_id_that_is_no_number_never_leaves_in_a_path():
    with pytest.raises(TaskRejected):
        drive(adapter().read_task("1/../../whoami"), [])


def test_the_connection_is_tested_by_asking_who_we_are():
    requests, info = drive(adapter().test_connection(), [answer({"userId": 12345})])

    assert (requests[0].method, requests[0].path) == ("GET", "/whoami")
    assert "12345" in info.sentence
    with pytest.raises(CredentialsRejected):
        drive(adapter().test_connection(), [empty(401)])
    with pytest.raises(UnreadableResponse):
        drive(adapter().test_connection(), [answer({})])


def test_reading_an_account_covers_every_status_within_the_window():
    scope = SyncScope(
        until=START, starts_from=date(2026, 4, 30), starts_to=date(2026, 5, 4)
    )
    full = sample("reply", "filter")

    requests, pages = read(
        adapter(dialect="words").read_tasks(scope),
        lambda r: answer(full),
    )

    assert ["status" in r.json for r in requests] == [False]
    assert {(r.path, r.query["top"], r.writes) for r in requests} == {
        ("/tasks/filter", 1000, False)
    }
    assert requests[0].json["from"] == "2026-04-30T00:00:00Z"
    assert requests[0].json["to"] == "2026-05-05T00:00:00Z"
    [task] = pages[0].tasks
    assert (task.prospect_id, task.prospect_name) == ("456", "Ann Lee")
    assert "note" not in task.shown
    assert pages[-1].cursor == {"done": True}
    done = replace(scope, cursor=pages[-1].cursor)
    assert read(adapter().read_tasks(done), []) == ([], [])


def test_reading_goes_on_page_by_page_and_resumes_at_the_cursor():
    item = sample("reply", "filter")["items"][0]
    scope = SyncScope(until=START)

    def respond(request):
        skip = request.query["skip"]
        items = [item | {"id": n + 1} for n in range(skip, min(skip + 1000, 1500))]
        return answer({"items": items, "hasMore": skip + 1000 < 1500})

    requests, pages = read(adapter().read_tasks(scope), respond)
    ids = [task.external_id for page in pages for task in page.tasks]
    assert sorted(ids, key=int) == [str(n) for n in range(1, 1501)]
    assert len(requests) == 2

    cursor = pages[0].cursor
    resumed, rest = read(adapter().read_tasks(replace(scope, cursor=cursor)), respond)
    assert json.loads(json.dumps(cursor)) == cursor
    assert [r.query["skip"] for r in resumed] == [cursor["skip"]]
    seen = {t.external_id for p in pages[:1] for t in p.tasks}
    seen |= {t.external_id for p in rest for t in p.tasks}
    assert len(seen) == 1500


def test_what_starts_outside_the_window_is_read_after_it():
    scope = SyncScope(
        until=START, starts_from=date(2026, 4, 30), starts_to=date(2026, 5, 4)
    )

    requests, _ = read(
        adapter().read_rest(scope), lambda r: answer(sample("reply", "filter_empty"))
    )

    windows = [(r.json["from"][:10], r.json["to"][:4]) for r in requests]
    assert windows == [("2026-05-05", "2031"), ("2015-01-01", "2026")]


def test_everything_visible_starts_with_the_first_day_and_ends_years_ahead():
    scope = SyncScope(until=START, bring_in=True, starts_from=date(2026, 5, 1))

    requests, _ = read(
        adapter().read_tasks(scope), lambda r: answer(sample("reply", "filter_empty"))
    )

    assert requests[0].json["from"] == "2015-01-01T00:00:00Z"
    assert requests[0].json["to"] > "2031"


def test_damaged_lists_never_pass_for_empty_ones():
    for body in mutants(sample("reply", "filter")):
        try:
            _, pages = read(
                adapter().read_tasks(SyncScope(until=START)),
                lambda r, b=body: answer(b),
            )
        except VendorError:
            continue
        assert isinstance(body["items"], list)
        for page in pages:
            for task in page.tasks:
                assert task.external_id == "123"


# -- finding -------------------------------------------------------------------------


def vendor_with(detail: dict[str, Any] | None, items: list[Any] | None = None):
    """Answer filters with the detail as a row in its status, and its details."""

    def respond(request):
        if request.method == "GET":
            if detail is None:
                return answer(sample("reply", "problem_task"), 404)
            return answer(detail)
        rows = sample("reply", "filter")["items"] if items is None else items
        wanted = request.json["status"]
        fitting = [row for row in rows if row["status"] in (wanted, str(wanted))]
        return answer({"items": fitting, "hasMore": False})

    return respond


def words() -> ReplyAdapter:
    return adapter(dialect="words")


def test_a_lost_task_is_found_by_contact_start_and_text():
    draft = make_draft()
    detail = sample("reply", "detail_words")

    requests, found = drive(words().find([draft], sent_at=SENT), vendor_with(detail))

    assert requests[0].json == {
        "from": "2026-05-02T08:59:00Z",
        "to": "2026-05-02T09:01:00Z",
        "contactId": 456,
        "taskType": "call",
        "status": "new",
    }
    assert found.complete
    assert [t.external_id for t in found.tasks] == ["123"]
    assert words().same_task(draft, found.tasks[0])


@pytest.mark.parametrize(
    "other",
    [
        {"note": "Another text"},
        {"due_at": DUE + timedelta(seconds=1)},
        {"prospect": ProspectDraft("457")},
        {"type_code": "4"},
        {"starts_at": START + timedelta(seconds=1)},
    ],
)
def test_a_task_that_differs_is_another(other):
    remote = words().remote(sample("reply", "detail_words"))

    assert remote is not None
    assert words().same_task(make_draft(), remote)
    assert not words().same_task(make_draft(**other), remote)


@pytest.mark.parametrize(
    "change",
    [
        {"createdAt": "2026-05-01T08:00:00Z"},
        {"creationSource": "sequence"},
        {"creationSource": 2},
    ],
)
def test_what_was_there_before_or_came_otherwise_is_not_ours(change):
    detail = sample("reply", "detail_words") | change

    _, found = drive(words().find([make_draft()], sent_at=SENT), vendor_with(detail))

    assert (list(found.tasks), found.complete) == ([], True)


def test_absent_is_said_only_after_every_status_was_read():
    requests, found = drive(
        words().find([make_draft()], sent_at=SENT), vendor_with(None, [])
    )

    assert [r.json["status"] for r in requests] == [
        "new",
        "finished",
        "cancelled",
        "archived",
    ]
    assert (list(found.tasks), found.complete) == ([], True)


def test_a_finished_task_with_its_variables_filled_in_leaves_doubt():
    items = sample("reply", "filter")["items"]
    items[0]["status"] = "finished"
    detail = sample("reply", "detail_finished")

    _, found = drive(
        words().find([make_draft()], sent_at=SENT), vendor_with(detail, items)
    )

    assert not found.complete


def test_the_marker_decides_even_when_the_text_was_filled_in():
    draft = make_draft(marker="bt-7f3aq2kz")
    items = sample("reply", "filter")["items"]
    items[0]["status"] = "finished"
    detail = sample("reply", "detail_finished")
    detail["template"]["body"] += " [bt-7f3aq2kz]"

    _, found = drive(words().find([draft], sent_at=SENT), vendor_with(detail, items))

    assert found.complete
    assert words().same_task(draft, found.tasks[0])
    assert found.tasks[0].note == "Call Ann about the offer"
    assert not words().same_task(replace(draft, marker="bt-other"), found.tasks[0])


def test_a_detail_without_text_leaves_doubt():
    detail = sample("reply", "detail_words") | {"template": None}

    _, found = drive(words().find([make_draft()], sent_at=SENT), vendor_with(detail))

    assert not found.complete


def test_a_detail_without_creation_time_leaves_doubt():
    detail = sample("reply", "detail_words") | {"createdAt": None}

    _, found = drive(words().find([make_draft()], sent_at=SENT), vendor_with(detail))

    assert (list(found.tasks), found.complete) == ([], False)


def test_an_endless_list_is_given_up_and_not_complete():
    item = sample("reply", "filter")["items"][0] | {"dueTo": "2030-01-01T00:00:00Z"}

    def respond(request):
        return answer({"items": [item], "hasMore": True})

    requests, found = drive(words().find([make_draft()], sent_at=SENT), respond)

    assert len(requests) <= 4 * 20
    assert not found.complete


def test_damaged_answers_never_make_a_task_absent():
    for body in mutants(sample("reply", "detail_words")):
        if body is None:  # stands for a task that is gone
            continue
        try:
            _, found = drive(
                words().find([make_draft()], sent_at=SENT), vendor_with(body)
            )
        except VendorError:
            continue
        same = [t for t in found.tasks if words().same_task(make_draft(), t)]
        # What shows another text, time or contact may be another task, and only that.
        shown = words().remote(body) if isinstance(body, dict) else None
        differs = shown is not None and any(
            shown.compare.get(key, value) != value
            for key, value in words().comparable(make_draft()).items()
        )
        assert same or differs or not found.complete


# -- acting ----------------------------------------------------------------------------


def test_complete_sends_nothing_to_the_contact():
    requests, task = act(Action.COMPLETE, answer(sample("reply", "detail_finished")))

    assert (requests[0].method, requests[0].path) == ("POST", "/tasks/123/complete")
    assert (requests[0].json, requests[0].writes) == ({}, True)
    assert task.status == Status.COMPLETED


def test_a_call_may_have_an_outcome():
    finished = answer(sample("reply", "detail_finished"))

    requests, _ = act(Action.COMPLETE, finished, outcome="2")
    assert requests[0].json == {"callResolution": 2}

    draft = ActionDraft(Action.COMPLETE, "123", make_draft(), {"outcome": "1"})
    requests, _ = drive(words().act(draft), [finished])
    assert requests[0].json == {"callResolution": "toCall"}


def test_an_outcome_is_for_calls_alone():
    draft = ActionDraft(
        Action.COMPLETE, "123", make_draft(type_code="0"), {"outcome": "1"}
    )
    with pytest.raises(UnsupportedTask):
        drive(adapter().act(draft), [])
    with pytest.raises(UnsupportedTask):
        act(Action.COMPLETE, outcome="9")


def test_reschedule_reads_and_sends_everything_back():
    detail = sample("reply", "detail_integers")
    moved = detail | {"dueTo": "2026-05-03T17:00:00Z"}

    requests, task = act(
        Action.RESCHEDULE,
        answer(detail),
        answer(moved),
        due_at=datetime(2026, 5, 3, 19, tzinfo=UTC) - timedelta(hours=2),
    )

    assert [(r.method, r.path, r.writes) for r in requests] == [
        ("GET", "/tasks/123", False),
        ("PUT", "/tasks/123", True),
    ]
    assert requests[1].json == {
        "taskType": 2,
        "startAt": "2026-05-02T09:00:00Z",
        "dueTo": "2026-05-03T17:00:00Z",
        "template": {"body": TEXT, "attachmentIdList": []},
        "contactId": 456,
    }
    assert task.due_at == datetime(2026, 5, 3, 17, tzinfo=UTC)


def test_a_start_after_the_due_time_is_refused_before_it_is_sent():
    detail = answer(sample("reply", "detail_words"))

    with pytest.raises(UnsupportedTask):
        act(Action.RESCHEDULE, detail, starts_at=DUE)


def test_a_new_note_keeps_the_marker():
    detail = sample("reply", "detail_words")
    detail["template"]["body"] += " [bt-7f3aq2kz]"
    draft = ActionDraft(
        Action.NOTE, "123", make_draft(marker="bt-7f3aq2kz"), {"note": "New"}
    )

    requests, _ = drive(adapter().act(draft), [answer(detail), answer(detail)])

    assert requests[1].json["template"]["body"] == "New [bt-7f3aq2kz]"
    assert requests[1].json["taskType"] == "call"


@pytest.mark.parametrize("status", [1, 3, "finished", "archived", 2, None])
def test_only_new_tasks_change(status):
    detail = sample("reply", "detail_words") | {"status": status}

    with pytest.raises(UnsupportedTask):
        act(Action.NOTE, answer(detail), note="New")


def test_half_a_task_is_never_written_back():
    detail = sample("reply", "detail_words") | {"template": {"subject": "x"}}

    with pytest.raises(UnreadableResponse):
        act(Action.NOTE, answer(detail), note="New")


def test_reassign():
    detail = answer(sample("reply", "detail_words"))

    requests, task = act(Action.REASSIGN, detail, assignee=AssigneeDraft("42"))

    assert (requests[0].method, requests[0].path) == ("PUT", "/tasks/123/assigned-user")
    assert requests[0].json == {"userId": 42}
    assert task.assignee_id == "42"
    with pytest.raises(UnsupportedTask):
        act(Action.REASSIGN, assignee=AssigneeDraft(email="a@example.com"))


def test_take_back_deletes():
    requests, task = act(Action.CANCEL, answer({}))

    assert (requests[0].method, requests[0].path) == ("POST", "/tasks/bulk-delete")
    assert (requests[0].json, requests[0].writes) == ({"ids": [123]}, True)
    assert task is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], UnreadableResponse),
        ({"failed": {"123": 1}}, UnreadableResponse),
    ],
)
def test_a_delete_that_failed_says_so(body, error):
    with pytest.raises(error):
        act(Action.CANCEL, answer(body))


def test_a_delete_of_what_is_gone_already_is_done():
    failed = answer({"123": {"error": 1}})

    _, task = act(Action.CANCEL, failed, answer(sample("reply", "problem_task"), 404))
    assert task is None

    with pytest.raises(TaskRejected):  # it is there: the key may not delete it
        act(Action.CANCEL, failed, answer(sample("reply", "detail_words")))


@pytest.mark.parametrize("action", [Action.SKIP, Action.SNOOZE])
def test_what_reply_cannot_do(action):
    assert not adapter().can(action)
    with pytest.raises(UnsupportedTask):
        act(action)


def test_a_task_that_is_gone_or_done_refuses_actions():
    for problem, status in (
        (sample("reply", "problem_task"), 404),
        ({"code": "task.cannotComplete", "detail": "The task is not New."}, 409),
    ):
        with pytest.raises(TaskRejected):
            act(Action.COMPLETE, answer(problem, status))


def test_an_answer_about_another_task_is_unclear():
    with pytest.raises(OutcomeUnknown):
        act(Action.COMPLETE, answer(sample("reply", "detail_words") | {"id": 9}))
