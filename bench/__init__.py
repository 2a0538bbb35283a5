"""Measurements: this program compared with other tools, the plan alone, and the shared ssh connection. Each prints a table."""
