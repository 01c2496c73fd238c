"""The state machine under random histories: many workers, deaths, answers, people.

The vendor here is a list in memory that does what it is told at once; what it answers is
drawn. `MACHINE_EXAMPLES` and `MACHINE_STEPS` ask for longer runs.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks_app.models import ConnectedAccount, Push, Task, TaskType
from tasks_app.services import (
    delivery,
    exchanges,
    gate,
    pushing,
    reconciling,
    recording,
    retrying,
    states,
    sweeping,
)
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.calls import Auth, VendorRequest, VendorResponse
from tasks_app.vendors.errors import (
    CredentialsRejected,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    TaskRejected,
    Unreachable,
)
from tasks_app.vendors.findings import Found, ItemResult, RemoteTask
from tasks_app.vendors.words import Channel, Status
from tests.factories import make_prospect, make_task, make_team, make_user

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "30"))
LONG = "MACHINE_EXAMPLES" in os.environ
STEPS = int(os.environ.get("MACHINE_STEPS", "30"))
State = Push.State
LEASE = timedelta(seconds=60)
PAST = timedelta(hours=1)

#: What the vendor says, and whether it had done what was asked.
ANSWERS = {
    "created": (None, True),
    "accepted": (None, True),
    "item refused": (None, False),
    "item unclear, done": (None, True),
    "item unclear, not done": (None, False),
    "left out, done": (None, True),
    "refused": (TaskRejected("Toy refused this."), False),
    "busy": (RateLimited("Toy was busy (429).", retry_after=30), False),
    "unreachable": (Unreachable("Toy could not be reached."), False),
    "lost, done": (OutcomeUnknown("Toy did not answer."), True),
    "lost, not done": (OutcomeUnknown("Toy did not answer."), False),
    "bad key": (CredentialsRejected("Toy rejects the key."), False),
    "redirect": (Misconfigured("Toy answered with a redirect."), False),
}


#: A draw of them: what matters most comes up most.
DRAWN = [*["created"] * 6, *["lost, done", "lost, not done"] * 3, *ANSWERS]


class Killed(BaseException):
    pass


@dataclass
class Toy:
    """The vendor: its ledger, and what it answers next."""

    ledger: list[str] = field(default_factory=list)  # prospects, one for each create
    ids: dict[str, str] = field(default_factory=dict)  # task id -> prospect
    answer: str = "created"
    reading: str = "right"
    kill: bool = False

    def make(self, prospects: list[str]) -> dict[str, str]:
        made = {}
        for prospect in prospects:
            self.ledger.append(prospect)
            made[prospect] = f"t{len(self.ledger)}"
            self.ids[made[prospect]] = prospect
        return made

    def send(
        self, request: VendorRequest, *, base_url: str, auth: Auth, deadline: float
    ) -> VendorResponse:
        """As a transport: creates by the drawn answer, reads by the drawn reading."""
        if request.method == "GET":
            if self.reading == "error":
                raise OutcomeUnknown("Toy did not answer.")
            return VendorResponse(200, body=dict(self.ids))
        response, error = self.create(request.json["for"], self.answer)
        if self.kill:
            raise Killed
        if error is not None:
            raise error
        return response

    def create(
        self, prospects: list[str], answer: str
    ) -> tuple[VendorResponse, Exception | None]:
        error, done = ANSWERS[answer]
        made = self.make(prospects) if done else {}
        return VendorResponse(200, body={"made": made, "answer": answer}), error


class ToyAdapter(VendorAdapter):
    slug = "toy"
    name = "Toy"
    base_urls = (("https://toy.example", "Toy"),)
    credential_fields = (("key", "Key"),)
    default_rates = ((100_000, 1.0),)
    create_limit = 3
    settle_seconds = 1

    def auth(self) -> Auth:
        return Auth(vendor=self.name)

    def group_key(self, draft: Any) -> str:
        return "all"

    def create_request(self, drafts: Any) -> VendorRequest:
        ids = [draft.prospect.external_id for draft in drafts]
        return VendorRequest("POST", "/", json={"for": ids}, writes=True)

    def read_created(self, response: VendorResponse, drafts: Any) -> list[ItemResult]:
        made, answer = response.body["made"], response.body["answer"]
        if answer.startswith("left out"):
            return []
        results = []
        for draft in drafts:
            task_id = made.get(draft.prospect.external_id, "")
            if answer == "item refused":
                results.append(ItemResult(draft.ref, refused="Toy refused this."))
            elif answer == "accepted":
                results.append(ItemResult(draft.ref, request_id="7"))
            elif answer == "created":
                results.append(ItemResult(draft.ref, task_id=task_id))
            else:
                results.append(ItemResult(draft.ref, unclear="Toy is unclear."))
        return results

    def test_connection(self) -> Any:
        yield VendorRequest("GET", "/")

    def find_key(self, draft: Any) -> str:
        return "all"

    def find(self, drafts: Any, *, sent_at: Any) -> Any:
        answer = yield VendorRequest("GET", "/")
        shown = [
            RemoteTask(key, Status.OPEN, compare={"prospect": whose, "text": ""})
            for key, whose in answer.body.items()
        ]
        return Found(shown, complete=True)

    def comparable(self, draft: Any) -> dict[str, Any]:
        return {"prospect": draft.prospect.external_id, "text": ""}


@dataclass
class Worker:
    """A process with a claim in its hands."""

    attempt: uuid.UUID
    ids: list[int]
    exchange: Any = None
    answer: str = ""
    response: VendorResponse | None = None

    @property
    def sent(self) -> bool:
        return self.exchange is not None


class Deliveries(RuleBasedStateMachine):
    workers: list[Worker]

    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        team = make_team()
        self.lead = make_user(team)
        self.account = ConnectedAccount.objects.create(
            team=team,
            vendor="toy",
            name="Toy",
            base_url="https://toy.example",
            credentials={"key": "0123456789"},
        )
        self.type = TaskType.objects.create(
            account=self.account, code="x", name="X", channel=Channel.TODO.value
        )
        self.toy = Toy()
        self.workers = []
        self.before: dict[int, str] = {}
        self.again: Counter[str] = Counter()  # prospects a person had sent again
        self.made = 0
        self.create(4)

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    # -- helpers -------------------------------------------------------------------

    def fresh(self) -> ConnectedAccount:
        return ConnectedAccount.objects.select_related("team").get(pk=self.account.pk)

    def prospect_of(self, push: Push) -> str:
        return str(push.task.prospect.links.get().external_id)

    def with_state(self, *wanted: str) -> list[Push]:
        return list(Push.objects.filter(state__in=wanted).order_by("pk"))

    # -- rules ---------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def more(self, count: int) -> None:
        self.create(count)

    def create(self, count: int) -> None:
        for _ in range(count):
            prospect = make_prospect(self.account.team)
            link = make_link_at(prospect, self.account, self.made)
            self.made += 1
            task = make_task(account=self.account, prospect=prospect, type=self.type)
            Push.objects.create(task=task, account=self.account, group_key="all")
            assert link.external_id

    def ready(self) -> None:
        """Waits and holds are over, and somebody has mended the account."""
        Push.objects.filter(state=State.QUEUED).update(not_before=timezone.now())
        gate.reopen(self.fresh())

    @rule(limit=st.integers(1, 3))
    def another_claims(self, limit: int) -> None:
        self.claim(limit)

    def claim(self, limit: int) -> None:
        self.ready()
        attempt, ids = states.claim(self.account.pk, limit=limit, lease=LEASE)
        if ids:
            self.workers.append(Worker(attempt, ids))

    @rule(data=st.data(), answer=st.sampled_from(DRAWN), at_once=st.booleans())
    def another_sends(self, data: Any, answer: str, at_once: bool) -> None:
        self.start_and_send(data, answer, at_once)

    def start_and_send(self, data: Any, answer: str, at_once: bool) -> None:
        """The intent is committed and the vendor has the call; the answer is under way."""
        if all(worker.sent for worker in self.workers):
            self.claim(3)
        ready = [worker for worker in self.workers if not worker.sent]
        if not ready:
            return
        worker = data.draw(st.sampled_from(ready))
        account = self.fresh()
        pushes = list(Push.objects.filter(pk__in=worker.ids).order_by("pk"))
        if not gate.still_open(account):
            self.give_back(worker)
            return
        with transaction.atomic():
            names = [self.prospect_of(push) for push in pushes]
            request = VendorRequest("POST", "/", json={"for": names})
            exchange = exchanges.begin(
                account,
                request,
                purpose="create",
                attempt=worker.attempt,
                push_ids=worker.ids,
            )
            ours = states.start_sending(worker.ids, attempt=worker.attempt, lease=LEASE)
            if ours != sorted(worker.ids):
                transaction.set_rollback(True)
        if ours != sorted(worker.ids):
            self.give_back(worker)
            return
        worker.exchange, worker.answer = exchange, answer
        worker.response, _ = self.toy.create(names, answer)
        if at_once:
            self.answer_of(worker)

    def give_back(self, worker: Worker) -> None:
        states.change(
            [states.Change(pk, State.QUEUED) for pk in worker.ids],
            sources=[State.CLAIMED],
            attempt=worker.attempt,
            events=False,
        )
        self.workers.remove(worker)

    @precondition(lambda self: any(w.sent for w in self.workers))
    @rule(data=st.data())
    def answer_comes(self, data: Any) -> None:
        """In time or long after the lease: it settles its own attempt or nothing."""
        self.answer_of(data.draw(st.sampled_from([w for w in self.workers if w.sent])))

    @precondition(lambda self: any(w.sent for w in self.workers))
    @rule(data=st.data())
    def answer_comes_too_late(self, data: Any) -> None:
        """Meanwhile the lease was over, it was looked for, and another has it in hand."""
        worker = data.draw(st.sampled_from([w for w in self.workers if w.sent]))
        self.end_leases(worker.ids)
        sweeping.recover(timezone.now())
        self.look_twice()
        self.start_and_send(data, "created", False)
        self.answer_of(worker)

    def answer_of(self, worker: Worker) -> None:
        account = self.fresh()
        adapter = account.adapter()
        pushes = list(Push.objects.filter(pk__in=worker.ids).order_by("pk"))
        drafts = [pushing.drafts_for(pushes)[push.pk] for push in pushes]
        error, _ = ANSWERS[worker.answer]
        results = (
            None if error else adapter.read_created(worker.response, drafts)  # type: ignore[arg-type]
        )
        recording.record_created(
            account,
            adapter,
            pushes,
            worker.attempt,
            worker.exchange,
            worker.response,
            results,
            error,
        )
        if error is None:
            gate.note_success(account)
        elif not isinstance(error, TaskRejected):
            gate.note_error(account, error)
        self.workers.remove(worker)

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def die(self, data: Any) -> None:
        self.workers.remove(data.draw(st.sampled_from(self.workers)))

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def freeze(self, data: Any) -> None:
        """A worker sleeps through its lease."""
        worker = data.draw(st.sampled_from(self.workers))
        self.end_leases(worker.ids)

    @rule()
    def two_looks(self) -> None:
        self.look_twice()

    def look_twice(self) -> None:
        self.look("right")
        self.look("right")

    @rule()
    def leases_of_the_dead_end(self) -> None:
        held = {pk for worker in self.workers for pk in worker.ids}
        rows = Push.objects.filter(lease_until__isnull=False).exclude(pk__in=held)
        self.end_leases(list(rows.values_list("pk", flat=True)))
        sweeping.recover(timezone.now())

    def end_leases(self, ids: list[int]) -> None:
        rows = Push.objects.filter(pk__in=ids, state__in=["claimed", "sending"])
        rows.update(lease_until=timezone.now() - PAST)

    @rule()
    def sweep(self) -> None:
        sweeping.recover(timezone.now())
        sweeping.give_up(timezone.now())

    @rule(number=st.integers(1, 4))
    def all_goes_well(self, number: int) -> None:
        self.create(number)
        self.push("created", False)

    @rule(answer=st.sampled_from(DRAWN), kill=st.sampled_from([False, False, True]))
    def push_somehow(self, answer: str, kill: bool) -> None:
        self.push(answer, kill)

    def push(self, answer: str, kill: bool) -> None:
        """The whole engine: claims, sends and records, or dies after the wire."""
        self.ready()
        self.toy.answer, self.toy.kill = answer, kill
        until = timezone.now() + timedelta(minutes=5)
        try:
            pushing.push_account(self.account.pk, transport=self.toy, until=until)
        except Killed:
            pass
        finally:
            self.toy.kill = False

    @rule(reading=st.sampled_from(["right", "right", "error"]))
    def one_look(self, reading: str) -> None:
        self.look(reading)

    def look(self, reading: str) -> None:
        self.toy.reading = reading
        self.ready()
        Push.objects.filter(look_at__isnull=False).update(look_at=timezone.now())
        reconciling.reconcile_account(self.account.pk, transport=self.toy)
        self.toy.reading = "right"

    @rule()
    def patience_ends(self) -> None:
        """A taken request has shown nothing for half a day, or has."""
        rows = Push.objects.filter(state=State.ACCEPTED)
        rows.update(sent_at=timezone.now() - timedelta(hours=13))
        self.look("right")

    @rule(data=st.data(), choice=st.sampled_from(["there", "again", "leave"]))
    def person_settles(self, data: Any, choice: str) -> None:
        unclear = self.with_state(State.NEEDS_CHECK)
        if not unclear:
            return
        push = data.draw(st.sampled_from(unclear))
        prospect = self.prospect_of(push)
        there = [key for key, whose in self.toy.ids.items() if whose == prospect]
        linked = Task.objects.filter(external_id__in=there).exclude(pk=push.task_id)
        if choice == "there" and (not there or linked.exists()):
            return
        if choice == "again":
            self.again[prospect] += 1
        given = there[0] if there else ""
        delivery.settle_by_person(push, choice, by=self.lead, external_id=given)
        with pytest.raises(delivery.AlreadySettled):
            if choice == "leave":
                raise delivery.AlreadySettled
            stale = Push.objects.get(pk=push.pk)
            delivery.settle_by_person(stale, "again", by=self.lead)

    @rule()
    def retry_failed(self) -> None:
        delivery.retry_failed(Task.objects.filter(delivery="failed"), by=self.lead)

    @rule(data=st.data())
    def withdraw(self, data: Any) -> None:
        pushes = self.with_state(State.QUEUED, State.FAILED)
        if pushes:
            push = data.draw(st.sampled_from(pushes))
            tasks = Task.objects.filter(pk=push.task_id)
            delivery.withdraw(tasks, by=self.lead)

    @rule(state=st.sampled_from(["paused", "needs_new_key"]))
    def shut(self, state: str) -> None:
        """While the gate is shut nothing leaves."""
        self.ready()
        gate.shut(self.fresh(), state, "Shut.")
        before = list(self.toy.ledger)
        waiting = len(self.with_state(State.QUEUED))
        until = timezone.now() + timedelta(minutes=5)
        pushing.push_account(self.account.pk, transport=self.toy, until=until)
        assert self.toy.ledger == before
        assert len(self.with_state(State.QUEUED)) == waiting

    @rule()
    def rotate(self) -> None:
        account = self.fresh()
        account.credentials = {"key": uuid.uuid4().hex}
        account.credentials_version += 1
        account.save(update_fields=["credentials", "credentials_version"])

    # -- what always holds ---------------------------------------------------------

    @invariant()
    def all_is_well(self) -> None:
        if not hasattr(self, "atomic"):
            return
        pushes = list(Push.objects.select_related("task").order_by("pk"))
        links = dict(
            Task.objects.values_list("pk", "prospect__links__external_id").distinct()
        )
        assert len(pushes) == self.made == Task.objects.count()
        ledger = Counter(self.toy.ledger)
        for push in pushes:
            self.check(push, ledger[links[push.task_id]], links[push.task_id])
        assert set(ledger) <= set(links.values())
        self.before = {push.pk: push.state for push in pushes}

    def check(self, push: Push, made: int, prospect: str) -> None:
        state, task = push.state, push.task
        shown = State.QUEUED if state == State.CLAIMED else state
        assert task.delivery == shown, (task.delivery, state)
        assert (task.status == "cancelled") == (state == State.WITHDRAWN)
        assert (push.lease_until is not None) == (state in ("claimed", "sending"))
        if state in ("claimed", "sending"):
            assert push.attempt_id is not None
        if state in ("needs_check", "accepted"):
            assert push.look_at is not None  # somebody will look
        assert task.external_id == push.external_id
        if state == State.DELIVERED:
            assert self.toy.ids[task.external_id] == prospect
            assert made
        # Twice only where a person said so, knowing that nobody could tell.
        assert made <= 1 + self.again[prospect], (state, made)
        if made and state in (State.QUEUED, State.FAILED, State.WITHDRAWN, "claimed"):
            assert self.again[prospect], f"{state}, though it is in the ledger"
        if not made and not self.asked_about(push):
            assert state in ("queued", "claimed", "failed", "withdrawn")
        # A settled push is left by a person's word alone.
        if self.before.get(push.pk) in (State.DELIVERED, State.WITHDRAWN):
            assert state == self.before[push.pk]

    def asked_about(self, push: Push) -> bool:
        return push.state in (State.SENDING, State.NEEDS_CHECK, State.ACCEPTED)

    @invariant()
    def one_attempt_holds_a_push(self) -> None:
        if not hasattr(self, "atomic"):
            return
        live = dict(
            Push.objects.filter(state__in=["claimed", "sending"]).values_list(
                "pk", "attempt_id"
            )
        )
        holders = Counter(
            pk
            for worker in self.workers
            for pk in worker.ids
            if live.get(pk) == worker.attempt
        )
        assert all(count == 1 for count in holders.values())


def make_link_at(prospect: Any, account: ConnectedAccount, number: int) -> Any:
    from tasks_app.models import ProspectLink

    return ProspectLink.objects.create(
        prospect=prospect, account=account, external_id=f"p{number}"
    )


@pytest.mark.django_db
def test_no_history_loses_or_doubles_a_task(monkeypatch):
    monkeypatch.setitem(ADAPTERS, "toy", ToyAdapter)
    # The same draws have to lead to the same history.
    monkeypatch.setattr(retrying, "backoff", lambda tries: timedelta(minutes=10))
    run_state_machine_as_test(
        Deliveries,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not LONG,
            # A history that fails is read as it is; long runs look for a short one.
            phases=list(Phase) if LONG else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


# -- the table itself ------------------------------------------------------------------


@pytest.mark.parametrize("source", list(State))
@pytest.mark.parametrize("to", list(State))
def test_every_pair_is_allowed_or_refused(source, to):
    if to in states.TRANSITIONS[source]:
        states.check_table([source], to)
    else:
        with pytest.raises(ValueError, match="never goes"):
            states.check_table([source], to)


def test_the_settled_are_left_by_nobody():
    assert states.TRANSITIONS[State.DELIVERED] == frozenset()
    assert states.TRANSITIONS[State.WITHDRAWN] == frozenset()
