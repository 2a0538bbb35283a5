"""Start the plugin. The engine's address is the one argument that is not an option."""

import sys
from pathlib import Path

# In place of this folder, which is the package `provider`. The working directory is the project's that uses the plugin.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from provider.process import main  # noqa: E402  # after the line that lets Python find it

main()
