"""The vendors' printed examples, as printed: accepted, and answered in that shape."""

import re

from tasks_app import practice
from tasks_app.practice import PracticeServer

from .client import call

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_saleshandy_create(saleshandy: PracticeServer) -> None:
    answer = call(
        saleshandy,
        "POST",
        "/v1/tasks/create",
        {
            "prospectIds": ["8PvBmrB7P7"],
            "taskType": "13",
            "priority": "3",
            "dueDate": "2026-04-22",
            "taskNote": "Call to follow up on the proposal sent yesterday.",
        },
    )

    assert answer.status == 201
    [result] = answer.body["payload"].pop("results")
    assert answer.body["message"] == "Task created successfully"
    assert set(answer.body) == {"message", "payload"}
    assert set(answer.body["payload"]) == {"results"}
    assert result["prospectId"] == "8PvBmrB7P7"
    assert re.fullmatch(r"[A-Za-z0-9]{10}", result["taskId"])
    assert result["success"] is True


def test_saleshandy_answers_for_each_prospect(saleshandy: PracticeServer) -> None:
    prospects = ["Pr9xQ2Lm", "Pr4Kb8Qw", "INVALIDxx"]

    answer = call(
        saleshandy,
        "POST",
        "/v1/tasks/create",
        {"prospectIds": prospects, "taskType": "2"},
    )

    assert answer.status == 201
    first, second, third = answer.body["payload"]["results"]
    assert (first["success"], second["success"]) == (True, True)
    assert third == {"prospectId": "INVALIDxx", "taskId": None, "success": False}
    assert [line["prospect"] for line in saleshandy.ledger()] == prospects[:2]


def test_leadsquared_create() -> None:
    users = [{"email": "taskowner@example.com"}]
    with practice.start("leadsquared", users=users) as server:
        answer = call(
            server,
            "POST",
            "/v2/Task.svc/Create",
            {
                "Name": "Meeting: Subject",
                "Description": "Describing the task",
                "RelatedEntity": 0,
                "RelatedEntityId": "",
                "DueDate": "2020-11-11 10:30:00",
                "EndDate": "2020-11-11 10:45:00",
                "Reminder": 30,
                "NotifyBy": "1100",
                "OwnerEmailAddress": "taskowner@example.com",
                "TaskType": {"Name": "Meeting"},
            },
        )

        assert answer.status == 200
        assert answer.body["Status"] == "Success"
        assert set(answer.body) == {"Status", "Message"}
        assert set(answer.body["Message"]) == {"Id"}
        assert GUID.fullmatch(answer.body["Message"]["Id"])
        assert server.tasks()[0]["id"] == answer.body["Message"]["Id"]


def test_leadsquared_bulk_create() -> None:
    users = [{"email": "sri@example.com"}, {"email": "vir@example.com"}]
    with practice.start("leadsquared", users=users, bulk_delay=0.02) as server:
        answer = call(
            server,
            "POST",
            "/v2/Task.svc/Bulk/Create?accessKey=practice-leadsquared-access"
            "&secretKey=practice-leadsquared-secret",
            {
                "TaskList": [
                    {
                        "Name": "Meeting",
                        "Description": "Meeting with Adam",
                        "RelatedEntity": 1,
                        "RelatedEntityId": "7e5b7380-4295-4af2-9706-941ab71be772",
                        "DueDate": "2021-11-25 13:10:00",
                        "EndDate": "2021-11-25 13:15:00",
                        "Reminder": 30,
                        "NotifyBy": "1100",
                        "OwnerEmailAddress": "sri@example.com",
                        "Location": "Koramangala",
                        "TaskType": {"Name": "Meeting"},
                        "CustomFields": {"mx_Custom_1": "Meeting in Koramangala"},
                    },
                    {
                        "Name": "Document Collection",
                        "Description": "Collect KYC documents",
                        "RelatedEntity": 0,
                        "RelatedEntityId": "",
                        "DueDate": "2021-11-27 13:10:00",
                        "EndDate": "2021-11-27 13:15:00",
                        "Reminder": 45,
                        "NotifyBy": "1000",
                        "OwnerEmailAddress": "vir@example.com",
                        "TaskType": {"Name": "Document Collection"},
                        "CustomFields": {"mx_Custom_1": "None"},
                    },
                ],
                "StatusWebhookURL": "https://webhook.site/5f51ba29-ca49-405d-ac10",
            },
            auth={},
        )

        assert answer.status == 200
        assert answer.body["Status"] == "Success"
        assert re.fullmatch(r"\d{10}", answer.body["Message"]["Id"])
        assert server.settle()
        assert [line["title"] for line in server.ledger()] == [
            "Meeting",
            "Document Collection",
        ]


def test_reply_create_in_integers(reply: PracticeServer) -> None:
    answer = call(
        reply,
        "POST",
        "/v3/tasks",
        {
            "taskType": 2,
            "startAt": "2026-05-02T09:00:00Z",
            "dueTo": "2026-05-02T17:00:00Z",
            "template": {"body": "Call {{firstName}}"},
            "contactId": 456,
        },
        auth={"X-API-Key": "practice-reply-key"},
    )

    assert answer.status == 201
    assert (answer.body["taskType"], answer.body["status"]) == (2, 0)
    assert answer.body["creationSource"] == 0
    assert answer.body["template"]["body"] == "Call {{firstName}}"


def test_reply_full_task_detail(reply: PracticeServer) -> None:
    answer = call(
        reply,
        "POST",
        "/v3/tasks",
        {
            "taskType": "call",
            "startAt": "2026-05-02T09:00:00Z",
            "dueTo": "2026-05-02T17:00:00Z",
            "template": {"body": "…"},
            "contactId": 456,
        },
    )

    body = answer.body
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body.pop("createdAt"))
    assert body.pop("deliveryInfo")["phoneNumber"].startswith("+")
    assert body == {
        "id": 1,
        "contactId": 456,
        "taskType": "call",
        "status": "new",
        "linkedInTaskType": None,
        "sequenceId": None,
        "sequenceStepId": None,
        "sequenceStepDisplayName": None,
        "assignedUserId": 501,
        "creationSource": "user",
        "startAt": "2026-05-02T09:00:00Z",
        "dueTo": "2026-05-02T17:00:00Z",
        "finishedAt": None,
        "isFailed": False,
        "isScheduled": False,
        "template": {"body": "…", "subject": None, "attachmentIdList": []},
        "content": None,
    }


def test_ysuite_create_and_list(ysuite: PracticeServer) -> None:
    answer = call(
        ysuite,
        "POST",
        "/v1/tasks",
        {
            "title": "Follow up with Sarah",
            "start_datetime": "2026-07-15T10:00:00",
            "end_datetime": "2026-07-15T11:00:00",
            "cstid": 10,
            "priority": 3,
            "description": "Discuss contract renewal terms",
        },
    )
    listed = call(ysuite, "GET", "/v1/tasks")

    assert answer.status == 200
    assert answer.body == {
        "success": True,
        "message": "Task activity created successfully.",
        "data": {
            "activity_id": 1,
            "title": "Follow up with Sarah",
            "activity_type": "Task",
        },
    }
    assert listed.body == {
        "success": True,
        "data": {
            "data": [
                {
                    "activity_id": 1,
                    "title": "Follow up with Sarah",
                    "activity_type": "Task",
                    "status": 0,
                    "priority": 3,
                    "start_datetime": "2026-07-15T10:00:00",
                    "end_datetime": "2026-07-15T11:00:00",
                    "cstid": 10,
                }
            ],
            "current_page": 1,
            "total_records": 1,
            "total_pages": 1,
        },
    }
