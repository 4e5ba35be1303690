"""Commands that no server would accept get no number, and are refused at once."""

from __future__ import annotations

from typing import cast

import pytest

from chatty.client.outbox import unsendable
from chatty.protocol import Delete, Edit, Say, Send, SetTopic


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Send(text="x" * 40), None),
        (Send(text="x" * 41), "message_too_long"),
        (Edit(of=3, text="é" * 20), None),
        (Edit(of=3, text="é" * 21), "message_too_long"),
        (Send(text=""), "message_empty"),
        (Edit(of=3, text=" \n\u3000"), "message_empty"),
        (Send(text=" a"), None),
        (SetTopic(topic="x" * (40 - len('{"op":"topic","topic":""}'))), None),
        (SetTopic(topic="x" * (41 - len('{"op":"topic","topic":""}'))), "too_large"),
        (SetTopic(topic=""), None),
    ],
)
def test_a_command_that_no_server_accepts_is_not_sent(command: Say, code: str | None) -> None:
    refused = unsendable(command, 40)
    assert (refused and refused.code) == code


@pytest.mark.parametrize("command", [Send(text="\ud800"), Edit(of=cast(int, "3"), text="x"), Delete(of=cast(int, 1.5))])
def test_an_invalid_command_is_not_sent(command: Say) -> None:
    with pytest.raises(ValueError, match=r"surrogates|Expected `int`"):
        unsendable(command, 40)
