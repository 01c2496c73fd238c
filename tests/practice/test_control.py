"""The control API, the control page and webhook posts."""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tasks_app.practice import PracticeServer
from tasks_app.practice.control import Control
from tasks_app.practice.wire import Request

from .client import call, create, created_id

FORM = "application/x-www-form-urlencoded"


def post_form(
    server: PracticeServer, path: str, origin: str | None = "", **fields: str
) -> Any:
    headers = {"Content-Type": FORM}
    if origin is not None:
        headers["Origin"] = origin or server.origin
    return call(server, "POST", path, urlencode(fields).encode(), headers)


# The API


def test_reads_over_http(saleshandy: PracticeServer) -> None:
    task_id = created_id(saleshandy)

    def get(path: str) -> Any:
        return call(saleshandy, "GET", f"/_practice/{path}", auth={}).body

    assert get("state")["tasks"] == 1
    assert [line["task"] for line in get("ledger")] == [task_id]
    assert [line["status"] for line in get("calls")] == [201]
    assert [task["id"] for task in get("tasks?search=follow")] == [task_id]
    assert get("tasks?search=nothing") == []
    assert get("window?seconds=5") == {"seconds": 5.0, "most": 1}
    assert get("dials") == []


def test_changes_over_http(saleshandy: PracticeServer) -> None:
    def post(path: str, body: Any) -> Any:
        return call(saleshandy, "POST", f"/_practice/{path}", body, auth={})

    post("seed", {"prospects": ["Abcdefgh12"], "users": [{"email": "x@baton.example"}]})
    post("settings", {"accept_unknown": False, "rate_limit": None, "bulk_delay": 0})
    created_id(saleshandy, prospectIds=["Abcdefgh12"])
    created_id(saleshandy, prospectIds=["Abcdefgh12"], taskNote="other")

    done = post("act", {"action": "complete", "search": "other"}).body["done"]
    dial = post("dials", {"kind": "500", "next": 1}).body

    assert done == [saleshandy.tasks()[1]["id"]]
    assert create(saleshandy).status == 500
    assert dial["label"] == "Internal error"
    assert post("dials", {"kind": "flood"}).status == 400
    assert post("settings", {"colour": "red"}).status == 400
    assert post("act", {"action": "cancel", "ids": []}).status == 400
    assert post("settle", {}).body == {"settled": True}
    post("reset", {})
    assert saleshandy.tasks() == []


def test_dials_are_removed_over_http(saleshandy: PracticeServer) -> None:
    first = saleshandy.dial("500")["id"]
    saleshandy.dial("slow")

    left = call(saleshandy, "DELETE", f"/_practice/dials?id={first}", auth={}).body
    none = call(saleshandy, "DELETE", "/_practice/dials", auth={}).body

    assert [dial["kind"] for dial in left] == ["slow"]
    assert none == []


def test_controls_are_no_vendor_calls(saleshandy: PracticeServer) -> None:
    saleshandy.dial("500")

    call(saleshandy, "GET", "/_practice/state")

    assert saleshandy.calls() == []


@pytest.mark.parametrize("client", ["10.0.0.7", "192.168.1.2", "2001:db8::1"])
def test_other_machines_are_refused(saleshandy: PracticeServer, client: str) -> None:
    headers = {"host": f"127.0.0.1:{saleshandy.port}"}
    request = Request("GET", "/_practice/state", "", headers, b"", client)

    assert Control(saleshandy).answer(request).status == 403


def test_other_names_for_this_machine_are_refused(saleshandy: PracticeServer) -> None:
    answer = call(saleshandy, "GET", "/", headers={"Host": "evil.example"})

    assert answer.status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
def test_other_sites_forms_are_refused(
    saleshandy: PracticeServer, origin: str | None
) -> None:
    task_id = created_id(saleshandy)

    answer = post_form(
        saleshandy, "/_practice/page/act", origin, action="delete", id=task_id
    )

    assert answer.status == 403
    assert len(saleshandy.tasks()) == 1


def test_other_sites_json_is_refused(saleshandy: PracticeServer) -> None:
    headers = {"Origin": "http://evil.example"}

    answer = call(saleshandy, "POST", "/_practice/reset", {}, headers)

    assert answer.status == 403


# The page


def test_the_page_says_practice(any_vendor: PracticeServer) -> None:
    answer = call(any_vendor, "GET", "/", auth={})
    page = answer.raw.decode()

    label = any_vendor.app.label
    assert f"<title>PRACTICE — {label}</title>" in page
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in page
    assert "style=" not in page
    css = call(any_vendor, "GET", "/_practice/practice.css", auth={})
    assert css.headers["content-type"].startswith("text/css")


def test_the_page_escapes_all_text(ysuite: PracticeServer) -> None:
    hostile = "<img src=x onerror=alert(1)>\"'&"
    ysuite.seed(prospects=[{"id": 10, "first": hostile}])
    created_id(ysuite, title=hostile)
    ysuite.dial("500", path="/<b>")

    page = call(ysuite, "GET", f"/?{urlencode({'q': '<img'})}", auth={}).raw.decode()

    assert "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;" in page
    assert "<img" not in page
    assert "<b>" not in page


def test_the_page_lists_newest_first_in_pages(ysuite: PracticeServer) -> None:
    for number in range(51):
        create(ysuite, title=f"Task {number}")

    first = call(ysuite, "GET", "/", auth={}).raw.decode()
    second = call(ysuite, "GET", "/?page=2", auth={}).raw.decode()
    beyond = call(ysuite, "GET", "/?page=99&q=Task%207", auth={}).raw.decode()

    assert first.index("Task 50") < first.index("Task 49")
    assert "<strong>Task 0</strong>" in second
    assert "<strong>Task 0</strong>" not in first
    assert "Page 1 of 1, 1 tasks" in beyond


@pytest.mark.parametrize(
    "fixture, buttons",
    [
        ("saleshandy", ["complete", "delete"]),
        ("leadsquared", ["complete", "delete"]),
        ("reply", ["complete", "cancel", "delete"]),
        ("ysuite", ["complete", "cancel", "delete"]),
    ],
)
def test_buttons_are_what_the_vendor_has(
    request: pytest.FixtureRequest, fixture: str, buttons: list[str]
) -> None:
    server: PracticeServer = request.getfixturevalue(fixture)
    task_id = created_id(server)

    page = call(server, "GET", "/", auth={}).raw.decode()
    post_form(server, "/_practice/page/act", action="complete", id=task_id)
    after = call(server, "GET", "/", auth={}).raw.decode()

    assert re.findall(r'name="action" value="(\w+)"', page) == buttons
    assert re.findall(r'name="action" value="(\w+)"', after) == ["delete"]


def test_the_page_turns_dials(saleshandy: PracticeServer) -> None:
    answer = post_form(
        saleshandy, "/_practice/page/dial", kind="500", percent="50", next="3", q="a b"
    )
    [dial] = saleshandy.state()["dials"]
    page = call(saleshandy, "GET", "/", auth={}).raw.decode()
    post_form(saleshandy, "/_practice/page/undial", id=str(dial["id"]))

    assert (answer.status, answer.headers["location"]) == (303, "/?q=a+b")
    assert (dial["kind"], dial["probability"], dial["next"]) == ("500", 0.5, 3)
    assert "Internal error" in page
    assert saleshandy.state()["dials"] == []
    wrong = post_form(saleshandy, "/_practice/page/dial", kind="500", percent="x")
    assert wrong.status == 400


def test_the_page_shouts_when_something_was_executed(reply: PracticeServer) -> None:
    task_id = created_id(reply, taskType="sms")
    call(reply, "POST", f"/v3/tasks/{task_id}/execute")

    assert b"EXECUTED" in call(reply, "GET", "/", auth={}).raw


# Webhooks


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook receiver on this machine: its URL and what it was sent."""
    got: list[dict[str, Any]] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            got.append({"headers": headers, "body": json.loads(body)})
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def test_saleshandy_tells_webhooks(
    saleshandy: PracticeServer, receiver: tuple[str, list[dict[str, Any]]]
) -> None:
    url, got = receiver
    hook = {
        "name": "Baton",
        "webhookUrl": f"{url}/hook",
        "webhookEvent": ["task-created", "call-task-updated"],
        "headers": {"X-Secret": "s3"},
    }
    call(saleshandy, "POST", "/v1/webhook/create", hook)

    task_id = created_id(saleshandy)
    saleshandy.act("complete", [task_id])

    assert saleshandy.settle()
    events = [post["body"]["event"] for post in got]
    assert events == ["task-created", "call-task-updated"]
    assert got[0]["headers"]["x-secret"] == "s3"
    assert got[1]["body"]["task"]["status"] == "completed"


def test_leadsquared_tells_webhooks_and_switches_broken_ones_off(
    leadsquared: PracticeServer, receiver: tuple[str, list[dict[str, Any]]]
) -> None:
    url, got = receiver
    for event, path in ((16, "/hook"), (7, "/broken")):
        hook = {"URL": url + path, "Method": "POST", "WebhookEvent": event}
        call(leadsquared, "POST", "/v2/Webhook.svc/Create", hook)

    for _ in range(6):
        task_id = created_id(leadsquared)
        assert leadsquared.settle()
    call(leadsquared, "GET", f"/v2/Task.svc/MarkComplete?id={task_id}")

    assert leadsquared.settle()
    events = [post["body"]["Event"] for post in got]
    assert events == ["Task_Create"] * 5 + ["Task_Complete"]
    assert got[-1]["body"]["Data"]["UserTaskId"] == task_id
    rows = call(leadsquared, "POST", "/v2/Webhook.svc/Retrieve", {}).body["Response"]
    assert sorted(row["StatusCode"] for row in rows) == [0, 2]


def test_leadsquared_posts_the_outcome_of_bulk_work(
    leadsquared: PracticeServer, receiver: tuple[str, list[dict[str, Any]]]
) -> None:
    url, got = receiver
    row = {
        "Name": "Meeting",
        "OwnerEmailAddress": "elin@baton.example",
        "TaskType": {"Name": "Meeting"},
    }
    body = {"TaskList": [row, {**row, "Name": ""}], "StatusWebhookURL": url}

    answer = call(leadsquared, "POST", "/v2/Task.svc/Bulk/Create", body)

    assert leadsquared.settle()
    [outcome] = [post["body"] for post in got]
    assert outcome["RequestId"] == answer.body["Message"]["Id"]
    assert (outcome["TasksCount"], outcome["CreatedTasksCount"]) == (2, 1)


def test_webhooks_never_leave_this_machine(saleshandy: PracticeServer) -> None:
    hook = {
        "name": "Elsewhere",
        "webhookUrl": "http://192.0.2.1/hook",
        "webhookEvent": ["task-created"],
        "headers": {},
    }
    call(saleshandy, "POST", "/v1/webhook/create", hook)

    created_id(saleshandy)

    assert saleshandy.settle(timeout=1)
    assert [line["status"] for line in saleshandy.ledger("webhook")] == [0]
