"""Importing as the rest of the house uses it: open a table, import it, keep what was rejected."""

from serai.commerce.importing.import_products import import_products
from serai.commerce.importing.logic import disarm_formula
from serai.commerce.importing.read_table import open_table
from serai.commerce.importing.types import ImportLimits, ImportReport, RejectWriter, Table
from serai.commerce.importing.write_rejects import RejectFile

__all__ = [
    "ImportLimits",
    "ImportReport",
    "RejectFile",
    "RejectWriter",
    "Table",
    "disarm_formula",
    "import_products",
    "open_table",
]
