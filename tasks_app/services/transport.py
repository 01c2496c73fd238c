"""The way out to the vendors, as the settings allow it."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.transport import HttpTransport, Transport


def vendor_hosts() -> frozenset[str]:
    """Return the hosts that the vendors document."""
    urls = [url for adapter in ADAPTERS.values() for url, _ in adapter.base_urls]
    return frozenset(url.split("/")[2] for url in urls)


@lru_cache(maxsize=1)
def default_transport() -> Transport:
    """Return this process's one transport; connections are kept and shared."""
    return HttpTransport(
        allowed_hosts=vendor_hosts(), extra_hosts=settings.EXTRA_VENDOR_HOSTS
    )
