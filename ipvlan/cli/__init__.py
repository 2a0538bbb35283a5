"""The `ipvlan` command: options and exit status, one module per subcommand."""
