"""Practice vendors: the four vendors' APIs on this machine, for demo, training, tests.

with practice.start("saleshandy") as server:
    server.dial("lost_answer", next=1)
    ...  # call server.base_url
    assert len(server.ledger()) == 1
"""

from .server import VENDORS, PracticeServer, start

__all__ = ["VENDORS", "PracticeServer", "start"]
