"""Texts that mean something to a terminal, to Markdown, Mermaid, XML or a shell, put into every text of a result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, cast

T = TypeVar("T")

HOSTILE = (
    "\x1b[2J \x1bc \x9b31m \x07 \x00 \x08 \x7f \x85 \x1b]0;title\x07",
    "a\rb\n/close\n  /merge\u2028\u2029- x\n# h\n> q\n1. l\n===",
    "\u202eevil\u2066x\u200b\u200f\ufeff\u00ad\u3164\ufe0f e\u0301" + "\u0336" * 20,
    "\ud800 \udfff \ue000 \uffff \U000e0041",
    "[/] [bold] [link=https://h/]x[/link] [@click=f] :warning: [red]r[/red]",
    "![x](https://h/) [a](https://h/ 'b') <https://h/> <img src=https://h/> www.h.example https://h.example [a]: https://h/",
    "@octocat _@octo/team (@octocat) #12 GH-12 octo/repo#1 !12 &12 $12 %12 ~bug [work_item:12]",
    "a@evil.com MailTo:b+c@evil.com xmpp:a@evil.com octo/repo@0123abc",
    "<!-- ipvlan-fabric: pull request --> </details> <b>x</b> &lt;i> <br/> ]]> </text></svg> </title>",
    "| a \\| b | ` c | `` d ``` ~~~ ~~e~~ *f* __g__",
    '"]; click h0 "https://h/" %%{init: {}}%% #quot; "`x`" end } ) $$x$$ @{shape: x}',
    "$(reboot) `reboot` ; reboot & 'x \"y && z",
)

_WORDS = frozenset(
    word
    for line in (
        "l2 l3 l3s yes no any unless-gateway error warning info tcp udp create replace delete attach detach update running",
        "restart reload add change remove",
        "host pulumi person container own-container other-container host-address shim gateway internet internet-name port",
        "reconnect loopback-port publish unpublish restore leave stay ssh parent client not-carried not-needed advice",
    )
    for word in line.split()
)
"""What has a meaning to the program itself: it compares these words, and no person or host chooses them."""


def spoiled(value: T, text: str) -> T:
    """Return a copy of a result in which every text, also in what it consists of, ends in `text`."""
    return cast("T", _spoiled(value, text))


def _spoiled(value: Any, text: str) -> Any:
    if type(value) is str:
        return value if value in _WORDS or not value else value + text
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: _spoiled(getattr(value, field.name), text) for field in dataclasses.fields(value) if field.init
        }
        return dataclasses.replace(value, **changed)
    if isinstance(value, Mapping):
        return {_spoiled(key, text): _spoiled(entry, text) for key, entry in value.items()}
    if type(value) in (tuple, list, frozenset):
        return type(value)(_spoiled(entry, text) for entry in value)
    return value
