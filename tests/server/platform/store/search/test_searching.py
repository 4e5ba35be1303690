"""Searching a room's history over HTTP: the results, their order, and how soon a message is found."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from chatty.server.platform.store.search.query import wanted
from chatty.server.platform.store.search.searching import Search
from tests.server.asking import Answer, ask, refusal
from tests.server.platform.conftest import ROOM, Shelf
from tests.support.faults import eventually
from tests.support.server import Server

KEY = {"Authorization": f"Bearer {'k' * 32}"}


def say(server: Server, room: str, text: str, name: str = "Ada") -> int:
    answer = ask(server, "POST", f"/v1/rooms/{room}/messages", {"participant": name, "text": text}, KEY)
    assert answer.status == 201
    return int(answer.json["seq"])


def search(server: Server, room: str, **query: object) -> Answer:
    named = {name.rstrip("_"): value for name, value in query.items()}
    return ask(server, "GET", f"/v1/rooms/{room}/events?{urlencode(named)}")


def found(server: Server, room: str, **query: object) -> list[str]:
    """The texts that are found, in the answer's order."""
    answer = search(server, room, **query)
    assert answer.status == 200, answer
    return [event["text"] for event in answer.json["events"]]


def test_every_word_must_be_the_beginning_of_a_word(server: Server, room: str) -> None:
    for text in ("The release is out", "Releases are frequent", "We release nothing", "prerelease"):
        say(server, room, text)
    assert found(server, room, q="release") == ["The release is out", "Releases are frequent", "We release nothing"]
    assert found(server, room, q="rel out") == ["The release is out"]
    assert found(server, room, q="out rel") == ["The release is out"]
    assert found(server, room, q="release frequently") == []


def test_case_and_accents_make_no_difference(server: Server, room: str) -> None:
    say(server, room, "Ein Käse aus ŁÓDŹ, Straße Αθήνα")
    for words in ("kase", "KÄSE", "Ka\u0308se", "łodz", "lodz", "STRASSE", "ΑΘΗΝΑ"):
        assert found(server, room, q=words) == ["Ein Käse aus ŁÓDŹ, Straße Αθήνα"], words


def test_a_vowel_sign_or_tone_that_makes_another_word_counts(server: Server, room: str) -> None:
    for text in ("का मतलब", "कि मतलब", "नेकी", "ไม่ได้", "ไม้ได้", "カス", "ガス料金"):
        say(server, room, unicodedata.normalize("NFD", text))
    for words, text in (("कि", "कि मतलब"), ("ไม้", "ไม้ได้"), ("ガス", "ガス料金"), ("नेकी", "नेकी")):
        assert found(server, room, q=words) == [unicodedata.normalize("NFD", text)]


def test_any_part_is_found_where_a_script_puts_no_spaces(server: Server, room: str) -> None:
    say(server, room, "今日は天気がいい")
    say(server, room, "ไม่ได้ไป")
    for words in ("天気", "気がいい", "今日"):
        assert found(server, room, q=words) == ["今日は天気がいい"], words
    assert found(server, room, q="ได้") == ["ไม่ได้ไป"]
    assert found(server, room, q="天が") == []


@pytest.mark.parametrize(
    "words",
    ['"', '""', 'a"b', "AND", "a AND", "NOT a", "a OR b", "(a", "a)", "NEAR(a b, 5)", "text:a", "who:616461", "-a",
     "^a", "a*", "*", "{a}", "+a", "a\0b", "\0", "🎉", "'", "a'; DROP TABLE messages; --", " ", "", "a\\", "𞤀"],
)  # fmt: skip
def test_nothing_in_the_words_is_a_language(server: Server, room: str, words: str) -> None:
    say(server, room, "Ada said: apples")
    assert found(server, room, q=words) in ([], ["Ada said: apples"])
    assert found(server, room, q="apples") == ["Ada said: apples"]


def test_words_are_found_as_they_stand_with_their_signs(server: Server, room: str) -> None:
    say(server, room, "see foo-bar.py and NOT what")
    say(server, room, "bar and foo")
    assert found(server, room, q="foo-bar") == ["see foo-bar.py and NOT what"]
    assert found(server, room, q='"foo bar"') == ["see foo-bar.py and NOT what", "bar and foo"]
    assert found(server, room, q="NOT") == ["see foo-bar.py and NOT what"]


def test_a_message_is_found_by_the_next_search(server: Server, room: str) -> None:
    for number in range(30):
        say(server, room, f"number{number} of them")
        assert found(server, room, q=f"number{number}", limit=1) == [f"number{number} of them"]


def test_a_search_reveals_nothing_about_other_rooms(server: Server, room: str) -> None:
    other = server.make_room()["id"]
    say(server, other, "only there")
    say(server, room, "only here")
    assert found(server, room, q="only") == ["only here"]


def test_an_author_can_be_searched_for_in_any_spelling(server: Server, room: str) -> None:
    say(server, room, "hello from one", "Ada")
    say(server, room, "hello from another", "John")
    say(server, room, "bye", "Ada")
    assert found(server, room, from_="ａＤＡ") == ["hello from one", "bye"]
    assert found(server, room, from_="ada", q="hello") == ["hello from one"]
    assert found(server, room, from_="Ad") == []
    assert refusal(search(server, room, from_="\u202e")) == (400, "name_invalid")


def test_pages_lead_through_all_that_is_found_in_both_directions(server: Server, room: str) -> None:
    for number in range(25):
        say(server, room, f"{'even' if number % 2 == 0 else 'odd'} {number}")
    wanted = [f"even {number}" for number in range(0, 25, 2)]

    def pages(direction: str, at: int) -> list[list[str]]:
        taken: list[list[str]] = []
        more = True
        while more:
            page: Any = search(server, room, q="even", limit=5, **{direction: at}).json
            taken.append([event["text"] for event in page["events"]])
            at, more = page["events"][-1 if direction == "after" else 0]["seq"], page["more"]
        return taken

    assert pages("after", 0) == [wanted[:5], wanted[5:10], wanted[10:]]
    assert pages("before", 1_000) == [wanted[-5:], wanted[-10:-5], wanted[:-10]]
    assert found(server, room, q="even", limit=3) == wanted[-3:]


def test_times_bound_a_page_with_a_search_and_without(server: Server, room: str) -> None:
    first = say(server, room, "word one")
    time.sleep(0.005)  # the times are the server's, in milliseconds
    say(server, room, "word two")
    time.sleep(0.005)
    say(server, room, "word three")
    times = [event["at"] for event in search(server, room).json["events"]]
    assert found(server, room, since=times[1]) == ["word two", "word three"]
    assert found(server, room, until=times[1]) == ["word one"]
    assert found(server, room, since=times[1], until=times[2]) == ["word two"]
    assert found(server, room, q="word", since=times[1], until=times[2]) == ["word two"]
    assert found(server, room, since=times[0], after=first, limit=1) == ["word two"]
    assert found(server, room, until=times[2], before=first + 1) == ["word one"]
    assert found(server, room, since="1600-01-01T00:00:00Z", until="9999-12-31T23:59:59-23:59") == [
        "word one", "word two", "word three",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [{"since": "yesterday"}, {"since": "2026-11-23T12:00:00"}, {"until": ""}, {"until": "1e9"}, {"q": "x" * 513},
     {"q": " ".join(map(str, range(17)))}, {"q": "a", "after": 1, "before": 2}],
)  # fmt: skip
def test_searches_that_make_no_sense_are_refused(server: Server, room: str, query: dict[str, object]) -> None:
    assert refusal(search(server, room, **query)) == (400, "bad_request")


def test_only_messages_are_found_as_they_are_now(server: Server, room: str) -> None:
    first, second = say(server, room, "an old wording"), say(server, room, "wording to delete")
    base = f"/v1/rooms/{room}/messages"
    assert ask(server, "PATCH", f"{base}/{first}", {"participant": "Ada", "text": "a new wording"}, KEY).status == 200
    (event,) = search(server, room, q="wording new").json["events"]
    assert (event["seq"], event["text"], event["edited"]) == (first, "a new wording", second + 1)
    assert found(server, room, q="old") == []
    assert ask(server, "DELETE", f"{base}/{second}?name=Ada", headers=KEY).status == 200
    assert found(server, room, q="wording") == ["a new wording"]
    assert found(server, room, from_="Ada") == ["a new wording"]
    assert found(server, room, q="wording", type="message") == ["a new wording"]
    assert found(server, room, q="wording", type="message_edited") == []


def test_a_crash_loses_nothing_of_the_index(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        for number in range(3):
            say(server, room, f"life {number}")
            server.crash()
        assert found(server, room, q="life") == ["life 0", "life 1", "life 2"]


@pytest.mark.parametrize("damage", [None, b"no database at all" * 1_000])
def test_an_index_that_is_gone_or_damaged_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        say(server, room, "still there")
        assert found(server, room, q="still") == ["still there"]
        server.stop()
        assert {file.name for file in server.data.iterdir()} == {"chatty.db", "lock", "search.db", "served-rooms.json"}
        index = server.data / "search.db"
        with closing(sqlite3.connect(index)) as db:
            assert db.execute("SELECT boot FROM notes").fetchone() == ("",), "it is sealed when the server stops"
        index.unlink()
        if damage:
            index.write_bytes(damage)
        server.start()
        eventually(lambda: search(server, room, q="still").status == 200, "the index is there")
        assert found(server, room, q="still") == ["still there"]
        assert ("is removed, and a new one is built" in server.log) == bool(damage)


def test_an_index_that_is_taken_away_under_the_server_comes_back(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        say(server, room, "still there")
        assert found(server, room, q="still") == ["still there"]
        for file in server.data.glob("search.db*"):
            file.unlink()
        assert refusal(search(server, room, q="still")) == (503, "unavailable")
        eventually(lambda: search(server, room, q="still").status == 200, "the index is there")
        assert found(server, room, q="still") == ["still there"]
        say(server, room, "still talking")
        assert found(server, room, q="still") == ["still there", "still talking"]


def test_nothing_is_found_in_an_empty_room_even_before_there_is_an_index(tmp_path: Path) -> None:
    (tmp_path / "data" / "search.db").mkdir(parents=True)  # there never will be one
    with Server(tmp_path / "data") as server:
        assert found(server, server.make_room()["id"], q="anything") == []


async def test_a_stop_while_much_is_taken_in_is_quick_and_loses_nothing(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--message-rate", "0") as server:
        room = server.make_room()["id"]
        await asyncio.to_thread(_fill, server, room)
        assert await asyncio.to_thread(server.stop) == 0
        (server.data / "search.db").unlink()
        await asyncio.to_thread(server.start)
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)

        def complete() -> bool:
            answer = search(server, room, q="long", limit=500)  # until the index is there, a 503
            return answer.status == 200 and len(answer.json["events"]) == 300

        await asyncio.to_thread(eventually, complete, "the index is complete")


def _fill(server: Server, room: str) -> None:
    for number in range(300):
        say(server, room, f"{number} is a long one " * 50)


async def test_the_index_says_how_many_events_it_is_behind_and_counts_anew_when_it_has_caught_up(shelf: Shelf) -> None:
    shelf.say("one", "two")
    search = Search(shelf.store.path)
    view = await shelf.reads.room(ROOM)
    assert view is not None
    look_for = wanted("two", "")
    assert look_for is not None
    assert len(await search.find(view, look_for, after=0, before=None, limit=1, newest=False)) == 1
    assert search.lag == 0
    await search.close()  # nothing is indexed from here on
    search.touch([ROOM], 5)
    assert search.lag == 5
