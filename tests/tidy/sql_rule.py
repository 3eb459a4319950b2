"""SQL names only its own system's schema: a system's tables are its own business, others ask its api."""

import ast
import re

from tests.tidy.source import Source

SYSTEMS = (
    "foundation",
    "ledger",
    "identity",
    "shield",
    "overload",
    "data",
    "supply",
    "finance",
    "commerce",
    "stores",
    "trade",
    "crm",
    "live",
    "media",
    "growth",
    "peak",
    "green",
)

_STATEMENT = re.compile(
    r"\b(select\b.*\bfrom|insert\s+into|update\s+\S+\s+(as\s+\w+\s+)?set|delete\s+from|create\s+\w|alter\s+\w|truncate\s|"
    r"copy\s|merge\s+into|with\s+\w+\s+as|lock\s+table|join\s|from\s|values\s*\()",
    re.IGNORECASE | re.DOTALL,
)
# Prose says "select" and "from" too; statements in code are written with capitals.
_WRITTEN_STATEMENT = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|TRUNCATE|GRANT)\b"
)
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# A name after a dot or a word is a column of an alias or part of a longer word, not a schema.
_REFERENCE = re.compile(
    rf'(?<![\w.":])"?({"|".join(SYSTEMS)})"?\s*\.\s*"?([a-z_][a-z_0-9]*)"?(\s*\()?', re.IGNORECASE
)


def list_foreign_schemas(sources: list[Source]) -> list[str]:
    """Statements that name another system's schema.

    ``sources`` are Python and SQL files below ``src/serai``. Functions of the ground's schema may be called
    by all (``foundation.protect(...)``): they are its api inside the database.
    """
    breaches = []
    for source in sources:
        system = source.parts[2]
        if source.parts[-1] == "invariants.py":
            # What must hold between systems can be said nowhere else: ids across systems have no foreign keys.
            continue
        if source.path.endswith(".sql"):
            texts = [(1, source.text)]
        else:
            texts = [(line, text) for line, text in _list_literals(source.tree) if _STATEMENT.search(text)]
        for first_line, text in texts:
            breaches.extend(
                f"{source.path}:{first_line + line}: {name}" for line, name in _find_foreign(text, system)
            )
    return breaches


def list_sql_holes(sources: list[Source]) -> list[str]:
    """Statements put together from more than constants: what varies travels as a parameter, never in the text.

    An f-string may take in upper-case constants (a list of columns). Anything else needs ``# sql: why`` on one of
    the lines of the statement, saying why nobody from outside can choose the text.
    """
    breaches = []
    for source in sources:
        lines = source.text.splitlines()
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.JoinedStr):
                continue
            constant = "".join(str(v.value) if isinstance(v, ast.Constant) else " ? " for v in node.values)
            explained = any("# sql: " in line for line in lines[node.lineno - 1 : node.end_lineno])
            if not _WRITTEN_STATEMENT.search(constant) or explained:
                continue
            breaches.extend(
                f"{source.path}:{node.lineno}: {{{ast.unparse(value.value)}}}"
                for value in node.values
                if isinstance(value, ast.FormattedValue) and not _is_constant(value.value)
            )
    return breaches


def _is_constant(value: ast.expr) -> bool:
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper()
        case _:
            return isinstance(value, ast.Constant)


def _find_foreign(text: str, system: str) -> list[tuple[int, str]]:
    code = _COMMENT.sub(_blank, text)
    # Function bodies and dynamic SQL keep their quotes' content when a statement could stand inside.
    code = _QUOTED.sub(lambda found: found[0] if _STATEMENT.search(found[0]) else _blank(found), code)
    foreign = []
    for found in _REFERENCE.finditer(code):
        schema = found[1].lower()
        # `data` and its like are also everyday aliases: what counts is called or stands where a table stands.
        is_table = _names_table(code, found.start())
        calls_ground = schema == "foundation" and found[3] and not is_table
        if schema != system and not calls_ground and (found[3] or is_table):
            foreign.append((code.count("\n", 0, found.start()), f"{schema}.{found[2]}"))
    return foreign


_BEFORE_TABLE = re.compile(
    r"\b(from|join|into|update|table|only|references|truncate|copy|using|on|exists|lateral|index|view|type|sequence|"
    r"function|trigger|schema|lock|of)\s*$|,\s*$",
    re.IGNORECASE,
)


def _names_table(code: str, start: int) -> bool:
    before = code[max(0, start - 40) : start]
    found = _BEFORE_TABLE.search(before)
    if not found:
        return False
    word = found[0].strip().lower()
    if word == "on":
        # `JOIN x ON data.id = ...` compares an alias; `CREATE INDEX ... ON schema.table` names a table.
        return bool(re.search(r"\b(index|trigger|policy|grant|revoke)\b[^;]*$", code[:start], re.IGNORECASE))
    if word == ",":
        # A list of tables after FROM, not a list of columns.
        clause = re.findall(
            r"\b(select|from|set|where|values|by|returning|on)\b", code[:start], re.IGNORECASE
        )
        return bool(clause) and clause[-1].lower() == "from"
    return True


def _list_literals(tree: ast.Module) -> list[tuple[int, str]]:
    """Text literals with their lines; pieces of an f-string are joined, docstrings left out."""
    skipped: set[int] = set()
    literals = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(value) for value in node.values)
            pieces = [str(value.value) if isinstance(value, ast.Constant) else " ? " for value in node.values]
            literals.append((node.lineno, "".join(pieces)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            literals.append((node.lineno, node.value))
    return literals


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
