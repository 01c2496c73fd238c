"""Which addresses Baton may call: the vendors' documented ones, and none inside."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

#: IPv4 addresses as an IPv6-only network writes them (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def hosts_of(base_urls: Iterable[str]) -> frozenset[str]:
    """Return the host names in these URLs."""
    return frozenset(urlsplit(url).hostname or "" for url in base_urls) - {""}


def check_base_url(
    url: str, *, allowed_hosts: Collection[str], extra_hosts: Collection[str] = ()
) -> str:
    """Return the URL in its normal form; raise `ValueError` with a sentence.

    `allowed_hosts` are the vendors' documented ones, reached by https on its own port
    alone. `extra_hosts` ("host:port") may also be plain http and on any port.
    """
    url = url.strip()
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("The base URL holds a character that does not belong there.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("The base URL is not a valid address.") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("The base URL must start with https:// and name a host.")
    if "@" in parts.netloc:
        raise ValueError("The base URL must not hold a user name or a password.")
    if "?" in url or "#" in url:
        raise ValueError("The base URL must not hold a query or a fragment.")
    if any(piece in (".", "..") for piece in parts.path.split("/")):
        raise ValueError("The base URL must not hold '.' or '..' as a folder.")
    default = 443 if parts.scheme == "https" else 80
    shown = f"[{host}]" if ":" in host else host
    if not is_extra(host, default if port is None else port, extra_hosts):
        if parts.scheme != "https":
            raise ValueError("The base URL must start with https://.")
        if host not in allowed_hosts:
            raise ValueError(f"{shown} is not a documented host of this vendor.")
        if port not in (None, default):
            raise ValueError("The base URL must not name a port.")
    place = shown if port in (None, default) else f"{shown}:{port}"
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}"


def is_extra(host: str, port: int, extra_hosts: Collection[str]) -> bool:
    """Return whether this place was allowed by name, as "host:port" or "host"."""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" in extra_hosts or (
        port in (80, 443) and shown in extra_hosts
    )


def is_public(address: str) -> bool:
    """Return whether this IP address, or the one wrapped in it, is on the internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if not wrapped and ip in _NAT64:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if wrapped:
            return is_public(str(wrapped))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
