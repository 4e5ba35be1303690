"""The way into a room that is asked for at the prompt of another one."""

from __future__ import annotations

from chatty.cli.access.entering import Way
from chatty.cli.config import ServerChoice
from tests.cli.conftest import MakeEnvironment
from tests.support.server import Server


async def test_what_goes_wrong_beside_is_told_to_the_room_and_not_written_over_its_prompt(
    server: Server, make_environment: MakeEnvironment
) -> None:
    env, told = make_environment(), list[str]()
    env.state_directory.parent.mkdir(parents=True, exist_ok=True)
    env.state_directory.write_text("no directory")
    ops = server.make_room("ops")
    entrance = await Way(env, ServerChoice(server.url), "John").door(ops["id"], told.append)
    assert (entrance.room_name, entrance.name) == ("ops", "John")
    (warning,) = told
    assert warning.startswith("the room is not remembered (")
    assert env.stderr.getvalue() == ""  # type: ignore[attr-defined]
