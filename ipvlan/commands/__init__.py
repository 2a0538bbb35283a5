"""The words of the `ipvlan` command, one module each: they parse options and print; the work is in the modules above."""
