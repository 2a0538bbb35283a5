"""Volumes and ports of compose, in each form: what they become, and why some do not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.compose_files import carried_keys


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("/srv/a:/a", "/srv/a:/a"),
        ("/srv/a:/a:ro,z", "/srv/a:/a:ro,z"),
        ("./data:/data", "/srv/shop/data:/data"),
        ("../data:/data", "/srv/data:/data"),
        (".:/data", "/srv/shop:/data"),
        ("data:/data", "shop_data:/data"),
        ("data:/data:ro", "shop_data:/data:ro"),
        ("named:/data", "real:/data"),
        ("old:/data", "old:/data"),
        ("older:/data", "there:/data"),
        ({"type": "bind", "source": "./x", "target": "/x", "read_only": True}, "/srv/shop/x:/x:ro"),
        (
            {"type": "bind", "source": "/x", "target": "/x", "bind": {"selinux": "Z", "create_host_path": True}},
            "/x:/x:Z",
        ),
        ({"type": "volume", "source": "data", "target": "/x", "volume": {"nocopy": False}}, "shop_data:/x"),
        ({"type": "volume", "source": "data", "target": "/x", "consistency": "cached"}, "shop_data:/x"),
    ],
)
def test_a_volume(entry: Any, expected: str) -> None:
    """Names are those that compose gave them on the host, and paths are absolute."""
    assert carried_keys({"volumes": [entry]}, folder="/srv/shop")[0] == {"volumes": [expected]}


def test_a_tmpfs_among_the_volumes() -> None:
    """It goes where the others are, with its size and mode."""
    tmpfs = {"type": "tmpfs", "target": "/t", "tmpfs": {"size": "64mb", "mode": 0o1777}}
    settings, _ = carried_keys({"tmpfs": ["/run"], "volumes": [tmpfs, {"type": "tmpfs", "target": "/u"}]})
    assert settings == {"tmpfs": {"/run": "", "/t": "size=64m,mode=1777", "/u": ""}}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("~/x:/x", "knows no home of yours"),
        ("./x:/x", "--project-dir"),
        ("/only", "without a name is lost"),
        ("nobody:/x", "declares no such volume"),
        ("C:/x:/x", "path of Windows"),
        ({"type": "volume", "target": "/x"}, "without a name is lost"),
        ({"type": "npipe", "source": "x", "target": "/x"}, "type npipe"),
        ({"type": "image", "source": "x", "target": "/x"}, "type image"),
        ({"type": "bind", "source": "/x"}, "no target"),
        (
            {"type": "bind", "source": "/x", "target": "/x", "bind": {"selinux": "z", "propagation": "rslave"}},
            "SELinux",
        ),
        ("/a:/b:turbo", "no option 'turbo'"),
    ],
)
def test_a_volume_that_is_not_carried(entry: Any, reason: str) -> None:
    """The reason, with the fix; the others stay."""
    settings, left_out = carried_keys({"volumes": ["/a:/z", entry]})
    assert settings == {"volumes": ["/a:/z"]}
    assert reason in left_out["volumes[1]"].reason


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("80:80", "80:80"),
        ("80:80/tcp", "80:80"),
        ("53:53/udp", "53:53/udp"),
        ("8000-8009:8000-8009", "8000-8009:8000-8009"),
        ("127.0.0.1:5000:5000", "127.0.0.1:5000:5000"),
        ("0.0.0.0:80:80", "80:80"),
        ({"target": 80, "published": 8080}, "8080:80"),
        ({"target": 80, "published": "8080", "protocol": "udp", "mode": "host", "name": "x"}, "8080:80/udp"),
        ({"target": 80, "published": "8080", "host_ip": "127.0.0.1"}, "127.0.0.1:8080:80"),
    ],
)
def test_a_port(entry: Any, expected: str) -> None:
    """It is published, as in compose."""
    assert carried_keys({"ports": [entry]})[0] == {"ports": [expected], "published": True}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (3000, "at every start"),
        ("3000", "at every start"),
        (":3000", "at every start"),
        ("127.0.0.1::3000", "at every start"),
        ({"target": 80}, "at every start"),
        ({"published": 80}, "no target"),
        ("8000-8009:80", "one port of the range"),
        ("[fe80::1]:80:80", "IPv6"),
        ("80:80/icmp", "icmp"),
        ("99999:80", "not a port"),
        ("a:b", "HOST:CONTAINER"),
    ],
)
def test_a_port_that_is_not_carried(entry: Any, reason: str) -> None:
    """The reason; the others are published."""
    settings, left_out = carried_keys({"ports": [entry, "81:81"]})
    assert settings == {"ports": ["81:81"], "published": True}
    assert reason in left_out["ports[0]"].reason
    assert carried_keys({"ports": [entry]})[0] == {}
