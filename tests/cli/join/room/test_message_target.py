"""Which message a command is about."""

from __future__ import annotations

import asyncio

import pytest

from chatty.cli.join.room.people import KEPT
from chatty.errors import Refused
from chatty.events import MessageDeleted, MessageEdited, ParticipantJoined, ParticipantLeft, ParticipantRenamed
from chatty.protocol import Ack, Delete, Edit, Gap, React, Say, Send
from tests.cli.join.talk import NOON, by, talking


async def test_an_edit_without_text_brings_the_own_last_message_back_as_it_is_now() -> None:
    async with talking() as talk:
        await talk.hears(by("John", 1, "first"), MessageEdited(2, NOON, "John", 1, "second"))
        assert talk.conversation.enter("/edit")
        assert talk.returned() == ["/edit second"]


async def test_what_is_still_on_its_way_is_not_edited() -> None:
    async with talking() as talk:
        await talk.hears(by("John", 1))
        await talk.posts("new")
        assert not talk.conversation.enter("/edit newer")
        talk.link.acks[0].set_result(Ack(n=1, seq=2))
        await asyncio.sleep(0)
        assert await talk.says("/edit newer") == Edit(2, "newer")


async def test_a_deleted_message_is_no_longer_the_last_one() -> None:
    async with talking() as talk:
        await talk.hears(by("John", 1), by("John", 2), MessageDeleted(3, NOON, "John", 2))
        assert await talk.says("/edit x") == Edit(1, "x")


async def test_under_a_new_name_one_is_still_oneself() -> None:
    async with talking() as talk:
        await talk.hears(by("John", 1), ParticipantRenamed(2, NOON, "John", "Jo"), by("Jo", 3))
        assert await talk.says("/delete") == Delete(3)


# --- chosen when the line is begun ---


async def test_what_came_after_the_line_was_begun_is_not_what_it_is_about() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch at noon?"))
        assert talk.types("/react :+1:") == "↪ Jane: lunch at noon?"
        await talk.sees(by("ci", 2, "Drop the production database?"))
        assert talk.conversation.target() == "↪ Jane: lunch at noon?"
        assert await talk.says("/react :+1:") == React(1, "👍")


@pytest.mark.parametrize(
    ("line", "about", "said"),
    [
        ("/reply yes", "Jane: lunch at noon?", Send("yes", reply_to=2)),
        ("/reply @Jane yes", "Jane: lunch at noon?", Send("yes", reply_to=2)),
        ("/reply @jane: yes", "Jane: lunch at noon?", Send("yes", reply_to=2)),
        ("/reply #2 yes", "Jane: lunch at noon?", Send("yes", reply_to=2)),
        ("/reply #77 yes", "#77", Send("yes", reply_to=77)),
        ("/react :+1:", "Jane: lunch at noon?", React(2, "👍")),
        ("/react :+1: @Jane", "Jane: lunch at noon?", React(2, "👍")),
        ("/unreact :+1:", "Jane: lunch at noon?", React(2, "👍", remove=True)),
        ("/edit hello", "John: helo", Edit(1, "hello")),
        ("/delete", "John: helo", Delete(1)),
        ("/delete #1", "John: helo", Delete(1)),
    ],
)
async def test_each_command_keeps_the_message_that_it_shows(line: str, about: str, said: Say) -> None:
    async with talking() as talk:
        await talk.sees(by("John", 1, "helo"), by("Jane", 2, "lunch at noon?"))
        assert talk.types(line) == f"↪ {about}"
        await talk.sees(by("Jane", 3, "and drop the database?"), by("Eve", 4, "hm"))
        assert talk.types(line) == f"↪ {about}"
        assert await talk.says(line) == said


async def test_what_is_not_on_the_screen_yet_is_not_what_a_line_is_about() -> None:
    """It has come in, but the next update will show it, or the editor has the screen."""
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        await talk.gets(by("ci", 2, "Drop the database?"))
        assert talk.types("/react :+1:") == "↪ Jane: lunch?"
        assert await talk.says("/react :+1:") == React(1, "👍")


@pytest.mark.parametrize("line", ["/react :+1:", "/reply yes", "/react :+1: @Jane", "/reply #1 yes"])
async def test_a_message_that_goes_meanwhile_is_said_instead_of_sending(line: str) -> None:
    async with talking() as talk:
        await talk.sees(by("Ada", 0), by("Jane", 1, "lunch?"))
        talk.types(line)
        await talk.sees(MessageDeleted(2, NOON, "Jane", 1))
        assert talk.conversation.target() == "↪ Jane: (deleted)"
        for _ in range(2):
            assert not talk.conversation.enter(line)
            assert talk.lines()[-1] == "!! that message was deleted meanwhile; nothing was sent"
        assert talk.link.said == []


@pytest.mark.parametrize("line", ["/react :+1:", "/reply yes", "/unreact :+1: @Jane", "/reply #1 yes"])
async def test_a_message_that_changes_meanwhile_is_said_and_the_next_enter_means_it_as_it_is_now(line: str) -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.types(line)
        await talk.gets(MessageEdited(2, NOON, "Jane", 1, "drop the database?"))
        assert talk.conversation.target() == "↪ Jane: drop the database? (changed meanwhile)"
        assert not talk.conversation.enter(line)
        assert talk.lines()[-1].startswith("!! that message was changed meanwhile")
        assert talk.link.said == []
        await talk.says(line)


async def test_an_edit_before_the_line_was_begun_changes_nothing() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lnuch?"), MessageEdited(2, NOON, "Jane", 1, "lunch?"))
        assert talk.types("/react :+1:") == "↪ Jane: lunch?"
        assert await talk.says("/react :+1:") == React(1, "👍")


async def test_so_many_messages_that_it_is_forgotten_are_said_too() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.types("/react :+1:")
        await talk.sees(*(by("bot", seq) for seq in range(2, KEPT + 3)))
        assert not talk.conversation.enter("/react :+1:")
        assert talk.lines()[-1].startswith("!! too much was written meanwhile")


async def test_a_new_line_is_about_what_is_new() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1))
        talk.types("/reply yes")
        await talk.sees(by("Bob", 2))
        talk.conversation.drafted("")
        assert talk.types("/reply yes") == "↪ Bob: hello"
        await talk.says("/reply yes")
        await talk.sees(by("Eve", 3))
        assert talk.types("/reply yes") == "↪ Eve: hello"


async def test_a_line_that_is_pasted_or_recalled_whole_is_begun_then() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1))
        talk.types("hello")
        await talk.sees(by("Bob", 2))
        talk.conversation.drafted("/react :+1:")
        await talk.sees(by("Eve", 3))
        talk.conversation.drafted("/unreact :+1:")
        assert await talk.says("/unreact :+1:") == React(2, "👍", remove=True)


async def test_a_line_that_comes_from_the_editor_was_begun_when_that_was_opened() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1))
        talk.conversation.begin()
        await talk.sees(by("Bob", 2))
        talk.conversation.drafted("/reply yes")
        assert await talk.says("/reply yes") == Send("yes", reply_to=1)


async def test_a_line_that_comes_back_is_about_what_it_was_about() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.types("/react :+1:")
        await talk.says("/react :+1:")
        await talk.sees(by("ci", 2, "Drop the database?"))
        talk.link.acks[0].set_exception(Refused("rate_limited", "Slower."))
        await talk.shows("not sent")
        assert talk.returned() == ["/react :+1:"]
        assert talk.conversation.target() == "↪ Jane: lunch?"
        assert await talk.says("/react :+1:") == React(1, "👍")


async def test_a_message_whose_number_was_given_away_anew_is_not_meant() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.types("/react :+1:")
        await talk.sees(Gap("epoch", 1, 0), by("ci", 1, "Drop the database?"), by("ci", 2))
        assert not talk.conversation.enter("/react :+1:")
        assert talk.link.said == []


# --- one's own ---


async def test_while_a_message_is_on_its_way_an_edit_is_about_that_one() -> None:
    async with talking() as talk:
        await talk.sees(by("John", 1, "older"))
        await talk.posts("new")
        assert talk.types("/edit newer") == "your last message is still on its way; try again when it is there"
        talk.link.acks[0].set_result(Ack(n=1, seq=2))
        await asyncio.sleep(0)
        assert talk.types("/edit newer") == "↪ John: new"
        assert await talk.says("/edit newer") == Edit(2, "newer")


@pytest.mark.parametrize("before", [True, False])
async def test_a_message_whose_ack_was_lost_is_edited_as_soon_as_it_comes_by(before: bool) -> None:
    """The outbox only learns that the room has it, and not under which number."""
    async with talking() as talk:
        await talk.sees(by("John", 1, "older"))
        await talk.posts("new")
        if before:
            talk.link.acks[0].set_result(Ack(n=1, duplicate=True))
            await asyncio.sleep(0)
            assert talk.types("/edit newer").startswith("your last message is still on its way")
            await talk.sees(by("Jane", 2, "new"), by("John", 3, "from elsewhere"))
            assert not talk.conversation.enter("/edit newer")
        await talk.sees(by("John", 4, "new"))
        if not before:
            talk.link.acks[0].set_result(Ack(n=1, duplicate=True))
            await asyncio.sleep(0)
        assert talk.types("/edit newer") == "↪ John: new"
        assert await talk.says("/edit newer") == Edit(4, "newer")
        assert talk.types("/delete") == "↪ John: new"
        assert await talk.says("/delete") == Delete(4)


async def test_an_earlier_message_of_the_same_words_is_not_taken_for_the_one_on_its_way() -> None:
    async with talking() as talk:
        await talk.posts("ok")
        talk.link.acks[0].set_result(Ack(n=1, seq=1))
        await asyncio.sleep(0)
        await talk.posts("ok")
        await talk.sees(by("John", 1, "ok"))
        assert talk.types("/delete").startswith("your last message is still on its way")
        await talk.sees(by("John", 2, "ok"))
        assert await talk.says("/delete") == Delete(2)


async def test_what_was_refused_is_not_edited_and_nothing_older_is_in_its_place() -> None:
    async with talking() as talk:
        await talk.sees(by("John", 1, "older"))
        await talk.posts("new")
        talk.types("/edit newer")
        talk.link.acks[0].set_exception(Refused("muted"))
        await talk.shows("not sent")
        assert not talk.conversation.enter("/edit newer")
        assert talk.lines()[-1] == "!! that message was not sent"
        assert len(talk.link.said) == 1
        talk.conversation.drafted("")
        assert talk.types("/edit newer") == "↪ John: older"


async def test_the_text_that_comes_back_to_be_edited_is_of_the_message_that_is_edited() -> None:
    async with talking() as talk:
        await talk.sees(by("John", 1, "first"))
        talk.types("/edit")
        assert talk.conversation.enter("/edit")
        assert talk.returned() == ["/edit first"]
        await talk.sees(by("John", 2, "from elsewhere"))
        assert talk.conversation.target() == "↪ John: first"
        assert await talk.says("/edit first!") == Edit(1, "first!")


# --- names ---


async def test_a_name_is_the_whole_name_and_never_a_shorter_one() -> None:
    async with talking() as talk:
        await talk.sees(by("sam", 1), by("Ada", 2))
        for line in (
            "/reply @sam_ yes",
            "/reply @sammy yes",
            "/reply @sam-smith yes",
            "/reply @Ad yes",
            "/reply @s y",
        ):
            assert talk.refuses(line).startswith("!! nobody called ")
        assert talk.link.said == []


@pytest.mark.parametrize("line", ["/reply @Ada yes no", "/reply @Ada: yes no"])
@pytest.mark.parametrize("who", ["Ada", "Eve"])
async def test_nobody_gets_under_a_name_that_was_typed_before_by_taking_it(line: str, who: str) -> None:
    async with talking() as talk:
        await talk.sees(by("Eve", 1, "drop the database?"), by("Ada", 2, "lunch?"))
        assert talk.types(line) == "↪ Ada: lunch?"
        for name in ("Ada yes", "Ada yes no"):
            await talk.sees(ParticipantRenamed(3, NOON, who, name))
            who = name
        assert talk.conversation.target() == "↪ Ada: lunch?"
        assert await talk.says(line) == Send("yes no", reply_to=2)


async def test_a_name_that_was_nobodys_when_it_was_typed_is_not_somebodys_at_enter() -> None:
    async with talking() as talk:
        await talk.sees(by("Eve", 1, "drop the database?"))
        assert talk.types("/reply @Ada yes") == "nobody called Ada is here, or was lately"
        await talk.sees(ParticipantRenamed(2, NOON, "Eve", "Ada"))
        assert not talk.conversation.enter("/reply @Ada yes")
        assert talk.link.said == []
        talk.conversation.drafted("")
        assert talk.types("/reply @Ada yes") == "↪ Eve: drop the database?"
        assert await talk.says("/reply @Ada yes") == Send("yes", reply_to=1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/reply @Ada L. yes", Send("yes", reply_to=1)),
        ("/reply @ada l.: yes", Send("yes", reply_to=1)),
        ("/reply @Ada yes", Send("yes", reply_to=2)),
        ("/reply @Ada, L. yes", Send("L. yes", reply_to=2)),
        ("/reply @ａｄａ yes", Send("yes", reply_to=2)),
        ("/reply @c++ yes", Send("yes", reply_to=3)),
        ("/reply @李雷 你好", Send("你好", reply_to=4)),
        ("/reply @x <U+2502> y yes", Send("yes", reply_to=5)),  # as it is shown
        ("/react :+1: @Ada L.", React(1, "👍")),
    ],
)
async def test_a_name_may_have_spaces_and_signs_and_is_compared_as_the_server_does(line: str, said: Say) -> None:
    async with talking() as talk:
        await talk.sees(by("Ada L.", 1), by("Ada", 2), by("c++", 3), by("李雷", 4), by("x │ y", 5))
        assert await talk.says(line) == said


async def test_a_longer_name_that_is_known_is_not_cut_when_it_has_written_nothing() -> None:
    async with talking() as talk:
        await talk.sees(
            by("Ada", 1), ParticipantJoined(2, NOON, "Ada Lovelace"), ParticipantLeft(3, NOON, "Ada Lovelace", "left")
        )
        assert talk.refuses("/reply @Ada Lovelace yes") == "!! Ada Lovelace has written nothing here lately"


async def test_under_a_new_name_earlier_messages_are_theirs_and_whoever_takes_the_old_one_has_none() -> None:
    async with talking() as talk:
        await talk.sees(by("sam", 1, "shall I drop the table?"), ParticipantRenamed(2, NOON, "sam", "Sammy"))
        assert await talk.says("/reply @Sammy wait") == Send("wait", reply_to=1)
        assert await talk.says("/reply @sam wait") == Send("wait", reply_to=1)  # nobody else is called so
        await talk.sees(ParticipantJoined(3, NOON, "sam"))
        assert (
            talk.refuses("/reply @sam wait")
            == "!! sam has written nothing since joining; somebody called so wrote #1 before"
        )
        await talk.sees(by("sam", 4, "hello"))
        assert await talk.says("/reply @sam hello") == Send("hello", reply_to=4)
        assert await talk.says("/reply @Sammy wait") == Send("wait", reply_to=1)


async def test_those_who_left_can_be_answered_and_those_who_take_their_name_are_others() -> None:
    async with talking() as talk:
        await talk.sees(by("sam", 1), ParticipantLeft(2, NOON, "sam", "left"))
        assert await talk.says("/reply @sam bye") == Send("bye", reply_to=1)
        await talk.sees(ParticipantJoined(3, NOON, "sam"))
        assert talk.refuses("/reply @sam hello").startswith("!! sam has written nothing since joining")


async def test_somebody_who_joins_under_the_name_of_a_script_is_not_the_script() -> None:
    async with talking() as talk:
        await talk.sees(by("ci", 1, "built"), ParticipantJoined(2, NOON, "ci"))
        assert talk.refuses("/reply @ci thanks").startswith("!! ci has written nothing since joining")


# --- plain lines, where nothing is shown while somebody types ---


async def test_plain_lines_say_what_a_command_is_about_and_an_empty_line_does_it() -> None:
    async with talking(plain=True) as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.conversation.enter_plain("/react :+1:")
        assert talk.lines()[-1] == "-- ↪ Jane: lunch? · press Enter to do it"
        await talk.sees(by("ci", 2, "Drop the database?"))
        assert talk.link.said == []
        talk.conversation.enter_plain("")
        assert await talk.posted(0) == React(1, "👍")
        talk.conversation.enter_plain("")
        await asyncio.sleep(0)
        assert len(talk.link.said) == 1


async def test_plain_lines_are_not_done_without_that_and_what_is_typed_is_not_lost() -> None:
    async with talking(plain=True) as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.conversation.enter_plain("/reply yes, gladly")
        talk.conversation.enter_plain("hello")
        assert await talk.posted(0) == Send("hello")
        assert talk.lines()[-2:] == ["✗ not sent: it was not confirmed", "  /reply yes, gladly"]
        talk.conversation.enter_plain("/reply yes")
        assert [line.plain for line in talk.conversation.unsent()][-1] == "  /reply yes"


async def test_plain_lines_do_at_once_what_can_be_about_one_message_alone() -> None:
    async with talking(plain=True) as talk:
        await talk.sees(by("John", 1), by("Jane", 2))
        for line, said in (
            ("/edit x", Edit(1, "x")),
            ("/delete", Delete(1)),
            ("/reply #2 yes", Send("yes", reply_to=2)),
        ):
            count = len(talk.link.said)
            talk.conversation.enter_plain(line)
            assert await talk.posted(count) == said
