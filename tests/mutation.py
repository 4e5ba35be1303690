"""Break every line of a module a little, and see whether the tests that mirror it notice: ``make mutation``.

Each mutant has one change: to a comparison, a constant, an operator, a condition, a
call, a statement or what a function returns. It runs in a fork of this process, which
has loaded all that is not ours. The fastest tests come first, and one that fails ends
the run. A mutant that survives stands for a test that is missing, for code that nothing
needs, or for a change that makes no difference.
"""

from __future__ import annotations

import ast
import difflib
import os
import resource
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

import pytest

BAR: Final = 0.95
MEMORY_BYTES: Final = 2 << 30
OPTIONS: Final = ("-qq", "--timeout=60", "--hypothesis-profile=mutation", "-pno:cacheprovider")

HUB: Final = [
    f"tests/server/platform/pipeline/test_{name}.py"
    for name in ("hub", "hub_dialects", "subscriber", "subscriber_rights")
]
RULINGS: Final = [
    f"tests/server/business/{name}.py"
    for name in ("test_rulings", "test_issuing", "moderation/test_granting", "moderation/test_restricting")
]
NAMES_HELD: Final = [
    f"tests/server/business/test_{name}.py"
    for name in (
        "participants",
        "outcomes",
        "rights_of_speakers",
        "room",
        "changes",
        "issuing",
        "inviting",
        "signing_in",
    )
]
MIRRORS: Final = {
    "chatty/characters.py": ["tests/test_names.py"],
    "chatty/names.py": ["tests/test_names.py", "tests/test_skeletons.py"],
    "chatty/skeletons.py": ["tests/test_skeletons.py"],
    "chatty/client/outbox.py": [
        "tests/client/outbox/test_outbox.py",
        "tests/client/outbox/test_outbox_again.py",
        "tests/client/outbox/test_outbox_slow.py",
        "tests/client/outbox/test_outbox_unsendable.py",
        "tests/test_digests.py",
    ],
    "chatty/client/inbox.py": ["tests/client/test_inbox.py"],
    "chatty/cli/scripting/cursor_file.py": ["tests/cli/scripting/test_cursor_file.py"],
    "chatty/cli/scripting/bookmark.py": ["tests/cli/scripting/test_bookmark.py"],
    "chatty/server/business/access.py": [
        "tests/server/business/test_access.py",
        "tests/server/business/test_remembered_rights.py",
        "tests/server/business/test_rights.py",
        "tests/server/business/test_rights_of_speakers.py",
    ],
    "chatty/server/business/connection_ids.py": ["tests/server/business/test_connection_ids.py"],
    "chatty/server/business/entries.py": ["tests/server/business", "tests/test_digests.py"],
    "chatty/server/business/facts.py": ["tests/server/business"],
    "chatty/server/business/inviting.py": [
        f"tests/server/business/test_{name}.py" for name in ("inviting", "admitting")
    ],
    "chatty/server/business/holders.py": NAMES_HELD,
    "chatty/server/business/names.py": ["tests/server/business/test_names.py"],
    "chatty/server/business/rights.py": ["tests/server/business"],
    "chatty/server/business/granting.py": RULINGS,
    "chatty/server/business/issuing.py": RULINGS,
    "chatty/server/business/messages.py": ["tests/server/business"],
    "chatty/server/business/outcomes.py": ["tests/server/business"],
    "chatty/server/business/participants.py": NAMES_HELD,
    "chatty/server/business/moderation/announcing.py": ["tests/server/business"],
    "chatty/server/business/moderation/deleting.py": ["tests/server/business/moderation/test_deleting.py"],
    "chatty/server/business/moderation/restricting.py": RULINGS,
    "chatty/server/business/moderation/slow.py": ["tests/server/business/moderation/test_slow.py"],
    "chatty/server/business/room.py": ["tests/server/business"],
    "chatty/server/business/rulings.py": RULINGS,
    "chatty/server/business/signing_in.py": ["tests/server/business/test_signing_in.py"],
    "chatty/server/business/state.py": ["tests/server/business"],
    "chatty/server/business/whom.py": ["tests/server/business/moderation/test_whom.py", *RULINGS],
    "chatty/server/platform/pipeline/hub.py": HUB,
    "chatty/server/platform/pipeline/subscriber.py": HUB,
}

SWAPS: Final[dict[type[ast.AST], Sequence[type[ast.AST]]]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.And: (ast.Or,), ast.Or: (ast.And,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.USub: (ast.UAdd,), ast.Mod: (ast.Mult,),
    ast.Mult: (ast.FloorDiv,), ast.FloorDiv: (ast.Mult,), ast.Div: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
}  # fmt: skip
NAMES: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
ONLY_READ: Final = {"annotation", "returns", "decorator_list", "bases"}
"""What no test could tell from something else, or would fail at the import for."""


def changes(node: Any, *, in_function: bool) -> Iterator[ast.AST]:
    """What may stand in the place of ``node``."""
    for other in SWAPS.get(type(node), ()):
        if in_function or not isinstance(node, ast.BitOr):  # outside it is a type
            yield other()
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)):
            yield ast.Constant(f"XX{value}XX")
        case ast.Constant(value=bytes(value)):
            yield ast.Constant(b"XX" + value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Call(func=ast.Name(), args=[argument], keywords=[]) if not isinstance(argument, ast.Set | ast.Starred):
            yield argument
        case ast.Call(func=ast.Attribute(value=receiver), args=[], keywords=[]):
            yield receiver
        case ast.Name() if node.id in NAMES:
            yield ast.Name(NAMES[node.id], node.ctx)
        case ast.If() | ast.While():
            yield type(node)(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.IfExp():
            yield ast.IfExp(node.test, node.orelse, node.body)
        case ast.comprehension(ifs=[test, *more]):
            yield ast.comprehension(node.target, node.iter, [ast.UnaryOp(ast.Not(), test), *more], node.is_async)
        case ast.Break() | ast.Continue():
            yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()
        case ast.Return() if node.value:
            yield ast.Return(ast.Constant(None))
    match node:
        case ast.Return(value=None | ast.Constant(value=None) | ast.List(elts=[]) | ast.Tuple(elts=[])):
            yield ast.Pass()
        case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.AnnAssign(value=ast.expr()) if in_function:
            yield ast.Pass()
        case ast.Raise() | ast.Delete():
            yield ast.Pass()


def places(parent: Any, in_function: bool = False) -> Iterator[tuple[Any, Callable[[Any], None], bool]]:
    """Each node below ``parent``, how to put another one in its place, and whether that is in a function."""
    in_function = in_function or isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef)
    for field, value in ast.iter_fields(parent):
        if isinstance(value, list):
            found = [(node, partial(value.__setitem__, index)) for index, node in enumerate(value)]
        else:
            found = [(value, partial(setattr, parent, field))]
        for node, put in found if field not in ONLY_READ else ():
            if isinstance(node, ast.AST) and not _says_nothing_to_python(node):
                yield node, put, in_function
                yield from places(node.value if isinstance(node, ast.Expr) else node, in_function)


def _says_nothing_to_python(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())) | ast.Call(func=ast.Name(id="TypeVar")):
            return True  # a docstring
        case ast.keyword(arg="frozen" | "gc"):
            return True  # of a class: the types notice the one, and memory alone the other
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
    return False


def mutants(source: str) -> Iterator[tuple[int, str]]:
    """The mutants of a module, each with the line that it differs in; none that Python compiles to the same."""
    tree = ast.parse(source)
    seen = {_meaning(compile(source, "", "exec", dont_inherit=True))}
    line = 0
    for node, put, in_function in places(tree):
        line = getattr(node, "lineno", line)
        for other in changes(node, in_function=in_function):
            put(ast.fix_missing_locations(ast.copy_location(other, node)))
            mutant = ast.unparse(tree)
            put(node)
            meaning = _meaning(compile(mutant, "", "exec", dont_inherit=True))
            if meaning not in seen:
                seen.add(meaning)
                yield line, mutant


def _meaning(code: CodeType) -> Hashable:
    constants = tuple(_meaning(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts)
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants


class Mutated(SourceFileLoader):
    """Loads one module from a text instead of its file, and finds it before the real one is found."""

    def __init__(self, path: str, mutant: str) -> None:
        super().__init__(path.removesuffix(".py").replace("/", "."), path)
        self.mutant = mutant

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.mutant, self.path, "exec", dont_inherit=True)


class FastestFirst:
    """Learns how long the tests take, and runs them in that order afterwards."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.seconds.get(item.nodeid, 0.0))


def survives(path: str, mutant: str, tests: list[str], order: FastestFirst) -> bool:
    """Whether all tests pass with ``mutant`` in the place of the module. One that fails to end is noticed."""
    child = os.fork()
    if not child:
        try:
            cpu_seconds = int(10 + 3 * sum(order.seconds.values()))
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
            for stream in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
            sys.meta_path.insert(0, Mutated(path, mutant))
            os._exit(pytest.main(["-x", *OPTIONS, *tests], [order]))
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def examine(path: str, tests: list[str]) -> bool:
    """Print which mutants of a module its tests don't notice, and how many they do."""
    source = Path(path).read_text()
    order = FastestFirst()
    if pytest.main([*OPTIONS, *tests], [order]):
        sys.exit("the tests fail as it is")
    for name in [name for name in sys.modules if name.split(".")[0] in {"chatty", "tests", "conftest"}]:
        del sys.modules[name]
    original = ast.unparse(ast.parse(source)).splitlines()
    count = survivors = 0
    for line, mutant in mutants(source):
        count += 1
        if survives(path, mutant, tests, order):
            survivors += 1
            difference = difflib.unified_diff(original, mutant.splitlines(), n=0, lineterm="")
            print(f"{path}:{line}", *list(difference)[3:], sep="\n", flush=True)
    print(f"{path}: {count - survivors} of {count} mutants are noticed, {(1 - survivors / count):.1%}\n", flush=True)
    return survivors <= count * (1 - BAR)


if __name__ == "__main__":
    enough = [examine(path, MIRRORS[path]) for path in sys.argv[1:] or MIRRORS]
    sys.exit(not all(enough))
