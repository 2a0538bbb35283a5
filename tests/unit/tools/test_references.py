"""Comments, docstrings and docs name only files, folders and modules that the repository has."""

from __future__ import annotations

import ast
import functools
import io
import os
import re
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from tests.support.sources import TRACKED, read

ELSEWHERE = {
    ".lab/<name>/": "the state of a running lab",
    ".make/pr-comment.md": "written by make pr-preview",
    "comment/comment.md": "written by make pr-preview in CI",
    "preview.txt": "written by make drift",
    ".make/fuzz/": "written by make fuzz",
    ".make/chaos/": "written by make chaos",
    ".make/chaos.jsonl": "written by make chaos",
    "Pulumi.json": "a project file that is refused",
    "Pulumi.STACK.json": "a stack file that Pulumi would read beside it",
    "Pulumi.dev.json": "a stack file that Pulumi would read beside it",
    "Pulumi.lan.yaml": "a stack file of the reader's own",
    "Pulumi.test.yaml": "a stack file of a test",
    "Pulumi.other.yaml": "another stack file of a test",
    "./other.sh": "any other script of the folder",
    "PulumiPlugin.yaml": "what Pulumi reads in a plugin's folder, where no program is in it",
    "daemon.json": "Docker's settings on a host",
    "state.json": "written by the fake docker of the tests",
    "registry/": "the beginning of an image's name",
    "PULUMI.dev.yaml": "a source of a file that a config rule refuses",
    "docs/spec.md": "the source of Git LFS",
    "ipvlan/l2": "a value that a config rule refuses",
    "../common.yaml": "a value that a config rule refuses",
    "stacks/other.yaml": "a file that a bad input names and that is missing",
    "ruamel.yaml": "a library",
    "daemon/libnetwork/drivers/ipvlan/ipvlan_network.go": "Docker's source, github.com/moby/moby",
    "daemon/info.go": "Docker's source",
    "daemon/names.go": "Docker's source",
    "daemon/names/names.go": "Docker's source",
    "daemon/container_operations.go": "Docker's source",
    "libnetwork/controller.go": "Docker's source",
    "libnetwork/default_gateway.go": "Docker's source",
    "libnetwork/drivers/bridge/bridge_linux.go": "Docker's source",
    "libnetwork/drivers/bridge/labels.go": "Docker's source",
    "libnetwork/sandbox.go": "Docker's source",
    "reference.go": "Docker's source, github.com/distribution/reference",
    "daemon/container.go": "Docker's source",
    "daemon/daemon_unix.go": "Docker's source",
    "daemon/health.go": "Docker's source",
    "daemon/volumes.go": "Docker's source",
    "daemon/volumes_linux.go": "Docker's source",
    "daemon/command/daemon.go": "Docker's source",
    "daemon/nvidia_linux.go": "Docker's source",
    "daemon/server/router/container/container_routes.go": "Docker's source",
    "/etc/docker/daemon.json": "Docker's settings on a host",
    "before/": "a folder of a container's files on a host",
    "live/": "a folder of a container's files on a host",
    "spare/": "a folder of a container's files on a host",
    "api/types/container/config.go": "Docker's source",
    "api/types/container/hostconfig.go": "Docker's source",
    "volume/mounts/linux_parser.go": "Docker's source",
    "volume/local/local_unix.go": "Docker's source",
    "volume/service/service.go": "Docker's source",
    "volume/service/store.go": "Docker's source",
    "daemon/logger/factory.go": "Docker's source",
    "daemon/logger/": "Docker's source",
    "daemon/logger/loggerutils/cache": "Docker's source",
    "daemon/pkg/oci/caps/utils.go": "Docker's source",
    "opts/hosts.go": "Docker's source",
    "opts/parse.go": "the source of Docker's command, github.com/docker/cli",
    "pkg/parsers/parsers.go": "Docker's source",
    "capability/enum_gen.go": "a library of Docker, github.com/moby/sys",
    "mount/flags_unix.go": "a library of Docker, github.com/moby/sys",
    "signal/signal.go": "a library of Docker, github.com/moby/sys",
    "signal/signal_linux.go": "a library of Docker, github.com/moby/sys",
    "user/user.go": "a library of Docker, github.com/moby/sys",
    "size.go": "a library of Docker, github.com/docker/go-units",
    "cli/command/container/opts.go": "the source of Docker's command, github.com/docker/cli",
    "opts/gpus.go": "the source of Docker's command",
    "pkg/parser/parser.go": "the source of CDI, tags.cncf.io/container-device-interface",
    "Documentation/admin-guide/devices.txt": "the source of Linux",
    "libcontainer/configs/validate/validator.go": "the source of runc",
    "daemon/create.go": "the source of moby",
    "libcontainer/cgroups/systemd/common.go": "the source of runc",
    "rlimit_linux.go": "the source of runc",
    "fs/file.c": "the source of Linux",
    "helpers.go": "the docker provider's source",
    "compose.yaml": "a compose file of the reader's own, or of a test",
    "compose.override.yaml": "a compose file of the reader's own",
    "dotenv/parser.go": "the source of compose, github.com/compose-spec/compose-go",
    "loader/loader.go": "the source of compose",
    "types/healthcheck.go": "the source of compose",
    "loader/normalize.go": "the source of compose",
    "override/merge.go": "the source of compose",
    "override/uncity.go": "the source of compose",
    "schema/compose-spec.json": "the source of compose",
    "template/template.go": "the source of compose",
    "pkg/compose/create.go": "the source of compose's command, github.com/docker/compose",
    "sdk/go/common/apitype/events.go": "Pulumi's source, github.com/pulumi/pulumi",
    "pkg/backend/display/display.go": "Pulumi's source",
    "pkg/cmd/pulumi/operations/up.go": "Pulumi's source",
    "config.go": "the docker provider's source",
    "resource_docker_container.go": "the docker provider's source",
    "resource_docker_container_funcs.go": "the docker provider's source",
    "resource_docker_network.go": "the docker provider's source",
    "resource_docker_network_funcs.go": "the docker provider's source",
    "pulumi/runtime/stack.py": "the source of Pulumi's SDK for Python",
    "pulumi/runtime/resource.py": "the source of Pulumi's SDK for Python",
    "pulumi/runtime/resource_cycle_breaker.py": "the source of Pulumi's SDK for Python",
    "pkg/backend/snapshot.go": "Pulumi's source",
    "libnetwork/error.go": "Docker's source",
    "releases/versions.yaml": "Docker's source, in the module github.com/moby/moby/v2",
    "vendor.mod": "the source of Docker's command, github.com/docker/cli",
}
"""What looks like a path of the repository and is none, and what it is."""

OF_A_USER = re.compile(r"(?:files|conf\.d)/.*|services\..*")
"""Files of the project of somebody who uses this one, and keys of a stack file with a path in them."""

SUFFIXES = "cfg|env|go|ini|json|md|mod|png|py|sh|sum|svg|toml|txt|ya?ml"
FOLDERS = "|".join(re.escape(folder) for folder in {name.split("/")[0] for name in TRACKED if "/" in name})
START = r"(?<![\w./~$<>{}-])"
URL = re.compile(r"\bhttps?://\S+")
FILE = re.compile(rf"{START}[\w.*<>-][\w.*<>/-]*(?:\.(?:{SUFFIXES})\b|/)(?![\w/-])")
IN_FOLDER = re.compile(rf"{START}(?:{FOLDERS})/[\w.*<>/-]*[\w*>/]")
MODULE = re.compile(
    r"(?<![\w./-])(?:ipvlan|components|provider(?!\.go\b)|lab|tests|tools|bench)(?:\.(?!md\b)[A-Za-z_]\w*)+"
)
EXISTING = {*TRACKED, *(str(folder) for name in TRACKED for folder in PurePosixPath(name).parents)}
ENDS = {path[place:] for path in EXISTING for place in [0, *(at.end() for at in re.finditer("/", path))]}
"""Every end of a known path, from the beginning of a name."""
FILES = [name for name in TRACKED if not name.endswith((".sum", ".svg", ".json")) and name != "LICENSE"]


def texts(name: str) -> Iterator[str]:
    """Yield what people read in a file: the whole of a page, the comments and docstrings of a program."""
    text = read(name)
    if name.endswith(".md"):
        # A decision that is proposed names what is not there yet.
        yield "" if "\n- Status: proposed\n" in text else text
    elif name.endswith(".py"):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.string
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                yield node.value.value
    else:
        mark = "//" if name.endswith(".go") else "#"
        yield from (line.partition(mark)[2] for line in text.splitlines())


@functools.cache
def text_of(name: str) -> str:
    """Return all that people read in a file."""
    return "\n".join(texts(name))


def exists(path: str, file: str) -> bool:
    """Return whether the path leads to something from the root, from the file's folder, or is the end of a known path."""
    pattern = re.sub(r"<[^>]*>", "*", path).rstrip("/")
    beside = os.path.normpath(PurePosixPath(file).parent / pattern)
    if not re.search(r"[*?[]", pattern + beside):
        return pattern in ENDS or beside in EXISTING
    return any(fnmatchcase(known, form) for form in (pattern, beside, f"*/{pattern}") for known in EXISTING)


def is_module(name: str) -> bool:
    """Return whether the dotted name is a module or package, or something that one defines."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = "/".join(parts[:length])
        source = next((path for path in (f"{module}.py", f"{module}/__init__.py") if path in EXISTING), None)
        if source is not None:
            return length == len(parts) or re.search(rf"\b{parts[length]}\b", read(source)) is not None
    return False


def test_named_paths_exist() -> None:
    """Every file or folder that a text names is tracked, or is listed in ELSEWHERE with what it is."""
    missing = {}
    for file in FILES:
        text = URL.sub("", text_of(file))
        named = {*FILE.findall(text), *IN_FOLDER.findall(text)} - ELSEWHERE.keys()
        named = {path for path in named if not OF_A_USER.fullmatch(path)}
        missing[file] = sorted(path for path in named if not (exists(path, file) or is_module(path)))
    assert {file: paths for file, paths in missing.items() if paths} == {}


def test_named_modules_exist() -> None:
    """Every dotted name that begins with a package of the repository leads to a module or to something in it."""
    missing = {
        file: sorted(name for name in set(MODULE.findall(text_of(file))) if not is_module(name)) for file in FILES
    }
    assert {file: names for file, names in missing.items() if names} == {}
