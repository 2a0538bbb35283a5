"""What maintainers run: generated files, pinned versions."""
