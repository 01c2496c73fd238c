"""The accounts' pages: who sees what, and whether it is true."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import AccountPace, ConnectedAccount, SyncRun
from tasks_app.services import gate
from tasks_app.services.account_health import healths
from tasks_app.views.account_words import bars, span_words, window_words
from tasks_app.views.vendor_matrix import vendor_matrix
from tests.factories import make_account, make_push, make_task, make_team, make_user

pytestmark = pytest.mark.django_db
State = ConnectedAccount.State
SECRET = "sk-marked-0123456789"


@pytest.fixture
def team():
    return make_team(time_zone="Europe/Berlin")


@pytest.fixture(params=["rep", "lead"])
def member(request, client, team):
    user = make_user(team, role=request.param)
    client.force_login(user)
    return user


@pytest.fixture
def rep(client, team):
    user = make_user(team, role="rep")
    client.force_login(user)
    return user


def page(client, name: str = "account-list", *args: object, **options: object) -> str:
    response = client.get(reverse(name, args=args), **options)
    assert response.status_code == 200
    return response.content.decode()


def health_of(account: ConnectedAccount):
    rows = ConnectedAccount.objects.filter(pk=account.pk)
    return healths(rows, account.team)[0]


# -- the wrong person ------------------------------------------------------------------


def every_url(account):
    return [
        ("get", reverse("account-list")),
        ("get", reverse("account-detail", args=[account.pk])),
        ("post", reverse("account-sync", args=[account.pk])),
        ("post", reverse("account-sync-all")),
    ]


def test_stranger_is_sent_to_sign_in(client):
    for method, url in every_url(make_account()):
        response = getattr(client, method)(url)
        assert response.status_code == 302
        assert reverse("login") in response["Location"]
    assert not SyncRun.objects.exists()


def test_person_without_a_team_is_told(client):
    client.force_login(make_user())
    for method, url in every_url(make_account()):
        assert getattr(client, method)(url).status_code == 403
    assert not SyncRun.objects.exists()


def test_account_of_another_team_does_not_exist(client, member):
    theirs = make_account(name="Their own account")

    assert client.get(reverse("account-detail", args=[theirs.pk])).status_code == 404
    assert client.post(reverse("account-sync", args=[theirs.pk])).status_code == 404
    assert "Their own account" not in page(client)
    client.post(reverse("account-sync-all"))
    assert not SyncRun.objects.exists()


def test_disconnected_account_does_not_exist(client, rep, team):
    gone = make_account(team=team, name="Gone", deleted_at=timezone.now())

    assert "Gone" not in page(client)
    assert client.get(reverse("account-detail", args=[gone.pk])).status_code == 404


def test_reading_is_never_asked_for_by_a_link(client, rep, team):
    account = make_account(team=team)

    assert client.get(reverse("account-sync", args=[account.pk])).status_code == 405
    assert client.get(reverse("account-sync-all")).status_code == 405


def test_nobody_sees_a_key(client, rep, team):
    account = make_account(team=team, credentials={"api_key": SECRET})

    assert SECRET not in page(client)
    assert SECRET not in page(client, "account-detail", account.pk)
    assert account.hook_token not in page(client, "account-detail", account.pk)


def test_only_staff_gets_a_link_to_the_set_up(client, rep, team):
    make_account(team=team)

    assert "/admin/" not in page(client)
    rep.is_staff = True
    rep.save()
    assert reverse("admin:baton_connectedaccount_changelist") in page(client)


# -- what is shown ---------------------------------------------------------------------


def test_team_without_an_account_is_told_who_connects_one(client, rep):
    assert "No account is connected yet" in page(client)


def test_untested_account_is_not_called_connected(client, rep, team):
    make_account(team=team)

    shown = page(client)

    assert "Not tested yet" in shown
    assert ">Connected<" not in shown


def test_accepted_key_is_called_connected(client, rep, team):
    make_account(team=team, checked_at=timezone.now())

    assert "Connected</span>" in page(client)


def test_refused_key_tells_since_when_and_that_nothing_is_lost(client, rep, team):
    push = make_push(account=make_account(team=team))
    gate.shut(push.account, State.NEEDS_NEW_KEY, "Rejected.")
    since = timezone.now().replace(microsecond=0) - timedelta(days=2)
    ConnectedAccount.objects.update(state_since=since)

    shown = page(client)

    local = since.astimezone(team.zone)
    assert f"rejects the key since {local.day} {local:%b %H:%M}" in shown
    assert "1 task is safe in the queue" in shown
    assert "Waiting for the key" in shown


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "well"),
        ({"checked_at": None}, "untested"),
        ({"state": "needs_new_key"}, "needs_new_key"),
        ({"state": "paused"}, "paused"),
        ({"state": "trouble"}, "trouble"),
        ({"held_until": timezone.now() + timedelta(hours=1)}, "held"),
        ({"held_until": timezone.now() - timedelta(hours=1)}, "well"),
    ],
)
def test_badge_follows_the_state(change, word):
    account = make_account(**{"checked_at": timezone.now(), **change})

    assert health_of(account).word == word


def test_used_up_budget_with_a_queue_is_at_its_limit():
    account = make_account(checked_at=timezone.now(), rates=[[2, 60]])
    now = timezone.now().timestamp()
    AccountPace.objects.create(account=account, log=[now - 2, now - 1])

    assert health_of(account).word == "well"
    make_push(account=account)
    health = health_of(account)

    assert health.word == "limit"
    assert (health.budget.used, health.budget.allowed) == (2, 2)
    assert health.empty_in > 50


def test_queue_counts_and_time_until_it_is_empty():
    account = make_account("ysuite", rates=[[10, 5]])
    for _ in range(25):
        make_push(account=account)
    make_push(account=account, state="needs_check")
    make_push(account=account, state="accepted", request_number="1")
    make_push(account=account, state="delivered", external_id="T1")

    health = health_of(account)

    assert (health.queued, health.under_way, health.needs_check) == (25, 1, 1)
    # Three windows of ten calls: the third begins after two of them.
    assert 10 <= health.empty_in < 11


def test_pushes_that_share_a_call_are_counted_as_calls():
    account = make_account("saleshandy", rates=[[1, 10]])
    for _ in range(50):
        make_push(account=account, group_key="same")

    assert 10 <= health_of(account).empty_in < 11


def test_deliveries_of_a_day_are_counted_by_hour():
    account = make_account()
    now = timezone.now()
    for hours, delivery in (
        (0, "delivered"),
        (3, "delivered"),
        (3, "failed"),
        (30, "delivered"),
    ):
        make_task(
            account=account,
            delivery=delivery,
            external_id=f"T{hours}" if delivery == "delivered" else "",
            created_at=now - timedelta(hours=hours),
        )

    health = health_of(account)

    assert (health.delivered, health.failed) == (2, 1)
    assert len(health.hours) == 24
    assert health.hours[-1].delivered == 1
    assert (health.hours[-4].delivered, health.hours[-4].failed) == (1, 1)


@pytest.mark.parametrize(
    ("minutes", "open_task", "late"),
    [(60, True, True), (60, False, False), (10, True, False)],
)
def test_sync_is_late_only_where_there_is_something_to_read(minutes, open_task, late):
    account = make_account(synced_at=timezone.now() - timedelta(minutes=minutes))
    if open_task:
        make_task(account=account, external_id="T1", delivery="delivered")

    assert health_of(account).sync_late is late


def test_troubled_accounts_stand_first(client, rep, team):
    make_account(team=team, name="Aaa", checked_at=timezone.now())
    make_account(team=team, name="Zzz", state="needs_new_key")

    shown = page(client)

    assert shown.index('id="h-') and shown.index("Zzz") < shown.index("Aaa")


def test_failed_reading_is_told(client, rep, team):
    account = make_account(team=team)
    account.sync_runs.create(
        window="w", state="failed", error="Saleshandy was busy (429)."
    )

    assert "Saleshandy was busy (429)." in page(client)
    assert "Saleshandy was busy (429)." in page(client, "account-detail", account.pk)


def test_vendors_text_is_escaped(client, rep, team):
    account = make_account(team=team, state="trouble")
    ConnectedAccount.objects.update(state_reason="<script>alert(1)</script>")

    assert "<script>alert(1)" not in page(client)
    assert "&lt;script&gt;alert(1)" in page(client, "account-detail", account.pk)


def test_lead_is_led_to_what_needs_a_check_and_a_rep_is_not(client, team):
    push = make_push(account=make_account(team=team), state="needs_check")
    link = f"{reverse('needs-check')}?account={push.account_id}"
    client.force_login(make_user(team, role="rep"))
    assert link not in page(client)

    client.force_login(make_user(team, role="lead"))
    assert link in page(client)


def test_drift_is_shown_to_staff_alone(client, rep, team):
    account = make_account(team=team)
    account.drifts.create(kind="status", detail="hibernating")

    assert "hibernating" not in page(client, "account-detail", account.pk)
    rep.is_staff = True
    rep.save()
    assert "hibernating" in page(client, "account-detail", account.pk)


def test_htmx_gets_the_cards_alone(client, rep, team):
    make_account(team=team, name="Partners")

    part = page(client, headers={"HX-Request": "true"})

    assert "Partners" in part
    assert "<html" not in part
    assert "What each vendor takes" not in part


def test_the_last_readings_come_with_the_cards_of_an_account(client, team, rep):
    account = make_account(team=team)
    SyncRun.objects.create(account=account, tasks_read=4711)
    client.force_login(rep)
    url = f"/accounts/{account.pk}/"

    whole = client.get(url).text
    part = client.get(url, headers={"HX-Request": "true"}).text

    assert "<html" not in part and 'id="account-cards"' in part
    assert '<section class="card" id="last-readings"' in whole
    assert 'id="last-readings" aria-labelledby="readings" hx-swap-oob="true"' in part
    assert "4711" in part


def test_number_of_queries_is_fixed(client, rep, team, django_assert_max_num_queries):
    for vendor in ("saleshandy", "leadsquared", "reply", "ysuite"):
        for _ in range(3):
            account = make_account(vendor, team=team)
            make_push(account=account)
            account.sync_runs.create(window="w")
            AccountPace.objects.create(account=account)

    with django_assert_max_num_queries(16) as many:
        page(client)
    ConnectedAccount.objects.exclude(pk=account.pk).update(deleted_at=timezone.now())
    with django_assert_max_num_queries(len(many)):
        page(client)
    with django_assert_max_num_queries(22):
        page(client, "account-detail", account.pk)


# -- reading now -----------------------------------------------------------------------


def test_reading_is_asked_for_by_any_member(client, member, team):
    account = make_account(team=team)

    response = client.post(reverse("account-sync", args=[account.pk]), follow=True)

    assert account.sync_runs.get().state == SyncRun.State.WAITING
    page, _, place = response.redirect_chain[-1][0].partition("#")
    assert (page, place) == (reverse("account-list"), f"sync-{account.pk}")


def test_second_press_asks_for_no_second_reading(client, rep, team):
    account = make_account(team=team)
    url = reverse("account-sync", args=[account.pk])

    client.post(url)
    response = client.post(url, {"next": "detail"})

    assert account.sync_runs.count() == 1
    page = reverse("account-detail", args=[account.pk])
    assert response["Location"] == f"{page}#sync-{account.pk}"


def test_account_that_needs_a_key_is_not_read(client, rep, team):
    account = make_account(team=team, state="needs_new_key")

    response = client.post(reverse("account-sync", args=[account.pk]), follow=True)

    assert "needs a new key first" in response.content.decode()
    assert not account.sync_runs.exists()


def test_all_are_read_that_can_be(client, rep, team):
    for state in ("connected", "connected", "needs_new_key"):
        make_account(team=team, state=state)
    make_account()

    response = client.post(reverse("account-sync-all"), follow=True)

    assert SyncRun.objects.count() == 2
    assert "2 accounts are read" in response.content.decode()


# -- words -----------------------------------------------------------------------------


def test_matrix_tells_the_adapters_own_facts():
    rows = {row.label: row.cells for row in vendor_matrix()}

    assert rows["Title"] == ("", "Yes", "", "Yes, up to 150 characters")
    assert rows["Due"][0] == "Date"
    assert rows["Priority"][1] == ""
    assert rows["Many at once"][1] == "Up to 50 in one request"
    assert rows["Afterwards"][3] == "Only in YSuite itself"
    assert len({len(cells) for cells in rows.values()}) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (8, "8 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5400, "1 h 30 min"),
        (7200, "2 h"),
    ],
)
def test_span_is_said_as_people_say_it(seconds, words):
    assert span_words(seconds) == words


def test_window_is_named():
    assert [window_words(s) for s in (1, 5, 60, 3600.0, 0.5)] == [
        "per second", "per 5 s", "per minute", "per hour", "per 0.5 s",
    ]  # fmt: skip


def test_bars_stay_inside_the_drawing():
    from tasks_app.services.account_health import Hour

    drawn = bars([Hour(0, 0), Hour(1000, 1), Hour(1, 1000), Hour(0, 3)])

    assert all(bar.y >= 0 and bar.y + bar.height <= 32 for bar in drawn)
    assert sum(bar.tone == "red" for bar in drawn) == 3
