"""A question in a real room, and the answers of others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import chatty
from chatty import Answer
from chatty.client.asking import ask
from chatty.client.identity import new_producer, new_secret
from chatty.events import Message
from chatty.protocol import Live
from tests.support.proxy import Proxy
from tests.support.reading import texts_until
from tests.support.scripted import AT, Scripted, hangs_once, talks
from tests.support.server import Server


async def question_in(room: chatty.Room) -> int:
    """The number of the next question that the room sees."""
    async for event in room:
        if isinstance(event, chatty.Message) and "?" in event.text:
            return event.seq
    raise AssertionError("nobody asked")


async def test_the_first_reply_that_is_a_choice_is_the_answer(server: Server, room_id: str) -> None:
    async with (
        chatty.join(server.url, room_id, name="Ada") as ada,
        chatty.join(server.url, room_id, name="ci") as bot,
    ):
        asking = asyncio.create_task(bot.ask("Deploy?", choices=["yes", "no"], answerers=["ada"]))
        number = await question_in(ada)
        await ada.send("yes, but")
        await ada.send("maybe", reply_to=number)
        await ada.react(number, "🎉")
        async with chatty.join(server.url, room_id, name="Eve", participate=False) as eve:
            await eve.send("no", reply_to=number)
        last = await ada.send("Yes", reply_to=number)
        await ada.send("no", reply_to=number)
        assert await asking == Answer("yes", "Ada", last.seq or 0, "reply")
        question = "Deploy? (reply with yes or no, or react 👍 👎)"
        assert await texts_until(bot, "answered by Ada: yes") == [
            question, "yes, but", "maybe", "no", "Yes", "no", "answered by Ada: yes",
        ]  # fmt: skip


async def test_a_reaction_is_an_answer_too(server: Server, room_id: str) -> None:
    async with (
        chatty.join(server.url, room_id, name="Ada") as ada,
        chatty.join(server.url, room_id, name="ci") as bot,
    ):
        asking = asyncio.create_task(bot.ask("Lunch?"))
        ack = await ada.react(await question_in(ada), "🎉")
        assert await asking == Answer("🎉", "Ada", ack.seq or 0, "reaction")


async def test_a_reply_that_is_corrected_counts_and_an_edit_of_something_else_does_not(
    server: Server, room_id: str
) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as ada:
        asking = asyncio.create_task(ada.ask("Deploy?", choices=["yes", "no"]))
        number = await question_in(ada)
        other = (await ada.send("something else")).seq or 0
        wrong = (await ada.send("yess", reply_to=number)).seq or 0
        await ada.edit(other, "no")
        corrected = await ada.edit(wrong, "yes")
        assert await asking == Answer("yes", "Ada", corrected.seq or 0, "reply")


async def test_a_question_that_nobody_answers_times_out_or_has_its_default(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="ci") as bot:
        with pytest.raises(TimeoutError):
            await bot.ask("Deploy?", timeout=0.05)
        assert await bot.ask("Deploy?", timeout=0.05, default="no") == Answer("no", "", 0, "default")


async def test_a_bot_may_ask_from_its_own_loop_and_misses_nothing(server: Server, room_id: str) -> None:
    async with (
        chatty.join(server.url, room_id, name="Ada") as ada,
        chatty.join(server.url, room_id, name="bot") as bot,
    ):

        async def person() -> None:
            await ada.send("!deploy")
            number = await question_in(ada)
            await ada.send("hurry")
            await ada.send("ok", reply_to=number)

        answering = asyncio.create_task(person())
        async for event in bot:
            if isinstance(event, chatty.Message) and event.text == "!deploy":
                assert (await bot.ask("Really?")).text == "ok"
                break
        assert await texts_until(bot, "ok") == ["Really? (reply to answer)", "hurry", "ok"]
        await answering


@pytest.mark.parametrize("question", ["", " \n\t"])
async def test_a_question_without_words_is_refused(server: Server, room_id: str, question: str) -> None:
    async with chatty.join(server.url, room_id, name="ci") as bot:
        with pytest.raises(chatty.Refused) as refused:
            await bot.ask(question, choices=["yes", "no"])
    assert refused.value.code == "message_empty"
    assert await asyncio.to_thread(server.texts, room_id) == []


async def test_asking_again_finds_an_answer_that_came_meanwhile(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as ada:
        number = (await ada.send("Deploy?")).seq or 0
        for text in ("no idea", "yes", "no"):
            await ada.send(text, reply_to=number)
    async with chatty.join(server.url, room_id, name="ci", participate=False) as bot:
        answers = [await ask(bot, number, choices=["yes", "no"]) for _ in range(2)]
    assert [(answer.text, answer.participant) for answer in answers] == [("yes", "Ada")] * 2


async def test_a_reply_that_was_edited_since_does_not_come_before_another_answer(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as ada:
        number = (await ada.send("Deploy?")).seq or 0
        early = (await ada.send("hm", reply_to=number)).seq or 0
        await ada.send("no", reply_to=number)
        await ada.edit(early, "yes")
    async with chatty.join(server.url, room_id, name="ci", participate=False) as bot:
        assert (await ask(bot, number, choices=["yes", "no"])).text == "no"


async def test_a_second_run_asks_only_once(server: Server, room_id: str) -> None:
    key, producer = new_secret(), new_producer()

    async def run(**options: Any) -> Answer:
        async with chatty.join(server.url, room_id, name="CI", key=key, producer=producer, participate=False) as bot:
            return await bot.ask("Deploy?", choices=["yes", "no"], **options)

    assert (await run(timeout=0.05, default="none")).text == "none"
    async with chatty.join(server.url, room_id, name="Ada", last=2) as ada:
        await ada.send("Deploy? (reply with yes or no, or react 👍 👎)")
        await ada.send("yes", reply_to=await question_in(ada))
    assert (await run()).text == "yes"
    texts = await asyncio.to_thread(server.texts, room_id)
    assert texts.count("Deploy? (reply with yes or no, or react 👍 👎)") == 2


async def outcomes(server: Server, room_id: str, question: int) -> list[tuple[str, str, int]]:
    """What the room was told of it: by whom, what, and how automatic that is."""
    return [
        (event["participant"], event["text"], event["automatic"])
        for event in await asyncio.to_thread(server.history, room_id)
        if event.get("reply_to") == question and "automatic" in event
    ]


async def test_the_room_is_told_the_outcome_once_by_however_many_runs(server: Server, room_id: str) -> None:
    key, choices = new_secret(), ["yes", "no"]

    def run() -> chatty.Room:
        return chatty.join(server.url, room_id, name="ci", key=key, participate=False)

    async with chatty.join(server.url, room_id, name="Ada") as ada, run() as bot:
        asking = asyncio.create_task(bot.ask("Deploy?", choices=choices))
        number = await question_in(ada)
        await ada.send("YES")
        assert (await asking).kind == "message"
    async with run() as bot:
        assert (await ask(bot, number, choices=choices)).text == "yes"
        with pytest.raises(TimeoutError):
            await ask(bot, number, answerers=["Bob"], timeout=0.05)
        await ask(bot, number, answerers=["Bob"], timeout=0.05, default="no")
        await ask(bot, number, answerers=["Bob"], timeout=0.05, default="maybe", tell=False)
    assert await outcomes(server, room_id, number) == [
        ("ci", text, 1) for text in ("answered by Ada: yes", "timed out", "timed out; default no")
    ]


async def test_the_room_is_told_that_nobody_waits_any_more(server: Server, room_id: str) -> None:
    async with (
        chatty.join(server.url, room_id, name="Ada") as ada,
        chatty.join(server.url, room_id, name="ci") as bot,
    ):
        asking = asyncio.create_task(bot.ask("Deploy?"))
        number = await question_in(ada)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert await outcomes(server, room_id, number) == [("ci", "cancelled", 1)]


async def test_the_room_learns_an_answer_also_where_its_asker_is_stopped_just_then() -> None:
    told: list[str] = []
    telling = asyncio.Event()
    answered = talks(Message(2, AT, "Ada", "yes", reply_to=1), Live(2), last=2)
    async with (
        Scripted(talks(), answered, hangs_once(told, telling)) as scripted,
        chatty.join(scripted.url, "0" * 27, name="ci") as bot,
    ):
        asking = asyncio.create_task(ask(bot, 1))
        await telling.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert told == ["answered by Ada: yes"] * 2


async def test_an_answer_is_one_also_where_the_room_cannot_be_told(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as ada:
        number = (await ada.send("Deploy?")).seq or 0
        await ada.send("yes", reply_to=number)
        async with chatty.join(server.url, room_id, participate=False) as nobody:
            assert (await ask(nobody, number)).text == "yes"
        async with chatty.join(server.url, room_id, name="ADA", participate=False) as other:
            assert (await ask(other, number)).text == "yes"
    assert await outcomes(server, room_id, number) == []


@pytest.mark.parametrize("way", ["close", "delete"])
async def test_a_question_that_nobody_can_answer_any_more_is_refused(server: Server, way: str) -> None:
    created = server.make_room()
    async with chatty.join(server.url, created["id"], name="ci") as bot, chatty.Http(server.url) as http:
        asking = asyncio.create_task(bot.ask("Deploy?"))
        number = await question_in(bot)
        if way == "delete":
            await bot.delete(number)
        else:
            await http.close_room(created["id"], created["owner_token"])
        with pytest.raises(chatty.Refused) as refused:
            await asking
    assert refused.value.code == ("message_not_found" if way == "delete" else "room_closed")


async def test_asking_outlasts_a_server_that_is_killed_and_comes_back(own_server: Server) -> None:
    room_id = own_server.make_room()["id"]
    async with (
        chatty.join(own_server.url, room_id, name="Ada") as ada,
        chatty.join(own_server.url, room_id, name="ci") as bot,
    ):
        asking = asyncio.create_task(bot.ask("Deploy?"))
        number = await question_in(ada)
        await asyncio.to_thread(own_server.crash)
        await ada.send("yes", reply_to=number)
        assert (await asking).text == "yes"


async def test_a_reader_waits_for_a_server_that_is_away(server: Server, room_id: str, proxy: Proxy) -> None:
    async with chatty.join(proxy.url, room_id, name="ci") as bot:
        number = (await bot.send("Deploy?")).seq or 0
        await proxy.hang_up()
        proxy.cut()
        asking = asyncio.create_task(ask(bot, number))
        async with chatty.join(server.url, room_id, name="Ada") as ada:
            await ada.send("yes", reply_to=number)
        assert not asking.done()
        await proxy.listen()
        assert (await asking).text == "yes"


async def test_a_question_is_gone_where_an_older_backup_was_restored(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="ci") as bot:
        with pytest.raises(chatty.Refused) as refused:
            await ask(bot, 10_000)
    assert refused.value.code == "message_not_found"
