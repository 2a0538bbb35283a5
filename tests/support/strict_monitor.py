"""A Pulumi monitor for tests that is as strict as the engine and the providers, and records the requests.

It checks that URNs are unique, and compares inputs with the types of the provider SDKs, down to the last nested name. It records
every request to register a resource. Out of scope: running providers. Nothing here shows how a host behaves; the lab does.

It uses internals of the SDK, as they are in version 3.272.0: `pulumi._types` for the names and types of arguments, `SETTINGS` of
`pulumi.runtime.settings`, which keeps results of one run for the next, and the mock monitor of `pulumi.runtime.mocks`.
"""

from __future__ import annotations

import asyncio
import json
import runpy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast, get_args, get_origin
from unittest import mock

import pulumi
import pulumi_command
import pulumi_docker
from pulumi import _types
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.stack import Stack

from ipvlan.checks.stack_state import StackState
from ipvlan.hosts.availability import Visit
from ipvlan.hosts.files import folder_of
from ipvlan.plan.resource_names import BRIDGE_NETWORK_TYPE, FILES_TYPE, HANDOVER_TYPE, IDENTITY_TYPE, LOCK_FUNCTION
from provider.handover import Handover
from tests.support.given_folder import GivenFolder
from tests.support.states import OWNER

ROOT = Path(__file__).resolve().parents[2]
SDK_VERSION: Final = "3.272.0"
"""The version of the SDK whose internals are used here."""

ARGUMENTS: Mapping[str, type] = {
    "docker:index/container:Container": pulumi_docker.ContainerArgs,
    "docker:index/network:Network": pulumi_docker.NetworkArgs,
    "docker:index/remoteImage:RemoteImage": pulumi_docker.RemoteImageArgs,
    "pulumi:providers:docker": pulumi_docker.ProviderArgs,
    "command:local:Command": pulumi_command.local.CommandArgs,
}
"""Resource type -> the SDK's class of its arguments."""

STACK_TYPE: Final = "pulumi:pulumi:Stack"
"""Type of the resource that the engine gives every program; it is in no URN but its own."""

OWN = frozenset(
    f"ipvlan-fabric:index:{kind}"
    for kind in (
        "AddressClaims",
        "BridgeConnection",
        "BridgeEndpoints",
        "BridgeNetwork",
        "Files",
        "FilesInUse",
        "Handover",
        "HostNetworking",
        "NetworkRemoval",
        "Settled",
        "StackIdentity",
        "Volume",
    )
)
"""Types that our own plugin serves."""

NOTHING_RECORDED: Final = StackState(stack="test", exists=True)
"""The state of a stack before its first `up`."""


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the program registered it; inputs by Pulumi's names, secrets marked by `{"secret": value}`."""

    urn: str
    type: str
    name: str
    parent: str
    provider: str
    inputs: dict[str, Any]
    delete_before_replace: bool
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    replacement_trigger: str
    deleted_with: str
    retain_on_delete: bool
    dependencies: frozenset[str]
    property_dependencies: dict[str, frozenset[str]]
    on_error: tuple[str, ...]
    secret_outputs: tuple[str, ...]


class StrictError(AssertionError):
    """The program did what the engine or a provider would refuse."""


class Mocks(mocks.Mocks):
    """Answers as a provider would: an id of its own, the inputs as state."""

    def __init__(self, run: Run, refused: str) -> None:
        super().__init__()
        self.run = run
        self.refused = refused

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Return a made-up id, the inputs, and what our plugin makes of them where the program uses it."""
        inputs: dict[Any, Any] = args.inputs
        made: dict[Any, Any] = {}
        if args.typ == IDENTITY_TYPE:
            made = {"owner": OWNER}
        elif args.typ == FILES_TYPE:
            made = {
                "folder": folder_of(inputs["owner"]),
                "generation": 1,
                "digests": dict.fromkeys(inputs["files"], "0" * 64),
            }
        elif args.typ == HANDOVER_TYPE:
            # Those of its creation: nothing replaces the container.
            made = Handover().preview(inputs, inputs)
        elif args.typ == BRIDGE_NETWORK_TYPE and not pulumi.runtime.is_dry_run():
            made = {"network_id": f"id of {inputs['host']}/{inputs['network']}", "owner_label": ""}
        return f"{args.name}-id", {**inputs, **made}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Answer for the locks of the hosts; refuse everything else, and everything in a preview: that contacts a host."""
        if args.token != LOCK_FUNCTION or pulumi.runtime.is_dry_run():
            raise StrictError(f"the program calls {args.token}; a preview would need the hosts")
        self.run.locked = dict(args.args)
        self.run.registered_before_locks = len(self.run.resources)
        return {"refused": self.refused}, []


@dataclass
class Run:
    """What one run of the program registered."""

    resources: dict[str, Registered] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Component URN -> its outputs."""
    exports: dict[str, Any] = field(default_factory=dict)
    """What the program exports, as values."""
    locked: dict[str, Any] = field(default_factory=dict)
    """The arguments with which the program had the hosts locked; empty where it did not."""
    registered_before_locks: int = 0
    """How many resources were registered by then."""

    def named(self, name: str) -> Registered:
        """Return the one resource of that logical name."""
        (registered,) = (resource for resource in self.resources.values() if resource.name == name)
        return registered

    def outputs_of(self, name: str) -> dict[str, Any]:
        """Return the outputs of the component of that logical name."""
        (registered,) = (outputs for urn, outputs in self.outputs.items() if urn.endswith(f"::{name}"))
        return registered


class StrictMonitor(mocks.MockMonitor):
    """Refuses repeated URNs, resources outside a component, unknown types and arguments that the SDK does not know."""

    def __init__(self, refused: str = "") -> None:
        self.run = Run()
        super().__init__(Mocks(self.run, refused))

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Keep the request after checking it."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type != STACK_TYPE:
            self._check(urn, request)
            inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
            if request.custom:
                check_arguments(urn, request.type, inputs)
            self.run.resources[urn] = Registered(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                provider=request.provider.rpartition("::")[0],
                inputs=_readable(inputs),
                delete_before_replace=request.deleteBeforeReplace,
                ignore_changes=tuple(request.ignoreChanges),
                replace_on_changes=tuple(request.replaceOnChanges),
                replacement_trigger=request.replacement_trigger.string_value,
                deleted_with=request.deletedWith,
                retain_on_delete=request.retainOnDelete,
                dependencies=frozenset(request.dependencies),
                property_dependencies={
                    key: frozenset(value.urns) for key, value in request.propertyDependencies.items()
                },
                on_error=tuple(request.hooks.on_error),
                secret_outputs=tuple(request.additionalSecretOutputs),
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN as the engine does, with the types of all components above (the mock has the nearest one alone)."""
        within = parent.split("::")[2] if parent else STACK_TYPE
        types = type_ if within == STACK_TYPE else f"{within}${type_}"
        return "::".join((f"urn:pulumi:{pulumi.get_stack()}", pulumi.get_project(), types, name))

    def _check(self, urn: str, request: Any) -> None:
        if urn in self.run.resources:
            raise StrictError(f"{urn} is registered twice")
        if request.type.startswith("docker:") and "ipvlan-fabric:" not in request.parent:
            raise StrictError(f"{urn} is outside a component: it would not inherit its host's provider")
        if request.type.startswith("docker:") and not request.provider:
            raise StrictError(f"{urn} has no explicit provider: it would go to the operator's own Docker")

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep the outputs of a component or the stack."""
        self.run.outputs[request.urn] = _readable(rpc.deserialize_properties(request.outputs, keep_unknowns=True))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def check_arguments(urn: str, type_: str, inputs: Mapping[str, Any]) -> None:
    """Raise StrictError for an argument, however deep, that the SDK's type of `type_` does not have."""
    if type_ in OWN or type_ == "pulumi:providers:ipvlan-fabric":
        return
    if type_ not in ARGUMENTS:
        raise StrictError(f"{urn}: unexpected resource type {type_}")
    _check_object(urn, ARGUMENTS[type_], inputs)


def _check_object(path: str, class_: type, value: Mapping[str, Any]) -> None:
    names = {pulumi_name: python for python, pulumi_name in _types.input_type_py_to_pulumi_names(class_).items()}
    types = _types.input_type_types(class_)
    for key, inner in value.items():
        if key not in names:
            raise StrictError(f"{path}: {class_.__name__} has no argument {key!r}; it has {sorted(names)}")
        _check_value(f"{path}.{key}", types[key], inner)


def _check_value(path: str, annotation: Any, value: Any) -> None:
    class_ = _args_class(annotation)
    if class_ is None or value is None:
        return
    if isinstance(value, list):
        for position, item in enumerate(value):
            _check_object(f"{path}[{position}]", class_, item)
    elif isinstance(value, dict):
        _check_object(path, class_, value)


def _args_class(annotation: Any) -> type | None:
    """Return the SDK's nested arguments class inside an annotation such as Optional[Input[Sequence[Input['XArgs']]]]."""
    if isinstance(annotation, str):
        annotation = getattr(pulumi_docker, annotation, None) or getattr(pulumi_command.local, annotation, None)
    forward = getattr(annotation, "__forward_arg__", None)
    if forward is not None:
        annotation = getattr(pulumi_docker, forward, None) or getattr(pulumi_command.local, forward, None)
    if isinstance(annotation, type) and _types.is_input_type(annotation):
        return annotation
    if get_origin(annotation) is None:
        return None
    for inner in get_args(annotation):
        arguments = _args_class(inner)
        if arguments is not None:
            return arguments
    return None


def _readable(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return {"secret": _readable(rpc.unwrap_rpc_secret(value))}
    if isinstance(value, dict):
        return {key: _readable(inner) for key, inner in value.items() if key != "__provider"}
    if isinstance(value, list):
        return [_readable(inner) for inner in value]
    return value


def _main() -> None:
    runpy.run_path(str(ROOT / "__main__.py"))


def run_program(
    config: Mapping[str, Any],
    *,
    secrets: Mapping[str, str] | None = None,
    stack: str = "test",
    preview: bool = False,
    visits: Mapping[str, Visit] | None = None,
    recorded: Callable[[str], StackState] = lambda _stack: NOTHING_RECORDED,
    registered: Callable[[Run], None] = lambda _run: None,
    main: Callable[[], None] = _main,
    sharing_obstacle: str = "",
    refused: str = "",
) -> Run:
    """Run the program with `config` (keys without namespace, values as YAML has them) and return what it registered.

    `main` is the program; by default this project's `__main__.py`.
    `visits` (host -> what it answered) replaces the contact with the hosts: no test of the program runs ssh.
    `recorded` takes the stack, and returns its state: no test of the program runs pulumi. By default the stack is new.
    `registered` is called with what was registered, also where the program raises.
    `refused` is why the hosts cannot be locked; empty: they can.
    `sharing_obstacle` is why the machine cannot share ssh connections; empty: it can.

    Raises what the program raises, StrictError among it.
    """
    monitor = StrictMonitor(refused)

    async def program() -> None:
        pulumi.runtime.reset_options(project="ipvlan-fabric", stack=stack)
        settings.SETTINGS.rpc_manager.clear()
        settings.SETTINGS.outputs.clear()
        values = {
            f"ipvlan-fabric:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in {**config, **(secrets or {})}.items()
        }
        pulumi.runtime.set_all_config(values, secret_keys=[f"ipvlan-fabric:{key}" for key in secrets or {}])
        mocks.set_mocks(monitor.mocks, project="ipvlan-fabric", stack=stack, preview=preview, monitor=monitor)
        with (
            mock.patch("components.program_inputs.visit_hosts", return_value=dict(visits or {})),
            mock.patch(
                "components.program_inputs.read_stack_state", side_effect=lambda stack, _folder: recorded(stack)
            ),
            mock.patch("ipvlan.hosts.ssh.obstacle", return_value=sharing_obstacle),
            # The program's process is its own; this one goes on.
            mock.patch("gc.set_threshold"),
            mock.patch("pulumi.log.debug"),
            mock.patch(
                "components.program_inputs.project_folder", return_value=GivenFolder(stack, config, secrets or {})
            ),
        ):
            # As the language host runs it. The stack that the mocks made takes no further program.
            settings.ROOT.set(None)
            await pulumi.runtime.stack.run_in_stack(main)
        root = cast(Stack, settings.get_root_resource())
        monitor.run.exports = {
            key: await value.future() if isinstance(value, pulumi.Output) else value
            for key, value in root.outputs.items()
        }

    try:
        with _closing_event_loops():
            asyncio.run(program())
    finally:
        registered(monitor.run)
    return monitor.run


@contextmanager
def _closing_event_loops() -> Iterator[None]:
    # The SDK's mock monitor opens an event loop in each worker thread and leaves it to the garbage collector, which then fails
    # whichever test is running.
    loops: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def new_loop() -> asyncio.AbstractEventLoop:
        loops.append(new_event_loop())
        return loops[-1]

    try:
        with mock.patch.object(asyncio, "new_event_loop", new_loop):
            yield
    finally:
        for loop in loops:
            loop.close()
