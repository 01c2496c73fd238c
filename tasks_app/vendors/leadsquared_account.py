"""What LeadSquared tells of an account: whose keys, its task types and its users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from .answers import first_text, mapping, rows, whole_number
from .calls import Conversation, VendorRequest
from .errors import Misconfigured, UnreadableResponse
from .findings import AccountInfo, RemoteHook, RemoteUser
from .leadsquared_reading import LeadSquaredReading
from .leadsquared_words import HOSTS, channel_of
from .offers import TypeInfo


class LeadSquaredAccount(LeadSquaredReading):
    """Reading what an account has."""

    lists_people = True

    def test_connection(self) -> Conversation[AccountInfo]:
        """Ask whose keys these are, which any host answers, and for the right host.

        https://apidocs.leadsquared.com/user-authentication/
        """
        response = yield VendorRequest("GET", "/Authentication.svc/UserByAccessKey.Get")
        self.check(response)
        body = mapping(response.body)
        user = body if "Id" in body else mapping(body.get("Message"))
        if not first_text(user, "Id"):
            raise UnreadableResponse("LeadSquared did not say whose keys these are.")
        self._check_host(user)
        who = first_text(user, "EmailAddress", "FullName", "FirstName", "Id")
        role = first_text(user, "Role")
        zone = first_text(user, "TimeZone")
        sentence = f"LeadSquared accepts the keys of {self.quote(who)}"
        sentence += f" ({self.quote(role)})" if role else ""
        sentence += f", whose time zone is {self.quote(zone)}." if zone else "."
        return AccountInfo(sentence, {"time_zone": zone} if _is_zone(zone) else {})

    def _check_host(self, user: Mapping[str, Any]) -> None:
        ours = urlsplit(self.config.base_url).hostname or ""
        known = dict(HOSTS)
        urls = mapping(user.get("LSQCommonServiceURLs")).values()
        right = [urlsplit(u).hostname or "" for u in urls if isinstance(u, str)]
        right = [host for host in right if host in known]
        if ours in known and right and ours not in right:
            raise Misconfigured(
                f"These keys belong to the region {known[right[0]]}. "
                f"Choose https://{right[0]}/v2 for this account."
            )

    channel_of = staticmethod(channel_of)

    def read_types(self) -> Conversation[list[TypeInfo]]:
        """https://apidocs.leadsquared.com/get-list-of-task-types-2/"""
        response = yield VendorRequest("GET", "/Task.svc/RetrieveTaskType")
        self.check(response)
        if not isinstance(response.body, list):
            raise UnreadableResponse("LeadSquared did not answer with a list of types.")
        types: dict[str, TypeInfo] = {}
        for row in rows(response.body):
            name = first_text(row, "Name")
            if name and name not in types:
                columns = rows(row.get("ColumnConfiguration"))
                mandatory = [
                    first_text(column, "SchemaName", "DisplayName")
                    for column in columns
                    if column.get("Mandatory") in (True, 1, "1", "true")
                ]
                fields = {
                    "category": whole_number(row.get("Category")),
                    "id": first_text(row, "Id", "TaskTypeId"),
                    "mandatory": [m for m in mandatory if m],
                }
                types[name] = TypeInfo(name, name, channel_of(name), fields)
        return list(types.values())

    def read_hooks(self) -> Conversation[list[RemoteHook] | None]:
        """https://apidocs.leadsquared.com/retrieve-a-webhook/: by event, to minimise
        errors; 0 is on, 1 switched off by hand, 2 switched off after failures."""
        found: list[RemoteHook] = []
        for event in ("Task_Complete", "Task_Update", "Task_Create"):
            answer = yield VendorRequest(
                "POST",
                "/Webhook.svc/Retrieve",
                json={
                    "Parameter": {"Type": "Webhook", "WebhookEvent": event},
                    "Sorting": {"ColumnName": "ModifiedOn", "Direction": "1"},
                    "Paging": {"PageIndex": 1, "PageSize": 100},
                },
            )
            if answer.status_code in (429, 503):
                self.check(answer)
            body = mapping(answer.body)
            listed = body.get("Response", body.get("List"))
            if answer.status_code != 200 or not isinstance(listed, list):
                return None
            for row in rows(listed):
                code = whole_number(row.get("StatusCode"))
                on = None if code is None else code == 0
                found.append(RemoteHook(first_text(row, "URL", "Url"), on))
        return found

    def read_users(self) -> Conversation[list[RemoteUser]]:
        """https://apidocs.leadsquared.com/get-users: 0 is active, 1 is not."""
        response = yield VendorRequest("GET", "/UserManagement.svc/Users.Get")
        self.check(response)
        if not isinstance(response.body, list):
            raise UnreadableResponse("LeadSquared did not answer with a list of users.")
        users: dict[str, RemoteUser] = {}
        for row in rows(response.body):
            user_id = first_text(row, "ID", "Id", "UserId")
            names = (first_text(row, "FirstName"), first_text(row, "LastName"))
            if user_id:
                users[user_id] = RemoteUser(
                    user_id,
                    " ".join(n for n in names if n),
                    first_text(row, "EmailAddress"),
                    active=first_text(row, "StatusCode") in ("0", ""),
                )
        return list(users.values())


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and bool(ZoneInfo(name))
    except (ValueError, KeyError, OSError):
        return False
