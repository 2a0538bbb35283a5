"""Every bad input that the project knows: the tests run it, and docs/bad-input.md shows the answers.

One module per section of the stack file.
"""

from typing import Final

from tools.bad_input.addresses import ADDRESSES
from tools.bad_input.bridges import BRIDGES
from tools.bad_input.case import BadInput
from tools.bad_input.fabric import FABRIC
from tools.bad_input.files import FILES
from tools.bad_input.hosts import HOSTS
from tools.bad_input.lan import LAN
from tools.bad_input.other_stacks import OTHER_STACKS
from tools.bad_input.project_files import PROJECT_FILES
from tools.bad_input.resources import RESOURCES
from tools.bad_input.rollouts import ROLLOUTS
from tools.bad_input.services import SERVICES
from tools.bad_input.settings import SETTINGS
from tools.bad_input.stack import STACK
from tools.bad_input.stack_files import STACK_FILES
from tools.bad_input.volumes import VOLUMES

__all__ = ["CASES", "BadInput"]

CASES: Final = (
    *FABRIC,
    *HOSTS,
    *LAN,
    *ROLLOUTS,
    *SERVICES,
    *SETTINGS,
    *RESOURCES,
    *VOLUMES,
    *FILES,
    *BRIDGES,
    *ADDRESSES,
    *STACK,
    *STACK_FILES,
    *PROJECT_FILES,
    *OTHER_STACKS,
)
