"""Simulators of the outside world that misbehave on demand. They and serai import nothing of each other."""
