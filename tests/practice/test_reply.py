from typing import Any

import pytest

from tasks_app.practice import PracticeServer

from .client import AUTH, call, create, created_id, reply_body

INTEGERS = {"X-API-Key": "practice-reply-key"}


def pointers(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.body["errors"]]


@pytest.mark.parametrize(
    "changes, pointer",
    [
        ({"taskType": ...}, "/taskType"),
        ({"taskType": 2}, "/taskType"),
        ({"taskType": "Call"}, "/taskType"),
        ({"startAt": ...}, "/startAt"),
        ({"startAt": "2026-05-02 09:00:00"}, "/startAt"),
        ({"startAt": "2026-05-02T09:00:00"}, "/startAt"),
        ({"startAt": "2014-12-31T23:59:59Z"}, "/startAt"),
        ({"dueTo": "2026-05-02T09:00:00Z"}, "/dueTo"),
        ({"dueTo": None}, "/dueTo"),
        ({"template": ...}, "/template"),
        ({"template": {"subject": "no body"}}, "/template/body"),
        ({"template": {"body": ""}}, "/template/body"),
        ({"template": {"body": "x", "name": "y"}}, "/template/name"),
        ({"template": {"body": "Hi {{firstName}"}}, "/template/body"),
        ({"template": {"body": "Hi {{firstName}}"}, "contactId": ...}, "/contactId"),
        ({"template": {"body": "Hi {{a}}"}, "contactId": None}, "/contactId"),
        ({"contactId": "456"}, "/contactId"),
        ({"linkedInTaskType": "connect"}, "/linkedInTaskType"),
        ({"assignedUserId": 501}, "/assignedUserId"),
        ({"priority": 1}, "/priority"),
    ],
)
def test_refuses_what_is_not_documented(
    reply: PracticeServer, changes: dict[str, Any], pointer: str
) -> None:
    answer = create(reply, **changes)

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointers(answer) == [pointer]
    assert reply.tasks() == []


def test_2015_itself_and_no_contact_are_fine(reply: PracticeServer) -> None:
    answer = create(reply, startAt="2015-01-01T00:00:00Z", contactId=...)

    assert answer.status == 201
    assert answer.body["contactId"] is None


def test_an_unknown_contact_is_not_found(reply: PracticeServer) -> None:
    reply.set(accept_unknown=False)

    answer = create(reply, contactId=999)

    assert answer.status == 404
    assert answer.body["code"] == "contact.notFound"


def test_each_dialect_reads_and_writes_its_own(reply: PracticeServer) -> None:
    numbers = reply_body(taskType=5, linkedInTaskType=1)

    made = call(reply, "POST", "/v3/tasks", numbers, auth=INTEGERS)
    in_words = call(reply, "GET", f"/v3/tasks/{made.body['id']}")
    refused = call(reply, "POST", "/v3/tasks", reply_body(), auth=INTEGERS)

    assert (made.body["taskType"], made.body["linkedInTaskType"]) == (5, 1)
    assert in_words.body["taskType"] == "linkedIn"
    assert in_words.body["linkedInTaskType"] == "connect"
    assert in_words.body["status"] == "new"
    assert refused.status == 400


@pytest.mark.parametrize(
    "auth", [{}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "wrong"}]
)
def test_a_wrong_key_is_a_401_without_a_body(
    reply: PracticeServer, auth: dict[str, str]
) -> None:
    answer = call(reply, "GET", "/v3/whoami", auth=auth)

    assert (answer.status, answer.raw) == (401, b"")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_master_key_acts_for_others(reply: PracticeServer) -> None:
    def who(**headers: str) -> Any:
        return call(reply, "GET", "/v3/whoami", headers=headers)

    assert who().body == {"userId": 501}
    assert who(**{"X-User-Id": "502"}).body == {"userId": 502}
    assert who(**{"X-User-Email": "jonas@baton.example"}).body == {"userId": 503}
    assert who(**{"X-User-Id": "7"}).status == 403
    made = call(reply, "POST", "/v3/tasks", reply_body(), {"X-User-Id": "504"})
    assert made.body["assignedUserId"] == 504


def test_content_is_rendered_on_demand(reply: PracticeServer) -> None:
    reply.seed(prospects=[{"id": 456, "first": "Ann", "last": "Lee"}])
    task_id = created_id(reply, template={"body": "Hi {{ firstName }}{{nope}}!"})

    plain = call(reply, "GET", f"/v3/tasks/{task_id}").body
    with_content = call(reply, "GET", f"/v3/tasks/{task_id}?includeContent=true").body

    assert plain["content"] is None
    assert with_content["content"]["body"] == "Hi Ann!"
    assert with_content["template"]["body"] == "Hi {{ firstName }}{{nope}}!"


@pytest.mark.parametrize(
    "kind, filled",
    [
        ("manualEmail", "email"),
        ("sms", "phoneNumber"),
        ("call", "phoneNumber"),
        ("toDo", None),
        ("meeting", None),
        ("whatsApp", None),
    ],
)
def test_delivery_info_depends_on_the_type(
    reply: PracticeServer, kind: str, filled: str | None
) -> None:
    info = create(reply, taskType=kind).body["deliveryInfo"]

    if filled is None:
        assert info is None
    else:
        assert [name for name, value in info.items() if value] == [filled]


def test_filter_narrows_and_pages(reply: PracticeServer) -> None:
    first = int(created_id(reply))
    second = int(created_id(reply, startAt="2026-05-02T10:00:00Z", taskType="toDo"))
    third = int(created_id(reply, contactId=457, startAt="2026-05-02T11:00:00Z"))

    def ids(query: str = "", **body: Any) -> list[int]:
        answer = call(reply, "POST", f"/v3/tasks/filter{query}", body)
        assert answer.status == 200, answer.raw
        return [item["id"] for item in answer.body["items"]]

    assert ids() == [first, second, third]
    assert ids(contactId=456) == [first, second]
    assert ids(taskType="toDo", status="new") == [second]
    edge = "2026-05-02T10:00:00Z"
    assert ids(**{"from": edge, "to": "2026-05-02T10:00:01Z"}) == [second]
    past = {"startAt": "2016-01-01T09:00:00Z", "dueTo": "2016-01-01T10:00:00Z"}
    late = int(created_id(reply, **past))
    assert late in ids(overdue=True, assignedUserId=501)
    assert late not in ids(overdue=False)
    call(reply, "POST", "/v3/tasks/bulk-delete", {"ids": [late]})
    assert ids("?top=1&skip=1") == [second]
    assert ids(sequenceIds=[1]) == []
    page = call(reply, "POST", "/v3/tasks/filter?top=2", {}).body
    assert page["hasMore"] is True
    assert set(page["items"][0]) == {
        "id",
        "taskType",
        "status",
        "linkedInTaskType",
        "assignedUserId",
        "contact",
        "startAt",
        "dueTo",
        "finishedAt",
        "isScheduled",
        "sequenceId",
        "sequenceStepId",
    }
    assert set(page["items"][0]["contact"]) == {"id", "fullName"}


@pytest.mark.parametrize(
    "query, body",
    [
        ("?top=1001", {}),
        ("?top=0", {}),
        ("?skip=-1", {}),
        ("", {"status": 0}),
        ("", {"linkedInTaskType": "connect"}),
        ("", {"createdAt": "2026-05-02T10:00:00Z"}),
        ("", {"from": "2026-05-02T10:00:00Z", "to": "2026-05-02T10:00:00Z"}),
    ],
)
def test_filter_refuses(reply: PracticeServer, query: str, body: Any) -> None:
    assert call(reply, "POST", f"/v3/tasks/filter{query}", body).status == 400


def test_tasks_far_ahead_need_an_explicit_end(reply: PracticeServer) -> None:
    created_id(reply, startAt="2099-01-01T00:00:00Z", dueTo="2099-01-02T00:00:00Z")

    near = call(reply, "POST", "/v3/tasks/filter", {}).body
    far = call(reply, "POST", "/v3/tasks/filter", {"to": "2100-01-01T00:00:00Z"}).body

    assert (len(near["items"]), len(far["items"])) == (0, 1)


def test_put_replaces_all_and_only_while_new(reply: PracticeServer) -> None:
    task_id = created_id(reply)
    path = f"/v3/tasks/{task_id}"
    new = reply_body(template={"body": "Another"}, contactId=...)

    replaced = call(reply, "PUT", path, new)
    partial = call(reply, "PUT", path, {"template": {"body": "x"}})
    call(reply, "POST", f"{path}/complete")
    finished = call(reply, "PUT", path, new)

    assert replaced.body["template"]["body"] == "Another"
    assert replaced.body["contactId"] is None
    assert partial.status == 400
    assert finished.status == 409
    assert finished.body["code"] == "task.notEditable"


def test_complete_keeps_the_final_text(reply: PracticeServer) -> None:
    reply.seed(prospects=[{"id": 456, "first": "Ann"}])
    task_id = created_id(reply, template={"body": "Hi {{firstName}}"})
    path = f"/v3/tasks/{task_id}/complete"

    done = call(reply, "POST", path, {"callResolution": "positive"})
    again = call(reply, "POST", path, {})

    assert done.body["status"] == "finished"
    assert done.body["finishedAt"]
    assert done.body["template"]["body"] == "Hi Ann"
    assert again.status == 409


def test_call_resolution_is_for_calls(reply: PracticeServer) -> None:
    task_id = created_id(reply, taskType="toDo")

    answer = call(
        reply, "POST", f"/v3/tasks/{task_id}/complete", {"callResolution": "positive"}
    )

    assert answer.status == 400


def test_execute_is_marked_loudly(reply: PracticeServer) -> None:
    task_id = created_id(reply)

    answer = call(reply, "POST", f"/v3/tasks/{task_id}/execute")

    assert answer.status == 400
    assert [line["task"] for line in reply.ledger("EXECUTED")] == [task_id]
    assert reply.state()["executed"] is True


def test_reassign_one(reply: PracticeServer) -> None:
    path = f"/v3/tasks/{created_id(reply)}/assigned-user"

    assert call(reply, "PUT", path, {"userId": 503}).body["assignedUserId"] == 503
    assert call(reply, "PUT", path, {"userId": 7}).status == 404
    assert call(reply, "PUT", path, {"assignedUserId": 503}).status == 400


def test_batch_complete_names_what_failed(reply: PracticeServer) -> None:
    first, second = int(created_id(reply)), int(created_id(reply))
    call(reply, "POST", f"/v3/tasks/{first}/complete")

    answer = call(
        reply, "POST", "/v3/tasks/batch/complete", {"ids": [first, second, 99]}
    )

    assert answer.status == 200
    assert answer.body == {str(first): {"error": 7}, "99": {"error": 1}}


@pytest.mark.parametrize(
    "auth, field", [(AUTH["reply"], "userId"), (INTEGERS, "assignedUserId")]
)
def test_batch_assign_differs_by_dialect(
    reply: PracticeServer, auth: dict[str, str], field: str
) -> None:
    task_id = int(created_id(reply))
    path = "/v3/tasks/batch/assign"
    other = "assignedUserId" if field == "userId" else "userId"

    done = call(reply, "POST", path, {"ids": [task_id], field: 502}, auth=auth)
    wrong = call(reply, "POST", path, {"ids": [task_id], other: 502}, auth=auth)

    assert done.body == {}
    assert reply.tasks()[0]["owner"] == "502"
    assert wrong.status == 400


def test_bulk_delete_takes_1_to_100(reply: PracticeServer) -> None:
    task_id = int(created_id(reply))
    path = "/v3/tasks/bulk-delete"

    assert call(reply, "POST", path, {"ids": [task_id, 99]}).body == {
        "99": {"error": 1}
    }
    assert call(reply, "POST", path, {"ids": []}).status == 400
    assert call(reply, "POST", path, {"ids": list(range(1, 102))}).status == 400
    assert call(reply, "GET", f"/v3/tasks/{task_id}").status == 404


def test_contacts(reply: PracticeServer) -> None:
    reply.seed(prospects=[{"id": n, "first": f"Ann{n}"} for n in range(1, 4)])

    answer = call(reply, "POST", "/v3/contacts/filter?top=2", {"searchTerm": "ann"})

    assert answer.body["totalCount"] == 3
    assert answer.body["hasMore"] is True
    assert [row["firstName"] for row in answer.body["items"]] == ["Ann1", "Ann2"]
