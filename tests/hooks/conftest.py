"""A vendor posting to Baton, and what the vendor then answers when it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.test import Client
from django.urls import reverse

from tasks_app.models import ConnectedAccount, Task
from tasks_app.services import hooks
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tests.engine.conftest import connect  # noqa: F401 - a fixture
from tests.factories import make_account, make_push, make_task
from tests.fakes import FakeTransport

Body = dict[str, Any] | list[Any] | str | bytes


def url_of(account: ConnectedAccount, token: str | None = None) -> str:
    token = account.hook_token if token is None else token
    return reverse("hook", args=[account.pk, token])


def post(
    account: ConnectedAccount, body: Body, *, token: str | None = None, **headers: Any
) -> Any:
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client().post(
        url_of(account, token), data, content_type="application/json", headers=headers
    )


def delivered(
    account: ConnectedAccount | None = None, external_id: str = "7PWYDWW7zo"
) -> Task:
    """A delivered task with this id at the vendor."""
    task = make_task(
        account=account or make_account(),
        external_id=external_id,
        delivery=Task.Delivery.DELIVERED,
    )
    make_push(task=task, state="delivered", external_id=external_id)
    return task


def shows(status: str, **values: Any) -> Callable[[VendorRequest], VendorResponse]:
    """Saleshandy's answer about whichever task it is asked for."""

    def answer(request: VendorRequest) -> VendorResponse:
        task = {"taskId": request.path.split("/")[-1], "status": status, **values}
        return VendorResponse(200, body={"message": "ok", "payload": task})

    return answer


def process(account: ConnectedAccount, transport: FakeTransport) -> int:
    return hooks.process_account(account.pk, transport=transport)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Do `work` in so many threads that begin together; return what each returned."""
    ready = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        try:
            ready.wait(10)
            results[number] = work(number)
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
