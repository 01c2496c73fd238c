"""What went wrong in a call to a vendor, sorted by what is certain.

    VendorError
    ├── NothingHappened          certainly not done there: try again later
    │   ├── Unreachable          no connection was made
    │   └── RateLimited          429, or 503 with Retry-After: hold the whole account
    ├── OutcomeUnknown           it may have happened: look before sending again
    │   └── UnreadableResponse   a success that cannot be understood
    ├── Refused                  certainly not done and never will be as it stands
    │   ├── TaskRejected         the vendor refuses this task
    │   ├── TooLarge             413: the call is too large, one with fewer may do
    │   └── UnsupportedTask      this vendor has no such thing; nothing was sent
    └── AccountTrouble           certainly not done; the account has to be mended first
        ├── CredentialsRejected  the key is wrong or lacks a right
        └── Misconfigured        wrong address: unknown route, redirect

Every message is a sentence for the person who has to act and holds no secret.
"""

from __future__ import annotations


class VendorError(Exception):
    """The base of all of them. `kind` groups failures of one cause in lists."""

    kind = "vendor_error"

    def __init__(self, message: str, *, kind: str = "") -> None:
        super().__init__(message)
        if kind:
            self.kind = kind


class NothingHappened(VendorError):
    kind = "nothing_happened"


class Unreachable(NothingHappened):
    kind = "unreachable"


class RateLimited(NothingHappened):
    """`retry_after` is in seconds, or None where the vendor named no time."""

    kind = "rate_limited"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(VendorError):
    kind = "outcome_unknown"


class UnreadableResponse(OutcomeUnknown):
    kind = "unreadable"


class Refused(VendorError):
    kind = "refused"


class TaskRejected(Refused):
    kind = "rejected"


class TooLarge(Refused):
    kind = "too_large"


class UnsupportedTask(Refused):
    kind = "unsupported"


class AccountTrouble(VendorError):
    kind = "account_trouble"


#: The kind of a `CredentialsRejected` that names a missing right, not a wrong key.
FORBIDDEN = "forbidden"


class CredentialsRejected(AccountTrouble):
    kind = "credentials"


class Misconfigured(AccountTrouble):
    kind = "misconfigured"
