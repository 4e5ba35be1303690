"""``chatty join`` as people meet it: a real server, real processes, a terminal."""

from __future__ import annotations

import re
import signal
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.join.seat import Seat
from tests.support.server import Server

ALT_ENTER, CTRL_C, CTRL_D, CTRL_Z, EDIT, ENTER = "\x1b\r", "\x03", "\x04", "\x1a", "\x18\x05", "\r"
ECHO = 3  # the index of the local modes in termios' list

Sit = Callable[..., Seat]


def say(server: Server, room: Any, text: str, name: str = "bot") -> None:
    server.ask("POST", f"/v1/rooms/{room['id']}/messages", {"participant": name, "text": text})


def test_two_people_talk(sit: Sit) -> None:
    john, ada = sit("John"), sit("Ada")
    john.sees("→ Ada joined")
    john.sees("2 online")
    ada.press(f"hello John{ENTER}")
    john.sees("Ada │ hello John")
    john.press(f"hello{ALT_ENTER}Ada{ENTER}")
    rows = ada.sees("│ Ada")
    assert any(row.endswith("John │ hello") for row in rows)
    ada.press(f"/quit{ENTER}")
    assert ada.ends() == 0
    john.sees("← Ada left")
    john.sees("1 online")


def test_who_is_mentioned_hears_a_bell_and_sees_it_in_the_title_until_a_key_is_pressed(
    server: Server, room: Any, sit: Sit
) -> None:
    john = sit("John")
    john.sees(lambda _: "\x1b]2;#general\a" in john.raw)
    say(server, room, "hello all")
    john.sees("hello all")
    assert "\a" not in re.sub(r"\x1b\]2;.*?\a", "", john.raw)
    say(server, room, "john, see this")
    john.sees("1 mention")
    assert "\x1b]2;(1) #general\a" in john.raw
    assert re.sub(r"\x1b\]2;.*?\a", "", john.raw).count("\a") == 1
    john.press("x")
    john.sees(lambda rows: "mention" not in rows[-1])
    john.sees(lambda _: john.raw.rindex("\x1b]2;#general\a") > john.raw.rindex("\x1b]2;(1) #general\a"))
    john.press(f"{CTRL_C}{CTRL_D}")
    assert john.ends() == 0
    assert john.raw.count("\x1b[22;2t") == john.raw.count("\x1b[23;2t") == 1


def test_who_types_is_told_to_the_others(sit: Sit) -> None:
    john, ada = sit("John"), sit("Ada")
    ada.press("hel")
    john.sees("Ada is typing…")
    ada.press(f"lo{ENTER}")
    john.sees(lambda rows: "typing" not in rows[-1])


def test_the_newest_messages_are_there_on_joining_and_only_they(server: Server, room: Any, sit: Sit) -> None:
    for n in range(52):
        say(server, room, f"message {n}")
    john = sit("John", rows=70)
    rows = john.sees("message 51")
    assert not any(row.endswith("message 1") for row in rows)
    assert any(row.endswith("message 2") for row in rows)


def test_a_half_typed_draft_survives_what_comes_in(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John")
    john.press("half-typed")
    john.sees("> half-typed")
    for n in range(60):
        say(server, room, f"message {n}")
    rows = john.sees("message 59")
    assert rows[-2:] == ["> half-typed", " ● connected · #general · 1 online · /help"]
    assert [row[-2:] for row in rows[:-2]] == [str(n) for n in range(38, 60)]
    assert john.glass.cursor == (22, len("> half-typed"))
    john.press(f" and sent{ENTER}")
    john.sees("John │ half-typed and sent")


def test_what_is_typed_while_the_server_is_dead_is_sent_once_when_it_is_back(
    own_server: Server, tmp_path: Path
) -> None:
    room = own_server.make_room("general")
    with Seat(tmp_path, own_server.url, room["id"]) as john:
        john.press(f"before{ENTER}")
        john.sees("John │ before")
        own_server.kill9()
        john.sees("○ reconnecting")
        john.press(f"into the dark{ENTER}")
        rows = john.sees("1 waiting")
        assert "  into the dark" in rows
        own_server.start()
        john.sees("● connected")
        rows = john.sees("John │ into the dark")
    assert sum("into the dark" in row for row in rows) == 1
    assert own_server.texts(room["id"]) == ["before", "into the dark"]


def test_leaving_with_an_unsent_message_asks_and_leaves_it_behind(own_server: Server, tmp_path: Path) -> None:
    with Seat(tmp_path, own_server.url, own_server.make_room("general")["id"]) as john:
        john.sees("● connected")
        own_server.kill9()
        john.sees("○ reconnecting")
        john.press(f"precious{ENTER}")
        john.sees("1 waiting")
        john.press(CTRL_D)
        john.sees("1 message waits")
        john.press(CTRL_D)
        assert john.ends() == 0
    assert john.glass.rows[-2:] == [
        "✗ not sent: the server didn't confirm it; it goes out when you join again",
        "  precious",
    ]


def test_hostile_text_brings_no_escape_sequence_to_the_terminal(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John", columns=200)
    say(server, room, "\x1b]0;owned\x07 \x1b[31mred\x1b[2J \x9b5n \u202eevil [bold]x[/] \x1b]8;;http://evil\x1b\\link")
    rows = john.sees("evil")
    assert any("␛]0;owned␇ red␛[2J <U+009B>5n <U+202E>evil [bold]x[/] ␛]8;;http://" in row for row in rows)
    shown = john.raw.replace("\x1b]2;#general\a", "")
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown
    assert not re.search(r"[\x00-\x06\x07\x0e-\x1a]", shown)


def test_what_is_pasted_is_stored_as_it_is_and_commands_no_terminal(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John")
    john.press("\x1b[200~one\x1b[41m\u202e\r\ntwo\x1b[201~")
    john.sees("> one␛[41m<U+202E>")
    john.press(ENTER)
    john.sees("│ two")
    assert server.texts(room["id"]) == ["one\x1b[41m\u202e\ntwo"]
    assert "\x1b[41m" not in john.raw
    assert "\u202e" not in john.raw


def test_what_is_typed_is_stored_as_it_is(server: Server, room: Any, sit: Sit) -> None:
    flag = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
    typed = f"Go {flag}, \u845b\U000e0100\u57ce, \u05d0\u200f!"
    john = sit("John")
    john.press(f"{typed}{ENTER}")
    john.sees("John │ Go")
    assert server.texts(room["id"]) == [typed]
    assert typed in john.raw


def test_a_reaction_is_to_what_was_on_the_screen_when_its_line_was_begun(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John")
    say(server, room, "lunch at noon?", "Jane")
    john.sees("lunch")
    john.press("/react :+1:")
    john.sees("↪ Jane: lunch at noon?")
    say(server, room, "Drop the database?", "ci")
    john.sees("ci │ Drop")
    rows = john.sees("> /react :+1:")  # which is drawn again below it
    assert rows[-3:-1] == ["  ↪ Jane: lunch at noon?", "> /react :+1:"]
    john.press(ENTER)
    john.sees("John 👍 → Jane: lunch at noon?")


def test_plain_lines_ask_before_they_answer_the_newest_message(server: Server, room: Any, tmp_path: Path) -> None:
    with Seat(tmp_path, server.url, room["id"], "--plain") as john:
        say(server, room, "lunch?", "Jane")
        john.sees("│ lunch?")
        john.press("/reply gladly\n")
        john.sees("-- ↪ Jane: lunch? · press Enter to do it")
        john.press("\n")
        john.sees("John │ gladly")


def test_a_typing_error_in_a_command_is_never_sent(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John")
    john.press(f"/qiut{ENTER}")
    john.sees("Unknown /qiut. Did you mean /quit?")
    john.sees(lambda rows: "> /qiut" in rows)
    john.press(f"{CTRL_C}//x{ENTER}")
    john.sees("John │ /x")
    assert server.texts(room["id"]) == ["/x"]


def test_a_message_that_is_too_long_stays_in_the_prompt(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John")
    john.press(f"\x1b[200~{'ü' * 8_193}\x1b[201~{ENTER}")
    rows = john.sees("too long: 16,386 bytes")
    assert any("üüüüüüüü" in row for row in rows)
    assert server.texts(room["id"]) == []


def test_who_and_history_and_help(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John", rows=40)
    sit("Ada")
    john.press(f"/who{ENTER}")
    john.sees("-- 2 here: Ada, John")
    for n in range(3):
        say(server, room, f"message {n}")
    john.press(f"/history 2{ENTER}")
    rows = john.sees("… more: /more")
    block = rows[rows.index("-- history: 2 messages") :]
    assert [row.partition("bot │ ")[2] for row in block if "bot │" in row] == ["message 1  #4", "message 2  #5"]
    john.press(f"/help{ENTER}")
    john.sees("/history  what was said last")


def test_a_narrower_window_leaves_no_ghosts(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John")
    draft = "a draft that is long enough to need two rows of the window, and more rows when it is narrower"
    john.press(draft)
    john.sees("is narrower")
    john.narrow(50)
    say(server, room, "after the resize")
    # Redrawing may be under way when the text is there; what stays on the screen for good is a ghost.
    john.sees(
        lambda rows: (
            any("after the" in row for row in rows)
            and rows[-1].startswith(" ● connected")
            and sum(row.startswith(">") for row in rows) == 1
            and sum(row.startswith(" ●") for row in rows) == 1
        )
    )


def test_ctrl_d_leaves_the_terminal_as_it_was(sit: Sit) -> None:
    john = sit("John")
    assert john.terminal_modes() != john.modes
    john.press(CTRL_D)
    assert john.ends() == 0
    assert john.terminal_modes() == john.modes
    assert john.raw.rfind("\x1b[?25h") > john.raw.rfind("\x1b[?25l")
    assert john.raw.rfind("\x1b[?2004l") > john.raw.rfind("\x1b[?2004h")
    assert john.glass.rows == ["━━ #general · 1 here: John ━━"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_leaves_the_terminal_as_it_was_and_the_draft_on_it(
    sit: Sit, number: signal.Signals, status: int
) -> None:
    john = sit("John")
    john.press("half-typed")
    john.sees("> half-typed")
    john.child.kill(number)
    assert john.ends() == status
    assert john.terminal_modes() == john.modes
    assert john.glass.rows[-2:] == ["✗ not sent: it was still being typed", "  half-typed"]


def test_ctrl_z_suspends_and_fg_comes_back(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John", command=["/bin/sh", "-i"], ready="ready%")
    john.press(f"{john.join_line}{ENTER}")
    john.sees("● connected")
    john.press("half-typed")
    john.sees("> half-typed")
    john.press(CTRL_Z)
    rows = john.sees(lambda rows: rows[-1:] == ["ready%"])
    assert not any("half-typed" in row for row in rows)
    modes = john.terminal_modes()[ECHO]
    assert isinstance(modes, int)
    assert modes & termios.ECHO
    say(server, room, "while you were away")
    john.press(f"fg{ENTER}")
    john.sees("bot │ while you were away")
    john.sees(lambda rows: rows[-2] == "> half-typed" and rows[-1].startswith(" ● connected"))
    john.press(f"{CTRL_C}{CTRL_D}")
    john.sees(lambda rows: rows[-1:] == ["ready%"])


def test_the_editor_changes_the_draft_and_meanwhile_nothing_is_written_over_it(
    server: Server, room: Any, sit: Sit, tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ncp "$1" "$0.draft"\necho editing\nread line\nprintf "%s\\nmore\\n" "$line" >"$1"\n')
    editor.chmod(0o755)
    john = sit("John", variables={"VISUAL": str(editor)})
    john.press(f"half-typed{EDIT}")
    john.sees("editing")
    say(server, room, "meanwhile")
    ada = sit("Ada")
    ada.sees("meanwhile")
    john.press(f"from the editor{ENTER}")
    john.sees(lambda rows: rows[-3:-1] == ["> from the editor", "  more"])
    rows = john.sees("bot │ meanwhile")
    assert rows.index("editing") < next(number for number, row in enumerate(rows) if row.endswith("meanwhile"))
    assert (tmp_path / "editor.draft").read_text() == "half-typed"
    john.press(ENTER)
    john.sees("John │ from the editor")
    assert server.texts(room["id"])[-1] == "from the editor\nmore"


def test_where_no_editor_can_be_started_that_is_said_and_the_draft_stays(sit: Sit) -> None:
    john = sit("John", variables={"VISUAL": "no-such-editor"})
    john.press(f"half-typed{EDIT}")
    john.sees("!! no editor could be started: set $VISUAL or $EDITOR")
    john.press(" still")
    john.sees(lambda rows: rows[-2:-1] == ["> half-typed still"])


def test_ctrl_c_in_the_editor_ends_the_editor_alone(sit: Sit, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\necho editing\nread line\n")
    editor.chmod(0o755)
    john = sit("John", variables={"VISUAL": str(editor)})
    john.press(f"half-typed{EDIT}")
    john.sees("editing")
    john.press(CTRL_C)
    john.sees(lambda rows: rows[-2:-1] == ["> half-typed"])
    john.press(" still")
    john.sees("> half-typed still")


def test_when_the_room_is_closed_the_client_says_so_and_ends(server: Server, room: Any, sit: Sit) -> None:
    john = sit("John")
    server.ask("DELETE", f"/v1/rooms/{room['id']}", token=room["owner_token"])
    assert john.ends() == 0
    assert john.glass.rows[-1].endswith("-- the room is closed")
    assert john.terminal_modes() == john.modes


def test_the_history_of_what_was_typed_is_private(tmp_path: Path, sit: Sit) -> None:
    john = sit("John")
    john.press(f"typed{ENTER}")
    john.sees("John │ typed")
    john.press(CTRL_D)
    assert john.ends() == 0
    (history,) = tmp_path.rglob("history")
    assert history.read_text() == '"typed"\n'
    assert history.stat().st_mode & 0o777 == 0o600
