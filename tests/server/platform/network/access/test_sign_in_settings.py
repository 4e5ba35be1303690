"""Settings by which nobody could sign in, or somebody else could, are refused, and say what is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from chatty.server.platform.network.access.sign_in import PROXY_SECRET, Person, check_sign_in
from chatty.server.settings import SettingError, Settings

SECRET: Final = "s" * 32


def test_an_identity_is_that_of_one_subject_of_one_issuer() -> None:
    people = [
        Person(kind, issuer, subject, "Ada")
        for kind in ("oidc", "header")
        for issuer in ("", "https://id.example", "https://id.example/")
        for subject in ("1", "1\0", "", "\0", "https://id.example")
    ]
    assert len({person.identity for person in people}) == len(people)
    assert people[0].identity == people[0]._replace(name="Bo", is_admin=True).identity


def filed(tmp_path: Path, content: str | bytes = SECRET) -> str:
    path = tmp_path / "secret"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_settings_by_which_people_can_sign_in_are_accepted(tmp_path: Path) -> None:
    check_sign_in(Settings())
    check_sign_in(Settings(oidc_issuer="https://id.example/realms/x", oidc_client_id="chatty", oidc_admin="admins"))
    secret = filed(tmp_path)
    check_sign_in(Settings(identity_header="Remote-User", trusted_proxy="10.0.0.1", proxy_secret_file=secret))


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_client_id": "chatty"},
        {"oidc_admin": "admins"},
        {"oidc_issuer": "https://id.example"},
        {"oidc_issuer": "https://id.example", "oidc_client_id": "chatty", "oidc_name": ""},
        {"login_age": "1"},
        {"login_age": "59s"},
        {"login_age": "91d"},
        {"login_age": ""},
        {"identity_header": "Remote-User"},
        {"identity_header": "Remote-User", "trusted_proxy": "10.0.0.1"},
        {"identity_header": "Remote-User", "proxy_secret_file": "SECRET"},
        {"proxy_secret_file": "SECRET"},
        {"identity_header": "Remote-User", "trusted_proxy": "10.0.0.1", "proxy_secret_file": "/nowhere"},
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    fields = {name: filed(tmp_path) if value == "SECRET" else value for name, value in wrong.items()}
    with pytest.raises(SettingError) as refused:
        check_sign_in(Settings(**fields))  # type: ignore[arg-type]
    assert refused.value.hint
    assert SECRET not in str(refused.value)


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    access = "chatty.server.platform.network.access"
    monkeypatch.delitem(sys.modules, f"{access}.oidc", raising=False)
    monkeypatch.delattr(f"{access}.oidc", raising=False)
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(SettingError, match="needs PyJWT") as refused:
        check_sign_in(Settings(oidc_issuer="https://id.example", oidc_client_id="chatty"))
    assert refused.value.hint == "pip install 'chatty-rooms[oidc]'"


@pytest.mark.parametrize(
    "issuer",
    ["http://id.example", "id.example", "https://id.example?x", "https://id.example#x", "https://a@id.example"],
)
def test_an_issuer_whose_keys_somebody_could_replace_is_refused(issuer: str) -> None:
    with pytest.raises(SettingError, match="--oidc-issuer cannot be"):
        check_sign_in(Settings(oidc_issuer=issuer, oidc_client_id="chatty"))


@pytest.mark.parametrize(
    "header", ["Remote_User", "Authorization", "Cookie", "X-Forwarded-For", "X User", "X:", "ü", PROXY_SECRET]
)
def test_a_header_that_means_something_else_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(SettingError, match="--identity-header cannot be"):
        check_sign_in(Settings(identity_header=header, trusted_proxy="10.0.0.1", proxy_secret_file=filed(tmp_path)))


@pytest.mark.parametrize("content", ["", "short", "s" * 31, "s" * 16 + " " + "s" * 16, "ü" * 40, b"\xff" * 40])
def test_a_secret_that_can_be_guessed_or_not_be_sent_is_refused(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(SettingError, match="secret"):
        check_sign_in(
            Settings(identity_header="X-User", trusted_proxy="10.0.0.1", proxy_secret_file=filed(tmp_path, content))
        )
