"""Mistakes in the named volumes."""

from __future__ import annotations

from typing import Any, Final

from tools.bad_input.case import BadInput


def _volume(**keys: Any) -> dict[str, Any]:
    """Return changes: a volume `data` with these keys, which nginx mounts."""
    return {"volumes": {"data": keys}, "services.nginx.volumes": ["data:/data"]}


VOLUMES: Final = (
    BadInput.of("volumes is a list", {"volumes": ["data"]}, ("volumes", "IPF019")),
    BadInput.of("key of a volume with a space", {"volumes": {"my data": {}}}, ("volumes.my data", "IPF020")),
    BadInput.of("volume with nothing below its key", {"volumes": {"data": None}}, ("volumes.data", "IPF021")),
    BadInput.of("misspelt key of a volume", _volume(drivers="local"), ("volumes.data.drivers", "IPF109")),
    BadInput.of("name of a volume with a slash", _volume(name="srv/data"), ("volumes.data.name", "IPF214")),
    BadInput.of("driver of a volume with a space", _volume(driver="vieux sshfs"), ("volumes.data.driver", "IPF215")),
    BadInput.of(
        "option of a volume without a name", _volume(driver_opts={"": "x"}), ("volumes.data.driver_opts.", "IPF216")
    ),
    BadInput.of("volume named like those that nobody named", _volume(name="0f" * 32), ("volumes.data.name", "IPF217")),
    BadInput.of("volume on an unknown host", _volume(hosts=["docker-9"]), ("volumes.data.hosts[0]", "IPF218")),
    BadInput.of("volume on a host twice", _volume(hosts=["docker-1", "docker-1"]), ("volumes.data.hosts[1]", "IPF218")),
    BadInput.of(
        "external volume with delete",
        _volume(external=True, delete=True),
        ("volumes.data.external and volumes.data.delete", "IPF219"),
    ),
    BadInput.of(
        "external volume with options",
        _volume(external=True, driver_opts={"type": "tmpfs", "device": "tmpfs"}),
        ("volumes.data.external and volumes.data.driver_opts", "IPF219"),
    ),
    BadInput.of(
        "label of the stack on a volume",
        _volume(labels={"ipvlan-fabric.owner": "me"}),
        ("volumes.data.labels", "IPF220"),
    ),
    BadInput.of(
        "label by which `docker volume prune` removes a volume",
        _volume(labels={"com.docker.volume.anonymous": ""}),
        ("volumes.data.labels", "IPF220"),
    ),
    BadInput.of(
        "option of a volume in plaintext and secret",
        _volume(driver_opts={"type": "cifs", "device": "//nas/data", "o": "ro"}, secret_driver_opts={"o": "nas-login"}),
        ("volumes.data.driver_opts and volumes.data.secret_driver_opts", "IPF221"),
    ),
    BadInput.of(
        "password in an option of a volume",
        _volume(driver_opts={"type": "cifs", "device": "//nas/data", "o": "username=web,password=hunter2"}),
        ("volumes.data.driver_opts.o", "IPF222"),
    ),
    BadInput.of(
        "option that Docker's own driver does not have",
        _volume(driver_opts={"addr": "10.0.0.1"}),
        ("volumes.data.driver_opts.addr", "IPF223"),
    ),
    BadInput.of(
        "options of a mount without a device",
        _volume(driver_opts={"type": "none", "o": "bind"}),
        ("volumes.data.driver_opts.type", "IPF224"),
        ("volumes.data.driver_opts.o", "IPF224"),
    ),
    BadInput.of(
        "bind mount of a relative path in a volume",
        _volume(driver_opts={"type": "none", "o": "bind", "device": "./data"}),
        ("volumes.data.driver_opts.device", "IPF225"),
    ),
    BadInput.of(
        "port in the device of a CIFS volume",
        _volume(driver_opts={"type": "cifs", "device": "//nas:445/data"}),
        ("volumes.data.driver_opts.device", "IPF802"),
    ),
    BadInput.of(
        "size of a volume that is none",
        _volume(driver_opts={"size": "abc"}),
        ("volumes.data.driver_opts.size", "IPF802"),
    ),
    BadInput.of("volume that nothing mounts", {"volumes": {"data": {}}}, ("volumes.data", "IPF226"), warning=True),
    BadInput.of(
        "two keys of one volume",
        {"volumes": {"data": {}, "wiki": {"name": "data"}}, "services.nginx.volumes": ["data:/data", "wiki:/wiki"]},
        ("volumes.data and volumes.wiki", "IPF227"),
    ),
    BadInput.of(
        "volume mounted by its name in Docker",
        {
            "volumes": {"data": {"name": "wiki_data", "hosts": ["docker-1"]}},
            "services.nginx.volumes": ["wiki_data:/data"],
        },
        ("services.nginx.volumes and volumes.data.name", "IPF228"),
    ),
    BadInput.of(
        "volume in `mounts` by its name in Docker",
        {
            "volumes": {"data": {"name": "wiki_data", "hosts": ["docker-1"]}},
            "services.nginx.mounts": [{"type": "volume", "source": "wiki_data", "target": "/data"}],
        },
        ("services.nginx.mounts and volumes.data.name", "IPF228"),
    ),
    BadInput.of(
        "two volumes with one resource name",
        {
            "hosts.docker-1-volume-a": {"address": "192.168.140.210", "parent": "ens33", "slice": "10.1.10.0/24"},
            "volumes": {
                "a-volume-data": {"hosts": ["docker-1"]},
                "data": {"hosts": ["docker-1-volume-a"]},
            },
        },
        ("volumes.data and volumes.a-volume-data", "IPF229"),
    ),
)
