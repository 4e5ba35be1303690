"""What is remembered of a room between two runs."""

from __future__ import annotations

import asyncio
import stat
import threading
from pathlib import Path

import pytest

from chatty.cli.join.rooms.places import OpenedRoom, Place, Places
from chatty.cli.private_files import write_private
from chatty.events import StreamPosition


def seated(places: Places, journal: str = "1.journal") -> Place:
    """The place of a terminal that has this journal."""
    place = places.of("id")
    place.hold(place.directory / journal)
    return place


def test_how_far_a_room_was_read_lasts(tmp_path: Path) -> None:
    places = Places(tmp_path, "default")
    places.of("id").see(StreamPosition("e", 7), 100.0)
    places.save()
    again = Places(tmp_path, "default").of("id")
    assert (again.seen, again.seen_at) == (StreamPosition("e", 7), 100.0)
    assert Places(tmp_path, "default").of("other").seen is None


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    places = Places(tmp_path, "default")
    place = seated(places)
    place.type("half-typed", [])
    place.see(StreamPosition("e", 7), 100.0)
    places.save()
    for name in ("1.draft", "place.json"):
        assert stat.S_IMODE((tmp_path / "id" / name).stat().st_mode) == 0o600


def test_a_room_that_is_entered_again_goes_on_with_what_is_not_written_yet(tmp_path: Path) -> None:
    places = Places(tmp_path, "default")
    seated(places).type("half-typed", [])
    assert seated(places).draft == "half-typed"


def test_reading_goes_forward_only_within_an_epoch(tmp_path: Path) -> None:
    place = Places(tmp_path, "default").of("id")
    place.see(StreamPosition("e", 7), 100.0)
    place.see(StreamPosition("e", 5), 200.0)
    assert (place.seen, place.seen_at) == (StreamPosition("e", 7), 100.0)
    place.see(StreamPosition("f", 2), 300.0)
    assert place.seen == StreamPosition("f", 2)


def test_of_two_terminals_in_a_room_the_one_that_read_further_counts(tmp_path: Path) -> None:
    one, other = Places(tmp_path, "default"), Places(tmp_path, "default")
    first, second = one.of("id"), other.of("id")
    first.see(StreamPosition("e", 9), 200.0)
    one.save()
    second.see(StreamPosition("e", 4), 100.0)
    other.save()
    assert Places(tmp_path, "default").of("id").seen == StreamPosition("e", 9)


def test_two_terminals_in_a_room_have_a_line_each(tmp_path: Path) -> None:
    one, other = Places(tmp_path, "default"), Places(tmp_path, "default")
    first, second = seated(one), seated(other, journal="2.journal")
    first.type("of one", [])
    second.type("of the other", ["refused"])
    one.save()
    other.save()
    third, fourth = seated(Places(tmp_path, "default")), seated(Places(tmp_path, "default"), journal="2.journal")
    assert (third.draft, third.refused) == ("of one", [])
    assert (fourth.draft, fourth.refused) == ("of the other", ["refused"])


def test_a_line_that_was_entered_leaves_nothing_behind(tmp_path: Path) -> None:
    places = Places(tmp_path, "default")
    place = seated(places)
    place.type("half-typed", [])
    places.save()
    place.type("", [])
    places.save()
    assert list((tmp_path / "id").iterdir()) == []


def test_without_a_journal_no_line_is_kept(tmp_path: Path) -> None:
    places = Places(tmp_path, "default")
    place = places.of("id")
    place.hold(None)
    place.type("half-typed", [])
    places.save()
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_text_are_kept_as_a_sign(tmp_path: Path) -> None:
    places = Places(tmp_path, "default")
    seated(places).type("caf\udce9", ["\udce9"])
    places.save()
    place = seated(Places(tmp_path, "default"))
    assert (place.draft, place.refused) == ("caf\ufffd", ["\ufffd"])


def test_profiles_are_different_people(tmp_path: Path) -> None:
    one, other = Places(tmp_path, "default"), Places(tmp_path, "a/../b")
    other.of("id").see(StreamPosition("e", 7), 100.0)
    other.keep_open([OpenedRoom("http://127.0.0.1:8080", "id")])
    other.save()
    assert one.of("id").seen is None
    assert one.last_open() == []
    assert Places(tmp_path, "a/../b").of("id").seen == StreamPosition("e", 7)
    assert Places(tmp_path, "a/../b").last_open() == [OpenedRoom("http://127.0.0.1:8080", "id")]


def test_a_damaged_file_is_a_new_beginning(tmp_path: Path) -> None:
    (tmp_path / "id").mkdir()
    for name in ("place.json", "1.draft"):
        (tmp_path / "id" / name).write_text("{")
    place = seated(Places(tmp_path, "default"))
    assert (place.seen, place.draft) == (None, "")


async def test_what_changes_is_written_meanwhile(tmp_path: Path) -> None:
    places = Places(tmp_path, "default")
    keeping = asyncio.create_task(places.keep())
    seated(places).type("half-typed", [])
    async with asyncio.timeout(20):
        while seated(Places(tmp_path, "default")).draft != "half-typed":
            await asyncio.sleep(0.01)
    keeping.cancel()


async def test_a_line_that_was_entered_is_gone_before_its_turn_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatty.cli.join.rooms.places.EVERY", 3_600.0)
    places = Places(tmp_path, "default")
    keeping = asyncio.create_task(places.keep())
    place, kept = seated(places), tmp_path / "id/1.draft"
    for line in ("half-typed", ""):
        place.type(line, [])
        async with asyncio.timeout(20):
            while kept.exists() != bool(line):
                await asyncio.sleep(0.01)
    keeping.cancel()


def test_a_directory_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    places, told = Places(tmp_path / "file", "default"), list[str]()
    places.warn = told.append
    for room in ("one", "two"):
        places.of(room).see(StreamPosition("e", 7), 100.0)
    places.save()
    places.keep_open([])
    (warning,) = told
    assert warning.startswith("how far you read and what you type can't be kept: ")


async def test_what_cannot_be_written_is_told_by_the_event_loop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    places, told = Places(tmp_path / "file", "default"), asyncio.Event()
    threads = list[threading.Thread]()

    def warn(_: str) -> None:
        threads.append(threading.current_thread())
        told.set()

    places.warn = warn
    keeping = asyncio.create_task(places.keep())
    seated(places).type("x", [])
    async with asyncio.timeout(20):
        await told.wait()
    keeping.cancel()
    assert threads == [threading.main_thread()]


def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    (tmp_path / "rooms").write_text("")
    places = Places(tmp_path / "rooms", "default")
    place = seated(places)
    place.type("half-typed", [])
    place.see(StreamPosition("e", 7), 100.0)
    places.save()
    (tmp_path / "rooms").unlink()
    places.save()
    places.save()
    kept = seated(Places(tmp_path / "rooms", "default"))
    assert (kept.draft, kept.seen) == ("half-typed", StreamPosition("e", 7))


async def test_what_is_written_last_is_the_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, overtaken = threading.Event(), threading.Event()

    def slow(path: Path, data: bytes) -> None:
        if b"older" in data:
            begun.set()
            overtaken.wait(0.2)
        write_private(path, data)
        overtaken.set()

    monkeypatch.setattr("chatty.cli.join.rooms.places.write_private", slow)
    places = Places(tmp_path, "default")
    keeping = asyncio.create_task(places.keep())
    place = seated(places)
    place.type("older", [])
    await asyncio.to_thread(begun.wait, 20)
    keeping.cancel()
    place.type("the latest", [])
    places.save()
    await asyncio.gather(keeping, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert seated(Places(tmp_path, "default")).draft == "the latest"
