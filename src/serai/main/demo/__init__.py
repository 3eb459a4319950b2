"""The demo merchant: a real grocery chain's year, prepared for the shop.

`prepare_demo` turns the published data set into columns; loading them goes through the bulk doors of the ledger and
the catalogue.
"""
