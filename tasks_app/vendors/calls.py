"""One HTTP call as an adapter asks for it and gets its answer."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class VendorRequest:
    """One HTTP call, without the account's keys: those are added when it is sent.

    `path` is relative to the account's base URL and starts with a slash. `writes` says
    that the call changes something at the vendor, whatever its verb.
    """

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    json: Any = None
    writes: bool = False


@dataclass(frozen=True)
class Auth:
    """The keys of one account as a call carries them; `vendor` is who they are for, in
    sentences about the call."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    vendor: str = field(default="", compare=False)


@dataclass(frozen=True)
class VendorResponse:
    """A whole answer. `body` is the parsed JSON, None where the text is not JSON."""

    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    text: str = field(default="", repr=False)

    @property
    def is_json(self) -> bool:
        return self.body is not None


Conversation: TypeAlias = Generator[VendorRequest, VendorResponse, T]
