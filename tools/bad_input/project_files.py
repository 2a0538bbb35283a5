"""Ways to give Pulumi a config that is not in the stack file under our keys."""

from __future__ import annotations

from typing import Final

from tools.bad_input.case import BadInput
from tools.reference_setup import STACK_TEXT

_PROJECT: Final = "name: ipvlan-fabric\nruntime: python\n"

PROJECT_FILES: Final = (
    *(
        BadInput(title=title, changes={}, expected=((key, code),), text=text)
        for title, text, key, code in (
            (
                "a key without a namespace",
                f"{STACK_TEXT}  services: {{web: {{image: nginx, privileged: true}}}}\n",
                "Pulumi.test.yaml: services",
                "IPF039",
            ),
            (
                "a key in Pulumi's older spelling",
                f"{STACK_TEXT}  ipvlan-fabric:config:ssh: {{connect_timeout: 5}}\n",
                "Pulumi.test.yaml: ipvlan-fabric:config:ssh",
                "IPF040",
            ),
            (
                "an environment of Pulumi ESC",
                f"environment: [prod]\n{STACK_TEXT}",
                "Pulumi.test.yaml: environment",
                "IPF041",
            ),
        )
    ),
    *(
        BadInput(title=title, changes={}, expected=((key, code),), text=STACK_TEXT, project=project)
        for title, project, key, code in (
            (
                "a default in Pulumi.yaml",
                f"{_PROJECT}config: {{ssh: {{type: object, default: {{connect_timeout: 5}}}}}}\n",
                "Pulumi.yaml: config.ssh",
                "IPF042",
            ),
            (
                "a project of another name",
                "name: network\nruntime: python\n",
                "Pulumi.yaml: name",
                "IPF044",
            ),
            ("a program in another folder", f"{_PROJECT}main: program\n", "Pulumi.yaml: main", "IPF051"),
            (
                "stack files in another folder",
                f"{_PROJECT}stackConfigDir: stacks\n",
                "Pulumi.yaml: stackConfigDir",
                "IPF048",
            ),
            (
                "a folder as the config of Pulumi.yaml",
                f"{_PROJECT}config: stacks\n",
                "Pulumi.yaml: config",
                "IPF049",
            ),
        )
    ),
)
