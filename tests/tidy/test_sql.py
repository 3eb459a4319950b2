"""SQL stays in its own schema, on the house and on planted breaches."""

import pytest
from tests.tidy.source import ROOT, Source, read_sources
from tests.tidy.sql_rule import list_foreign_schemas, list_sql_holes
from tests.tidy.verdict import expect_none


def test_a_system_names_only_its_own_schema() -> None:
    sources = read_sources(ROOT, "src/serai", suffixes=(".py", ".sql"))
    assert any(source.path.endswith(".sql") for source in sources)
    expect_none(list_foreign_schemas([source for source in sources if len(source.parts) > 3]))


def test_what_varies_in_a_statement_is_a_parameter() -> None:
    expect_none(list_sql_holes(read_sources(ROOT, "src/serai")))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM ledger.account",
        "select a from commerce.cart c join ledger.account a on true",
        "SELECT 1 FROM commerce.cart, ledger.account",
        "INSERT INTO foundation.event (merchant_id) VALUES ($1)",
        "UPDATE ledger.account SET posted = 0",
        "DELETE FROM identity.session",
        "REFERENCES identity.staff (staff_id) -- CREATE TABLE",
        "CREATE INDEX account_by_unit ON ledger.account (unit)",
        "SELECT ledger.balance(1) FROM commerce.cart",
        "CREATE FUNCTION commerce.f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM ledger.account'",
        'SELECT * FROM "ledger"."account"',
    ],
)
def test_a_foreign_schema_is_found(statement: str) -> None:
    assert (
        list_foreign_schemas(
            [Source("src/serai/commerce/store.sql", f"CREATE TABLE x (y int);\n{statement}")]
        )
        != []
    )
    if not statement.startswith("REFERENCES"):
        code = f"QUERY = {statement!r}\n"
        assert list_foreign_schemas([Source("src/serai/commerce/cart/store.py", code)]) != []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT data.sku FROM commerce.line AS data WHERE data.sku = $1",
        "SELECT line.sku, data.total FROM commerce.line JOIN commerce.sum data ON data.sku = line.sku",
        "SELECT foundation.protect('commerce.line'); CREATE TABLE commerce.line (a int)",
        "SELECT 1 FROM commerce.line WHERE merchant_id = (SELECT foundation.current_merchant())",
        "SELECT 1 FROM commerce.line -- as ledger.account does",
        "INSERT INTO commerce.name (name) VALUES ('ledger.account')",
    ],
)
def test_own_tables_aliases_and_the_ground_s_functions_are_fine(statement: str) -> None:
    assert list_foreign_schemas([Source("src/serai/commerce/store.sql", statement)]) == []
    assert (
        list_foreign_schemas([Source("src/serai/commerce/cart/store.py", f"QUERY = {statement!r}\n")]) == []
    )


def test_pieces_of_an_f_string_are_read_together_and_docstrings_are_not() -> None:
    pieces = 'QUERY = f"SELECT {columns} FROM ledger.account"\n'
    prose = '"""Takes money from ledger.account and selects nothing from it."""\n'
    name = 'EVENT = "ledger.posted"\n'
    assert list_foreign_schemas([Source("src/serai/commerce/cart/store.py", pieces)]) == [
        "src/serai/commerce/cart/store.py:1: ledger.account"
    ]
    assert list_foreign_schemas([Source("src/serai/commerce/cart/store.py", prose + name)]) == []


@pytest.mark.parametrize(
    "code",
    [
        'f"SELECT {columns} FROM commerce.cart"',
        """f"SELECT a FROM commerce.cart WHERE b = '{name}'\"""",
        'f"DELETE FROM commerce.{COLUMNS.lower()}"',
    ],
)
def test_a_hole_in_a_statement_is_found(code: str) -> None:
    path = "src/serai/commerce/cart/store.py"
    assert len(list_sql_holes([Source(path, f"x = {code}")])) == 1
    assert list_sql_holes([Source(path, f"x = {code}  # sql: a name from the list above")]) == []


@pytest.mark.parametrize(
    "code",
    ['f"SELECT {COLUMNS} FROM commerce.cart WHERE a = $1"', 'f"select {many} from the list"', '"SELECT 1"'],
)
def test_constants_and_prose_are_no_holes(code: str) -> None:
    assert list_sql_holes([Source("src/serai/commerce/cart/store.py", f"x = {code}")]) == []
