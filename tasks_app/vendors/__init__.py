"""The vendors Baton speaks to. This package imports neither Django nor the models."""

from __future__ import annotations

from .base import VendorAdapter
from .leadsquared import LeadSquaredAdapter
from .reply import ReplyAdapter
from .saleshandy import SaleshandyAdapter
from .ysuite import YSuiteAdapter

ADAPTERS: dict[str, type[VendorAdapter]] = {
    "saleshandy": SaleshandyAdapter,
    "leadsquared": LeadSquaredAdapter,
    "reply": ReplyAdapter,
    "ysuite": YSuiteAdapter,
}

__all__ = ["ADAPTERS", "VendorAdapter"]
