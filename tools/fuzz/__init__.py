"""Runs mutated stack files through everything that reads, decides and presents, and reports what is no sentence for a person.

`make fuzz COUNT=1000 SEED=1`. Input N of a seed is always the same, whatever the number of processes.

Out of scope: hosts and Pulumi's engine.
"""
