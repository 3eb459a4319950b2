"""Ways in which goods reach a buyer: where each goes, what it costs, and by when it promises to arrive."""
