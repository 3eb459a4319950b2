"""Where members have goods sent."""
