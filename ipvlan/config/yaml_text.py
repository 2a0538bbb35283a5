"""YAML text -> plain mappings, lists and scalars, as Pulumi reads them, or the reasons why another reader could differ.

The parser is libyaml, which Pulumi's own (Go's yaml.v3) is a translation of. What it makes of the text is read event by event, so
that limits end a file that explodes before it does.

Out of scope: files (`ipvlan.config.yaml_file`), and what the keys mean (`ipvlan.config.load`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from ipvlan.config import yaml_limits
from ipvlan.config.shown_values import HIDDEN, NOT_SHOWN, OF_FILES, shown
from ipvlan.config.yaml_limits import DEEPEST
from ipvlan.config.yaml_scalars import ambiguity, value_of
from ipvlan.problems import MOST_SHOWN, ConfigError, Problem, shorten

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML is built with libyaml but where it was built by hand; its own parser is libyaml's model, and eight times slower."""

_STRANGE: Final = re.compile("[\u0085\u2028\u2029\ufeff]")
"""Line breaks of YAML 1.1 that YAML 1.2 has not, and the byte order mark."""

MOST_PART_OF_ALIASES: Final = 0.97
"""Of the values of a file with its aliases written out. Pulumi's yaml.v3 refuses 0.99 by a count of its own (allowedAliasRatio)."""

# A smaller file may be all aliases (yaml.v3: 1,000).
_FEW_VALUES: Final = 900
# How yaml.v3, and so `pulumi config set`, writes the text `<<`.
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"

_SHOWN_BELOW: Final = frozenset({"config", "fabric", "hosts", "services", "ssh"})
"""Keys at the top of a stack file or a shared file; what stands elsewhere may be the anchor of any value."""

_NO_KEY: Final = object()
_MERGE: Final = object()
_IGNORED: Final = object()


class StackFileError(ConfigError):
    """The file is missing, or is not YAML that all readers read alike."""


def parse_text(text: str, name: str) -> dict[str, Any]:
    """Return the content of YAML text whose top is a mapping; messages call the text `name`.

    Raises:
        StackFileError: It is no YAML, or readers would differ on it; with all places where they would.
    """
    # At the beginning of a file the byte order mark is one.
    strange = _STRANGE.search(text, 1 if text.startswith("\ufeff") else 0)
    if strange:
        line = text.count("\n", 0, strange.start()) + 1
        raise stack_file_error(
            "IPF052",
            f"{name}:{line}:{strange.start() - text.rfind(chr(10), 0, strange.start())}",
            value=shorten(strange[0]),
            problem="this character ends a line, or begins a text, for some readers of YAML and not for others",
            effect="Pulumi, ipvlan and a reviewer could each read another value",
            fix=f"remove it, or write it as {strange[0].encode('unicode_escape').decode()} in double quotes",
        )
    reader = _Reader(name)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        if "nesting depth" in str(error.problem):
            raise _too_deep(place) from None
        raise stack_file_error(
            "IPF005",
            place,
            problem=f"this is not YAML: {', '.join(part for part in (error.context, error.problem) if part)}",
            effect="neither Pulumi nor ipvlan can read the file",
            fix="look at that line and the one before it: quotes, brackets, colons and indentation",
        ) from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise stack_file_error(
            "IPF006",
            name,
            problem=f"this is not YAML: {' '.join(str(error).split())}",
            effect="neither Pulumi nor ipvlan can read the file",
            fix="remove the character or directive",
        ) from None
    if reader.problems:
        raise StackFileError(reader.problems)
    content = reader.root
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise stack_file_error(
            "IPF008",
            name,
            value=shown(content),
            problem="the file is not a mapping",
            effect="Pulumi finds no config in it",
            fix="begin it with `config:`",
        )
    return content


def stack_file_error(code: str, key: str, *, value: str = "", problem: str, effect: str, fix: str) -> StackFileError:
    """Return an error with one problem."""
    return StackFileError([Problem(code=code, key=key, value=value, problem=problem, effect=effect, fix=fix)])


def _too_deep(key: str) -> StackFileError:
    return stack_file_error(
        "IPF007",
        key,
        problem=f"more than {DEEPEST} mappings or lists are in each other",
        effect="no reader of YAML could load the file",
        fix="write the stack's mappings as docs/config.md shows them",
    )


@dataclass(slots=True)
class _Node:
    """A value, and what limits need to know of it."""

    value: Any
    size: int = 1
    """Values in it, itself included; what aliases repeat counts again."""
    height: int = 0
    """Mappings and lists in each other, itself included."""
    is_open: bool = False
    plain: bool = False
    """Whether it is an unquoted scalar: only that can be the `<<` that merges."""


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    node: _Node
    mark: Any
    is_flow: bool
    key: Any = _NO_KEY
    own: dict[str, Any] = field(default_factory=dict)
    merges: bool = False


class _Reader:
    """Takes the parser's events one by one; collects what readers would read differently."""

    def __init__(self, name: str) -> None:
        self.root: Any = None
        self.problems: list[Problem] = []
        self._name = name
        self._anchors: dict[str, _Node] = {}
        self._open: list[_Open] = []
        self._documents = 0
        self._count = 0
        self._repeated = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event; raise StackFileError where it is one too many."""
        if isinstance(event, yaml.NodeEvent):
            self._count_one(event)
        if isinstance(event, yaml.ScalarEvent):
            self._anchored(event, node := self._scalar(event))
            self._add(node, event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._end(done)
            self._add(done.node, done)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event)

    def _count_one(self, event: yaml.NodeEvent) -> None:
        self._count += 1
        if self._count > yaml_limits.MOST_VALUES:
            raise stack_file_error(
                "IPF031",
                self._place(event),
                problem=f"the file has more than {yaml_limits.MOST_VALUES} keys and values",
                effect="reading it would take long, and much memory",
                fix="split the stack into several, or make one service of those that are alike and run it on several hosts",
            )

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1 or event.version or event.tags:
            raise stack_file_error(
                "IPF030",
                self._place(event),
                problem="a second document begins here" if self._documents > 1 else "the text begins with a directive",
                effect="Pulumi reads the first document only, and other readers all of them"
                if self._documents > 1
                else "it would change what the text means to some readers",
                fix="remove the line" if self._documents > 1 else "remove the lines that begin with %",
            )

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        self._refuse_tag(event)
        node = _Node([] if isinstance(event, yaml.SequenceStartEvent) else {}, height=1, is_open=True)
        self._anchored(event, node)
        self._open.append(_Open(node, event, bool(event.flow_style)))
        if len(self._open) > DEEPEST:
            raise _too_deep(self._place(event))

    @staticmethod
    def _end(done: _Open) -> None:
        done.node.is_open = False
        if isinstance(done.node.value, dict):
            # What is merged first stays; the mapping's own keys win.
            done.node.value.update(done.own)

    def _alias(self, event: yaml.AliasEvent) -> None:
        node = self._anchors.get(event.anchor or "")
        if node is None:
            raise stack_file_error(
                "IPF035",
                self._place(event),
                value=shorten(self._shown(event.anchor or "")),
                problem="there is no anchor (&NAME) of that name before it",
                effect="neither Pulumi nor ipvlan can read the file",
                fix="correct the name, or write the value out",
            )
        if node.is_open:
            self._problem(
                "IPF009",
                event,
                problem="the mapping or list contains itself",
                effect="no reader could reach its end",
                fix="remove the alias (*NAME) that points back",
            )
            node = _Node(None)
        # The alias itself was counted.
        self._repeated += node.size - 1
        total = self._count + self._repeated
        explodes = total > _FEW_VALUES and self._repeated > MOST_PART_OF_ALIASES * total
        if explodes or total > yaml_limits.MOST_VALUES:
            raise stack_file_error(
                "IPF032",
                self._place(event),
                problem=f"more than {MOST_PART_OF_ALIASES:.0%} of the file's values are repeated by aliases (*NAME)"
                if explodes
                else f"with its aliases (*NAME) written out the file has more than {yaml_limits.MOST_VALUES} keys and values",
                effect="Pulumi would refuse it: 'document contains excessive aliasing'"
                if explodes
                else "no reader could hold it",
                fix="write some of the values out; use an alias for what is small, and for nothing that has aliases of aliases",
            )
        if len(self._open) + node.height > DEEPEST:
            raise _too_deep(self._place(event))
        self._add(_Node(node.value, node.size, node.height), event)

    def _add(self, node: _Node, where: Any) -> None:
        """Put a complete value where it belongs."""
        if not self._open:
            self.root = node.value
            return
        parent = self._open[-1]
        parent.node.size += node.size
        # What is merged is not in the mapping, its values are.
        within = 0 if parent.key is _MERGE else 1
        parent.node.height = max(parent.node.height, node.height + within)
        if isinstance(parent.node.value, list):
            parent.node.value.append(node.value)
        elif parent.key is _NO_KEY:
            parent.key = self._key(node, parent, where)
        else:
            if parent.key is _MERGE:
                self._merge(node, parent, where)
            elif parent.key is not _IGNORED:
                parent.own[parent.key] = node.value
            parent.key = _NO_KEY

    def _key(self, node: _Node, parent: _Open, where: Any) -> Any:
        if node.plain and node.value == "<<":
            if parent.merges:
                self._twice(where, "<<")
            parent.merges = True
            return _MERGE
        if isinstance(node.value, dict | list) or isinstance(where, yaml.AliasEvent):
            self._problem(
                "IPF010",
                where,
                problem="a key is a mapping, a list or an alias",
                effect="no config key has such a name",
                fix="write a name as the key",
            )
            return _IGNORED
        if not isinstance(node.value, str):
            self._problem(
                "IPF037",
                where,
                value=self._shown(where.value),
                problem="the key is no text: without quotes YAML reads it as a number, a boolean or nothing",
                effect="Pulumi takes only texts as keys",
                fix="write it in quotes",
            )
        elif node.value == "<<":
            self._problem(
                "IPF047",
                where,
                problem="`<<` in quotes is a key of that name to some readers, and a merge to others",
                effect="Pulumi would write it without the quotes, and merge what is below it",
                fix="write it without quotes to merge a mapping, or choose another name",
            )
        elif node.value in parent.own:
            self._twice(where, node.value)
        return str(node.value)

    def _twice(self, where: Any, key: str) -> None:
        self._problem(
            "IPF011",
            where,
            value=self._shown(key),
            problem="the key is here twice",
            effect="only one of the two would count",
            fix="remove one, or give it another name",
        )

    def _merge(self, node: _Node, parent: _Open, where: Any) -> None:
        # Go's yaml.v3 merges no alias of a list, and no empty list.
        parts = node.value if isinstance(node.value, list) and not isinstance(where, yaml.AliasEvent) else [node.value]
        for part in parts or [None]:
            if isinstance(part, dict):
                for key, value in part.items():
                    parent.node.value.setdefault(key, value)
            else:
                self._problem(
                    "IPF012",
                    where,
                    problem="`<<` merges something that is not a mapping",
                    effect="nothing would be merged",
                    fix="point it at a mapping, or at a list of them: <<: *NAME, <<: [*FIRST, *SECOND]",
                )

    def _scalar(self, event: yaml.ScalarEvent) -> _Node:
        self._refuse_tag(event)
        text = str(event.value)
        if event.style or event.tag is not None:
            return _Node(text)
        if "?" in text and any(parent.is_flow for parent in self._open):
            self._problem(
                "IPF053",
                event,
                value=self._shown(text),
                problem="a `?` is in a text without quotes, between brackets or braces",
                effect="Pulumi could not read the file: to its reader the text ends there",
                fix="write the text in quotes",
            )
        parent = self._open[-1] if self._open else None
        is_key = parent is not None and isinstance(parent.node.value, dict) and parent.key is _NO_KEY
        meaning = ambiguity(text, is_key=is_key)
        if meaning:
            self._problem(
                "IPF013",
                event,
                value=self._shown(text),
                problem=meaning,
                effect="Pulumi, ipvlan and a reviewer could each read another value",
                fix="write it in quotes for a string; for a number, as a plain decimal one; else true, false or null",
            )
        return _Node(value_of(text), plain=True)

    def _shown(self, text: str) -> str:
        """Return the text as a message may have it: values of `environment` are in none, nor what aliases may put there."""
        top = self._open[0].key if self._open else None
        hidden = top not in _SHOWN_BELOW or any(parent.key in (*HIDDEN, *OF_FILES) for parent in self._open)
        return NOT_SHOWN if hidden else text

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None and not (event.tag == _MERGE_TAG and getattr(event, "value", "") == "<<"):
            self._problem(
                "IPF038",
                event,
                value=self._shown(event.tag),
                problem="a tag (!NAME) says what type the value has",
                effect="readers of YAML differ in the tags that they know",
                fix="remove it; for a string write the value in quotes",
            )

    def _anchored(self, event: yaml.NodeEvent, node: _Node) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = node

    def _place(self, where: Any) -> str:
        mark = where.mark.start_mark if isinstance(where, _Open) else where.start_mark
        return f"{self._name}:{mark.line + 1}:{mark.column + 1}"

    def _problem(self, code: str, where: Any, *, value: str = "", problem: str, effect: str, fix: str) -> None:
        self.problems.append(
            Problem(code=code, key=self._place(where), value=shorten(value), problem=problem, effect=effect, fix=fix)
        )
        if len(self.problems) > MOST_SHOWN:
            raise StackFileError(self.problems)
