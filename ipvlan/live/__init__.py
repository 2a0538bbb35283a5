"""The commands that read the hosts: what is there, whether it is what the plan says, and whether it works."""
