"""The administrator's site: who may enter, what it takes, what it never shows."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.urls import reverse

from tasks_app.models import ConnectedAccount, Push, Team
from tasks_app.services import gate
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.calls import VendorResponse
from tests.factories import (
    CREDENTIALS,
    make_account,
    make_batch,
    make_prospect,
    make_push,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

pytestmark = pytest.mark.django_db
State = ConnectedAccount.State
SECRET = "sk-marked-0123456789"
MODELS = [
    "team",
    "connectedaccount",
    "vendoruser",
    "tasktype",
    "batch",
    "task",
    "push",
    "exchange",
    "syncrun",
    "drift",
]
BUTTONS = ("test", "pause", "resume", "read", "disconnect")


@pytest.fixture
def boss(client):
    """An administrator who is signed in."""
    user = make_user(username="boss", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def vendor(fake_transport, monkeypatch):
    monkeypatch.setattr(
        "tasks_app.admin.account_buttons.default_transport", lambda: fake_transport
    )
    return fake_transport


def url(model: str, what: str = "changelist", *args: object) -> str:
    return reverse(f"admin:baton_{model}_{what}", args=args)


def account_url(what: str, account: ConnectedAccount) -> str:
    return url("connectedaccount", what, account.pk)


def entered(
    account: ConnectedAccount | None = None, **overrides: object
) -> dict[str, object]:
    """Return a filled-in form for a Saleshandy account."""
    data: dict[str, object] = {
        "name": account.name if account else "Partners",
        "address": "https://open-api.saleshandy.com/v1",
        "base_url": "",
        "credential_api_key": "" if account else SECRET,
        "rate": "",
        "setting_time_zone": "",
    }
    if account is None:
        data["team"] = str(make_team().pk)
    return {**data, **overrides}


def messages(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def errors(response) -> dict[str, list[str]]:
    return {k: list(v) for k, v in response.context["adminform"].form.errors.items()}


ADD = "?vendor=saleshandy"


# -- the wrong person ------------------------------------------------------------------


def every_url(account: ConnectedAccount) -> list[str]:
    lists = [url(model) for model in MODELS]
    return [
        reverse("admin:index"),
        reverse("admin:auth_user_changelist"),
        *lists,
        url("connectedaccount", "add"),
        account_url("change", account),
        account_url("history", account),
        *(account_url(name, account) for name in BUTTONS),
    ]


@pytest.mark.parametrize("role", [None, "rep", "lead"])
def test_nobody_but_staff_gets_in(role, client, vendor):
    account = make_account()
    if role:
        client.force_login(make_user(account.team, role=role))

    for address in every_url(account):
        for response in (client.get(address), client.post(address)):
            assert response.status_code == 302, address
            assert (
                "/login/" in response["Location"] or "/sign-in/" in response["Location"]
            )

    account.refresh_from_db()
    assert account.state == State.CONNECTED
    assert account.deleted_at is None
    assert vendor.requests == []


def test_staff_without_the_right_may_not_press_a_button(client, vendor):
    account = make_account()
    user = make_user(account.team, is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_connectedaccount"))
    client.force_login(user)

    assert client.get(account_url("change", account)).status_code == 200
    for name in BUTTONS:
        assert client.post(account_url(name, account)).status_code == 403
    page = client.get(account_url("change", account)).content.decode()
    assert "Test connection" not in page
    assert (
        client.post(url("connectedaccount", "add") + ADD, entered()).status_code == 403
    )
    assert vendor.requests == []


def test_staff_who_may_only_look_sees_no_key(client):
    account = make_account(credentials={"api_key": SECRET})
    user = make_user(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_connectedaccount"))
    client.force_login(user)

    page = client.get(account_url("change", account)).content.decode()

    assert SECRET not in page


@pytest.mark.parametrize("name", ["test", "pause", "resume", "read"])
def test_button_is_never_pressed_by_a_link(name, client, boss):
    assert client.get(account_url(name, make_account())).status_code == 405


@pytest.mark.parametrize("name", BUTTONS)
def test_unknown_or_disconnected_account_is_not_found(name, client, boss):
    gone = make_account(deleted_at="2026-01-01T00:00:00Z")

    assert client.post(account_url(name, gone)).status_code == 404
    assert client.post(url("connectedaccount", name, 999999)).status_code == 404


def test_admin_sign_in_is_throttled(client, settings):
    settings.AXES_ENABLED = True
    make_user(username="boss", is_staff=True, is_superuser=True)
    address = reverse("admin:login")

    for _ in range(settings.AXES_FAILURE_LIMIT):
        client.post(address, {"username": "boss", "password": "wrong"})
    response = client.post(address, {"username": "boss", "password": "baton-test-pass"})

    assert response.status_code == 429
    assert "_auth_user_id" not in client.session


# -- connecting: bad input first -------------------------------------------------------


def test_unknown_vendor_is_not_found(client, boss):
    address = url("connectedaccount", "add")

    assert client.get(address + "?vendor=hubspot").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "required"),
        ("credential_api_key", "", "needs the api key"),
        ("credential_api_key", "sécret", "no key has"),
        ("rate", "fast", "is not a rate limit"),
        ("setting_time_zone", "Berlin", "Select a valid choice"),
        ("address", "https://evil.example", "Select a valid choice"),
        ("team", "", "required"),
    ],
)
def test_mistake_gets_a_sentence_and_keeps_what_was_typed(
    field, value, words, client, boss
):
    data = {**entered(name="Typed name"), field: value}

    response = client.post(url("connectedaccount", "add") + ADD, data)

    assert words in " ".join(errors(response)[field])
    assert not ConnectedAccount.objects.exists()
    page = response.content.decode()
    assert SECRET not in page
    assert "sécret" not in page
    if field != "name":
        assert "Typed name" in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter the address"),
        ("https://evil.example", "not a documented host"),
        ("http://open-api.saleshandy.com", "must start with https://"),
    ],
)
def test_bad_address_of_ones_own_is_refused(typed, words, client, boss):
    data = entered(address="own", base_url=typed)

    response = client.post(url("connectedaccount", "add") + ADD, data)

    assert words in errors(response)["base_url"][0]


def test_name_that_is_taken_does_not_change_the_other_account(client, boss):
    other = make_account("saleshandy", name="Partners")

    response = client.post(
        url("connectedaccount", "add") + ADD, entered(team=str(other.team_id))
    )

    assert "already has an account" in errors(response)["name"][0]
    other.refresh_from_db()
    assert other.credentials == CREDENTIALS["saleshandy"]


# -- connecting ------------------------------------------------------------------------


def test_vendor_is_chosen_first(client, boss):
    page = client.get(url("connectedaccount", "add")).content.decode()

    for slug, adapter in ADAPTERS.items():
        assert f"?vendor={slug}" in page
        assert adapter.name in page


@pytest.mark.parametrize("slug", ADAPTERS)
def test_form_offers_what_this_vendor_has(slug, client, boss):
    adapter = ADAPTERS[slug]

    page = client.get(
        url("connectedaccount", "add") + f"?vendor={slug}"
    ).content.decode()

    for key, _ in adapter.credential_fields:
        assert f'name="credential_{key}"' in page
    for setting in adapter.settings_fields:
        assert f'name="setting_{setting.name}"' in page
    for address, label in adapter.base_urls:
        assert f'value="{address}"' in page
        assert label in page


def test_account_is_connected_and_logged(client, boss):
    data = entered(rate="25/5", setting_time_zone="Europe/Berlin", bring_in="on")

    response = client.post(url("connectedaccount", "add") + ADD, data, follow=True)

    account = ConnectedAccount.objects.get()
    assert account.credentials == {"api_key": SECRET}
    assert account.rates == [[25, 5]]
    assert account.settings == {"time_zone": "Europe/Berlin"}
    assert not account.reference_marker
    assert account.bring_in
    assert account.task_types.count() == len(ADAPTERS["saleshandy"].fixed_types)
    assert messages(response) == ["Partners is saved. Test the connection now."]
    assert response.redirect_chain[-1][0] == account_url("change", account)
    assert LogEntry.objects.get().object_id == str(account.pk)


def test_own_address_from_the_list_of_extra_hosts(client, boss, settings):
    settings.EXTRA_VENDOR_HOSTS = ["127.0.0.1:8101"]
    data = entered(address="own", base_url="http://127.0.0.1:8101")

    client.post(url("connectedaccount", "add") + ADD, data)

    account = ConnectedAccount.objects.get()
    assert account.base_url == "http://127.0.0.1:8101/v1"
    page = client.get(account_url("change", account)).content.decode()
    assert 'value="http://127.0.0.1:8101/v1"' in page


# -- changing --------------------------------------------------------------------------


def test_saved_key_shows_its_last_four_characters_at_most(client, boss):
    long = make_account(credentials={"api_key": SECRET})
    short = make_account(credentials={"api_key": "tiny-key"})

    page = client.get(account_url("change", long)).content.decode()
    other = client.get(account_url("change", short)).content.decode()

    assert SECRET not in page
    assert "ends in …6789" in page
    assert SECRET[-5:] not in page
    assert "tiny-key" not in other
    assert "-key" not in other
    assert "Saved. Leave empty to keep it." in other


def test_empty_key_keeps_the_saved_one(client, boss):
    account = make_account("saleshandy", credentials={"api_key": SECRET})

    client.post(account_url("change", account), entered(account, rate="1/2"))

    account.refresh_from_db()
    assert account.credentials == {"api_key": SECRET}
    assert account.credentials_version == 1
    assert account.rates == [[1, 2]]


def test_new_key_lets_the_queue_go_on(client, boss):
    push = make_push()
    account = push.account
    gate.shut(account, State.NEEDS_NEW_KEY, "Saleshandy rejects the key.")

    client.post(
        account_url("change", account), entered(account, credential_api_key=SECRET)
    )

    account.refresh_from_db()
    assert account.state == State.CONNECTED
    assert account.credentials == {"api_key": SECRET}
    assert account.checked_at is None
    assert SECRET not in LogEntry.objects.get().change_message


def test_team_of_an_account_cannot_be_changed(client, boss):
    account, other = make_account("saleshandy"), make_team()

    client.post(account_url("change", account), entered(account, team=str(other.pk)))

    before = account.team_id
    account.refresh_from_db()
    assert account.team_id == before


def test_lost_encryption_key_is_told(client, boss, settings):
    account = make_account("saleshandy", credentials={"api_key": SECRET})
    settings.CREDENTIAL_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]

    page = client.get(account_url("change", account)).content.decode()
    response = client.post(account_url("change", account), entered(account))

    assert "encryption key that is gone" in page
    assert "needs the api key" in errors(response)["credential_api_key"][0]


# -- the buttons -----------------------------------------------------------------------


def test_test_tells_a_refused_key(client, boss, vendor):
    account = make_account("reply", credentials={"api_key": SECRET})
    vendor.default = VendorResponse(401, body={"error": SECRET}, text=SECRET)

    response = client.post(account_url("test", account), follow=True)

    assert messages(response) == ["Reply.io rejects this key. Enter a new one."]
    page = response.content.decode()
    assert "Needs a new key" in page
    assert SECRET not in page
    assert SECRET not in client.get(url("exchange")).content.decode()
    exchange = account.exchanges.get()
    assert (
        SECRET
        not in client.get(url("exchange", "change", exchange.pk)).content.decode()
    )
    assert "rejects this key" in LogEntry.objects.get().get_change_message()


def test_test_tells_a_yes_and_reads_what_is_offered(client, boss, vendor):
    account = make_account("reply")
    vendor.default = VendorResponse(200, body={"userId": 42})

    response = client.post(account_url("test", account), follow=True)

    assert messages(response)[0].startswith("Reply.io accepts ")
    assert "lists 7 task types" in messages(response)[1]
    account.refresh_from_db()
    assert account.checked_at is not None


def test_test_makes_no_call_in_a_transaction(client, boss, vendor):
    from django.db import connection

    seen = []

    def look(request):
        # The test's own transaction is the only one.
        seen.append(len(connection.savepoint_ids))
        return VendorResponse(200, body={"userId": 42})

    vendor.default = look

    client.post(account_url("test", make_account("reply")))

    assert seen[0] == 0


def test_pause_and_resume(client, boss):
    account = make_account()

    client.post(account_url("pause", account))
    account.refresh_from_db()
    assert account.state == State.PAUSED
    assert account.paused_by == boss
    assert ">Resume<" in client.get(account_url("change", account)).content.decode()

    client.post(account_url("resume", account))
    account.refresh_from_db()
    assert account.state == State.CONNECTED


def test_read_tells_what_went_wrong(client, boss, vendor):
    vendor.default = VendorResponse(503, body={}, headers={"retry-after": "30"})

    response = client.post(
        account_url("read", make_account("leadsquared")), follow=True
    )

    assert messages(response) == ["Not read: LeadSquared was busy (503)."]


def test_disconnect_asks_first(client, boss):
    push = make_push()
    address = account_url("disconnect", push.account)

    page = client.get(address).content.decode()

    assert "1 task still in its queue is withdrawn" in page
    push.account.refresh_from_db()
    assert push.account.deleted_at is None

    response = client.post(address, follow=True)

    assert "is disconnected. 1 waiting tasks withdrawn." in messages(response)[0]
    push.refresh_from_db()
    assert push.state == Push.State.WITHDRAWN
    assert client.get(account_url("change", push.account)).status_code == 302


# -- what is never changed by hand -----------------------------------------------------


def test_account_is_never_deleted(client, boss):
    account = make_account()

    assert (
        client.post(account_url("delete", account), {"post": "yes"}).status_code == 403
    )
    client.post(
        url("connectedaccount"),
        {"action": "delete_selected", "_selected_action": account.pk, "post": "yes"},
    )

    assert ConnectedAccount.objects.filter(pk=account.pk).exists()


@pytest.mark.parametrize(
    "model", ["batch", "task", "push", "exchange", "syncrun", "drift"]
)
def test_records_are_for_looking_only(model, client, boss):
    push = make_push()
    batch = make_batch(push.account)
    exchange = push.account.exchanges.create(
        purpose="create", method="POST", path="/tasks"
    )
    run = push.account.sync_runs.create(window="w")
    drift = push.account.drifts.create(kind="status", detail="snoozed")
    row = {
        "batch": batch, "task": push.task, "push": push, "exchange": exchange,
        "syncrun": run, "drift": drift,
    }[model]  # fmt: skip

    assert client.get(url(model)).status_code == 200
    assert client.get(url(model, "change", row.pk)).status_code == 200
    assert client.get(url(model, "add")).status_code == 403
    assert client.post(url(model, "change", row.pk), {}).status_code == 403
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_lists_run_a_fixed_number_of_queries(
    client, boss, django_assert_max_num_queries
):
    for _ in range(5):
        account = make_account()
        make_vendor_user(account, user=make_user(account.team))
        make_push(account=account)

    for model in MODELS:
        with django_assert_max_num_queries(14):
            assert client.get(url(model)).status_code == 200


# -- teams, people and what accounts offer ---------------------------------------------


def test_team_with_work_cannot_be_deleted(client, boss):
    team, empty = make_prospect().team, make_team()

    assert (
        client.post(url("team", "delete", team.pk), {"post": "yes"}).status_code == 403
    )
    client.post(url("team", "delete", empty.pk), {"post": "yes"})

    assert list(Team.objects.all()) == [team]


def test_bad_time_zone_of_a_team_gets_a_sentence(client, boss):
    team = make_team()
    data = {
        "name": team.name,
        "time_zone": "Berlin",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
    }

    response = client.post(url("team", "change", team.pk), data)

    assert "is not a time zone" in errors(response)["time_zone"][0]


def test_person_is_added_to_a_team(client, boss):
    team, person = make_team(), make_user()
    data = {
        "name": team.name,
        "time_zone": "Europe/Berlin",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": str(person.pk),
        "memberships-0-role": "lead",
    }

    client.post(url("team", "change", team.pk), data)

    assert team.memberships.get().user == person
    assert team.memberships.get().is_lead


def test_link_to_set_a_password_is_sent(client, boss, settings):
    settings.PUBLIC_URL = ""
    person = make_user()
    nobody = User.objects.create(username="no-mail")
    data = {"action": "send_link", "_selected_action": [person.pk, nobody.pk]}

    response = client.post(reverse("admin:auth_user_changelist"), data, follow=True)

    assert [m.to for m in mail.outbox] == [[person.email]]
    assert "http://testserver/password/" in mail.outbox[0].body
    assert "/password/" not in response.content.decode()
    assert messages(response) == ["no-mail has no e-mail address.", "1 link was sent."]


def test_people_are_switched_off_never_deleted(client, boss):
    address = reverse("admin:auth_user_delete", args=[make_user().pk])

    assert client.post(address, {"post": "yes"}).status_code == 403


def test_vendor_user_is_mapped_to_a_member_only(client, boss):
    account = make_account("reply")
    outsider, member = make_user(), make_user(account.team)
    data = {"account": account.pk, "external_id": "42", "name": "Ravi", "active": "on"}

    refused = client.post(url("vendoruser", "add"), {**data, "user": outsider.pk})
    client.post(url("vendoruser", "add"), {**data, "user": member.pk})

    assert "Is not in the team" in errors(refused)["user"][0]
    assert account.vendor_users.get().user == member


def test_vendor_user_without_id_and_address_is_refused(client, boss):
    data = {"account": make_account("reply").pk, "name": "Ravi", "active": "on"}

    response = client.post(url("vendoruser", "add"), data)

    assert "Enter the id or the e-mail" in str(errors(response))


def test_type_with_tasks_is_kept(client, boss):
    task = make_task()

    response = client.post(url("tasktype", "delete", task.type_id), {"post": "yes"})

    assert response.status_code == 403


# -- the policy ------------------------------------------------------------------------


def test_pages_hold_no_inline_script_or_style(client, boss):
    account = make_account()
    pages = [
        reverse("admin:index"),
        url("connectedaccount"),
        url("connectedaccount", "add"),
        url("connectedaccount", "add") + ADD,
        account_url("change", account),
        account_url("disconnect", account),
        url("team", "change", account.team_id),
        reverse("admin:auth_user_add"),
    ]

    for address in pages:
        response = client.get(address)
        page = response.content.decode()
        policy = response["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "<script>" not in page
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
