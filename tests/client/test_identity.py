from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.client.identity import derive_key, new_producer, new_secret, producer_from_key


def is_ksuid(text: str) -> bool:
    return re.fullmatch(r"[0-9A-Za-z]{27}", text) is not None and text <= "aWgEPTl1tmebfsQzFP4bxwgy80V"


SPELLINGS = ["http://localhost", "http://LOCALHOST:80", "ws://localhost/", "localhost", "http://localhost/some/path"]


@given(st.text(), st.sampled_from(SPELLINGS))
def test_a_key_fits_a_header_and_a_subprotocol(secret: str, server: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in secret):
        secret = "x"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", derive_key(secret, server))


def test_one_server_gets_one_key_however_its_address_is_spelled() -> None:
    assert len({derive_key("secret", spelling) for spelling in SPELLINGS}) == 1
    local = ("http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080")
    assert len({derive_key("secret", spelling) for spelling in local}) == 1


def test_a_server_with_several_addresses_knows_one_key_which_is_that_of_the_first() -> None:
    assert derive_key("secret", "localhost, http://b:8080,https://c") == derive_key("secret", "localhost")


@pytest.mark.parametrize("other", ["https://localhost", "http://localhost:8080", "http://127.0.0.2", "http://[::2]"])
def test_another_server_gets_another_key(other: str) -> None:
    assert derive_key("secret", other) != derive_key("secret", "http://localhost")


def test_another_secret_gives_another_key() -> None:
    assert derive_key("a", "localhost") != derive_key("b", "localhost")


def test_a_key_stays_the_same_from_version_to_version() -> None:
    assert derive_key("s", "http://127.0.0.1:8080") == "_cUeQssypl5OWJkCtcXbzRLi6ZDPkApiis2Jwd0YO40"
    assert producer_from_key("k") == "IaxflZHm7Smnownmi7q8vgZpwOj"


def test_secrets_are_long_and_never_twice_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {43}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_key_of_a_users_own_makes_one_ksuid(key: str) -> None:
    producer = producer_from_key(key)
    assert producer == producer_from_key(key)
    assert is_ksuid(producer)


def test_new_producers_are_ksuids_and_never_twice_the_same() -> None:
    producers = {new_producer() for _ in range(100)}
    assert len(producers) == 100
    assert all(map(is_ksuid, producers))
