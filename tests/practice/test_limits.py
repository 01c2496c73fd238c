import http.client
import time

import pytest

from tasks_app import practice
from tasks_app.practice import PracticeServer
from tasks_app.practice.limits import SlidingWindow, most_in_window

from .client import AUTH, call


def test_a_window_slides() -> None:
    window = SlidingWindow([(3, 10.0)])

    admitted = [window.wait("a", now) for now in (0.0, 4.0, 9.0)]

    assert admitted == [0, 0, 0]
    assert window.wait("a", 9.5) == pytest.approx(0.5)
    assert window.wait("a", 10.0) == 0
    assert window.wait("a", 13.9) == pytest.approx(0.1)
    assert window.wait("a", 14.0) == 0


def test_refused_calls_do_not_count() -> None:
    window = SlidingWindow([(1, 10.0)])
    window.wait("a", 0.0)

    for second in range(1, 10):
        assert window.wait("a", second) > 0

    assert window.wait("a", 10.0) == 0


def test_all_windows_hold_at_once_and_for_each_user() -> None:
    window = SlidingWindow([(2, 1.0), (3, 100.0)])

    waits = [window.wait("a", now) for now in (0.0, 0.5, 2.0, 3.0)]

    assert waits == [0, 0, 0, 97.0]
    assert window.wait("b", 3.0) == 0


def test_none_means_no_limit() -> None:
    window = SlidingWindow(None)

    assert not any(window.wait("a", 0.0) for _ in range(1000))


def test_the_most_in_any_window() -> None:
    times = [0.0, 4.9, 5.0, 5.1, 9.0]

    assert most_in_window(times, 5) == 4
    assert most_in_window([], 5) == 0


def hammer(server: PracticeServer, method: str, path: str, times: int) -> list[int]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    statuses = []
    for _ in range(times):
        connection.request(method, path, headers=AUTH[server.app.slug])
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    return statuses


def test_leadsquared_refuses_the_26th_in_5_seconds() -> None:
    with practice.start("leadsquared") as server:
        path = "/v2/Task.svc/RetrieveTaskType"

        statuses = hammer(server, "GET", path, 26)
        refused = call(server, "GET", path)

        assert statuses == [200] * 25 + [429]
        sentence = "API calls exceeded the limit of 25 in 5 second(s)"
        assert refused.body["ExceptionMessage"] == sentence
        assert "retry-after" not in refused.headers
        assert server.state()["refused"] == 2
        assert server.worst_window(5) == 27


def test_leadsquareds_window_slides() -> None:
    with practice.start("leadsquared", rate_limit=[(2, 0.3)]) as server:
        path = "/v2/Task.svc/RetrieveTaskType"
        hammer(server, "GET", path, 1)
        time.sleep(0.2)
        hammer(server, "GET", path, 1)
        time.sleep(0.12)

        # The first has left the window, the second has not.
        assert hammer(server, "GET", path, 2) == [200, 429]


def test_reply_says_when_to_come_back() -> None:
    with practice.start("reply") as server:
        statuses = hammer(server, "GET", "/v3/whoami", 101)
        refused = call(server, "GET", "/v3/whoami")
        other = call(server, "GET", "/v3/whoami", headers={"X-User-Id": "502"})

        assert statuses == [200] * 100 + [429]
        assert 50 < int(refused.headers["retry-after"]) <= 60
        assert refused.headers["content-type"] == "application/problem+json"
        assert other.status == 200


def test_a_limit_can_be_set_and_lifted(ysuite: PracticeServer) -> None:
    ysuite.set(rate_limit=[[1, 60]])
    assert hammer(ysuite, "GET", "/v1/tasks", 2) == [200, 429]
    ysuite.set(rate_limit=None)
    assert hammer(ysuite, "GET", "/v1/tasks", 2) == [200, 200]


def test_a_wrong_key_is_told_before_the_limit(any_vendor: PracticeServer) -> None:
    any_vendor.set(rate_limit=[[1, 60]])

    answers = [call(any_vendor, "GET", "/x", auth={}).status for _ in range(3)]

    assert 429 not in answers
