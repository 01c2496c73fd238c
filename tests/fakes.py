"""A transport that answers from a list and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tasks_app.vendors.calls import Auth, VendorRequest, VendorResponse

Answer = VendorResponse | Exception | Callable[[VendorRequest], VendorResponse]


@dataclass
class FakeTransport:
    """Gives `responses` in order, then `default`; an exception is raised.

    `requests` holds what was asked for, `auths` the keys it came with.
    """

    responses: list[Answer] = field(default_factory=list)
    default: Answer | None = None
    requests: list[VendorRequest] = field(default_factory=list)
    auths: list[Auth] = field(default_factory=list)

    def send(
        self, request: VendorRequest, *, base_url: str, auth: Auth, deadline: float
    ) -> VendorResponse:
        self.requests.append(request)
        self.auths.append(auth)
        answer = self.responses.pop(0) if self.responses else self.default
        if answer is None:
            raise AssertionError(f"Nobody expected {request.method} {request.path}.")
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer
