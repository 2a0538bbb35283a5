"""Tests of bench/: what is computed from measured times; nothing is measured."""
