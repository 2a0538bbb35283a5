"""Values that have broken, or could break, a reader of stack files, and values that a container setting accepts."""

from __future__ import annotations

from typing import Any, Final


class Raw(str):
    """Text that is put into a file as it is: it need not be a value."""

    __slots__ = ()


TEXTS: Final = (
    *("", " ", "\0", "\x07", "\x1b[31mred\x1b[0m", "\x1bc", "\x7f", "\x85", "\x9b2J", "a\nb", "a\rb", "a\r\nb", "\t"),
    *("\u2028", "\u202e", "\u200b", "\ufeff", "\ufffe", "\ud800", "\udfff", "\ud800\udfff", "\U0010ffff", "e\u0301"),
    *("²", "٣", "1²", "１０", "on-failure:²", "on-failure:٣", "on-failure:-1", "on-failure:999999999999999", "Ⅷ", "½"),
    *("[/]", "[bold]x[/bold]", "[link=http://x]y[/link]", "[@a=(]", "```", "````", "|", "\\|", "<script>alert(1)</script>"),
    *("@octocat", "![x](https://x.example/)", "<!-- x", "-->", "]]>", '"]', "end", "%%{init: {}}%%", "&lt;", "#quot;"),
    *("--help", "-", ";reboot;#", "$(reboot)", "`reboot`", "%n", "%s", "{}", "{0}", "{problem}", "${HOME}", "\\", "'", '"'),
    *("..", "../x", "/", "//", "/dev/zero", "stacks/common.yaml", "Pulumi.fuzz.yaml", "Pulumi.other.yaml", "stacks"),
    *("~", "null", "true", "no", "0", "-1", "1e3", "0x10", "010", "1_000", "22:22", "NaN", ".inf", "1" * 5000, "9" * 400),
    *("x" * 64, "x" * 300, "x" * 20_000, "é" * 40, "🐳" * 20, "x." * 200, "-x", "x-", ".x", "a b", "a=b", "a:b", "a,b"),
    *("10.1.1.0/24", "0.0.0.0/0", "0.0.0.0/1", "10.0.0.0/8", "10.1.0.0/30", "10.1.0.0/31", "10.1.1.1/32", "10.1.1.1/33"),
    *("10.1.1.1", "10.1.2.2", "0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "169.254.1.1", "192.168.140.200"),
    *("10.1.1.1-10.1.1.9", "10.1.1.9-10.1.1.1", "0.0.0.0-255.255.255.255", "10.1.1.1-9", "10.1.1.1 10.1.1.2", "-"),
    *("1.2.3", "1.2.3.4.5", "010.1.1.1", "0111.1.1.1", "10.1.1.٣", "１０.1.1.1", "10.1.1.256", "10.1.1.1/٣", "10.1.1.0/²"),
    *("0" * 4999 + "1.1.1.1", "::1", "fe80::1%eth0", "::ffff:10.1.1.1", "2001:db8::/64", "[::1]:80:80"),
    *("80:80", "1-65535:1-65535", "1-65535:1-65535/udp", "1-65534:2-65535", "0:0", "99999:1", "80", "80:80/x", "٣:٣"),
    *("127.0.0.1:80:80", "0.0.0.0:1-65535:1-65535", "192.168.140.200:80-90:80-90/sctp", "80-70:80-70", "1" * 5000 + ":1"),
    *("1h1m1s", "10000000000h", "0.1ns", "9" * 300 + "s", "1s1s1s", "²s", "512m", "²m", "9" * 30 + "g", "0b", "1.5g"),
    *("root@192.168.1.1:22", "root@h:99999", "root@h:²", "@", "a@b@c", "none", "default", "bridge", "host", "lo", "all"),
    *("seccomp=" + "[" * 3000, "seccomp={}", "seccomp=" + "1" * 5000, "label=", "/a:/b:ro,z", "/a:/b:rshared", "x:/y", ":"),
    *("registry/x@sha256:" + "0" * 64, "registry:5000/a/b:tag", "x@sha256:²", "ens33", "eth0.100", "eth0.4095", "eth0.²"),
)

NUMBERS: Final = (
    *(0, 1, 2, 22, 24, 29, 30, 31, 32, 33, 64, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1),
    *(2**63, 2**64, 10**17, 10**30, -1, -2, -(2**63), -(2**64), 1.5, -0.5, 0.1),
)

RAWS: Final = tuple(
    Raw(text)
    for text in (
        *("1" * 5000, "-" + "9" * 5000, "1." + "1" * 5000, "1e400", "1e3", "-0", "+1", "0x1F", "0o17", "0b11", "017", "08"),
        *("1_0", "1:30", "190:20:30", ".5", "5.", ".inf", "-.INF", ".nan", "NaN", "Infinity", "-Infinity", "2026-01-01"),
        *("~", "Null", "NULL", "", "yes", "On", "TRUE", "=", "<<", "?", ":", "-", "- - -", "--- x", "...", "%YAML 1.1"),
        *("!!binary aGk=", "!!binary x", "!!int x", "!!str 1", "!!float 1", "!!null x", "!!set {a, b}", "!!omap [a: 1]"),
        *("!!python/object/apply:os.system [id]", "!x y", "! y", "!<tag:x> y", "!!timestamp x", "!!bool 1", "!!map []"),
        *("*a", "*missing", "&a x", "&a [*a]", "&a {k: *a}", "[&b 1, *b]", "{<<: *a}", "{<<: [{a: 1}, {a: 2}]}", "{<<: 1}"),
        *("{? [a, b] : c}", "{[a]: b}", "{{a: b}: c}", "{a, b}", "[a: b]", "{a: 1, a: 2}", "{1: a, '1': b}", "{~: a}"),
        *("|\n  x", ">-\n  x", "|9\n x", "'", '"', '"\\ud800"', '"\\udfff\\ud800"', '"\\x00"', '"\\x1b[0m"', '"\\N\\L\\P"'),
        *("[" * 30 + "]" * 30, "[" * 60 + "]" * 60, "[" * 5000, "{a: " * 60 + "1" + "}" * 60, "{a: " * 2000, "- " * 500),
    )
)

COLLECTIONS: Final[tuple[Any, ...]] = (
    [], {}, [[]], [{}], [None], [""], ["a", "a"], {"": ""}, {"a": None}, {"secure": "v1:x:y"}, {"secure": 1}, [{"secure": "x"}],
    {"secure": "x", "y": 1}, ["1-65535:1-65535"] * 60, ["80:80"] * 500, [f"{port}:{port}" for port in range(1, 900)],
    [f"10.1.{number // 200}.{number % 200}" for number in range(800)], ["10.1.1.1"] * 500, ["0.0.0.0/0"] * 40,
    [f"10.1.{number}.0/24" for number in range(60)], {f"key-{number}": number for number in range(300)},
    {"docker-1": "10.1.1.1"}, {"docker-1": "10.1.2.7", "docker-2": "10.1.1.7"}, ["docker-1"], ["docker-2", "docker-1"],
)  # fmt: skip

SETTINGS: Final[dict[str, tuple[Any, ...]]] = {
    "restart": ("no", "on-failure", "on-failure:3", "unless-stopped"),
    "volumes": (["data:/data"], ["/srv:/srv:ro"], ["/a:/b:z,ro", "x:/y"]),
    "tmpfs": ({"/run": ""}, {"/run": "size=64m,mode=1777"}),
    "healthcheck": (
        {"test": ["CMD", "true"], "interval": "10s", "retries": 3},
        {"test": ["NONE"]},
        {"test": ["CMD-SHELL", "[bold] | `x`"], "timeout": "1m30s"},
    ),
    "entrypoint": (["/bin/sh", "-c"], ["[b]x[/b]", "a\nb"]),
    "command": (["/usr/sbin/init"], ["sh", "-c", "echo $HOME | cat"]),
    "environment": ({"A": "1", "B": "x\ny"}, {"@octocat ![x](y)": "`"}, {"[/]": "\x1b[0m"}),
    "secret_environment": ({"TOKEN": "token"}, {"@octocat": "token", "B": "token"}),
    "labels": ({"a": "b"}, {"[bold]": "\x1b"}, {"Resources": '{"Outputs": {}}'}),
    "memory": ("512m", "6m", 1073741824),
    "shm_size": ("64m",),
    "cpu_shares": (2, 512),
    "privileged": (True,),
    "cap_add": (["NET_ADMIN"], ["ALL"]),
    "cap_drop": (["CAP_CHOWN"],),
    "security_opt": (["no-new-privileges:true"], ["seccomp=unconfined"], ["seccomp={}"]),
    "devices": (["/dev/fuse"], ["/dev/net/tun:/dev/net/tun:rwm"]),
    "sysctls": ({"net.core.somaxconn": "1024"},),
    "ulimits": ({"nofile": {"soft": 1024, "hard": 4096}},),
    "extra_hosts": ({"registry": "10.0.0.5"},),
    "dns": (["10.1.0.53"], ["1.1.1.1"]),
    "log_opts": ({"max-size": "10m"},),
    "stop_timeout": (0, 30),
    "hostname": ("web_1",),
    "ports": (["80:80"], ["8000-8009:8000-8009", "53:53/udp"], ["127.0.0.1:5000:80"], ["1-21:1-21", "23-65535:23-65535"]),
    "published": (True, False),
    "internet": (True, False),
    "offset": (0, 1, 3, 7, 250, 255, 256, 70000),
    "hosts": (["docker-1"], ["docker-1", "docker-2"], []),
    "addresses": ({"docker-1": "10.1.1.200"}, {"docker-1": "10.1.7.7", "docker-2": "10.1.7.8"}),
    "after": (["nginx"], ["centos"]),
    "rollout": ({"at_once": "all"}, {"at_once": 2, "healthy_within": "10s", "on_failure": "stop"}),
    "mode": ("l2", "l3", "l3s"),
    "subnet": ("10.1.0.0/16", "10.0.0.0/8", "10.1.0.0/20", "0.0.0.0/0", "192.168.140.0/24"),
    "slice_prefix": (24, 20, 28, 29, 30, 8, 16),
    "slice": ("10.1.5.0/24", "10.0.0.0/9", "10.1.1.7", ["10.1.6.0/28", "10.1.7.1-10.1.7.9"], []),
    "reserved": (["10.1.0.0/24"], ["10.0.0.0/9"], ["10.1.1.0-10.1.1.200", "10.1.2.1"]),
    "dynamic": ("none", "10.1.1.128/25", "10.1.2.0/30"),
    "shim": (True, "10.1.1.250", False),
    "gateway": ("10.1.0.1", "10.1.1.1", "192.168.140.1"),
    "parent": ("ens33", "eth0.100", "lan.dmz", "br-lan_1"),
    "ssh": ("root@192.168.1.1:2222", "ops@h.example", {"shared_connection": False}),
}
"""Key -> values that are accepted somewhere, so that mutations reach what is behind the rules."""
