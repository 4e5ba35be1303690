"""Credentials as they look: a token is told from a key, however it was mistyped, and found where it must not be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatty.credentials import (
    is_invitation,
    is_shown_in,
    is_token,
    masked,
    new_invitation,
    new_public_id,
    new_token,
    resembles_token,
)

TOKEN = new_token()
OWNER = "owner_" + "x" * 43


def test_a_token_has_a_form_that_a_typing_error_breaks() -> None:
    assert is_token(TOKEN)
    assert len({new_token() for _ in range(100)}) == 100
    assert TOKEN.replace("_", "").isalnum(), "so a double click selects all of it"
    for place in range(len(TOKEN)):
        other = "a" if TOKEN[place] != "a" else "b"
        assert not is_token(TOKEN[:place] + other + TOKEN[place + 1 :])
        assert not is_token(TOKEN[:place])


def test_an_invitation_is_told_from_a_token_and_from_a_key() -> None:
    invitation = new_invitation()
    assert is_invitation(invitation)
    assert not is_token(invitation)
    assert not is_invitation(TOKEN)
    assert not is_invitation(TOKEN.replace("chatty_t", "chatty_i")), "its checksum is another one"
    assert all(resembles_token(invitation[missing:]) for missing in range(9))


def test_a_public_id_is_no_secret_and_names_one_thing() -> None:
    ids = {new_public_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) == 12 and one.isalnum() for one in ids)


def test_what_was_meant_as_a_token_is_never_taken_for_a_key() -> None:
    for text in (
        TOKEN, TOKEN.upper(), TOKEN.lower(), f'"{TOKEN}"', f"({TOKEN}", f"token={TOKEN}", TOKEN[:20], TOKEN + TOKEN,
        *(TOKEN[missing:] for missing in range(9)), "chatty_", "Chatty_x", " chatty_i", f"\n{TOKEN}",
    ):  # fmt: skip
        assert resembles_token(text), text


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=80).filter(lambda text: "chatty" not in text.lower()))
def test_other_texts_are_keys(text: str) -> None:
    assert not resembles_token(text)


def test_a_key_may_speak_of_chatty() -> None:
    for key in ("my-chatty-key", "bot_of_chatty_team_7", "k" * 43, OWNER, "0" * 57):
        assert not resembles_token(key)


def test_a_secret_is_found_in_an_address_and_hidden_in_a_text() -> None:
    for secret in (TOKEN, OWNER, TOKEN.replace("chatty_t", "chatty_i")):
        for text in (secret, f"/v1/rooms/{secret}?x=1", f"said {secret}, {secret}!"):
            assert is_shown_in(text)
            assert secret not in masked(text)
    assert masked(f"said {TOKEN}, {OWNER}!") == "said …, …!"
    for text in ("/v1/tokens/" + new_public_id(), "/v1/rooms/2SzErhA2PvYGjf4PQ4pvTh9BfE0", "?q=chatty_t", "owner_x"):
        assert not is_shown_in(text)
        assert masked(text) == text
