"""Measurements: this program beside other tools, the plan alone, and the shared ssh connection. Each prints a table."""
