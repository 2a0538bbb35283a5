"""The name of a stack in all of Pulumi's spellings, and the stack that is selected in Pulumi's workspace.

`STACK`, `ORG/STACK` and `ORG/PROJECT/STACK` are one stack: the names of its file and of its label have STACK alone. The
pulumi command gets the spelling that the user gave.

Out of scope: whether there is such a file or such a stack.
"""

from __future__ import annotations


def short_name(stack: str) -> str:
    """Return the stack's own name in any spelling of it."""
    return stack.rpartition("/")[2]
