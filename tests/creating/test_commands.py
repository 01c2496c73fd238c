"""The commands `create_tasks` and `tasks`, as an operator types them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tasks_app.models import Batch, Task, TaskType, VendorUser
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.calls import VendorResponse
from tasks_app.vendors.errors import Unreachable
from tests.creating.inputs import linked_prospects
from tests.factories import (
    CREDENTIALS,
    make_account,
    make_prospect,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

pytestmark = pytest.mark.django_db


def run(command: str, *args: str, **kwargs: Any) -> tuple[str, list[str]]:
    out, err = StringIO(), StringIO()
    call_command(command, *args, stdout=out, stderr=err, **kwargs)
    return out.getvalue(), err.getvalue().splitlines()


def create(account, *args: str, prospects: str = "all", **kwargs):
    return run(
        "create_tasks", "--account", account.name, "--prospects", prospects, *args
    )


NEEDED = {
    "saleshandy": ["--type", "13"],
    "leadsquared": [
        "--type",
        "Meeting",
        "--title",
        "Visit",
        "--assignee",
        "e@x.example",
    ],
    "reply": ["--type", "call", "--note", "Call", "--due", "2030-07-16T15:00"],
    "ysuite": ["--type", "task", "--title", "Visit", "--starts", "2030-07-16T09:00"],
}


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--type", "99"], "--type"),
        (["--type", "13", "--due", "tomorrow"], "neither a day"),
        (["--type", "13", "--due", "2030-02-30"], "neither a day"),
        (["--type", "13", "--option", "colour=red"], "no such field"),
        (["--type", "13", "--option", "colour"], "KEY=VALUE"),
        (["--type", "13", "--priority", "extreme"], "priority"),
        (["--type", "13", "--assignee", "x@nobody.example"], "nobody is known"),
        (["--type", "13", "--spread", "many"], "50/day"),
        (["--type", "13", "--spread", "0/day"], "50/day"),
        (["--type", "13", "--spread", "5/day"], "--due: Choose the first day"),
        (
            [
                "--type",
                "13",
                "--starts",
                "2030-01-01",
                "--due",
                "2030-01-02",
                "--ends",
                "2030-01-03",
            ],
            "different times",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(args, words) -> None:
    account = make_account("saleshandy")
    linked_prospects(account, 1)

    with pytest.raises(CommandError) as caught:
        create(account, *args)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("vendor", "left_away", "argument"),
    [
        ("leadsquared", "--title", "--title"),
        ("leadsquared", "--assignee", "--assignee"),
        ("reply", "--note", "--note"),
        ("reply", "--due", "--due"),
        ("ysuite", "--title", "--title"),
        ("ysuite", "--starts", "--starts"),
    ],
)
def test_what_a_vendor_requires_is_named_by_its_argument(
    vendor, left_away, argument
) -> None:
    account = make_account(vendor)
    linked_prospects(account, 1)
    at = NEEDED[vendor].index(left_away)
    args = NEEDED[vendor][:at] + NEEDED[vendor][at + 2 :]

    with pytest.raises(CommandError, match=f"^{argument}: "):
        create(account, *args)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"name,company\nAda,Halden\n", "no column with e-mail"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "csv"),
    ],
)
def test_a_file_without_addresses_is_refused(tmp_path, content, words) -> None:
    account = make_account("saleshandy")
    path = tmp_path / "people.csv"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=words):
        create(account, "--type", "13", prospects=str(path))


def test_a_file_that_is_not_there_is_named() -> None:
    account = make_account("saleshandy")

    with pytest.raises(CommandError, match=r"nowhere\.csv could not be read"):
        create(account, "--type", "13", prospects="nowhere.csv")


def test_an_account_name_of_several_teams_needs_the_team() -> None:
    account = make_account("saleshandy", name="Outbound")
    other = make_account("saleshandy", name="Outbound")
    linked_prospects(other, 1)

    with pytest.raises(CommandError, match="--team"):
        create(account, "--type", "13")
    out, _ = create(other, "--type", "13", "--team", other.team.name)

    assert out == f"Batch {Batch.objects.get().pk}: 1 task.\n"


def test_nobody_to_send_to_is_an_error() -> None:
    account = make_account("saleshandy")
    make_prospect(account.team, first_name="Ravi", last_name="D")

    with pytest.raises(CommandError, match=r"left out\. Ravi D: Has no Saleshandy id"):
        create(account, "--type", "13")


# -- what is made ----------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_each_vendor_takes_a_batch(vendor) -> None:
    account = make_account(vendor)
    linked_prospects(account, 3)

    out, _ = create(account, *NEEDED[vendor])

    batch = Batch.objects.get()
    assert out == f"Batch {batch.pk}: 3 tasks.\n"
    assert batch.tasks.count() == 3


def test_the_file_decides_and_left_outs_are_named(tmp_path) -> None:
    account = make_account("saleshandy")
    [ada, bo, _] = linked_prospects(account, 3)
    unlinked = make_prospect(account.team)
    path = tmp_path / "people.csv"
    path.write_text(
        "Name,E-mail\n"
        f"Ada,{ada.email.upper()}\nBo,{bo.email}\nBo,{bo.email}\n"
        f"C,{unlinked.email}\nK,k@malabr.example\nL,\n"
    )

    out, err = create(account, "--type", "13", prospects=str(path))

    assert out.endswith(": 2 tasks.\n")
    assert set(Task.objects.values_list("prospect", flat=True)) == {ada.pk, bo.pk}
    left = "\n".join(line for line in err if line.startswith("Left out: "))
    assert "Line 6 <k@malabr.example>: No prospect of this team" in left
    assert "Line 7: This row has no e-mail address." in left
    assert f"<{unlinked.email}>: Has no Saleshandy id" in left
    assert f"<{bo.email}>: Was chosen twice." in left
    assert len(Batch.objects.get().left_out) == 4


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_a_dry_run_prints_the_exact_calls_and_changes_nothing(vendor) -> None:
    account = make_account(vendor)
    linked_prospects(account, 12)

    out, err = create(account, *NEEDED[vendor], "--dry-run")

    calls = [json.loads(line) for line in out.splitlines()]
    assert all(set(call) == {"method", "path", "body"} for call in calls)
    assert len(calls) == {"saleshandy": 1, "leadsquared": 1}.get(vendor, 12)
    assert calls[0]["method"] == "POST"
    assert calls[0]["path"].startswith(("/v1/", "/v2/", "/v3/"))
    for secret in CREDENTIALS[vendor].values():
        assert secret not in out + "".join(err)
    assert not Batch.objects.exists()
    assert not VendorUser.objects.exists()


def test_times_without_an_offset_are_the_teams() -> None:
    account = make_account("ysuite", team=make_team(time_zone="Europe/Berlin"))
    linked_prospects(account, 1)

    _, err = create(
        account, "--type", "task", "--title", "x",
        "--starts", "2030-03-31T02:30", "--due", "2030-03-31T12:00+05:30",
    )  # fmt: skip

    task = Task.objects.get()
    assert task.starts_at.isoformat() == "2030-03-31T01:30:00+00:00"
    assert task.due_at.isoformat() == "2030-03-31T06:30:00+00:00"
    assert any("02:30 does not exist" in line for line in err)


def test_due_and_ends_are_start_and_end_at_leadsquared() -> None:
    account = make_account("leadsquared")
    linked_prospects(account, 1)

    out, _ = create(
        account, *NEEDED["leadsquared"], "--due", "2030-07-16T09:00",
        "--ends", "2030-07-16T17:00", "--dry-run",
    )  # fmt: skip

    body = json.loads(out)["body"]
    assert body["DueDate"] == "2030-07-16 09:00:00"
    assert body["EndDate"] == "2030-07-16 17:00:00"


@pytest.mark.parametrize("vendor", ["reply", "ysuite"])
def test_ends_alone_is_due(vendor) -> None:
    account = make_account(vendor)
    linked_prospects(account, 1)
    args = [a if a != "--due" else "--ends" for a in NEEDED[vendor]]
    args += ["--ends", "2030-07-16T15:00"]

    create(account, *args)

    assert Task.objects.get().due_at.isoformat() == "2030-07-16T15:00:00+00:00"


def test_options_go_by_our_name_or_the_vendors() -> None:
    account = make_account("leadsquared")
    linked_prospects(account, 1)

    out, _ = create(
        account, *NEEDED["leadsquared"], "--option", "Location=Bengaluru",
        "--option", "reminder=30", "--option", "mx_Custom_1=A=B", "--dry-run",
    )  # fmt: skip

    body = json.loads(out)["body"]
    assert body["Location"] == "Bengaluru"
    assert body["Reminder"] == 30
    assert body["CustomFields"] == {"mx_Custom_1": "A=B"}


def test_priority_left_out_is_the_vendors_default() -> None:
    account = make_account("ysuite")
    linked_prospects(account, 1)

    out, _ = create(account, *NEEDED["ysuite"], "--dry-run")

    assert json.loads(out)["body"]["priority"] == 2


def test_types_are_read_when_they_never_were(monkeypatch, fake_transport) -> None:
    account = make_account("leadsquared")
    account.task_types.all().delete()
    linked_prospects(account, 1)
    fake_transport.responses = [
        VendorResponse(200, body=[{"Name": "Site visit", "Id": "t1", "Category": 0}])
    ]
    monkeypatch.setattr(
        "tasks_app.management.commands.create_tasks.default_transport",
        lambda: fake_transport,
    )

    create(
        account, "--type", "site visit", "--title", "x", "--assignee", "e@x.example"
    )  # fmt: skip

    assert Task.objects.get().type.code == "Site visit"
    assert VendorUser.objects.get().email == "e@x.example"


def test_a_type_is_taken_as_written_when_none_can_be_read(
    monkeypatch, fake_transport
) -> None:
    account = make_account("leadsquared")
    account.task_types.all().delete()
    linked_prospects(account, 1)
    fake_transport.default = Unreachable("LeadSquared could not be reached.")
    monkeypatch.setattr(
        "tasks_app.management.commands.create_tasks.default_transport",
        lambda: fake_transport,
    )
    args = ["--type", "Site visit", "--title", "x", "--assignee", "e@x.example"]

    create(account, *args, "--dry-run")
    assert not TaskType.objects.exists()
    create(account, *args)

    assert Task.objects.get().type.code == "Site visit"


def test_people_are_named_by_address_id_or_as_members() -> None:
    account = make_account("saleshandy")
    member = make_user(account.team, "rep")
    linked_prospects(account, 1)
    lsq = make_account("leadsquared", team=account.team)
    person = make_vendor_user(lsq, external_id="u-17", user=member)
    linked_prospects(lsq, 1)

    create(account, "--type", "13", "--assignee", member.email.upper())
    create(lsq, "--type", "Meeting", "--title", "x", "--assignee", "u-17")

    first, second = Task.objects.order_by("pk")[:2]
    assert (first.assignee, first.vendor_user) == (member, None)
    assert (second.assignee, second.vendor_user) == (member, person)


# -- tasks -----------------------------------------------------------------------------


def test_people_take_turns_and_days_are_spread() -> None:
    account = make_account("saleshandy")
    elin, jonas = (make_user(account.team, "rep", username=n) for n in ("elin", "jon"))
    linked_prospects(account, 5)

    _, said = create(
        account, "--type", "13", "--due", "2030-07-19",
        "--assignee", f"{elin.email},{jonas.email}", "--spread", "2/day",
    )  # fmt: skip

    assert [line for line in said if line.startswith("Share")] == [
        f"Share: 2030-07-19: {elin.username} 1, {jonas.username} 1",
        f"Share: 2030-07-22: {elin.username} 1, {jonas.username} 1",
        f"Share: 2030-07-23: {elin.username} 1",
    ]
    tasks = Task.objects.order_by("pk")
    assert [task.assignee for task in tasks] == [elin, jonas, elin, jonas, elin]
    assert [task.due_on.day for task in tasks] == [19, 19, 22, 22, 23]


def test_each_prospects_owner_and_who_has_none() -> None:
    account = make_account("leadsquared")
    person = make_vendor_user(account)
    linked_prospects(account, 1, owner=person.email)
    linked_prospects(account, 1, first_name="Without", last_name="Owner")

    _, said = create(
        account, "--type", "Meeting", "--title", "Visit", "--assignee", "owner"
    )

    assert Task.objects.get().vendor_user == person
    assert [line for line in said if "Left out: Without Owner" in line]


def test_open_tasks_are_named_and_skipped_on_request() -> None:
    account = make_account("saleshandy")
    busy, free = linked_prospects(account, 2)
    make_task(account=account, prospect=busy, channel="call")

    _, said = create(account, "--type", "13", "--skip-open")

    assert any("has an open call task already" in line for line in said)
    assert Batch.objects.get().tasks.get().prospect == free


def test_tasks_are_one_json_object_a_line() -> None:
    account = make_account("saleshandy")
    task = make_task(account=account, note="two\nlines", title="Zoë – ☎")
    make_task(account=make_account("reply"))

    out, _ = run("tasks", "--json", "--account", account.name)

    [row] = [json.loads(line) for line in out.splitlines()]
    assert row == {
        "id": task.pk,
        "account": account.name,
        "prospect": task.prospect.email,
        "prospect_email": task.prospect.email,
        "type": "13",
        "title": "Zoë – ☎",
        "status": "open",
        "vendor_status": "",
        "delivery": "queued",
        "made_in": "baton",
        "external_id": "",
        "due": None,
        "error": "",
    }


def test_tasks_of_one_batch_and_of_none() -> None:
    account = make_account("saleshandy")
    linked_prospects(account, 2)
    create(account, "--type", "13", "--due", "2030-07-16")
    make_task(account=account)
    batch = Batch.objects.get()

    out, _ = run("tasks", "--json", "--batch", str(batch.pk))
    table, _ = run("tasks", "--batch", str(batch.pk))

    assert [json.loads(line)["due"] for line in out.splitlines()] == ["2030-07-16"] * 2
    assert len(table.splitlines()) == 3
    with pytest.raises(CommandError, match="no batch 999"):
        run("tasks", "--batch", "999")


def test_a_list_of_tasks_takes_few_queries(django_assert_max_num_queries) -> None:
    account = make_account("saleshandy")
    for _ in range(5):
        make_task(account=account)

    with django_assert_max_num_queries(2):
        run("tasks", "--json")
