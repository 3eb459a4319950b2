"""The ladder of degradation: what is left out, step by step, so that ordering and paying go on."""
