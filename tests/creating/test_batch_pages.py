"""Batches: the wrong person, progress that polls, retrying, cancelling, the export."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Task
from tasks_app.services import batches, standstill
from tasks_app.services.batches import Progress, counted, progress_of
from tasks_app.services.standstill import clock, held_up
from tasks_app.views.batch_words import shares
from tests.factories import (
    make_account,
    make_batch,
    make_link,
    make_prospect,
    make_push,
    make_task,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return make_account("saleshandy", name="Outbound EU")


@pytest.fixture
def batch(account):
    return make_batch(account, title="Q3 renewal check-in")


def add(batch, state="queued", *, error="", tries=0, **overrides):
    """A task of the batch with its create push in this state."""
    values = {"delivery": state, "delivery_error": error, "batch": batch}
    push = {"state": state, "error": error, "tries": tries}
    if state == "delivered":
        number = f"T{Task.objects.count()}"
        values["external_id"] = push["external_id"] = number
    if state == "accepted":
        push["request_number"] = "1556275384"
    task = make_task(account=batch.account, **{**values, **overrides})
    make_push(task=task, **push)
    return task


def look(client, batch, address="", htmx=False):
    headers = {"HX-Request": "true"} if htmx else {}
    url = reverse("batch-detail", args=[batch.pk]) + address
    return client.get(url, headers=headers)


def words(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# -- who ------------------------------------------------------------------------------


def test_batches_of_another_team_are_not_there(client, batch) -> None:
    client.force_login(make_user(make_team()))

    assert "Q3 renewal" not in client.get(reverse("batch-list")).content.decode()
    for name in ("batch-detail", "batch-export"):
        assert client.get(reverse(name, args=[batch.pk])).status_code == 404
    for name in ("batch-retry", "batch-cancel"):
        assert client.post(reverse(name, args=[batch.pk])).status_code == 404


def test_a_rep_sees_own_tasks_only_and_changes_nothing(client, batch, account) -> None:
    rep = make_user(account.team, "rep")
    mine, other = add(batch, assignee=rep), add(batch, assignee=make_user(account.team))
    batch.left_out = [{"name": "Secret Person", "email": "", "reason": "No id."}]
    batch.save()
    foreign = make_batch(account, title="Not mine")
    add(foreign, assignee=make_user(account.team))
    client.force_login(rep)

    page = look(client, batch).content.decode()
    listed = client.get(reverse("batch-list")).content.decode()
    export = b"".join(client.get(reverse("batch-export", args=[batch.pk])))

    assert mine.prospect.last_name in page
    assert other.prospect.last_name not in page
    assert "0 of 1 settled" in page
    assert "Secret Person" not in page
    assert "/cancel/" not in page
    assert "Not mine" not in listed
    assert other.prospect.email.encode() not in export
    assert b"Secret Person" not in export
    for name in ("batch-retry", "batch-cancel"):
        assert client.post(reverse(name, args=[batch.pk])).status_code == 403


# -- progress -------------------------------------------------------------------------


def test_counts_come_from_one_query(batch, django_assert_num_queries) -> None:
    for state in ("queued", "delivered", "failed", "needs_check", "accepted"):
        add(batch, state)
    add(batch, retry_at=timezone.now())

    with django_assert_num_queries(1):
        progress = progress_of(batch.tasks.all())

    assert progress.counts == {
        "needs_check": 1, "failed": 1, "retrying": 1, "sending": 0, "accepted": 1,
        "queued": 1, "delivered": 1, "withdrawn": 0,
    }  # fmt: skip
    assert (progress.total, progress.settled, progress.waiting) == (6, 2, 2)


@pytest.mark.parametrize(
    ("states", "moving"),
    [
        ([], False),
        (["delivered", "failed", "withdrawn"], False),
        (["delivered", "needs_check"], False),
        (["queued"], True),
        (["sending"], True),
        (["claimed"], True),
        (["accepted"], True),
    ],
)
def test_what_still_moves(states, moving) -> None:
    assert Progress(counted((s, 1, 0) for s in states)).is_moving is moving


def test_the_bar_is_as_long_as_what_is_through() -> None:
    progress = Progress(
        counted([("delivered", 1, 0), ("failed", 1, 0), ("queued", 2, 0)])
    )

    bar = [(share.state, share.start, share.width) for share in shares(progress)]

    assert bar == [("delivered", "0.00", "25.00"), ("failed", "25.00", "25.00")]


def test_what_reads_itself_again_waits_under_the_pointer(client, batch, lead) -> None:
    add(batch)

    page = look(client, batch).content.decode()

    for part in ("batch-actions", "batch", "batch-rows"):
        assert re.search(rf'id="{part}"[^>]* data-calm', page)


def test_the_page_polls_while_something_moves_and_stops_by_itself(
    client, batch, lead
) -> None:
    task = add(batch)
    running = look(client, batch, "?delivery=queued&q=ada")
    Task.objects.filter(pk=task.pk).update(delivery="delivered", external_id="T1")

    ended = look(client, batch, htmx=True)

    page = running.content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert "?delivery=queued&amp;q=ada" in page
    assert "hx-trigger" not in ended.content.decode()
    assert "1 of 1 settled" in words(ended)
    assert "<html" not in ended.content.decode()
    assert 'id="batch-rows" hx-swap-oob="true"' in ended.content.decode()


def test_unclear_ones_are_polled_while_baton_looks(client, batch, lead) -> None:
    task = add(batch, "needs_check")

    looking = look(client, batch).content.decode()
    task.pushes.update(ask_person=True)
    asking = look(client, batch).content.decode()

    assert 'hx-trigger="every 2s"' in looking
    assert "hx-trigger" not in asking.split('id="batch-rows"')[0].split('id="batch"')[1]
    assert "1 task may exist in Saleshandy" in asking
    assert "Baton looks there before anything is sent again" in looking
    assert "Look there before sending again" in asking


def test_an_empty_batch_is_no_error(client, batch, lead) -> None:
    assert "0 of 0 settled" in words(look(client, batch))


@pytest.mark.parametrize(
    ("state", "fields", "sentence"),
    [
        ("queued", {}, "Waiting for its turn, within a minute."),
        ("accepted", {}, "Saleshandy took it (request 1556275384)."),
        ("delivered", {"tries": 1}, "Created."),
        ("delivered", {"tries": 2}, "Created on the second try."),
        ("failed", {"error": "Saleshandy refused it."}, "Saleshandy refused it."),
        ("needs_check", {}, "No clear answer. The task may exist in Saleshandy."),
        ("withdrawn", {}, "Taken back: it is not sent any more."),
    ],
)
def test_each_outcome_has_a_sentence(
    client, batch, lead, state, fields, sentence
) -> None:
    add(batch, state, **fields)

    assert sentence in words(look(client, batch))


def test_what_is_under_way_says_so(client, batch, lead) -> None:
    task = add(batch)
    Task.objects.filter(pk=task.pk).update(delivery="sending")

    assert "Being handed over." in words(look(client, batch))


def test_a_retry_names_the_time_in_the_teams_zone(client, lead, batch, account) -> None:
    account.team.time_zone = "Asia/Kolkata"
    account.team.save()
    at = datetime(2030, 7, 16, 5, 12, 30, tzinfo=ZoneInfo("UTC"))
    tasks = [
        add(batch, error="Saleshandy was busy (429).", retry_at=at, tries=tries)
        for tries in (0, 2)
    ]
    asked = at - timedelta(hours=2)
    Push.objects.update(created_at=asked)
    Task.objects.filter(pk=tasks[1].pk).update(due_sort=at + timedelta(hours=1))

    page = words(look(client, batch))

    # A day after it was asked for, or at its due time.
    busy = "Saleshandy was busy (429)."
    assert f"{busy} Next try at 10:42:30, none after 17 July 08:42." in page
    assert f"{busy} Try 3 at 10:42:30, none after 16 July 11:42." in page


def test_what_waits_says_about_when_its_turn_comes(
    client, lead, account, batch
) -> None:
    state_of(account, rates=[[1, 600]])
    first, others = make_batch(account, title="First"), [add(batch) for _ in range(2)]
    add(first), add(first)
    Push.objects.filter(task__batch=first).update(lane=Push.Lane.URGENT)
    now = timezone.now()

    times = standstill.turn_times(account_of(account), [t.pk for t in others], now=now)
    page, head = words(look(client, batch)), words(look(client, first))

    # Two urgent ones go before, one each ten minutes.
    waits = [round((times[task.pk] - now).total_seconds()) for task in others]
    assert waits == [1200, 1801]
    assert page.count("Waiting for its turn, about ") == 2
    assert "Waiting for its turn, within a minute." in head


def test_pushes_that_share_a_call_have_one_turn(account, batch) -> None:
    state_of(account, rates=[[1, 600]])
    tasks = [add(batch) for _ in range(3)]
    Push.objects.update(group_key="same")
    shared = account.adapter_class.create_limit

    times = standstill.turn_times(account_of(account), [task.pk for task in tasks])

    assert len(set(times.values())) == -(-3 // shared)


def account_of(account):
    return ConnectedAccount.objects.get(pk=account.pk)


def test_nothing_is_said_of_a_turn_while_the_queue_stands_still(
    client, lead, account, batch
) -> None:
    add(batch)
    state_of(account, state="paused", state_since=timezone.now())

    page = words(look(client, batch))

    assert "Waiting for its turn." in page


def test_states_keep_the_words_that_were_looked_for(client, batch, lead) -> None:
    add(batch, "failed", error="Refused.")

    page = look(client, batch, "?q=ada&delivery=failed").content.decode()

    assert 'href="?delivery=queued&amp;q=ada"' in page
    assert re.search(r'id="stat-failed" href="\?q=ada"', page)


def test_a_batch_leads_to_its_list_its_open_work_and_its_unclear_ones(
    client, batch, lead
) -> None:
    task = add(batch, "needs_check")

    page = look(client, batch).content.decode()
    Task.objects.update(status="completed")
    over = look(client, batch).content.decode()

    assert f'href="/tasks/?batch={batch.pk}"' in page
    start = f"/tasks/work/?batch={batch.pk}&amp;status=open,in_progress&amp;start=1"
    assert f'href="{start}"' in page and "/tasks/work/" not in over
    assert f'id="resolve" href="/needs-check/?batch={batch.pk}"' in page
    assert f'href="/needs-check/?batch={batch.pk}#task-{task.pk}"' in page


def test_rows_are_filtered_searched_and_paged(client, batch, lead) -> None:
    for _ in range(51):
        add(batch)
    failed = add(
        batch,
        "failed",
        error="Refused.",
        prospect=make_prospect(batch.team, first_name="Zara", last_name="Whitcombe"),
    )

    first = words(look(client, batch))
    second = words(look(client, batch, "?page=2"))
    only_failed = words(look(client, batch, "?delivery=failed"))
    search = words(look(client, batch, "?q=ZARA%20whit"))
    nobody = words(look(client, batch, "?q=nobody"))
    junk = look(client, batch, "?delivery=banana&page=9999&q=%00")

    assert "1–50 of 52" in first
    assert first.index("Zara Whitcombe") < first.index("Ada Okafor")  # problems first
    assert "51–52 of 52" in second
    assert "1–1 of 1" in only_failed
    assert "Zara Whitcombe" in search and "1–1 of 1" in search
    assert "Nobody in this batch matches." in nobody
    assert junk.status_code == 200
    assert failed.prospect.first_name in only_failed


def test_the_page_takes_a_fixed_number_of_queries(
    client, batch, lead, django_assert_max_num_queries
) -> None:
    for state in ("queued", "failed", "delivered") * 10:
        add(batch, state, error="Refused." if state == "failed" else "")

    with django_assert_max_num_queries(25):
        look(client, batch)
    with django_assert_max_num_queries(21):
        look(client, batch, htmx=True)


def test_the_list_takes_a_fixed_number_of_queries(
    client, lead, account, django_assert_max_num_queries
) -> None:
    for _ in range(6):
        one = make_batch(account)
        add(one), add(one, "failed", error="Refused.")

    with django_assert_max_num_queries(14):
        page = words(client.get(reverse("batch-list")))

    assert page.count("0 of 2 delivered") == 6
    assert page.count("1 failed") == 6


# -- the list: search, how they stand, looking again -----------------------------------


def listed(client, **query):
    html = client.get(reverse("batch-list"), query).content.decode()
    return set(re.findall(r'href="/batches/(\d+)/"', html)), html


def test_batches_are_found_by_title_account_person_and_prospect(
    client, lead, account
) -> None:
    type(lead).objects.filter(pk=lead.pk).update(first_name="Mara", last_name="Lind")
    one = make_batch(account, title="July Calls", created_by=lead)
    add(one, prospect=make_prospect(account.team, company="Wexford Paper"))
    two = make_batch(make_account(team=account.team, name="Inbound US"), title="Other")
    add(two)

    assert listed(client)[0] == {str(one.pk), str(two.pk)}
    for text in ("july CALLS", "outbound", "lind", "wexford", "wexford july"):
        assert listed(client, q=text)[0] == {str(one.pk)}, text
    found, html = listed(client, q="nobody's")
    assert found == set()
    assert "No batch matches." in html


def test_prospects_are_looked_for_in_the_newest_batches_and_the_page_says_so(
    client, lead, account, monkeypatch
) -> None:
    monkeypatch.setattr(batches, "MOST", 2)
    made = [make_batch(account, title=f"July {n}") for n in ("one", "two", "three")]
    for batch in made:
        add(batch, prospect=make_prospect(account.team, company="Wexford Paper"))
    newest = {str(batch.pk) for batch in made[1:]}

    found, html = listed(client, q="wexford")
    by_title, _ = listed(client, q="july one")

    assert found == newest
    assert "Prospects are looked for in the newest 2 batches" in html
    assert by_title == {str(made[0].pk)}
    assert "Prospects are looked for" not in listed(client)[1]
    monkeypatch.setattr(batches, "MOST", 3)
    assert "Prospects are looked for" not in listed(client, q="wexford")[1]


def test_batches_are_filtered_by_how_they_stand(client, lead, account) -> None:
    going, failed, over, paused, both = (
        make_batch(account, title=t)
        for t in ("Going", "Failed", "Over", "Held", "Both")
    )
    add(going), add(going, "delivered")
    add(failed, "failed", error="Refused."), add(failed, "delivered")
    add(over, "delivered"), add(over, "withdrawn")
    add(paused)
    press(client, paused, "pause")
    add(both), add(both, "needs_check")

    shown = {
        word: listed(client, state=word)[0] for word in ("running", "needs", "done")
    }

    def ids(*batches):
        return {str(batch.pk) for batch in batches}

    assert shown["running"] == ids(going, both)
    assert shown["needs"] == ids(failed, paused, both)
    assert shown["done"] == ids(over)
    assert len(listed(client, state="banana", page="x", q="\0")[0]) == 5
    kept = listed(client, state="done", q="over")[1]
    assert 'href="/batches/?q=over&amp;state=running"' in kept
    assert 'name="state" value="done"' in kept


def test_a_rep_finds_by_own_tasks_alone(client, batch, account) -> None:
    rep = make_user(account.team, "rep")
    add(batch, "delivered", assignee=rep)
    add(batch, "failed", error="Refused.", assignee=make_user(account.team),
        prospect=make_prospect(account.team, company="Wexford Paper"))  # fmt: skip
    client.force_login(rep)

    assert listed(client, q="wexford")[0] == set()
    assert listed(client, state="needs")[0] == set()
    assert listed(client, state="done")[0] == {str(batch.pk)}


def test_the_list_looks_again_while_something_goes_out(client, lead, batch) -> None:
    task = add(batch)
    going = listed(client, q="renewal")[1]
    part = client.get(reverse("batch-list"), headers={"HX-Request": "true"})
    Task.objects.filter(pk=task.pk).update(delivery="delivered", external_id="T1")
    over = listed(client)[1]

    assert 'data-refresh="5"' in going and 'hx-get="/batches/?q=renewal"' in going
    assert "<html" not in part.content.decode()
    assert 'data-refresh="5"' not in over


# -- what holds it up -----------------------------------------------------------------


def state_of(account, **fields):
    ConnectedAccount.objects.filter(pk=account.pk).update(**fields)
    return ConnectedAccount.objects.select_related("paused_by").get(pk=account.pk)


def test_a_refused_key_says_since_when_and_that_tasks_are_safe(
    client, batch, lead, account
) -> None:
    for _ in range(14):
        add(batch)
    since = timezone.now().replace(hour=8, minute=14)
    state_of(account, state="needs_new_key", state_since=since)

    page = look(client, batch).content.decode()

    assert "Saleshandy rejects the key since" in page
    assert "08:14" in page
    assert "14 tasks are safe in the queue." in page
    assert 'hx-trigger="every 15s"' in page


def test_a_pause_names_who_paused(account, batch) -> None:
    add(batch)
    admin = make_user(account.team, first_name="Mara", last_name="Lind")
    paused = state_of(account, state="paused", paused_by=admin)

    held = held_up(paused, account.team)

    assert held is not None
    assert "is paused by Mara Lind since" in held.headline
    assert "1 task is safe in the queue." in held.sentence


def test_a_vendor_that_is_down_says_since_when_and_when_next(account, batch) -> None:
    add(batch)
    now = timezone.now()
    down = state_of(
        account,
        state="trouble",
        state_reason="Saleshandy could not be reached.",
        trouble_since=now - timedelta(hours=1),
        held_until=now + timedelta(minutes=5),
    )

    held = held_up(down, account.team, now=now)

    assert held is not None
    assert "has not answered as it should since" in held.headline
    assert "Saleshandy could not be reached. 1 task is safe" in held.sentence
    assert "Next try at" in held.sentence


def test_a_requested_pause_that_is_over_is_not_shown(account, batch) -> None:
    now = timezone.now()
    busy = state_of(account, held_until=now + timedelta(seconds=30))
    later = now + timedelta(seconds=31)

    assert held_up(busy, account.team, now=now) is not None
    assert held_up(busy, account.team, now=later) is None


def test_times_of_other_days_name_the_day(account) -> None:
    team = account.team
    now = datetime(2030, 7, 16, 12, tzinfo=ZoneInfo("UTC"))

    assert clock(now - timedelta(hours=3), team, now) == "09:00"
    assert clock(now - timedelta(hours=13), team, now) == "yesterday 23:00"
    assert clock(now - timedelta(days=3), team, now) == "13 July 12:00"


def test_how_long_it_takes_is_said(client, batch, lead, account) -> None:
    state_of(account, rates=[[1, 60]])
    for _ in range(3):
        add(batch)

    assert "About 2 min left at 1 per minute" in words(look(client, batch))


# -- doing something about it ---------------------------------------------------------


def test_failures_are_grouped_by_cause_and_retried_by_it(client, batch, lead) -> None:
    for _ in range(2):
        add(batch, "failed", error="Saleshandy does not know this prospect.")
    add(batch, "failed", error="Saleshandy refused the note.")
    page = words(look(client, batch))

    response = client.post(
        reverse("batch-retry", args=[batch.pk]),
        {"cause": "Saleshandy does not know this prospect."},
        follow=True,
    )

    assert "2 failed Saleshandy does not know this prospect." in page
    assert "Retry failed (3)" in page
    assert "2 tasks are back in the queue." in response.content.decode()
    assert progress_of(batch.tasks.all()).counts["queued"] == 2


def test_retry_all_and_one(client, batch, lead) -> None:
    tasks = [add(batch, "failed", error="Refused.") for _ in range(3)]
    delivered = add(batch, "delivered")
    address = reverse("batch-retry", args=[batch.pk])

    client.post(address, {"task": tasks[0].pk})
    one = progress_of(batch.tasks.all()).counts["queued"]
    client.post(address)
    again = client.post(address, follow=True)

    assert one == 1
    assert progress_of(batch.tasks.all()).counts["queued"] == 3
    assert "Nothing was retried" in again.content.decode()
    delivered.refresh_from_db()
    assert delivered.delivery == "delivered"


def test_retrying_never_touches_other_batches(client, batch, lead, account) -> None:
    other = add(make_batch(account), "failed", error="Refused.")

    client.post(reverse("batch-retry", args=[batch.pk]), {"task": other.pk})
    client.post(reverse("batch-retry", args=[batch.pk]))

    other.refresh_from_db()
    assert other.delivery == "failed"


def test_cancelling_takes_back_only_what_waits(client, batch, lead) -> None:
    waiting, failed = add(batch), add(batch, "failed", error="Refused.")
    on_its_way = add(batch, "accepted")

    page = look(client, batch)
    response = press(client, batch, "cancel", count=1)

    assert "Cancel 1 unsent task? It is not sent to Saleshandy any more" in words(page)
    assert "1 task was cancelled. It is not sent." in words(response)
    for task in (waiting, failed, on_its_way):
        task.refresh_from_db()
    assert (waiting.delivery, waiting.status) == ("withdrawn", "cancelled")
    assert (failed.delivery, failed.status) == ("failed", "open")
    assert on_its_way.delivery == "accepted"
    assert Push.objects.get(task=waiting).state == "withdrawn"


def test_no_more_is_cancelled_than_was_shown(client, batch, lead) -> None:
    add(batch), add(batch)

    more = press(client, batch, "cancel", count=1)
    without = press(client, batch, "cancel")

    said = "Nothing was cancelled: 2 tasks wait by now. Look again, then choose."
    assert said in words(more) and said in words(without)
    assert progress_of(batch.tasks.all()).counts["queued"] == 2


def test_what_was_sent_before_is_not_said_to_be_unsent(client, batch, lead) -> None:
    fresh, again = add(batch), add(batch)
    Push.objects.filter(task=again).update(watch_at=timezone.now())

    press(client, batch, "cancel", count=2)

    for task, sentence in (
        (fresh, "Taken back. Nothing was created."),
        (again, "Taken back. An earlier call may still have created it."),
    ):
        task.refresh_from_db()
        assert task.delivery_error == sentence
        assert task.events.get(kind="delivery").note == sentence
        assert sentence in words(look(client, batch))


def test_the_export_holds_every_outcome_and_no_formula(client, batch, lead) -> None:
    nasty = make_prospect(batch.team, first_name="=cmd|'/c calc'!A1", last_name="")
    make_link(nasty, batch.account)
    add(batch, "failed", error="@SUM(1)", prospect=nasty)
    add(batch, "delivered", tries=1)
    batch.left_out = [{"name": "+1", "email": "r@x.example", "reason": "Has no id."}]
    batch.save()

    response = client.get(reverse("batch-export", args=[batch.pk]))

    text = b"".join(response).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert response.headers["Content-Disposition"].endswith(
        f'filename="baton-batch-{batch.pk}.csv"'
    )
    assert rows[0][0] == "Prospect"
    assert rows[1][0] == "'=cmd|'/c calc'!A1"
    assert rows[1][4] == "'@SUM(1)"
    assert rows[2][3:5] == ["Delivered", "Created."]
    assert rows[3] == ["'+1", "r@x.example", "", "Left out", "Has no id.", "", ""]
    assert not any(cell[:1] in "=+-@" for row in rows for cell in row if cell)


def test_vendor_text_is_escaped(client, batch, lead) -> None:
    add(batch, "failed", error="<script>alert(1)</script>")

    assert "<script>alert" not in look(client, batch).content.decode()


def test_a_vendors_link_is_followed_only_if_it_is_one(client, batch, lead) -> None:
    add(batch, "delivered", external_url="javascript:alert(1)")
    add(batch, "delivered", external_url="https://my.saleshandy.com/t/1")

    page = look(client, batch).content.decode()

    assert "javascript:" not in page
    assert 'href="https://my.saleshandy.com/t/1"' in page


@pytest.mark.parametrize(
    ("dues", "said"),
    [
        ([], None),
        ([(2030, 7, 19, 15)], "due Friday 19 July 2030, 15:00"),
        ([(2030, 7, 19, 15)] * 2, "due Friday 19 July 2030, 15:00"),
        ([(2030, 7, 19, 9), (2030, 7, 19, 15)], "due Friday 19 July 2030"),
        ([(2030, 7, 19, 9), (2030, 8, 2, 9)], "due 19 July to 2 August 2030"),
    ],
)
def test_the_batch_says_shortly_when_its_tasks_are_due(
    client, batch, lead, dues, said
) -> None:
    add(batch)
    for due in dues:
        add(batch, due_at=datetime(*due, tzinfo=batch.team.zone))

    page = words(look(client, batch))

    assert (said in page) if said else ", due" not in page


def test_what_goes_out_at_once_takes_a_few_seconds(client, batch, lead) -> None:
    add(batch), add(batch, "needs_check")

    assert "A few seconds left at" in words(look(client, batch))


# -- mending what is wrong with a prospect ---------------------------------------------


@pytest.mark.parametrize(
    ("kind", "sentence", "offered"),
    [
        ("rejected", "Saleshandy does not know this prospect any more.", True),
        ("unsupported", "Saleshandy needs an e-mail address.", True),
        ("rejected", "Saleshandy did not accept the due date.", False),
        ("type_gone", "No such type. The prospect is well.", False),
        ("crashed", "Baton stopped at this prospect.", False),
    ],
)
def test_a_prospect_is_edited_where_it_is_the_reason(
    client, batch, lead, kind, sentence, offered
) -> None:
    task = add(batch, "failed", error=sentence, delivery_kind=kind)

    page = look(client, batch).content.decode()

    address = reverse("prospect-edit", args=[task.prospect_id]) + f"?batch={batch.pk}"
    assert (f'href="{address}"' in page) is offered


def test_a_prospect_is_mended_with_its_id_and_the_batch_comes_back(
    client, batch, lead, account
) -> None:
    task = add(batch, "failed", error="No such prospect.", delivery_kind="rejected")
    person = task.prospect
    taken = make_link(make_prospect(account.team), account).external_id
    url = reverse("prospect-edit", args=[person.pk]) + f"?batch={batch.pk}"
    typed = {"first_name": "Ada", "email": "new@halden.example"}

    form = client.get(url).content.decode()
    refused = client.post(url, {**typed, "external_id": taken})
    person.refresh_from_db()
    before = person.email
    saved = client.post(url, {**typed, "external_id": "Pr00099999"}, follow=True)

    assert "Id in Outbound EU" in form
    assert person.links.get().external_id == "Pr00099999"
    assert refused.status_code == 422
    assert "has this id at Outbound EU already" in refused.content.decode()
    assert "new@halden.example" in refused.content.decode()
    assert before != "new@halden.example"
    assert saved.redirect_chain[-1][0] == reverse("batch-detail", args=[batch.pk])
    assert "Saved. “Retry” sends the task again." in words(saved)


def test_a_batch_of_another_team_is_no_way_back(client, batch, lead) -> None:
    foreign = make_batch(make_account("reply", name="Theirs"))
    task = add(batch, "failed")
    url = reverse("prospect-edit", args=[task.prospect_id])

    for number in (foreign.pk, "x", "9" * 30):
        page = client.get(f"{url}?batch={number}").content.decode()
        assert "Theirs" not in page and "Id in" not in page


# -- pausing --------------------------------------------------------------------------


def press(client, batch, name, **data):
    return client.post(reverse(f"batch-{name}", args=[batch.pk]), data, follow=True)


def test_a_lead_pauses_and_the_page_says_who_since_when_and_what_waits(
    client, batch, lead
) -> None:
    add(batch), add(batch), add(batch, "delivered")
    moving = look(client, batch).content.decode()

    page = press(client, batch, "pause")
    html = page.content.decode()

    assert 'id="pause"' in moving and 'id="resume"' not in moving
    assert 'id="pause"' not in html and 'id="resume"' in html
    assert f"Paused by {lead.username} since" in words(page)
    assert "2 tasks are safe in the queue and wait until you resume" in words(page)
    assert words(page).count("Held: the batch is paused.") == 2
    assert "2 tasks wait. What is being sent goes on." in words(page)
    assert 'hx-trigger="every 15s"' in html
    assert not Push.objects.filter(state="queued", paused=False).exists()


def test_resuming_lets_it_go_on(client, batch, lead) -> None:
    add(batch)
    press(client, batch, "pause")

    page = press(client, batch, "resume")

    batch.refresh_from_db()
    assert batch.paused_at is None
    assert "Resumed. 1 task goes out in its turn." in words(page)
    assert 'id="pause"' in page.content.decode()
    assert "goes on already" in words(press(client, batch, "resume"))


def test_a_second_lead_is_told_that_it_is_paused_already(client, batch, lead) -> None:
    add(batch)
    press(client, batch, "pause")

    assert "It was paused already." in words(press(client, batch, "pause"))


def test_a_batch_with_nothing_to_send_has_nothing_to_pause(client, batch, lead) -> None:
    add(batch, "delivered")

    assert 'id="pause"' not in look(client, batch).content.decode()


def test_who_is_no_lead_sees_the_pause_and_no_button(client, batch, account) -> None:
    rep = make_user(account.team, "rep")
    add(batch, assignee=rep)
    client.force_login(make_user(account.team))
    press(client, batch, "pause")
    client.force_login(rep)

    page = look(client, batch)

    assert "until a team lead resumes the batch" in words(page)
    assert 'id="resume"' not in page.content.decode()
    for name in ("pause", "resume"):
        assert press(client, batch, name).status_code == 403
    client.force_login(make_user(make_team()))
    for name in ("pause", "resume"):
        assert press(client, batch, name).status_code == 404


def test_the_list_of_batches_says_which_is_paused(client, batch, lead) -> None:
    add(batch)
    press(client, batch, "pause")

    assert "Paused" in words(client.get(reverse("batch-list")))


def test_what_is_retried_in_a_paused_batch_is_said_to_wait(client, batch, lead) -> None:
    add(batch, "failed", error="Refused.")
    press(client, batch, "pause")

    page = press(client, batch, "retry")

    assert "1 task is back in the queue. The batch is paused" in words(page)


def test_list_and_task_call_what_waits_paused(client, batch, lead) -> None:
    task = add(batch)
    press(client, batch, "pause")

    listed = words(client.get(reverse("task-list")))
    page = words(client.get(reverse("task-detail", args=[task.pk])))

    assert "Paused" in listed and "Queued" not in listed.split("Paused")[1]
    assert "It waits until that goes on or its due time passes." in page
    assert f"Paused with its batch by {lead.username}" in page


def test_a_forgotten_pause_needs_somebody_on_the_page_of_today(
    client, batch, lead
) -> None:
    add(batch)
    press(client, batch, "pause")
    waiting = words(client.get(reverse("today")))
    press(client, batch, "cancel", count=1)

    assert f"“Q3 renewal check-in” is paused by {lead.username} since" in waiting
    assert "1 queued task waits, safe in the queue, until somebody resumes" in waiting
    assert "is paused by" not in words(client.get(reverse("today")))
