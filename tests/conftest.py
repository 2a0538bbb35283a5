"""How many examples Hypothesis tries: few while somebody works on the code, many in CI."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Hypothesis' own profile for CI draws the same examples in every run, so a red run shows a change and no luck.
settings.register_profile("ci", settings.get_profile("ci"), max_examples=200)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))
