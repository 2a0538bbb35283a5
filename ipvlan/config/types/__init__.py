"""The types of config values: how a value of the stack file becomes one, and the part of the JSON Schema that describes it.

Each type is `Annotated` with a validator. The validator rejects a value with the three sentences that every problem has.

Out of scope: rules that need a second key (`ipvlan.plan.rules`).
"""
