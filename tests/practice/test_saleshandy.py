from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks_app.practice import PracticeServer

from .client import call, create, created_id, saleshandy_body

NOW = datetime.now(UTC)
TODAY = NOW.date()


def path_of(task_id: str, action: str = "") -> str:
    return f"/v1/tasks/{task_id}{action}"


@pytest.mark.parametrize(
    "changes",
    [
        {"prospectIds": ...},
        {"prospectIds": []},
        {"prospectIds": [7]},
        {"prospectIds": "8PvBmrB7P7"},
        {"prospectId": "8PvBmrB7P7"},
        {"taskType": ...},
        {"taskType": 13},
        {"taskType": "1"},
        {"taskType": "7"},
        {"priority": 3},
        {"priority": "0"},
        {"priority": None},
        {"dueDate": "2026-4-22"},
        {"dueDate": "2026-02-30"},
        {"dueDate": "2026-04-22T10:00:00Z"},
        {"taskNote": None},
        {"title": "No such field"},
    ],
)
def test_refuses_what_is_not_documented(
    saleshandy: PracticeServer, changes: dict[str, Any]
) -> None:
    answer = create(saleshandy, **changes)

    assert answer.status == 400
    assert answer.body["message"].startswith("4000: Failed to create task")
    assert saleshandy.tasks() == []


@pytest.mark.parametrize(
    "body, headers",
    [
        (b"{", {}),
        (b"[]", {}),
        (b'{"a": NaN}', {}),
        (b"{}", {"Content-Type": "text/plain"}),
    ],
)
def test_refuses_what_is_not_a_json_object(
    saleshandy: PracticeServer, body: bytes, headers: dict[str, str]
) -> None:
    answer = call(saleshandy, "POST", "/v1/tasks/create", body, headers)

    assert answer.status == 400


@pytest.mark.parametrize("auth", [{}, {"x-api-key": "wrong"}])
def test_a_wrong_key_is_a_400_here(
    saleshandy: PracticeServer, auth: dict[str, str]
) -> None:
    answer = call(saleshandy, "GET", "/v1/tasks", auth=auth)

    assert answer.status == 400
    assert answer.body["message"] == "1001: Invalid token"


def test_no_due_date_means_today_and_no_priority_none(
    saleshandy: PracticeServer,
) -> None:
    task_id = created_id(saleshandy, dueDate=..., priority=...)

    task = call(saleshandy, "GET", path_of(task_id)).body["payload"]["task"]

    assert task["dueDate"] == TODAY.isoformat()
    assert task["priority"] is None
    assert task["status"] == "dueToday"


def test_reads_one_task_and_404s_for_another(saleshandy: PracticeServer) -> None:
    task_id = created_id(saleshandy)

    found = call(saleshandy, "GET", path_of(task_id))
    missing = call(saleshandy, "GET", path_of("zzzzzzzzzz"))

    assert found.body["payload"]["task"]["note"] == saleshandy_body()["taskNote"]
    assert missing.status == 404


@pytest.mark.parametrize(
    "days, word", [(-1, "overdue"), (0, "dueToday"), (1, "upcoming")]
)
def test_open_statuses_follow_from_the_day(
    saleshandy: PracticeServer, days: int, word: str
) -> None:
    due = TODAY + timedelta(days=days)
    task_id = created_id(saleshandy, dueDate=due.isoformat())
    created_id(saleshandy, dueDate=(due + timedelta(days=5)).isoformat())

    listed = call(saleshandy, "GET", f"/v1/tasks?status={word}").body["payload"]

    assert task_id in [task["taskId"] for task in listed["tasks"]]
    assert {task["status"] for task in listed["tasks"]} == {word}


def test_list_filters_sorts_and_pages(saleshandy: PracticeServer) -> None:
    for day, kind, note in ((3, "13", "first"), (1, "2", "second"), (2, "13", "third")):
        create(saleshandy, dueDate=f"2026-04-0{day}", taskType=kind, taskNote=note)

    def notes(query: str) -> list[str]:
        payload = call(saleshandy, "GET", f"/v1/tasks?{query}").body["payload"]
        return [task["note"] for task in payload["tasks"]]

    assert notes("") == ["third", "second", "first"]
    assert notes("sortBy=dueDate&sortOrder=ASC") == ["second", "third", "first"]
    assert notes("taskType=call") == ["third", "first"]
    assert notes("search=SECOND") == ["second"]
    assert notes("sortBy=dueDate&sortOrder=ASC&page=2&pageSize=2") == ["first"]
    assert notes("taskAssignee=UsrPract02") == []


@pytest.mark.parametrize(
    "query", ["page=0", "pageSize=x", "status=snoozed", "sortBy=id", "prospectId=a"]
)
def test_list_refuses_unknown_queries(saleshandy: PracticeServer, query: str) -> None:
    assert call(saleshandy, "GET", f"/v1/tasks?{query}").status == 400


def test_a_call_needs_an_outcome_to_complete(saleshandy: PracticeServer) -> None:
    task_id = created_id(saleshandy)

    without = call(saleshandy, "POST", path_of(task_id, "/complete"), {})
    wrong = call(
        saleshandy, "POST", path_of(task_id, "/complete"), {"callOutcome": "no-answer"}
    )
    right = call(
        saleshandy, "POST", path_of(task_id, "/complete"), {"callOutcome": "No Answer"}
    )
    again = call(
        saleshandy, "POST", path_of(task_id, "/complete"), {"callOutcome": "No Answer"}
    )

    assert (without.status, wrong.status) == (400, 400)
    assert right.body["payload"]["task"]["status"] == "completed"
    assert again.status == 400
    assert again.body["message"] == "4000: Failed to complete task"


def test_skip_takes_no_body(saleshandy: PracticeServer) -> None:
    task_id = created_id(saleshandy)

    refused = call(saleshandy, "POST", path_of(task_id, "/skip"), {"reason": "no"})
    skipped = call(saleshandy, "POST", path_of(task_id, "/skip"))

    assert refused.status == 400
    assert skipped.body["payload"]["task"]["status"] == "skipped"
    listed = call(saleshandy, "GET", "/v1/tasks?status=skipped&sortBy=skippedAt").body
    assert listed["payload"]["total"] == 1


def test_snooze_answers_as_documented(saleshandy: PracticeServer) -> None:
    task_id = created_id(saleshandy)
    body = {"snoozeUntil": "2026-06-17T05:55:38.434Z", "callOutcome": "No Answer"}

    answer = call(saleshandy, "POST", path_of(task_id, "/snooze"), body)
    without_zone = call(
        saleshandy, "POST", path_of(task_id, "/snooze"), {"snoozeUntil": "2026-06-17"}
    )

    assert answer.body == {
        "message": "Task snoozed successfully",
        "payload": {
            "task": {
                "taskId": task_id,
                "status": "snoozed",
                "snoozedUntil": "2026-06-17T05:55:38.434Z",
                "callOutcome": "No Answer",
            }
        },
    }
    assert without_zone.status == 400


def test_note_is_replaced_and_searchable(saleshandy: PracticeServer) -> None:
    task_id = created_id(saleshandy)

    call(saleshandy, "PATCH", path_of(task_id, "/note"), {"note": "[bt-7f3aq2kz]"})

    found = call(saleshandy, "GET", "/v1/tasks?search=bt-7f3aq2kz").body["payload"]
    assert [task["taskId"] for task in found["tasks"]] == [task_id]
    assert call(saleshandy, "PATCH", path_of(task_id, "/note"), {}).status == 400


@pytest.mark.parametrize(
    "action, more", [("skip", {}), ("snooze", {"snoozeUntil": "2026-06-17T05:55:38Z"})]
)
def test_bulk_work_is_done_later(
    saleshandy: PracticeServer, action: str, more: dict[str, str]
) -> None:
    task_id = created_id(saleshandy)
    body = {"taskIds": [task_id, "zzzzzzzzzz"], **more}

    answer = call(saleshandy, "POST", f"/v1/tasks/bulk-{action}", body).body

    assert saleshandy.settle()
    assert set(answer) == {"bulkActionId", "message", "statusCheckUrl"}
    status = call(saleshandy, "GET", answer["statusCheckUrl"]).body
    assert (status["action"], status["status"]) == (action, "completed")
    assert (status["completed"], status["failed"], status["pending"]) == (1, 1, 0)


def test_bulk_skip_takes_at_most_100(saleshandy: PracticeServer) -> None:
    body = {"taskIds": ["a"] * 101}

    assert call(saleshandy, "POST", "/v1/tasks/bulk-skip", body).status == 400


def test_counts_people_and_team(saleshandy: PracticeServer) -> None:
    created_id(saleshandy, dueDate=TODAY.isoformat())
    saleshandy.seed(
        prospects=[{"id": "jzRkmgMdwA", "first": "John", "email": "a@example.com"}]
    )

    counts = call(saleshandy, "GET", "/v1/tasks/counts").body["payload"]
    people = call(saleshandy, "GET", "/v1/prospects?search=john").body["payload"]
    assignees = call(saleshandy, "GET", "/v1/tasks/assignee/list").body["payload"]
    team = call(saleshandy, "GET", "/v1/user/team-member-list").body["payload"]

    assert counts["dueToday"] == 1
    assert [(one["id"], one["email"]) for one in people] == [
        ("jzRkmgMdwA", "a@example.com")
    ]
    assert {"key": "First Name", "value": "John"}.items() <= people[0]["attributes"][
        0
    ].items()
    assert [user["email"] for user in assignees] == [user["email"] for user in team]
    assert assignees[0]["email"] == "lead@baton.example"
    assert call(saleshandy, "GET", "/v1/prospects?pageSize=7").status == 400


def test_webhooks_need_all_four_fields(saleshandy: PracticeServer) -> None:
    hook = {
        "name": "Baton",
        "webhookUrl": "https://baton.example/hook",
        "webhookEvent": ["task-created"],
        "headers": {},
    }

    made = call(saleshandy, "POST", "/v1/webhook/create", hook)
    refused = call(saleshandy, "POST", "/v1/webhook/create", {"name": "Baton"})

    assert made.status == 201
    key = made.body["payload"]["id"]
    assert len(key) == 24
    assert call(saleshandy, "GET", f"/v1/webhook/{key}").status == 200
    listed = call(saleshandy, "GET", "/v1/webhook?page=1&pageSize=25").body
    assert [row["id"] for row in listed["payload"]] == [key]
    assert refused.status == 400
