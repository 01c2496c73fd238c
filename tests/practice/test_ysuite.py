from typing import Any

import pytest

from tasks_app.practice import PracticeServer

from .client import call, create, created_id


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"title": ...}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 151}, "title"),
        ({"title": 7}, "title"),
        ({"start_datetime": ...}, "start_datetime"),
        ({"start_datetime": "2026-07-15T10:00:00Z"}, "start_datetime"),
        ({"start_datetime": "2026-07-15 10:00:00"}, "start_datetime"),
        ({"end_datetime": "2026-07-15T09:00:00"}, "end_datetime"),
        ({"cstid": "10"}, "cstid"),
        ({"cstid": ...}, "cstid"),
        ({"priority": 5}, "priority"),
        ({"priority": True}, "priority"),
        ({"status": -1}, "status"),
        ({"tags": ["a"]}, "tags"),
        ({"description": None}, "description"),
        ({"due_date": "2026-07-15"}, "due_date"),
    ],
)
def test_refuses_with_an_entry_per_field(
    ysuite: PracticeServer, changes: dict[str, Any], field: str
) -> None:
    answer = create(ysuite, **changes)

    assert answer.status == 422
    assert answer.body["success"] is False
    assert field in answer.body["errors"]
    assert ysuite.tasks() == []


def test_150_characters_and_a_deal_alone_are_fine(ysuite: PracticeServer) -> None:
    answer = create(ysuite, title="x" * 150, cstid=..., deal_id=4)

    assert answer.status == 200


def test_a_wrong_key_is_a_401_in_the_envelope(ysuite: PracticeServer) -> None:
    answer = call(ysuite, "GET", "/v1/tasks", auth={})

    assert answer.status == 401
    assert answer.body == {"success": False, "message": "Invalid API credentials."}


@pytest.mark.parametrize(
    "changes", [{"cstid": 11}, {"deal_id": 12}, {"assigned_user_id": 99}]
)
def test_what_is_missing_is_a_400(
    ysuite: PracticeServer, changes: dict[str, Any]
) -> None:
    ysuite.seed(prospects=[10])
    ysuite.set(accept_unknown=False)

    answer = create(ysuite, **changes)

    assert answer.status == 400
    assert answer.body["message"].endswith("not found.")
    assert call(ysuite, "GET", "/v1/tasks/99").status == 400


def test_reads_one_with_what_the_list_leaves_out(ysuite: PracticeServer) -> None:
    task_id = created_id(ysuite, deal_id=4, assigned_user_id=12, tags=[1, 2])

    data = call(ysuite, "GET", f"/v1/tasks/{task_id}").body["data"]

    assert data["description"] == "Discuss contract renewal terms"
    assert (data["deal_id"], data["assigned_user_id"], data["tags"]) == (4, 12, [1, 2])


def test_may_be_created_in_any_status(ysuite: PracticeServer) -> None:
    for status in range(5):
        create(ysuite, status=status, title=f"task {status}")

    for status in range(5):
        data = call(ysuite, "GET", f"/v1/tasks?status={status}").body["data"]
        assert [row["title"] for row in data["data"]] == [f"task {status}"]


def test_list_filters_sorts_and_pages(ysuite: PracticeServer) -> None:
    for day, priority in ((15, 0), (16, 4), (17, 2)):
        create(
            ysuite,
            title=f"Day {day}",
            priority=priority,
            start_datetime=f"2026-07-{day}T22:00:00",
            end_datetime=...,
        )

    def titles(query: str) -> list[str]:
        rows = call(ysuite, "GET", f"/v1/tasks?{query}").body["data"]["data"]
        return [row["title"] for row in rows]

    assert titles("search=day%2016") == ["Day 16"]
    assert titles("priority=4") == ["Day 16"]
    assert titles("due_date_from=2026-07-16&due_date_to=2026-07-16") == ["Day 16"]
    assert titles("sortBy=activity_id&sortOrder=desc") == ["Day 17", "Day 16", "Day 15"]
    assert titles("assigned_user_id=12") == []
    page = call(ysuite, "GET", "/v1/tasks?pageSize=2&pageIndex=1").body["data"]
    assert [row["title"] for row in page["data"]] == ["Day 17"]
    assert (page["current_page"], page["total_records"], page["total_pages"]) == (
        2,
        3,
        2,
    )


@pytest.mark.parametrize(
    "query",
    [
        "pageSize=101",
        "pageIndex=-1",
        "status=5",
        "sortBy=x",
        "cstid=1",
        "due_date_to=1",
    ],
)
def test_list_refuses(ysuite: PracticeServer, query: str) -> None:
    assert call(ysuite, "GET", f"/v1/tasks?{query}").status == 422


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_nothing_on_a_task_can_be_changed(ysuite: PracticeServer, method: str) -> None:
    task_id = created_id(ysuite)

    assert call(ysuite, method, f"/v1/tasks/{task_id}").status == 404


def test_contacts(ysuite: PracticeServer) -> None:
    ysuite.seed(prospects=[{"id": 10, "first": "Sarah", "email": "sarah@example.com"}])

    made = call(ysuite, "POST", "/v1/contacts", {"cstname": "Al", "contact_type": 1})
    found = call(ysuite, "GET", "/v1/contacts?search=SARAH").body["data"]
    one = call(ysuite, "GET", f"/v1/contacts/{made.body['data']['cstid']}")

    assert [row["cstid"] for row in found["data"]] == [10]
    assert one.body["data"]["cstname"] == "Al"
    assert call(ysuite, "POST", "/v1/contacts", {"cstname": "Al"}).status == 422


def test_deals(ysuite: PracticeServer) -> None:
    made = call(ysuite, "POST", "/v1/deals", {"deal_name": "Renewal", "cstid": 10})
    found = call(ysuite, "GET", "/v1/deals?search=renew&cstid=10").body["data"]

    assert made.status == 200
    assert [deal["deal_name"] for deal in found["data"]] == ["Renewal"]
    assert call(ysuite, "GET", "/v1/deals/1").body["data"]["owner"] == "Mara Lind"
    assert call(ysuite, "GET", "/v1/deals/2").status == 400
