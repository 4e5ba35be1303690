"""What is shown of a room's history, page by page: a real server, without a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chatty.cli.join.slash_commands import reading_actions
from chatty.client.http import Http
from tests.cli.join.talk import Talk, by, talking
from tests.support.server import Server

pytestmark = pytest.mark.usefixtures("small_pages")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_actions, "FOUND", 2)
    monkeypatch.setattr(reading_actions, "AROUND", 2)


@asynccontextmanager
async def reading(server: Server, *said: tuple[str, str]) -> AsyncIterator[Talk]:
    """A conversation in a room where this was ``said``, by name and text."""
    room = server.make_room("talk")["id"]
    async with Http(server.url) as http:
        for name, text in said:
            await http.send(room, text, name=name)
        async with talking(http=http, room=room) as talk:
            yield talk


async def shown(talk: Talk, line: str, last: str) -> list[str]:
    """The texts, numbers and notices that ``line`` shows, up to one that has ``last``; without times and names."""
    before = len(talk.lines())
    assert talk.conversation.enter(line), talk.lines()[-1]
    await talk.shows_after(before, last)
    lines = talk.lines()[before:]
    return [row.split("│ ")[-1] for row in lines if not row.startswith("──")]


SAID = [("Ada", "deploy one"), ("Bob", "deploy two"), ("Ada", "lunch"), ("Ada", "deploy three"), ("Bob", "deploy four")]


async def test_a_search_shows_the_newest_and_more_shows_those_before(server: Server) -> None:
    async with reading(server, *SAID) as talk:
        assert await shown(talk, "/search deploy", "… more") == [
            "-- found: 2 messages for: deploy",
            "deploy three  #4",
            "deploy four  #5",
            "… more: /more",
        ]
        assert await shown(talk, "/more", "-- end of ") == [
            "-- earlier: 2 messages for: deploy",
            "deploy one  #1",
            "deploy two  #2",
            "-- end of what was found",
        ]
        assert talk.refuses("/more").startswith("!! there is nothing more to show")


async def test_the_history_pages_by_the_number_that_was_given(server: Server) -> None:
    async with reading(server, *SAID) as talk:
        assert (await shown(talk, "/history 3", "… more"))[1:-1] == ["lunch  #3", "deploy three  #4", "deploy four  #5"]
        assert (await shown(talk, "/more", "-- end of "))[1:-1] == ["deploy one  #1", "deploy two  #2"]


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("/search deploy --from Ada", ["deploy one  #1", "deploy three  #4"]),
        ("/search deploy --from @ada", ["deploy one  #1", "deploy three  #4"]),
        ("/history 9 --from Bob --since 2020-01-01", ["deploy two  #2", "deploy four  #5"]),
        ("/history --since 2020-01-01 --from Bob", ["deploy two  #2", "deploy four  #5"]),
        ("/search --from Bob", ["deploy two  #2", "deploy four  #5"]),
    ],
)
async def test_the_options_leave_only_messages_of_somebody_or_since_a_time(
    server: Server, line: str, texts: list[str]
) -> None:
    async with reading(server, *SAID) as talk:
        assert (await shown(talk, line, "-- end of "))[1:-1] == texts


async def test_what_is_not_there_is_said_with_what_was_asked_for(server: Server) -> None:
    async with reading(server, *SAID) as talk:
        assert await shown(talk, "/search deploy --from Eve", "nothing") == ["-- nothing found by Eve for: deploy"]
        (line,) = await shown(talk, "/history --since @4102444800", "nothing")
        assert line.startswith("-- nothing found since 21")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/search x --from", "--from needs a name: --from Ada"),
        ("/history --since", "--since needs a time: --since 2h"),
        ("/history --since lately", "--since takes how long ago, or a date"),
        ("/history many --from Ada", "/history takes a number"),
        ("/more", "there is nothing more to show"),
        ("/show me", "/show takes the number of a message"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_to_write(server: Server, line: str, why: str) -> None:
    async with reading(server) as talk:
        assert talk.refuses(line).startswith(f"!! {why}")


async def test_a_length_of_time_is_counted_back_from_now(server: Server) -> None:
    async with reading(server, *SAID) as talk:
        assert (await shown(talk, "/history --since 2h", "2026-11-23"))[0].endswith("since 2026-11-23 10:00")


async def test_who_is_ignored_is_not_found(server: Server) -> None:
    async with reading(server, *SAID) as talk:
        await talk.sees(by("Bob", 5))
        assert talk.conversation.enter("/ignore Bob")
        assert (await shown(talk, "/history", "-- end of "))[1:-1] == [
            "deploy one  #1",
            "lunch  #3",
            "deploy three  #4",
        ]


@pytest.mark.parametrize("line", ["/show 3", "/show #3"])
async def test_a_message_is_shown_with_those_around_it_and_a_mark(server: Server, line: str) -> None:
    async with reading(server, *((f"P{n}", f"text {n}") for n in range(1, 7))) as talk:
        assert await shown(talk, line, "#5") == [
            "-- #3 and what is around it",
            "text 1  #1",
            "text 2  #2",
            "text 3  #3  ◀",
            "text 4  #4",
            "text 5  #5",
        ]


async def test_a_number_that_no_message_has_is_said(server: Server) -> None:
    async with reading(server, *SAID) as talk:
        assert await shown(talk, "/show 77", "77") == ["-- no message here has the number 77"]


async def test_a_long_text_is_opened_in_the_pager_and_cleaned(server: Server) -> None:
    async with reading(server, ("Ada", "\n".join(f"row {n}\x1b" for n in range(30)))) as talk:
        opened: list[str] = []

        async def pager(text: str) -> bool:
            opened.append(text)
            talk.conversation.show()
            return len(opened) == 1

        talk.switcher.pager = pager
        assert talk.conversation.enter("/show 1")
        await talk.until(lambda: len(opened) == 1)
        head, _, *rows = opened[0].splitlines()
        assert head.startswith("-- Ada  20")
        assert head.endswith("  #1")
        assert rows == [f"  row {n}␛" for n in range(30)]
        await shown(talk, "/show 1", "◀")  # now it can't be started
        assert "row 29␛" in talk.lines()[-1]


async def test_a_long_text_is_printed_whole_where_there_is_no_pager(server: Server) -> None:
    async with reading(server, ("Ada", "\n".join(f"row {n}" for n in range(30)))) as talk:
        await shown(talk, "/show 1", "◀")
        assert "row 29" in talk.lines()[-1]


async def test_one_is_told_who_is_here_and_who_one_is(server: Server) -> None:
    async with reading(server) as talk:
        (line,) = await shown(talk, "/who", "here")
        assert line.endswith(f" · you are {talk.conversation.incoming.people.me}")
