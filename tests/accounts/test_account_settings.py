"""What may be entered for an account."""

from __future__ import annotations

import pytest

from tasks_app.services.account_settings import (
    parse_base_url,
    parse_credential,
    parse_rates,
    parse_setting,
    parse_switch,
    vendor_of,
    write_rates,
)
from tasks_app.vendors import ADAPTERS

LEADSQUARED = ADAPTERS["leadsquared"]
REPLY = ADAPTERS["reply"]
SALESHANDY = ADAPTERS["saleshandy"]


@pytest.mark.parametrize("slug", ["", "hubspot", "sales handy", "leadsquared2"])
def test_unknown_vendor_is_refused_with_the_ones_there_are(slug):
    with pytest.raises(ValueError, match="saleshandy, leadsquared, reply, ysuite"):
        vendor_of(slug)


@pytest.mark.parametrize(
    "text",
    [
        "25",
        "25/",
        "/5",
        "25/0",
        "0/5",
        "-25/5",
        "25/-5",
        "25.5/5",
        "1e3/5",
        "inf/5",
        "25/nan",
        "25/5;10/2",
        "25/5,",
        "100001/60",
        "25/86401",
        "25/0.01",
        "twenty/5",
        "٢٥/5",
        "1/1,1/2,1/3,1/4,1/5,1/6",
    ],
)
def test_bad_rate_limit_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError) as refused:
        parse_rates(text)

    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("", []),
        ("  ", []),
        ("25/5", [[25, 5]]),
        (" 25 / 5 ", [[25, 5]]),
        ("100/60,3000/3600", [[100, 60], [3000, 3600]]),
        ("1/0.5", [[1, 0.5]]),
        ("100000/1", [[100000, 1]]),
    ],
)
def test_rate_limit_is_read_as_calls_and_seconds(text, rates):
    assert parse_rates(text) == rates
    assert parse_rates(write_rates(rates)) == rates


@pytest.mark.parametrize(
    "url",
    [
        "http://open-api.saleshandy.com/v1",
        "https://open-api.saleshandy.com.evil.example/v1",
        "https://user:secret@open-api.saleshandy.com/v1",
        "https://169.254.169.254/latest",
        "https://open-api.saleshandy.com:8443/v1",
        "https://open-api.saleshandy.com/v1?x=1",
        "https://open-api.saleshandy.com/../v1",
        "https://api.leadsquared.com/v2",
        "ftp://open-api.saleshandy.com",
        "open-api.saleshandy.com",
        "https://[::1",
        "https://open-api.saleshandy.com/" + "v" * 300,
        "javascript:alert(1)",
    ],
)
def test_address_elsewhere_is_refused(url, settings):
    settings.EXTRA_VENDOR_HOSTS = ["127.0.0.1:8101"]

    with pytest.raises(ValueError) as refused:
        parse_base_url(SALESHANDY, url)

    assert str(refused.value).endswith(".")
    assert "secret" not in str(refused.value)


def test_refused_host_is_told_what_may_be_used(settings):
    settings.EXTRA_VENDOR_HOSTS = []

    with pytest.raises(
        ValueError, match=r"open-api\.saleshandy\.com.*EXTRA_VENDOR_HOSTS"
    ):
        parse_base_url(SALESHANDY, "https://sales.example")


@pytest.mark.parametrize(
    ("vendor", "url", "kept"),
    [
        (SALESHANDY, "", "https://open-api.saleshandy.com/v1"),
        (
            SALESHANDY,
            "https://open-api.saleshandy.com",
            "https://open-api.saleshandy.com/v1",
        ),
        (
            SALESHANDY,
            "https://open-api.saleshandy.com/v1/",
            "https://open-api.saleshandy.com/v1",
        ),
        (SALESHANDY, "http://127.0.0.1:8101", "http://127.0.0.1:8101/v1"),
        (SALESHANDY, "http://127.0.0.1:8101/", "http://127.0.0.1:8101/v1"),
        (SALESHANDY, "http://127.0.0.1:8101/other", "http://127.0.0.1:8101/other"),
        (LEADSQUARED, "http://127.0.0.1:8101", "http://127.0.0.1:8101/v2"),
        (
            LEADSQUARED,
            "https://API-IN21.leadsquared.com",
            "https://api-in21.leadsquared.com/v2",
        ),
        (REPLY, "http://127.0.0.1:8101", "http://127.0.0.1:8101/v3"),
        (REPLY, "http://LOCALHOST:9000", "http://localhost:9000/v3"),
    ],
)
def test_address_gets_its_normal_form_and_version(vendor, url, kept, settings):
    settings.EXTRA_VENDOR_HOSTS = ["127.0.0.1:8101", "Localhost:9000"]

    assert parse_base_url(vendor, url) == kept


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dialect", "numbers"),
        ("act_as", "seven"),
        ("act_as", "-7"),
        ("act_as", "7.0"),
        ("time_zone", "Berlin"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "x" * 300),
        ("time_zone", "Europe/\nBerlin"),
        ("colour", "blue"),
    ],
)
def test_bad_setting_is_refused_with_a_sentence(name, text):
    with pytest.raises(ValueError) as refused:
        parse_setting(REPLY, name, text)

    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("dialect", "Words", "words"),
        ("dialect", "", ""),
        ("act_as", " 0042 ", "42"),
        ("time_zone", "europe/berlin", "Europe/Berlin"),
    ],
)
def test_setting_is_brought_into_one_form(name, text, kept):
    assert parse_setting(REPLY, name, text) == kept


@pytest.mark.parametrize("key", ["sécret-key", "two\nlines", "a\x00b", "k" * 600])
def test_impossible_key_is_refused_and_never_repeated(key):
    with pytest.raises(ValueError) as refused:
        parse_credential(SALESHANDY, "api_key", key)

    assert key not in str(refused.value)


def test_unknown_credential_is_refused_with_the_ones_there_are():
    with pytest.raises(ValueError, match=r"It takes: api_key\."):
        parse_credential(SALESHANDY, "token", "abc")


@pytest.mark.parametrize(
    ("text", "on"), [("on", True), ("OFF", False), ("true", True), ("0", False)]
)
def test_switch_is_read(text, on):
    assert parse_switch(text) is on


@pytest.mark.parametrize("text", ["", "maybe", "onn"])
def test_what_is_neither_on_nor_off_is_refused(text):
    with pytest.raises(ValueError, match="neither on nor off"):
        parse_switch(text)
