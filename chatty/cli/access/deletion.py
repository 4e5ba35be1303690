"""Deleting messages of others, and saying how many there were."""

from __future__ import annotations

from chatty.access import NewDeletion
from chatty.cli.access.scope import Scope, rule
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus

__all__ = ["delete"]


async def delete(env: Environment, scope: Scope, new: NewDeletion) -> int:
    """Delete them, and say how many there were."""
    done = await rule(env, scope, lambda rules: rules.delete(new))
    kept = f"; {done.kept:,} kept, of people with your role or a higher one" if done.kept else ""
    env.out(f"{done.deleted:,} {'message' if done.deleted == 1 else 'messages'} deleted{kept}")
    return ExitStatus.DONE
