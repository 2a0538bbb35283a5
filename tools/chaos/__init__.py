"""Random faults on the lab's hosts: each seed is a sequence of faults, a repair, and the checks that nothing is left of it.

`make chaos COUNT=20 SEED=1`. A seed always has the same faults. `.make/chaos.jsonl` has a line per finished seed, so a run goes on
where the last one stopped; `.make/chaos/` has what the commands printed where a seed failed.

Out of scope: what each repair must do (tests/lab has that, fault by fault); here only the end counts.
"""
