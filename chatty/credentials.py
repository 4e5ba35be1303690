"""Credentials as they look: client keys, room owners' tokens, and the tokens and invitations that a server issued.

An issued token is ``chatty_t``, 256 random bits, and a checksum, all of them
letters, digits and underscores; an invitation begins with ``chatty_i``. So a double click selects it, secret scanners
find it in what should not contain it, and a typing error shows at once.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib
from typing import Final

TOKEN: Final = "chatty_t"
"""How a token begins that a server issued."""
INVITATION: Final = "chatty_i"
"""How an invitation begins."""
RESERVED: Final = "chatty_"
"""What begins so is never a client key."""
OWNER: Final = "owner_"
"""How the token of a room's owner begins."""
STRONG_KEY: Final = 32
"""Characters of a key that nobody guesses. A shorter one may be posted with, and owns nothing."""

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 43
_CHECK: Final = 6
_RESEMBLES: Final = re.compile(r"\W*chatty_|.*chatty_[a-z][0-9a-z]{16}", re.IGNORECASE | re.DOTALL)
_SHOWN: Final = re.compile(r"chatty_[a-z][0-9A-Za-z]{49}|owner_[0-9A-Za-z_-]{43}")


def new_token() -> str:
    """A token that nobody can guess."""
    return _new(TOKEN)


def new_invitation() -> str:
    """An invitation that nobody can guess."""
    return _new(INVITATION)


def _new(beginning: str) -> str:
    body = beginning + _base62(secrets.randbits(256), _RANDOM)
    return body + _checksum(body)


def is_token(text: str) -> bool:
    """Whether ``text`` has the form of an issued token, checksum included."""
    return _is(TOKEN, text)


def is_invitation(text: str) -> bool:
    """Whether ``text`` has the form of an invitation, checksum included."""
    return _is(INVITATION, text)


def _is(beginning: str, text: str) -> bool:
    body, check = text[:-_CHECK], text[-_CHECK:]
    return (
        text.startswith(beginning)
        and len(text) == len(beginning) + _RANDOM + _CHECK
        and text.isascii()
        and check == _checksum(body)
    )


def resembles_token(text: str) -> bool:
    """Whether ``text`` must not be taken for a key, because it is probably issued, with a typing error.

    It is in other letters' case or in quotes, more was copied, or its beginning is missing.
    """
    cut = range(1, len(TOKEN) + 1)
    return _RESEMBLES.match(text) is not None or any(
        _is(kind, kind[:missing] + text) for kind in (TOKEN, INVITATION) for missing in cut
    )


def is_shown_in(address: str) -> bool:
    """Whether an address, without its percent encoding, shows an issued token, an invitation or an owner's token."""
    return _SHOWN.search(address) is not None


def masked(text: str) -> str:
    """``text`` without any such secret in it."""
    return _SHOWN.sub("…", text)


def new_public_id() -> str:
    """An id by which people name a token, an invitation or a restriction: no secret, and never given twice."""
    return _base62(secrets.randbits(70), 12)


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK)


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
