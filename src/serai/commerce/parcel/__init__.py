"""Documents of handing over: which goods of an order are open where, in which parcels they leave, what was cut."""
