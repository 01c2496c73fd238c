"""What YSuite says when it refuses (https://www.ysuiteapp.com/api-docs/errors).

`{"success": false, "message": ...}`, with `errors` per field at 422. A 400 is a
business error: a task or contact that does not exist is one too, there is no 404.
"""

from __future__ import annotations

import re

from .answers import mapping
from .base import VendorAdapter
from .calls import VendorResponse
from .errors import (
    CredentialsRejected,
    Misconfigured,
    TaskRejected,
    UnreadableResponse,
)

_GONE = re.compile(r"not (be )?found|not exist|no longer exists|been deleted", re.I)
_NO_HOME = re.compile(r"no organi[sz]ation", re.I)


def message_in(response: VendorResponse) -> str:
    """Return the vendor's own sentence, the fields' texts after it, '' if none."""
    body = mapping(response.body)
    parts = [body["message"]] if isinstance(body.get("message"), str) else []
    for field, texts in mapping(body.get("errors")).items():
        for text in texts if isinstance(texts, list) else [texts]:
            if isinstance(text, str):
                parts.append(f"{field}: {text}")
    return " · ".join(part.strip() for part in parts if part.strip())


def says_failed(response: VendorResponse) -> bool:
    return mapping(response.body).get("success") is False


def says_gone(response: VendorResponse) -> bool:
    """Return whether this answer to a read says that there is no such task."""
    return (
        response.status_code in (400, 404)
        and says_failed(response)
        and bool(_GONE.search(message_in(response)))
    )


class YSuiteErrors(VendorAdapter):
    """The part of the adapter that knows what its refusals mean."""

    def check(self, response: VendorResponse) -> None:
        """As the base does, and `success` has to be true as well."""
        code, said = response.status_code, self.quote(message_in(response))
        if code == 400 and _NO_HOME.search(said):
            raise CredentialsRejected(
                "The YSuite keys of this account belong to no organisation. "
                "Enter keys of a workspace that has one."
            )
        if code == 404:
            raise Misconfigured(
                "YSuite does not know this call (404). Check the base URL."
            )
        if code in (400, 402, 422):
            raise TaskRejected(
                f"YSuite refused this: “{said}”"
                if said
                else f"YSuite refused this and gave no reason ({code})."
            )
        super().check(response)
        if says_failed(response) and said and not mapping(response.body).get("data"):
            raise TaskRejected(f"YSuite refused this: “{said}”")
        if mapping(response.body).get("success") is not True:
            raise UnreadableResponse(
                "YSuite's answer does not say whether it succeeded."
            )
