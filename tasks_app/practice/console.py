"""What tests, campaigns and the control API ask of a running practice vendor."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from .dials import Dial, Dials
from .later import Later
from .limits import SlidingWindow, most_in_window
from .people import Person, User
from .store import Filter, Store
from .vendor import VendorApp
from .wire import Request

DOCUMENTED = "documented"
"""As a rate limit: what the vendor documents, or a generous one where it is silent."""


class Console:
    """The part of a practice server that looks into it and turns its dials."""

    app: VendorApp
    store: Store
    dials: Dials
    limiter: SlidingWindow
    later: Later
    deliveries: Later
    lock: Any
    errors: list[str]

    @property
    def base_url(self) -> str:
        """Where the vendor's paths begin, such as http://127.0.0.1:8101/v1."""
        raise NotImplementedError

    def dial(self, kind: str, **settings: Any) -> dict[str, Any]:
        """Set a failure dial (see `Dial`) and return it."""
        try:
            dial = Dial(kind, **settings)
        except TypeError as error:
            raise ValueError(f"A dial has no such setting: {error}.") from error
        with self.lock:
            return self.dials.set(dial).as_dict()

    def clear_dials(self) -> None:
        with self.lock:
            self.dials.clear()

    def ledger(self, event: str = "create") -> list[dict[str, Any]]:
        """Everything done to tasks; by default the creates, "" for all events.

        Each line holds at (seconds since 1970), request, event, task, prospect, and of
        the task: title, note, kind, owner, priority, starts, due.
        """
        with self.lock:
            return self.store.ledger(event)

    def calls(self) -> list[dict[str, Any]]:
        """Every call to the vendor's API; `status` 0 where no answer was given."""
        with self.lock:
            return self.store.calls()

    def worst_window(self, seconds: float) -> int:
        """The most calls that one user made in any window of `seconds`."""
        by_user: dict[str, list[float]] = {}
        for call in self.calls():
            by_user.setdefault(call["user"], []).append(call["at"])
        return max((most_in_window(t, seconds) for t in by_user.values()), default=0)

    def tasks(
        self, search: str = "", limit: int = -1, offset: int = 0, order: str = "seq"
    ) -> list[dict[str, Any]]:
        """The tasks it holds now, oldest first, in the form of `store.Task`."""
        with self.lock:
            found = self.store.select(
                self._matching(search), order=order, limit=limit, offset=offset
            )
        return [task.as_dict() for task in found]

    def count_tasks(self, search: str = "") -> int:
        with self.lock:
            return self.store.count(self._matching(search))

    def act(
        self, action: str, ids: Iterable[Any], *, user: str = "", to: str = ""
    ) -> list[str]:
        """Do to tasks what a rep would at the vendor; return the ids that exist."""
        request = Request("ACT", "/_practice/act", "", {}, b"", "")
        keys = [str(key) for key in ids]
        with self.lock, self.store.transaction():
            return self.app.act(request, action, keys, user=user, to=to)

    def plant(self, tasks: Iterable[Mapping[str, Any]]) -> list[str]:
        """Put many tasks there at once, as if they were old; return their ids.

        Each holds fields of `store.Task`; what is left out is filled in.
        """
        request = Request("PLANT", "/_practice/plant", "", {}, b"", "")
        with self.lock, self.store.transaction():
            return [self.app.plant(request, given).id for given in tasks]

    def seed(
        self,
        *,
        prospects: Iterable[Any] = (),
        users: Iterable[Mapping[str, Any]] = (),
        task_types: Iterable[Any] = (),
        deals: Iterable[Mapping[str, Any]] = (),
        opportunities: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Add what the vendor knows.

        prospects: ids, or mappings with id, first, last, email, phone, linkedin,
        company, title; users: mappings with email, and id, first, last, role if wanted;
        task_types (LeadSquared): names, or mappings with Name, Category, Id, Minutes;
        deals: mappings with deal_id; opportunities: with OpportunityId and ProspectId.
        """
        with self.lock, self.store.transaction():
            for given in prospects:
                data = given if isinstance(given, Mapping) else {"id": given}
                person = Person(**{**data, "id": str(data["id"])})
                self.app.directory.add_people([person])
                self.store.put("prospect", person.id, person.as_dict())
            for data in users:
                key = str(data.get("id") or self.app.new_user_id())
                user = User(**{**data, "id": key})
                self.app.directory.add_users([user])
                self.store.put("user", user.id, user.as_dict())
            for given in task_types:
                kind = self.app.new_task_type(given)
                self.store.put("task_type", kind["Id"], kind)
            for data in deals:
                self.store.put("deal", str(data["deal_id"]), dict(data))
            for data in opportunities:
                key = str(data["OpportunityId"]).lower()
                self.store.put("opportunity", key, dict(data))

    def set(self, **changes: Any) -> dict[str, Any]:
        """Change rate_limit, bulk_delay, accept_unknown, credentials or the seed."""
        with self.lock:
            settings = self.app.settings
            for name, value in changes.items():
                if name == "rate_limit":
                    limits = self.app.rate_limit if value == DOCUMENTED else value
                    self.limiter = SlidingWindow(limits)
                    settings.rate_limit = self.limiter.limits or None
                elif name == "bulk_delay":
                    settings.bulk_delay = float(value)
                elif name == "accept_unknown":
                    self.app.directory.accept_unknown = bool(value)
                elif name == "credentials":
                    settings.credentials.update(value)
                elif name == "seed":
                    self.dials.random.seed(value)
                else:
                    raise ValueError(f"There is no setting {name!r}.")
            return self.state()

    def state(self) -> dict[str, Any]:
        """A summary: counts, settings and dials."""
        with self.lock:
            return {
                "practice": True,
                "vendor": self.app.slug,
                "base_url": self.base_url,
                **self.store.call_counts(),
                "tasks": self.store.count(),
                "executed": self.store.has_event("EXECUTED"),
                "errors": len(self.errors),
                "rate_limit": self.app.settings.rate_limit,
                "bulk_delay": self.app.settings.bulk_delay,
                "accept_unknown": self.app.directory.accept_unknown,
                "dials": [dial.as_dict() for dial in self.dials.active],
            }

    def settle(self, timeout: float = 10) -> bool:
        """Wait until background work and webhook posts are done; False if they last."""
        until = time.monotonic() + timeout
        done = self.later.settle(timeout)
        return done and self.deliveries.settle(max(0.0, until - time.monotonic()))

    def reset(self) -> None:
        """Forget tasks, ledger, calls and webhooks, and clear the dials."""
        with self.lock, self.store.transaction():
            self.store.clear()
            self.dials.clear()
            self.limiter = SlidingWindow(self.app.settings.rate_limit)
            self.errors.clear()

    def _matching(self, words: str) -> list[Filter]:
        """Tasks whose text, id or prospect holds `words`; all for none."""
        if not words:
            return []
        condition, values = self.store.text_filter(words)
        return [(f"({condition} OR id = ? OR prospect = ?)", (*values, words, words))]
