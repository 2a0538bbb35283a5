"""Coming from compose: what each key of the compose specification is here, and reading compose files for `ipvlan import`."""
