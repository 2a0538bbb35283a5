"""The built package, without the checkout."""
