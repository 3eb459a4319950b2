"""Rules about Python code that ruff and import-linter cannot say; each returns breaches as readable lines."""

import ast
from collections.abc import Iterator

from tests.tidy.source import Source

# The files a module may have, and what each is for, stand in docs/architecture.md.
ROLES = {
    "__init__",
    "api",
    "types",
    "events",
    "logic",
    "store",
    "http",
    "subscribers",
    "jobs",
    "settings",
    "invariants",
}
OPEN_ROLES = {"api", "types", "events"}
# Files in a system's own folder that its modules share: row locks are taken in one order for a whole system.
SYSTEM_ROLES = {"locks", "settings"}
# Systems that are not made of such modules: the ground, the composition root and the two surfaces.
FREE_FORM = {"foundation", "main", "storefront", "console"}

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef

REFUSALS = {"Refused", "Invalid", "NotFound", "Conflict", "Forbidden", "Unauthorised", "Limited"}


def list_misnamed_files(sources: list[Source], allowed: dict[str, str]) -> list[str]:
    """Files of a system's modules that carry none of the agreed names.

    A long flow may have a file of its own, named verb_object (``place_order.py``). Other names need an entry
    in ``allowed``, path to reason; an entry without its file is a breach as well.
    """
    breaches = []
    present = set()
    for source in sources:
        inside = _inside_serai(source)
        if not inside or len(inside) < 2 or inside[0] in FREE_FORM:
            continue
        path = "/".join(inside)
        present.add(path)
        name = inside[-1].removesuffix(".py")
        is_system_file = len(inside) == 2 and name in SYSTEM_ROLES
        is_flow = "_" in name.strip("_") and len(name.split("_")[0]) > 1
        if len(inside) > 3:
            breaches.append(f"{source.path}: deeper than system/module/file")
        elif name not in ROLES and not is_system_file and not is_flow and path not in allowed:
            breaches.append(f"{source.path}: {name} is none of the agreed file names")
    breaches.extend(
        f"{path}: listed as an extra file, but not there" for path in sorted(set(allowed) - present)
    )
    return breaches


def list_hidden_imports(sources: list[Source]) -> list[str]:
    """Imports inside functions: they hide a dependency and often a cycle. ``main`` may defer them."""
    breaches = []
    for source in sources:
        if source.path.startswith("src/serai/main/"):
            continue
        for function in ast.walk(source.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                breaches.extend(
                    f"{source.path}:{node.lineno}: import inside {function.name}"
                    for node in ast.walk(function)
                    if isinstance(node, ast.Import | ast.ImportFrom)
                )
    return sorted(set(breaches))


def list_border_crossings(sources: list[Source]) -> list[str]:
    """Imports of another module's files other than its api, types and events."""
    modules = {_dotted(source) for source in sources}
    breaches = []
    for source in sources:
        inside = _inside_serai(source)
        if not inside or inside[0] == "main":
            continue
        for line, target in _list_imports(source, modules):
            words = target.split(".")
            if len(words) < 2 or words[0] != "serai" or words[1] == "foundation":
                continue
            if not _may_import(inside, words[1:], modules):
                breaches.append(f"{source.path}:{line}: imports {target}")
    return breaches


def list_impure_logic(sources: list[Source]) -> list[str]:
    """Files named ``logic.py`` that reach for the outside: database, network, files, clock, chance."""
    outside = {"asyncpg", "httpx", "litestar", "granian", "pgqueuer", "socket", "os", "pathlib", "subprocess",
               "asyncio", "random", "secrets", "time"}  # fmt: skip
    breaches = []
    for source in sources:
        if source.parts[-1] != "logic.py":
            continue
        for line, target in _list_imports(source, set()):
            words = target.split(".")
            if (
                words[0] in outside
                or words[-1] in {"store", "http"}
                or words[:3] == ["serai", "foundation", "database"]
            ):
                breaches.append(f"{source.path}:{line}: pure rules import {target}")
    return breaches


def list_unmarked_refusals(sources: list[Source]) -> list[str]:
    """Refusals whose message is a bare text: it would never reach the translators."""
    breaches = []
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and _called_name(node) in REFUSALS and len(node.args) > 1:
                message = node.args[1]
                if isinstance(message, ast.JoinedStr) or (
                    isinstance(message, ast.Constant) and isinstance(message.value, str)
                ):
                    breaches.append(f"{source.path}:{node.lineno}: the message is not marked with _()")
    return breaches


def measure_sizes(sources: list[Source]) -> dict[str, int]:
    """Lines of every file and function past the limit: ``path`` or ``path::function`` to lines."""
    sizes = {}
    for source in sources:
        lines = source.text.count("\n")
        if lines > MAX_FILE_LINES:
            sizes[source.path] = lines
        for name, node in _list_functions(source.tree, ""):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                sizes[f"{source.path}::{name}"] = length
    return sizes


def compare_sizes(sizes: dict[str, int], baseline: dict[str, int]) -> list[str]:
    """What grew past limit or baseline, and baseline entries that can be lowered: it only shrinks."""
    breaches = []
    for place, lines in sorted(sizes.items()):
        if place not in baseline:
            limit = MAX_FUNCTION_LINES if "::" in place else MAX_FILE_LINES
            breaches.append(f"{place}: {lines} lines, more than {limit}")
        elif lines > baseline[place]:
            breaches.append(f"{place}: grew from {baseline[place]} to {lines} lines")
    for place, lines in sorted(baseline.items()):
        if place not in sizes:
            breaches.append(f"{place}: within the limit now, take it off the baseline")
        elif sizes[place] < lines:
            breaches.append(f"{place}: shrank to {sizes[place]} lines, lower the baseline from {lines}")
    return breaches


def _inside_serai(source: Source) -> tuple[str, ...]:
    return source.parts[2:] if source.parts[:2] == ("src", "serai") else ()


def _dotted(source: Source) -> str:
    words = source.path.removeprefix("src/").removesuffix(".py").split("/")
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def _list_imports(source: Source, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Line and dotted target of each import; a name taken from a package counts if it is a module."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                longer = f"{node.module}.{alias.name}"
                yield node.lineno, longer if longer in modules else node.module


def _may_import(importer: tuple[str, ...], target: list[str], modules: set[str]) -> bool:
    system, *rest = target
    same_system = importer[0] == system
    if same_system and system in FREE_FORM:
        return True
    if not rest:
        return False  # a package's front door tells nothing about what is used
    is_flat = f"serai.{system}.{rest[0]}" in modules and len(rest) == 1
    home = importer[:-1]
    if is_flat and home == (system,):
        return True
    if len(rest) > 1 and home == (system, rest[0]):
        return True
    if is_flat:
        return rest[0] in OPEN_ROLES or (same_system and rest[0] in SYSTEM_ROLES)
    return len(rest) == 2 and rest[1] in OPEN_ROLES


def _called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _list_functions(
    node: ast.AST, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name, child
                yield from _list_functions(child, f"{prefix}{name}.")
            case ast.ClassDef(name=name):
                yield from _list_functions(child, f"{prefix}{name}.")
            case _:
                yield from _list_functions(child, prefix)
