"""What the settings say about access becomes rulings, because no decision reads a setting."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chatty.credentials import is_token
from chatty.server.business.entries import Issue, Rejection, Revoke, Ruling, SetPolicy
from chatty.server.business.rights import MEMBER, NOBODY, OPERATOR, OWNER, SERVER
from chatty.server.platform.network.access.credentials import nobody, token_hash
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.errors import StoreError
from chatty.server.settings import SettingError
from chatty.skeletons import skeleton

PROVISIONED: Final = "provisioned-"
"""How the id of a token begins that came from a file."""
ADMIN: Final = "admin"
"""The name of its bearer."""


async def set_access(node: Node) -> None:
    """Rule what ``--access`` and ``--admin-token-file`` say; without them, everything stays as it was ruled.

    Raises SettingError for a file without a token, and StoreError if nothing can be stored.
    """
    settings = node.settings
    if settings.access:
        await _rule(node, SetPolicy(SERVER, node.now(), OPERATOR, MEMBER if settings.access == "open" else NOBODY))
    if settings.admin_token_file:
        await _provision(node, _secret(Path(settings.admin_token_file)))


async def _provision(node: Node, secret: str) -> None:
    hashed = token_hash(secret)
    token_id = f"{PROVISIONED}{hashed.hex()[:12]}"
    found = await node.reads.bearer(hashed)
    if found is not None and not found[0].is_valid(node.now()):
        raise SettingError("the token in --admin-token-file was revoked", "put a new one there: chatty token generate")
    if found is None:
        name, role, looks = ADMIN, OWNER, skeleton(ADMIN)
        await _rule(
            node,
            Issue(SERVER, node.now(), OPERATOR, token_id, hashed, OWNER, name, name, nobody(), role, skeleton=looks),
        )
    for earlier in await node.reads.access.valid_tokens(PROVISIONED):
        if earlier != token_id:
            await _rule(node, Revoke(SERVER, node.now(), OPERATOR, earlier))


def _secret(file: Path) -> str:
    try:
        secret = file.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise SettingError(f"--admin-token-file can't be read: {error}", "see its path and permissions") from error
    if not is_token(secret):
        raise SettingError(f"there is no token in {file}", "make one: chatty token generate > FILE")
    return secret


async def _rule(node: Node, entry: Ruling) -> None:
    outcome = await node.log.commit(entry)
    if isinstance(outcome, Rejection):
        raise StoreError(
            f"the rules about access could not be stored ({outcome.code})",
            "free some space where the data is, and start again: until then nobody would be kept out",
        )
