"""Entries, which are proposed to the log, and the refusals that they may get.

Besides the room's state, an entry carries everything that its outcome depends
on: the time, the author, and anything that another version of a library may
compute differently, such as a name's comparison key. Times are milliseconds
since 1970.
"""

from __future__ import annotations

from msgspec import Struct

from chatty import digests
from chatty.server.business.rights import NOBODY, Principal, Rights

ENVELOPE = 100
"""Bytes of an event besides its text, roughly."""


NOBODY_IN_PARTICULAR = Principal(b"")
"""Somebody of whom nothing is known."""


class Entry(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """Something that somebody wants to happen. ``room`` is a room's id, or empty if it is about all rooms.

    Entries travel between the nodes of a cluster under the names of their kinds and fields. A change of these needs
    a new level, see nodes.py.
    """

    room: str
    at: int

    @property
    def size(self) -> int:
        """At most how many bytes its events take, roughly."""
        return ENVELOPE


def _bytes(text: str) -> int:
    """At most how many bytes a text takes as JSON, roughly: a control character takes six."""
    return ENVELOPE + len(text) * (1 if text.isascii() and text.isprintable() else 6)


class CreateRoom(Entry, frozen=True, gc=False):
    """Make the room ``room``, which ``creator`` owns if it can prove itself again.

    ``owner`` is the hash of a token that owns it as well; ``expires_at`` is 0 for never.
    """

    name: str
    topic: str
    epoch: str
    owner: bytes
    expires_at: int = 0
    creator: Principal = NOBODY_IN_PARTICULAR


class CloseRoom(Entry, frozen=True, gc=False):
    """End the room."""

    who: Principal


class ExpireRoom(Entry, frozen=True, gc=False):
    """End the room if its time has run out."""


class PurgeRoom(Entry, frozen=True, gc=False):
    """Forget a closed room, if it was closed at or before ``closed_by``."""

    closed_by: int


class TrimRoom(Entry, frozen=True, gc=False):
    """Forget the events below ``first``."""

    first: int


class Connect(Entry, frozen=True, gc=False):
    """A connection speaks for ``who``, unless the room has ``most`` participants already (0: any number of them)."""

    connection: str
    who: Principal
    most: int = 0


class Disconnect(Entry, frozen=True, gc=False):
    """A connection ended. ``clean``: the client closed it on purpose."""

    connection: str
    clean: bool


class EndGrace(Entry, frozen=True, gc=False):
    """A participant has been away since ``away``, and its time to come back has run out."""

    name_key: str
    away: int


class Post(Entry, frozen=True, gc=False):
    """``who`` posts ``text``, under the name that ``connection`` has by then, if it has one.

    ``n`` is the message's number within ``producer``, or 0 without one. With an
    ``idempotency_key``, ``digest`` tells this message from others.
    """

    who: Principal
    text: str
    producer: str = ""
    n: int = 0
    idempotency_key: str = ""
    digest: bytes = b""
    reply_to: int = 0
    action: bool = False
    connection: str = ""
    automatic: int = 0

    @property
    def size(self) -> int:
        return _bytes(self.text)

    @property
    def said(self) -> str:
        """The text from which a producer's digest is computed."""
        return digests.sent(self.text, self.reply_to, self.action)


class Change(Entry, frozen=True, gc=False, kw_only=True):
    """``who`` changes something. ``producer``, ``n`` and ``connection`` are as in a `Post`."""

    who: Principal
    producer: str = ""
    n: int = 0
    connection: str = ""


class Edit(Change, frozen=True, gc=False):
    """Change the text of the message ``of``."""

    of: int
    text: str

    @property
    def size(self) -> int:
        return _bytes(self.text)

    @property
    def said(self) -> str:
        return digests.edited(self.of, self.text)


class Delete(Change, frozen=True, gc=False):
    """Delete the message ``of``."""

    of: int

    @property
    def said(self) -> str:
        return digests.deleted(self.of)


class React(Change, frozen=True, gc=False):
    """React to the message ``of``, or take the reaction back with ``remove``."""

    of: int
    reaction: str
    remove: bool = False

    @property
    def said(self) -> str:
        return digests.reacted(self.of, self.reaction, self.remove)


class SetTopic(Change, frozen=True, gc=False):
    """Change the room's topic."""

    topic: str

    @property
    def size(self) -> int:
        return _bytes(self.topic)

    @property
    def said(self) -> str:
        return digests.topic_set(self.topic)


class Rename(Change, frozen=True, gc=False):
    """Change the participant's name to ``new_name``, which compares as ``new_key`` and looks like ``new_skeleton``."""

    new_name: str
    new_key: str
    new_skeleton: str = ""

    @property
    def said(self) -> str:
        return digests.renamed(self.new_name)


AnyChange = Edit | Delete | React | SetTopic | Rename
"""Every kind of `Change`."""


class Target(Struct, frozen=True, gc=False):
    """Somebody that a ruling is about: who goes by a name, has an identity, or wrote the message ``of``."""

    name: str = ""
    name_key: str = ""
    identity: bytes = b""
    of: int = 0
    skeleton: str = ""


class Ruling(Entry, frozen=True, gc=False):
    """``who`` changes what somebody may do: in the room, or everywhere if ``room`` is the server scope."""

    who: Principal


class Issue(Ruling, frozen=True, gc=False):
    """Issue the token ``id``, whose secret has the hash ``hash``, to ``name``, or without one to ``who``.

    ``identity`` is for a name that nobody has yet. ``role`` is granted with it,
    unless the name has a higher one. The token is worth ``cap`` at most, and
    nothing outside ``room`` unless that is the server scope.
    """

    id: str
    hash: bytes
    cap: Rights
    name: str = ""
    name_key: str = ""
    identity: bytes = b""
    role: Rights = NOBODY
    expires_at: int = 0
    label: str = ""
    skeleton: str = ""


class SignIn(Ruling, frozen=True, gc=False):
    """``who`` has proved who it is, elsewhere: the server has checked that, and issues the token ``id`` to it.

    ``who.name`` is what it is called there, and ``admin`` whether it administers this server according to that.
    """

    id: str
    hash: bytes
    admin: bool
    expires_at: int
    label: str = ""


class Revoke(Ruling, frozen=True, gc=False):
    """The token ``id`` is worth nothing from here on."""

    id: str


class Grant(Ruling, frozen=True, gc=False):
    """Give ``whom`` a role. The one without rights takes away what it was given: then it has everyone's."""

    whom: Target
    role: Rights
    until: int = 0


class SetPolicy(Ruling, frozen=True, gc=False):
    """Change the scope's rules; None leaves one as it is.

    ``slow`` is in milliseconds, 0 for none. ``password`` is its hash, empty for none.
    """

    everyone: Rights | None = None
    locked: bool | None = None
    topic: Rights | None = None
    slow: int | None = None
    password: str | None = None


class Kick(Ruling, frozen=True, gc=False):
    """Send ``whom`` away. It may come back."""

    whom: Target
    reason: str = ""


class Restrict(Ruling, frozen=True, gc=False):
    """Take ``rights`` from ``whom``: from its identity, all names that look like its own, and until
    ``addresses_until`` from ``addresses``.

    ``authors`` have spoken from these addresses lately, as their identities
    and, where that is everybody's without a key, their names.
    """

    id: str
    whom: Target
    rights: Rights
    until: int = 0
    addresses: tuple[str, ...] = ()
    addresses_until: int = 0
    reason: str = ""
    authors: tuple[tuple[bytes, str], ...] = ()


class Lift(Ruling, frozen=True, gc=False):
    """End the restrictions that were made as ``id``."""

    id: str


class Invite(Ruling, frozen=True, gc=False):
    """Make the invitation ``id``, whose secret has the hash ``hash``, to ``role`` for the first ``uses`` to accept it.

    With a ``name``, the one who accepts it is the only one to be called so, on the whole server.
    """

    id: str
    hash: bytes
    role: Rights
    uses: int
    until: int
    name: str = ""
    name_key: str = ""
    skeleton: str = ""


class Uninvite(Ruling, frozen=True, gc=False):
    """The invitation ``id`` is over; with ``members``, the roles that it gave are taken away, too."""

    id: str
    members: bool = False


class Admit(Ruling, frozen=True, gc=False):
    """``who`` has shown the secret of the invitation ``invitation``, or the password with the hash ``password``."""

    invitation: str = ""
    password: str = ""


class DeleteMessages(Ruling, frozen=True, gc=False):
    """Delete the messages ``of``, which are somebody else's.

    Of many messages each entry deletes some, so that it doesn't hold up the
    others for long. The members are told of all of them with the first.
    """

    of: tuple[int, ...]
    reason: str = ""
    is_first: bool = True

    @property
    def size(self) -> int:
        return ENVELOPE * (2 + len(self.of))


class CorrectTimes(Entry, frozen=True, gc=False):
    """When the clock gave ``since`` or later times, it was ahead by ``by`` milliseconds (if negative, behind)."""

    since: int
    by: int


class Forget(Entry, frozen=True, gc=False):
    """Forget producers that have been silent since ``producers_before``, the older idempotency keys, and rights
    that ended at or before ``rights_before``.
    """

    producers_before: int
    idempotency_keys_before: int
    rights_before: int = 0


class Probe(Entry, frozen=True, gc=False):
    """A commit without an effect. It shows whether the log accepts anything at all."""


class Rejection(Struct, frozen=True, gc=False):
    """An entry that was refused: a code of `chatty.errors.CODES`, with a text of its own where that helps.

    ``wait``: after so many milliseconds it would not be refused for that.
    """

    code: str
    message: str = ""
    wait: int = 0


class Duplicate(Struct, frozen=True, gc=False):
    """The message is already stored. ``seq`` is its number if that is still known, or 0."""

    seq: int = 0
