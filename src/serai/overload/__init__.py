"""Overload control: who is served first, who waits and who is turned away when more come than can be served."""
