"""The commands: exit code 0, or 1 with one clear line and no secret."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from tasks_app.management.commands import connect_account, push, sync
from tasks_app.management.operator import OperatorCommand
from tasks_app.models import ConnectedAccount, Membership, Team
from tasks_app.models.fields import Unreadable
from tasks_app.vendors.calls import VendorResponse
from tests.factories import (
    CREDENTIALS,
    make_account,
    make_push,
    make_task,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db
SECRET = "sk-marked-0123456789"


def run(*args: str) -> str:
    """Run a command as from code; return what it printed."""
    out = io.StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def fails(*args: str) -> str:
    """Run a command that must fail; return its one line."""
    with pytest.raises(CommandError) as error:
        run(*args)
    line = str(error.value)
    assert line
    assert SECRET not in line
    return line


@pytest.fixture
def vendor(fake_transport, monkeypatch):
    for module in (connect_account, push, sync):
        monkeypatch.setattr(module, "default_transport", lambda: fake_transport)
    return fake_transport


# -- the frame -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ["create_team"],
        ["create_team", "Sales", "--lead", "not-an-address"],
        ["connect_account", "saleshandy"],
        ["connect_account", "saleshandy", "EU", "--team", "Nobody's"],
        ["push", "--timeout", "soon"],
        ["push", "--timeout", "-1"],
        ["push", "--account", "Unknown"],
        ["sync", "--team", "Unknown"],
        ["rotate_credentials", "--colour", "blue"],
    ],
)
def test_mistake_ends_with_1_and_one_line(argv, capsys, monkeypatch):
    monkeypatch.setattr("tasks_app.management.operator.connections.close_all", list)
    module = __import__(
        f"tasks_app.management.commands.{argv[0]}", fromlist=["Command"]
    )
    command: OperatorCommand = module.Command()

    with pytest.raises(SystemExit) as ended:
        command.run_from_argv(["manage.py", *argv])

    assert ended.value.code == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert "Traceback" not in captured.err


def test_database_without_tables_is_told(monkeypatch):
    from django.db import OperationalError

    def broken(*args, **kwargs):
        raise OperationalError("no such table: baton_team")

    monkeypatch.setattr("tasks_app.management.commands.create_team.create_team", broken)

    assert "manage.py migrate" in fails("create_team", "Sales")


# -- create_team -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["  "], "needs a name"),
        (["x" * 101], "needs a name"),
        (["Sales", "--time-zone", "Berlin"], "not a time zone"),
        (["Sales", "--lead", "ada"], "not an e-mail address"),
        (["Sales", "--lead", "ada@b.example", "--rep", "ADA@b.example"], "as a lead and as a rep"),
    ],
)  # fmt: skip
def test_bad_team_is_refused_and_nothing_is_made(args, words):
    assert words in fails("create_team", *args)

    assert not Team.objects.exists()
    assert not User.objects.exists()


def test_person_who_is_switched_off_is_refused():
    make_user(username="ada", is_active=False)

    assert "switched off" in fails(
        "create_team", "Sales", "--lead", "ada@baton.example"
    )

    assert not Team.objects.exists()


def test_team_is_made_with_people_who_are_sent_a_link(client):
    out = run(
        "create_team", "Sales", "--time-zone", "Europe/Berlin",
        "--lead", "Ada@b.example", "--rep", "bo@b.example", "cy@b.example",
    )  # fmt: skip

    team = Team.objects.get()
    assert team.time_zone == "Europe/Berlin"
    roles = dict(team.memberships.values_list("user__email", "role"))
    assert roles == {
        "ada@b.example": "lead",
        "bo@b.example": "rep",
        "cy@b.example": "rep",
    }
    assert not any(user.has_usable_password() for user in User.objects.all())
    assert "Team Sales made: 3 people, Europe/Berlin." in out
    assert sorted(m.to[0] for m in mail.outbox) == sorted(roles)
    # A link is a secret: it goes to its owner alone.
    assert "/password/" not in out
    link = re.search(r"http\S+", mail.outbox[0].body)[0]
    path = re.sub(r"^https?://[^/]+", "", link)
    page = client.get(path, follow=True)
    assert page.status_code == 200
    assert "new_password1" in page.content.decode()


def test_link_is_printed_where_mail_goes_to_the_console(settings, capsys):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    out = run("create_team", "Sales", "--lead", "ada@b.example")

    assert re.search(r"Set-password link for ada@b\.example: http\S+/password/", out)


def test_mail_that_cannot_go_out_is_told(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    line = fails("create_team", "Sales", "--lead", "ada@b.example")

    assert "No mail could be sent to ada@b.example" in line
    assert Team.objects.exists()


def test_second_run_changes_nothing_that_is_not_named():
    run(
        "create_team",
        "Sales",
        "--time-zone",
        "Europe/Berlin",
        "--lead",
        "ada@b.example",
    )
    User.objects.get().set_password("x")
    person = make_user(Team.objects.get(), role="rep")

    out = run("create_team", "Sales", "--rep", person.email)

    assert "is up to date" in out
    assert Team.objects.get().time_zone == "Europe/Berlin"
    assert Membership.objects.count() == 2
    assert not any(person.email in m.to for m in mail.outbox)


def test_role_is_changed_to_the_one_named():
    team = make_team(name="Sales")
    person = make_user(team, role="rep")

    run("create_team", "Sales", "--lead", person.email.upper())

    assert team.memberships.get().role == "lead"


# -- connect_account -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["hubspot", "EU"], "no vendor “hubspot”"),
        (["saleshandy", "EU"], "needs the api key (api_key)"),
        (["saleshandy", "EU", "--credential", SECRET], "KEY=VALUE"),
        (["saleshandy", "EU", "--credential", f"token={SECRET}"], "It takes: api_key."),
        (["saleshandy", "EU", "--credential", "api_key=@/no/such/file"], "could not be read"),
        (["saleshandy", "EU", "--credential", f"api_key={SECRET}", f"api_key={SECRET}"], "given twice"),
        (["saleshandy", "EU", "--credential", f"api_key={SECRET}", "--setting", "rate=fast"], "is not a rate limit"),
        (["saleshandy", "EU", "--credential", f"api_key={SECRET}", "--setting", "marker=maybe"], "marker: “maybe”"),
        (["saleshandy", "EU", "--credential", f"api_key={SECRET}", "--setting", "colour=blue"], "It has: rate, time_zone, marker, bring_in."),
        (["saleshandy", "EU", "--credential", f"api_key={SECRET}", "--base-url", "https://evil.example"], "not a documented host"),
        (["reply", "EU", "--credential", f"api_key={SECRET}", "--setting", "dialect=latin"], "choose integers or words"),
        (["leadsquared", "EU", "--credential", "access_key=-", "secret_key=-"], "Only one value"),
    ],
)  # fmt: skip
def test_bad_account_is_refused(args, words, monkeypatch):
    make_team(name="Sales")
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET))

    assert words in fails("connect_account", *args, "--team", "Sales")

    assert not ConnectedAccount.objects.exists()


def test_account_is_connected_and_changed(capsys):
    make_team(name="Sales")

    first = run(
        "connect_account", "saleshandy", "EU", "--team", "Sales",
        "--credential", f"api_key={SECRET}", "--setting", "rate=25/5", "marker=off",
    )  # fmt: skip
    second = run(
        "connect_account", "saleshandy", "EU", "--team", "Sales",
        "--setting", "time_zone=Europe/Berlin", "--setting", "bring_in=on",
    )  # fmt: skip

    account = ConnectedAccount.objects.get()
    assert account.credentials == {"api_key": SECRET}
    assert account.rates == [[25, 5]]
    assert account.settings == {"time_zone": "Europe/Berlin"}
    assert not account.reference_marker
    assert account.bring_in
    assert (
        "EU saved: Saleshandy at https://open-api.saleshandy.com/v1, 25 calls in 5 s. Not tested yet."
        in first
    )
    assert "EU changed" in second
    captured = capsys.readouterr()
    assert SECRET not in first + second + captured.out + captured.err


def test_keys_come_from_a_file_and_standard_input(tmp_path, monkeypatch, vendor):
    make_team(name="Sales")
    file = tmp_path / "key.txt"
    file.write_text("access=with=equals\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\r\n"))
    vendor.default = VendorResponse(200, body=[{"Name": "Visit", "Category": 0}])

    out = run(
        "connect_account", "leadsquared", "India", "--team", "Sales",
        "--credential", f"access_key=@{file}", "secret_key=-",
    )  # fmt: skip

    account = ConnectedAccount.objects.get()
    assert account.credentials == {
        "access_key": "access=with=equals",
        "secret_key": "from-stdin",
    }
    assert "1 task type read." in out
    assert account.task_types.get().code == "Visit"


def test_types_that_cannot_be_read_do_not_undo_the_connection(vendor):
    make_team(name="Sales")
    vendor.default = VendorResponse(401, body={})

    out = run(
        "connect_account", "leadsquared", "India", "--team", "Sales",
        "--credential", "access_key=a", "secret_key=b",
    )  # fmt: skip

    assert "task types are not read yet" in out
    assert ConnectedAccount.objects.get().state == "needs_new_key"


def test_no_call_is_made_where_the_types_are_fixed(vendor):
    make_team(name="Sales")

    run(
        "connect_account", "reply", "EU", "--team", "Sales", "--credential", "api_key=k"
    )

    assert vendor.requests == []


# -- push and sync ---------------------------------------------------------------------


def test_account_name_of_two_teams_asks_for_the_team():
    for name in ("North", "South"):
        make_account(name="EU", team=make_team(name=name))

    assert "North, South" in fails("push", "--account", "EU")


def test_push_ends_with_1_when_the_key_is_refused(vendor):
    task = make_task(
        account=make_account("ysuite", name="Renewals"), starts_at=timezone.now()
    )
    make_push(task=task)
    vendor.default = VendorResponse(401, body={"message": SECRET})

    line = fails("push", "--account", "Renewals", "--until-empty")

    assert line.startswith("Renewals needs a new key since ")
    assert line.endswith(": 1 waiting, 0 needs check.")


def test_push_prints_a_line_for_each_account(vendor):
    account = make_account("ysuite", name="Renewals")
    make_push(
        task=make_task(account=account, starts_at=timezone.now() + timedelta(days=1))
    )
    vendor.default = VendorResponse(
        201, body={"success": True, "data": {"activity_id": 7}}
    )

    out = run("push", "--account", "Renewals", "--until-empty", "--timeout", "20")

    assert out == "Renewals: 1 delivered, 0 failed, 0 needs check.\n"


def test_push_and_sync_without_an_account_say_so():
    assert run("push") == "No account is connected.\n"
    assert run("sync") == "No account is connected.\n"


def test_sync_ends_with_1_when_the_vendor_refuses(vendor):
    make_account("leadsquared", name="India")
    vendor.default = VendorResponse(401, body={})

    line = fails("sync", "--account", "India")

    assert line.startswith("India: LeadSquared ")


# -- keys ------------------------------------------------------------------------------


def test_new_key_can_be_used():
    Fernet(run("make_credential_key").strip())


def raw() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM baton_connectedaccount ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_rotation_writes_all_keys_anew(settings, monkeypatch):
    monkeypatch.setattr("tasks_app.services.rotating.PAGE", 2)
    accounts = [make_account(vendor) for vendor in CREDENTIALS]
    old = settings.CREDENTIAL_KEYS[0]
    new = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [new, old]

    out = run("rotate_credentials")

    settings.CREDENTIAL_KEYS = [new]
    for account in accounts:
        account.refresh_from_db()
        assert account.credentials == CREDENTIALS[account.vendor]
        assert account.credentials_version == 1
    assert out == "4 accounts are encrypted with the first key of CREDENTIAL_KEYS.\n"


def test_rotation_names_what_no_key_opens_and_leaves_it(settings):
    lost = make_account("reply", name="Lost")
    old = settings.CREDENTIAL_KEYS
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    make_account("ysuite", name="Kept")
    before = raw()

    line = fails("rotate_credentials")

    assert "Lost" in line
    assert "Kept" not in line
    assert raw()[0] == before[0]
    assert raw()[1] != before[1]
    assert isinstance(ConnectedAccount.objects.get(pk=lost.pk).credentials, Unreadable)
    settings.CREDENTIAL_KEYS = old
    assert ConnectedAccount.objects.get(pk=lost.pk).credentials == CREDENTIALS["reply"]
