"""The journal's file: who may have it, what becomes of a damaged one, and what a later run makes of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import chatty
from chatty.client.identity import fingerprint, new_secret
from chatty.client.journal.file import Journal
from chatty.client.journal.outbox import JournaledOutbox
from chatty.errors import Refused
from chatty.protocol import IN_FLIGHT, Ack, Produce, Producing, Send, decode_command
from tests.client.outbox.test_outbox_again import digest, text
from tests.support.proxy import Proxy
from tests.support.server import Server

DAY = 86_400.0


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def outbox_of(path: Path, *texts: str, identity: str = "key", epoch: str = "e", clock: Clock | None = None) -> Outbox:
    """A run that goes on with the journal, and says these texts."""
    outbox = Outbox(Journal(path), "room", identity, clock=clock or Clock())
    outbox.resumed = [message.command for message in outbox.resume(lambda: "resumed")]
    outbox.connected(epoch)
    for words in texts:
        outbox.add(text(words), words)
    return outbox


class Outbox(JournaledOutbox[str]):
    resumed: list[object]

    def sends(self) -> list[object]:
        return [decode_command(command) for command in self.take(10)]


def killed(path: Path, *texts: str, accepted: int = 0, clock: Clock | None = None) -> str:
    """A run that was killed after it had sent these texts and heard of the first ones. Gives its producer."""
    outbox = outbox_of(path, *texts, clock=clock)
    outbox.take(10)
    for n in range(1, accepted + 1):
        outbox.acked(Ack(n=n, seq=n))
    Path(f"{path}.copy").write_bytes(path.read_bytes())
    outbox.abandon()
    outbox.close()
    Path(f"{path}.copy").rename(path)
    return outbox.producer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.journal"


# --- what a later run does ----------------------------------------------------------------------------------


def test_what_waits_is_not_sent_before_the_room_has_told_what_it_has(path: Path) -> None:
    producer = killed(path, "a", "b", "c", accepted=1)
    outbox = outbox_of(path, "d")
    assert outbox.resumed == [text("b"), text("c")]
    assert outbox.sends() == [Produce(producer)]
    (settled,) = outbox.producing(Producing(2, digest(text("a"), text("b")).hex()))
    assert (settled.command, settled.result) == (text("b"), Ack(n=2, duplicate=True))
    assert outbox.sends() == [Send(text="c", n=3), Send(text="d", n=4)]
    outbox.close()


@pytest.mark.parametrize(
    ("accepted", "others"),
    [(3, ["a", "b", "x"]), (4, ["a", "b", "c", "d"]), (0, []), (1, ["x"])],
    ids=["another message", "more than was sent", "forgotten", "another past"],
)
def test_what_the_room_may_have_is_given_back_and_what_was_never_sent_goes_by_a_new_producer(
    path: Path, accepted: int, others: list[str]
) -> None:
    producer = killed(path, "a", "b", "c", accepted=1)
    outbox = outbox_of(path, "new")
    outbox.take(10)
    settled = outbox.producing(Producing(accepted, digest(*map(text, others)).hex() if others else ""))
    assert [outcome.command for outcome in settled] == [text("b"), text("c")]
    assert all(isinstance(one.result, Refused) and one.result.code == "idempotency_conflict" for one in settled)
    assert outbox.producer != producer
    assert outbox.sends() == [Produce(outbox.producer), Send(text="new", n=1)]
    assert outbox.producing(Producing(0)) == []
    outbox.close()
    assert outbox_of(path).resumed == [text("new")]


def test_a_room_that_was_restored_from_a_backup_gets_what_waits(path: Path) -> None:
    killed(path, "a", "b", "c", accepted=2)
    outbox = outbox_of(path, epoch="another")
    outbox.take(10)
    assert outbox.producing(Producing(1, digest(text("a")).hex())) == []
    assert outbox.sends() == [Send(text="c", n=2)]
    outbox.close()


def test_another_key_never_sends_what_may_have_been_sent_with_the_first_one(path: Path) -> None:
    killed(path, "a")
    outbox = outbox_of(path, identity="another key")
    outbox.take(10)
    (settled,) = outbox.producing(Producing(0))
    assert isinstance(settled.result, Refused)
    assert fingerprint(new_secret()) != fingerprint(new_secret())
    assert fingerprint(lambda: "a token") == ""
    outbox.close()


@pytest.mark.parametrize(("days", "sent"), [(29, True), (31, False)])
def test_after_a_month_a_room_may_have_forgotten_what_it_has(path: Path, days: int, sent: bool) -> None:
    clock = Clock()
    killed(path, "a", clock=clock)
    clock.now += days * DAY
    outbox = outbox_of(path, clock=clock)
    outbox.take(10)
    assert bool(outbox.producing(Producing(0))) is not sent
    assert outbox.sends() == ([Send(text="a", n=1)] if sent else [])
    outbox.close()


def test_a_journal_that_is_never_empty_does_not_grow_for_ever(path: Path) -> None:
    outbox = outbox_of(path, "first")
    outbox.take(1)
    for n in range(1, 4 * IN_FLIGHT):
        outbox.add(text("next"), "next")
        outbox.take(1)
        outbox.acked(Ack(n=n, seq=n))
    assert path.read_bytes().count(b"\n") <= 2 * IN_FLIGHT + 2
    outbox.close()
    later = outbox_of(path)
    assert later.resumed == [text("next")]
    later.close()


# --- the file -----------------------------------------------------------------------------------------------


def test_a_journal_is_private_and_goes_away_when_nothing_waits(path: Path) -> None:
    outbox = outbox_of(path, "a")
    assert path.stat().st_mode & 0o777 == 0o600
    outbox.take(2)
    outbox.acked(Ack(n=1, seq=1))
    assert path.read_bytes() == b""
    outbox.close()
    assert not path.exists()


def test_two_rooms_never_share_a_journal(path: Path) -> None:
    outbox = outbox_of(path, "a")
    with pytest.raises(chatty.JournalError, match="in use by another") as raised:
        outbox_of(path)
    assert (raised.value.because, raised.value.path) == ("in_use", path)
    outbox.close()
    outbox_of(path).close()


def test_a_journal_of_another_room_stays_as_it_is(path: Path) -> None:
    killed(path, "a")
    before = path.read_bytes()
    with pytest.raises(chatty.JournalError, match="another room") as raised:
        Journal(path).open("other")
    assert (raised.value.because, path.read_bytes()) == ("another_room", before)


@pytest.mark.parametrize(
    "damage",
    [b"my notes", b"my notes\n", b'{"op":"done","stored":true}\n', b"\xff\n", b'{"op":"past"}\n'],
)
def test_a_damaged_journal_is_moved_aside_as_it_is(path: Path, damage: bytes) -> None:
    for number in (1, 2):
        path.write_bytes(damage)
        with pytest.raises(chatty.JournalError, match="damaged") as raised:
            Journal(path).open("room")
        assert raised.value.aside == path.with_name(f"1.journal.damaged{number}")
        assert raised.value.aside.read_bytes() == damage
        assert not path.exists()
    outbox_of(path).close()


def test_damage_in_the_middle_is_not_taken_for_a_line_that_was_being_written(path: Path) -> None:
    killed(path, "a", "b")
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"{}\n" + b"".join(others))
    with pytest.raises(chatty.JournalError, match="damaged"):
        Journal(path).open("room")


@pytest.mark.parametrize("end", [1, 12, 13, 60])
def test_a_first_line_that_was_being_written_counts_for_nothing(path: Path, end: int) -> None:
    killed(path, "one")
    path.write_bytes(path.read_bytes()[:end])
    assert outbox_of(path).resumed == []


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a regular file"):
        Journal(Path("/dev/null")).open("room")
    with pytest.raises(IsADirectoryError):
        Journal(tmp_path).open("room")
    assert tmp_path.exists()


def test_a_free_journal_is_one_with_messages_before_an_empty_one(tmp_path: Path) -> None:
    directory = tmp_path / "room"
    first = chatty.free_journal(directory)
    assert (first.name, directory.stat().st_mode & 0o777) == ("1.journal", 0o700)
    held = outbox_of(first)
    second = chatty.free_journal(directory)
    assert second.name == "2.journal"
    killed(directory / "3.journal", "a")
    assert chatty.free_journal(directory).name == "3.journal"
    held.close()


def test_a_free_journal_with_a_file_of_its_program_beside_it_is_taken_before_an_empty_one(tmp_path: Path) -> None:
    for name in ("1.draft", "2.draft"):
        (tmp_path / name).write_text("half-typed")
    first = chatty.free_journal(tmp_path, beside=".draft")
    assert first.name == "1.journal"
    held = outbox_of(first)
    assert chatty.free_journal(tmp_path, beside=".draft").name == "2.journal"
    assert chatty.free_journal(tmp_path).name == "2.journal"  # the first that nobody holds
    (tmp_path / "2.draft").rename(tmp_path / "3.draft")
    assert chatty.free_journal(tmp_path, beside=".draft").name == "3.journal"
    held.close()


# --- rooms --------------------------------------------------------------------------------------------------


async def test_a_room_tells_what_it_resumes_and_what_became_of_it(
    server: Server, room_id: str, proxy: Proxy, path: Path
) -> None:
    key = new_secret()
    room = chatty.join(proxy.url, room_id, name="Ada", key=key, journal=path)
    async with room:
        await room.send("before")
        proxy.freeze()
        lost = [await room.post(words) for words in ("one", "two")]
        await room.close()  # as if it were killed: nothing has an outcome
    assert [type(future.exception()) for future in lost] == [chatty.Disconnected] * 2
    proxy.cut()
    proxy.heal()
    async with (
        chatty.Http(proxy.url, key=key) as http,
        http.join(room_id, name="Ada", journal=path) as room,
    ):
        await room.send("after")
        assert [command for command, _ in room.resumed] == [text("one"), text("two")]
        assert [(await outcome).n for _, outcome in room.resumed] == [2, 3]
    assert await asyncio.to_thread(server.texts, room_id) == ["before", "one", "two", "after"]
    assert not await asyncio.to_thread(path.exists)


async def test_what_the_server_refuses_is_not_tried_again_by_the_next_run(
    server: Server, room_id: str, path: Path
) -> None:
    key = new_secret()
    async with chatty.join(server.url, room_id, name="Ada", key=key, journal=path) as room:
        with pytest.raises(chatty.Refused, match="no such message"):
            await room.edit(1_000_000, "text")
        assert await asyncio.to_thread(path.read_bytes) == b""
        async with chatty.join(server.url, room_id, participate=False) as other:
            with pytest.raises(chatty.JournalError, match="in use"):
                await chatty.join(server.url, room_id, name="Ada", key=key, journal=path).__aenter__()
            assert not other.resumed


async def test_a_room_that_was_closed_for_everybody_leaves_nothing_to_resume(
    server: Server, proxy: Proxy, path: Path
) -> None:
    made = server.make_room()
    async with chatty.join(proxy.url, made["id"], name="Ada", key=new_secret(), journal=path) as room:
        await room.send("before")
        proxy.freeze()
        late = await room.post("too late")
        await asyncio.to_thread(server.ask, "DELETE", f"/v1/rooms/{made['id']}", token=made["owner_token"])
        proxy.cut()
        proxy.heal()
        with pytest.raises(chatty.Refused) as refused:
            await late
        assert refused.value.code == "room_closed"
    assert not await asyncio.to_thread(path.exists)


async def test_a_run_that_can_not_enter_the_room_keeps_what_waits_and_lets_go_of_the_journal(path: Path) -> None:
    killed(path, "a")
    for _ in range(2):
        with pytest.raises(chatty.Unreachable):
            await chatty.join("http://127.0.0.1:1", "room", name="Ada", key="k", journal=path).__aenter__()
    assert outbox_of(path).resumed == [text("a")]


def test_a_journal_needs_a_key_and_has_its_own_producer(path: Path) -> None:
    with pytest.raises(ValueError, match="needs a key"):
        chatty.join("http://a", "room", journal=path)
    with pytest.raises(ValueError, match="producer of its own"):
        chatty.join("http://a", "room", key="k", producer="p", journal=path)
