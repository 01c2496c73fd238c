"""What holds for every adapter. A new vendor inherits it by a case of its own here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.base import VendorAdapter
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
    UnreadableResponse,
    UnsupportedTask,
    VendorError,
)
from tasks_app.vendors.findings import ItemResult, RemoteTask, SyncScope
from tasks_app.vendors.words import Action, Channel, Priority, Status
from tests.vendors.driving import drive
from tests.vendors.mutating import answer, empty, mutants, sample, web_page

START = datetime(2026, 7, 15, 10, tzinfo=UTC)
SENT = datetime(2026, 7, 1, 9, tzinfo=UTC)
MARKER = "bt-7f3aq2kz"
KINDS = {
    "text",
    "long",
    "choice",
    "choices",
    "date",
    "datetime",
    "integer",
    "email",
    "pairs",
}


@dataclass(frozen=True)
class Case:
    """A draft that a vendor takes, and its documented answer to it."""

    draft: TaskDraft
    created: Any
    task_id: str


def make_draft(**fields: Any) -> TaskDraft:
    return TaskDraft(**({"ref": "r1", "note": "Ask about the offer"} | fields))


CASES: dict[str, Case] = {
    "saleshandy": Case(
        make_draft(
            type_code="13",
            prospect=ProspectDraft("Pr9xQ2Lm"),
            due_on=date(2026, 7, 15),
        ),
        sample("saleshandy", "created"),
        "7PWYDWW7zo",
    ),
    "leadsquared": Case(
        make_draft(
            type_code="Meeting",
            prospect=ProspectDraft("7e5b7380-4295-4af2-9706-941ab71be772"),
            title="Meeting",
            starts_at=START,
            assignee=AssigneeDraft("aaaaaaaa-0000-4000-8000-000000000001"),
        ),
        sample("leadsquared", "create_success"),
        "xxxxxxxx-Task-Idxx-xxxx-xxxxxxxxxxxx",
    ),
    "reply": Case(
        make_draft(
            type_code="2",
            prospect=ProspectDraft("456"),
            starts_at=START,
            due_at=START + timedelta(hours=8),
        ),
        sample("reply", "detail_words"),
        "123",
    ),
    "ysuite": Case(
        make_draft(
            type_code="task",
            prospect=ProspectDraft("10"),
            title="Follow up with Sarah",
            starts_at=START,
            priority=Priority.MEDIUM,
        ),
        sample("ysuite", "created"),
        "15",
    ),
}

every_vendor = pytest.mark.parametrize("slug", list(ADAPTERS))


def make_adapter(slug: str, **settings: str) -> VendorAdapter:
    vendor = ADAPTERS[slug]
    keys = {key: f"canary-{key}" for key, _ in vendor.credential_fields}
    return vendor(AccountConfig(vendor.base_urls[0][0], keys, settings))


def type_codes(slug: str) -> list[str]:
    fixed = ADAPTERS[slug].fixed_types
    return [CASES[slug].draft.type_code] if fixed is None else [t.code for t in fixed]


def every_setting(slug: str) -> Iterator[dict[str, str]]:
    yield {}
    for setting in ADAPTERS[slug].settings_fields:
        for code, _ in setting.choices:
            yield {setting.name: code}


# -- what a vendor is --------------------------------------------------------------


def test_every_vendor_has_a_case():
    assert set(CASES) == set(ADAPTERS)


@every_vendor
def test_a_vendor_says_what_it_is(slug):
    vendor = ADAPTERS[slug]

    assert vendor.slug == slug
    assert vendor.name
    assert all(url.startswith("https://") and label for url, label in vendor.base_urls)
    assert not any(url.endswith("/") for url, _ in vendor.base_urls)
    assert vendor.home_url == "" or vendor.home_url.startswith("https://")
    assert vendor.credential_fields
    assert all(calls > 0 and seconds > 0 for calls, seconds in vendor.default_rates)
    assert vendor.default_rates
    assert vendor.create_limit >= 1
    assert vendor.settle_seconds > 0


@every_vendor
def test_settings_have_defaults_among_their_choices(slug):
    for setting in ADAPTERS[slug].settings_fields:
        assert setting.name
        assert setting.label
        assert setting.kind in ("text", "integer", "time_zone")
        if setting.choices:
            assert setting.default in dict(setting.choices)


@every_vendor
def test_types_are_told_apart(slug):
    types = ADAPTERS[slug].fixed_types or ()

    assert len({t.code.casefold() for t in types}) == len(types)
    assert all(t.code and t.name and isinstance(t.channel, Channel) for t in types)
    adapter = make_adapter(slug)
    assert all(adapter.canonical_type(t.code.upper()) == t.code for t in types)
    assert adapter.canonical_type("") is None


@every_vendor
def test_priorities_and_statuses_are_in_our_words(slug):
    vendor = ADAPTERS[slug]

    assert set(vendor.priorities) <= set(Priority)
    assert len(set(map(str, vendor.priorities.values()))) == len(vendor.priorities)
    assert set(vendor.statuses.values()) <= set(Status)
    assert Status.OPEN in vendor.statuses.values()


@every_vendor
def test_fields_are_fit_for_a_form(slug):
    for code in type_codes(slug):
        fields = make_adapter(slug).fields(code)

        assert len({f.name for f in fields}) == len(fields)
        for field in fields:
            assert field.kind in KINDS
            assert field.label
            assert field.vendor_name
            assert not field.types or code in field.types
            # Who can hold a task is the account's to say, not the adapter's.
            if field.kind in ("choice", "choices") and field.name != "assignee":
                assert len(dict(field.choices)) == len(field.choices) > 1
                assert field.default in {"", *dict(field.choices)}


# -- what may be sent ----------------------------------------------------------------


@every_vendor
def test_the_case_may_be_sent_as_every_type(slug):
    for code in type_codes(slug):
        draft = replace(CASES[slug].draft, type_code=code)

        assert make_adapter(slug).validate(draft) == []
        assert make_adapter(slug).prospect_error(draft) == ""
        assert make_adapter(slug).create_request([draft]).writes


@every_vendor
def test_a_draft_of_nothing_is_refused_in_sentences(slug):
    adapter = make_adapter(slug)
    draft = TaskDraft(ref="r1", type_code="no such type")
    if ADAPTERS[slug].fixed_types is None:
        draft = replace(draft, type_code="")

    errors = adapter.validate(draft)

    known = {"type_code"} | {
        f.name for f in adapter.fields(CASES[slug].draft.type_code)
    }
    assert "type_code" in {e.field for e in errors}
    assert {e.field for e in errors} <= known
    assert all(e.message.endswith(".") and adapter.name for e in errors)
    with pytest.raises(UnsupportedTask):
        adapter.create_request([draft])


@every_vendor
def test_a_required_field_left_out_is_refused(slug):
    adapter, case = make_adapter(slug), CASES[slug]
    empties = {"title": "", "note": " ", "starts_at": None, "assignee": None}

    for field in adapter.fields(case.draft.type_code):
        if field.required and field.name in empties:
            draft = replace(case.draft, **{field.name: empties[field.name]})
            if field.name == "starts_at":
                draft = replace(draft, due_on=None)
            assert field.name in {e.field for e in adapter.validate(draft)}


@every_vendor
def test_what_is_lost_is_said_in_sentences(slug):
    full = replace(
        CASES[slug].draft,
        title="A title",
        priority=Priority.URGENT,
        starts_at=START,
        due_at=START + timedelta(hours=1),
        assignee=AssigneeDraft("7", "a@example.com"),
    )

    lost = make_adapter(slug).losses(full)

    assert all(sentence.endswith(".") for sentence in lost)
    assert len(set(lost)) == len(lost)


@every_vendor
def test_every_part_of_a_split_is_one_call(slug):
    adapter, case = make_adapter(slug), CASES[slug]
    drafts = [replace(case.draft, ref=f"r{n}") for n in range(7)]

    calls = adapter.split(drafts)

    sent = [draft.ref for call in calls for draft in call]
    assert sorted(sent) == sorted(d.ref for d in drafts)
    assert all(1 <= len(call) <= adapter.create_limit for call in calls)
    for call in calls:
        assert isinstance(adapter.create_request(call), VendorRequest)


@every_vendor
def test_requests_carry_no_secret_and_fit_on_the_wire(slug):
    for settings in every_setting(slug):
        adapter = make_adapter(slug, **settings)
        request = adapter.create_request([replace(CASES[slug].draft, marker=MARKER)])

        assert request.path.startswith("/")
        assert request.method == "POST"
        assert request.writes
        assert "canary" not in repr(request)
        assert MARKER in json.dumps(request.json, allow_nan=False)


@every_vendor
def test_keys_travel_apart_and_never_show(slug):
    for settings in every_setting(slug):
        adapter = make_adapter(slug, **settings)
        auth = adapter.auth()

        carried = " ".join([*auth.headers.values(), *auth.query.values()])
        for key, _ in adapter.credential_fields:
            assert f"canary-{key}" in carried
        assert "canary" not in repr(auth)
        assert "canary" not in repr(adapter.config)


# -- what an answer means ------------------------------------------------------------


def created(slug: str, response: VendorResponse) -> list[ItemResult]:
    return make_adapter(slug).read_created(response, [CASES[slug].draft])


@every_vendor
@pytest.mark.parametrize("status", [200, 201])
def test_the_documented_success_is_one(slug, status):
    [result] = created(slug, answer(CASES[slug].created, status))

    assert (result.ref, result.task_id) == ("r1", CASES[slug].task_id)
    assert not (result.request_id or result.refused or result.unclear)


@every_vendor
@pytest.mark.parametrize(
    ("response", "error"),
    [
        (empty(401), CredentialsRejected),
        (empty(301), Misconfigured),
        (empty(308), Misconfigured),
        (empty(405), Misconfigured),
        (empty(415), Misconfigured),
        (empty(429), RateLimited),
        (answer({}, 429, **{"retry-after": "60"}), RateLimited),
        (answer({}, 503, **{"retry-after": "60"}), RateLimited),
        (empty(408), OutcomeUnknown),
        (empty(409), OutcomeUnknown),
        (empty(500), OutcomeUnknown),
        (web_page(500), OutcomeUnknown),
        (empty(502), OutcomeUnknown),
        (empty(503), OutcomeUnknown),
        (empty(504), OutcomeUnknown),
        (empty(200), UnreadableResponse),
        (empty(201), UnreadableResponse),
        (web_page(200), UnreadableResponse),
        (web_page(201), UnreadableResponse),
    ],
)
def test_what_is_alike_for_all_vendors(slug, response, error):
    with pytest.raises(error) as raised:
        created(slug, response)

    sentence = str(raised.value)
    assert ADAPTERS[slug].name in sentence
    assert sentence.endswith(".")
    assert "canary" not in sentence


@every_vendor
def test_no_status_code_is_a_surprise(slug):
    """An answer that names nobody may leave a task unclear, and nothing more."""
    for status in range(100, 600):
        for response in (empty(status), answer({}, status), web_page(status)):
            try:
                results = created(slug, response)
            except VendorError:
                continue
            assert all(result.unclear for result in results)


@every_vendor
@pytest.mark.parametrize("status", [200, 201])
def test_no_damage_to_an_answer_makes_a_false_success(slug, status):
    case = CASES[slug]
    for body in mutants(case.created):
        try:
            results = created(slug, answer(body, status))
        except VendorError:
            continue
        assert [r.ref for r in results] == ["r1"]
        for result in results:
            assert result.task_id in ("", case.task_id)
            assert not result.request_id
            said = (result.task_id, result.refused, result.unclear)
            assert sum(map(bool, said)) == 1


@every_vendor
def test_damaged_errors_stay_errors(slug):
    bodies = [
        {"Status": "Error", "ExceptionType": "MXFooException", "ExceptionMessage": "x"},
        {"success": False, "message": "x", "errors": {"title": ["x"]}},
        {"title": "x", "code": "task.x", "errors": [{"pointer": "/x", "detail": "y"}]},
        {"message": "x", "error": {"code": 4000, "message": "x"}, "code": "1001"},
    ]
    for whole in bodies:
        for body in mutants(whole):
            for status in (400, 401, 403, 404, 409, 422, 429, 500, 503):
                with pytest.raises(VendorError) as raised:
                    created(slug, answer(body, status))
                assert len(str(raised.value)) < 500


@every_vendor
def test_the_keys_are_cut_out_of_what_a_vendor_says(slug):
    adapter = make_adapter(slug)
    said = " ".join(adapter.config.credentials.values())
    body = {
        "message": said,
        "detail": said,
        "title": said,
        "ExceptionType": "MXFooException",
        "ExceptionMessage": said,
        "errors": {"title": [said]},
        "error": {"message": said},
    }
    for status in (200, 201, 400, 401, 403, 404, 409, 422, 429, 500, 503):
        try:
            sentences = [
                r.refused + r.unclear for r in created(slug, answer(body, status))
            ]
        except VendorError as error:
            sentences = [str(error)]
        assert "canary" not in " ".join(sentences)


# -- finding -------------------------------------------------------------------------


@every_vendor
@pytest.mark.parametrize("marker", ["", MARKER])
def test_a_task_is_known_again_by_what_was_sent(slug, marker):
    adapter = make_adapter(slug)
    draft = replace(CASES[slug].draft, marker=marker)
    sent = adapter.comparable(draft)
    remote = RemoteTask(
        "1",
        Status.OPEN,
        compare=sent,
        text=f"{draft.title} {adapter.marked(draft.note, marker)}",
    )

    assert {"prospect", "text"} <= sent.keys()
    assert adapter.same_task(draft, remote)
    other = replace(remote, compare={**sent, "prospect": "somebody else"})
    assert not adapter.same_task(draft, other)
    changed = replace(remote, compare={**sent, "text": "another"}, text="another")
    assert not adapter.same_task(draft, changed)
    assert not adapter.same_task(replace(draft, marker="bt-other222"), remote)


@every_vendor
def test_a_task_that_shows_nothing_is_never_taken_for_ours(slug):
    draft = CASES[slug].draft

    assert not make_adapter(slug).same_task(draft, RemoteTask("1", Status.OPEN))


@every_vendor
def test_looking_only_reads_and_trouble_is_passed_on(slug):
    adapter, draft = make_adapter(slug), CASES[slug].draft
    assert isinstance(adapter.find_key(draft), str)

    for response, error in (
        (empty(401), CredentialsRejected),
        (empty(429), RateLimited),
        (empty(500), VendorError),
        (web_page(), VendorError),
    ):
        with pytest.raises(error):
            drive(adapter.find([draft], sent_at=SENT), [response])
    request = next(adapter.find([draft], sent_at=SENT))
    assert not request.writes
    assert "canary" not in repr(request)


@every_vendor
def test_an_odd_answer_never_makes_a_task_absent(slug):
    adapter, draft = make_adapter(slug), CASES[slug].draft
    for body in ({}, [[]], "", 0, True, {"data": None}, {"items": {}}):
        try:
            _, found = drive(
                adapter.find([draft], sent_at=SENT), lambda r, b=body: answer(b)
            )
        except VendorError:
            continue
        assert not (found.complete and not found.tasks), body


# -- reading -------------------------------------------------------------------------


@every_vendor
def test_the_connection_is_tested_by_a_harmless_read(slug):
    adapter = make_adapter(slug)

    request = next(adapter.test_connection())

    assert not request.writes
    for response, error in (
        (empty(401), CredentialsRejected),
        (empty(301), Misconfigured),
        (web_page(), VendorError),
        (empty(500), VendorError),
    ):
        with pytest.raises(error):
            drive(adapter.test_connection(), [response] * 3)


@every_vendor
def test_fixed_types_are_known_without_a_call(slug):
    if ADAPTERS[slug].fixed_types is None:
        pytest.skip("the types are the account's own")

    requests, types = drive(make_adapter(slug).read_types(), [])

    assert requests == []
    assert types == list(ADAPTERS[slug].fixed_types or ())


@every_vendor
def test_reading_an_account_only_reads(slug):
    scope = SyncScope(
        until=START,
        since=SENT,
        starts_from=date(2026, 7, 1),
        starts_to=date(2026, 7, 31),
        owners=[AssigneeDraft("7", "a@example.com")],
    )

    request = next(make_adapter(slug).read_tasks(scope))

    assert isinstance(request, VendorRequest)
    assert not request.writes
    for response, error in (
        (empty(401), CredentialsRejected),
        (empty(429), RateLimited),
        (web_page(), VendorError),
        (answer({}), VendorError),
    ):
        with pytest.raises(error):
            drive(make_adapter(slug).read_tasks(scope), [response] * 3)


@every_vendor
def test_a_task_is_not_gone_because_of_trouble(slug):
    for response in (empty(401), empty(429), empty(500), web_page(), web_page(404)):
        with pytest.raises(VendorError):
            drive(make_adapter(slug).read_task(CASES[slug].task_id), [response] * 3)


# -- acting ----------------------------------------------------------------------------


VALUES: dict[str, Any] = {
    "until": START + timedelta(days=1),
    "starts_at": START + timedelta(days=1),
    "assignee": AssigneeDraft("7", "a@example.com"),
    "note": "New",
    "reason": "Moved away",
}


def conversation(slug: str, action: Action) -> Any:
    adapter, case = make_adapter(slug), CASES[slug]
    values = dict(VALUES)
    capability = adapter.capabilities.get(action)
    if capability and case.draft.type_code in capability.outcome_types:
        values["outcome"] = capability.outcomes[0][0]
    return adapter.act(ActionDraft(action, case.task_id, case.draft, values))


@every_vendor
@pytest.mark.parametrize("action", list(Action))
def test_an_action_is_done_or_there_is_no_such_thing(slug, action):
    adapter, case = make_adapter(slug), CASES[slug]

    if not adapter.can(action, case.draft.type_code):
        with pytest.raises(UnsupportedTask):
            next(conversation(slug, action))
        return

    request = next(conversation(slug, action))
    assert request.path.startswith("/")
    assert "execute" not in request.path.casefold()
    assert "canary" not in repr(request)
    json.dumps(request.json)


@every_vendor
@pytest.mark.parametrize("action", list(Action))
def test_an_action_never_succeeds_by_trouble(slug, action):
    if not make_adapter(slug).can(action, CASES[slug].draft.type_code):
        return
    for response, error in (
        (empty(401), CredentialsRejected),
        (empty(429), RateLimited),
        (empty(500), OutcomeUnknown),
        (web_page(), VendorError),
    ):
        with pytest.raises(error):
            drive(conversation(slug, action), [response] * 4)


@every_vendor
def test_capabilities_offer_outcomes_only_where_they_are_asked(slug):
    for action, capability in ADAPTERS[slug].capabilities.items():
        assert isinstance(action, Action)
        assert capability.many >= 1
        assert bool(capability.outcomes) == bool(capability.outcome_types)
        assert len(dict(capability.outcomes)) == len(capability.outcomes)
