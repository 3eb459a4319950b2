"""The composition root: puts the rooms together and is the only place that knows them all."""
