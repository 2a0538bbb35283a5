"""Mistakes in the services, but for their addresses."""

from __future__ import annotations

from typing import Final

from tools.bad_input.case import BadInput
from tools.reference_setup import REMOVE, image

SERVICES: Final = (
    BadInput.of("no services", {"services": REMOVE}, ("services", "IPF019")),
    BadInput.of("services is a list", {"services": [image()]}, ("services", "IPF019")),
    BadInput.of("image missing", {"services.nginx.image": REMOVE}, ("services.nginx.image", "IPF101")),
    BadInput.of("image in upper case", {"services.nginx.image": "Nginx"}, ("services.nginx.image", "IPF132")),
    BadInput.of(
        "image by tag",
        {"services.nginx.image": "registry/nginx:1.27"},
        ("services.nginx.image", "IPF405"),
        warning=True,
    ),
    BadInput.of(
        "image without tag",
        {"services.nginx.image": "nginx"},
        ("services.nginx.image", "IPF405"),
        warning=True,
    ),
    BadInput.of("misspelt key", {"services.nginx.publish": True}, ("services.nginx.publish", "IPF109")),
    BadInput.of(
        "keys of compose",
        {
            "services.nginx.depends_on": ["centos"],
            "services.nginx.mac_address": "02:42:ac:11:00:02",
            "services.nginx.healthcheck": {"test": ["CMD", "true"], "disable": True},
        },
        ("services.nginx.healthcheck.disable", "IPF109"),
        ("services.nginx.depends_on", "IPF109"),
        ("services.nginx.mac_address", "IPF109"),
    ),
    BadInput.of("an extension of compose", {"services.nginx.x-web": {"a": 1}}, ("services.nginx.x-web", "IPF109")),
    BadInput.of("a driver of the network", {"fabric.driver": "ipvlan"}, ("fabric.driver", "IPF109")),
    BadInput.of(
        "service name with a space",
        {"services.my app": {**image(), "offset": 9}},
        ("services.my app", "IPF020"),
    ),
    BadInput.of("service name of one letter", {"services.a": {**image(), "offset": 9}}, ("services.a", "IPF020")),
    BadInput.of(
        "unicode service name",
        {"services.dienst-ä": {**image(), "offset": 9}},
        ("services.dienst-ä", "IPF020"),
    ),
    BadInput.of(
        "service name of 4 KB",
        {"services." + "s" * 4096: {**image(), "offset": 9}},
        ("services.sss", "IPF020"),
    ),
    BadInput.of(
        "container name Docker refuses",
        {"services.nginx.container_name": "-x"},
        ("services.nginx.container_name", "IPF127"),
    ),
    BadInput.of(
        "command as one string",
        {"services.centos.command": "/usr/sbin/init"},
        ("services.centos.command", "IPF133"),
    ),
    BadInput.of(
        "unknown host in `hosts`",
        {"services.nginx.hosts": ["docker-1", "docker-9"]},
        ("services.nginx.hosts[1]", "IPF401"),
    ),
    BadInput.of(
        "unknown host in `addresses`",
        {"services.nginx.addresses": {"docker-9": "10.1.2.7"}},
        ("services.nginx.addresses", "IPF401"),
    ),
    BadInput.of(
        "a host named twice",
        {"services.nginx.hosts": ["docker-1", "docker-1"]},
        ("services.nginx.hosts[1]", "IPF402"),
    ),
    BadInput.of(
        "address for a host it does not run on",
        {"services.nginx.hosts": ["docker-1"], "services.nginx.addresses": {"docker-2": "10.1.2.7"}},
        ("services.nginx.addresses.docker-2", "IPF403"),
    ),
    BadInput.of("runs nowhere", {"services.centos.hosts": []}, ("services.centos.hosts", "IPF404"), warning=True),
    BadInput.of(
        "two services with one container name",
        {"services.nginx.container_name": "centos"},
        ("services.centos and services.nginx", "IPF414"),
    ),
    BadInput.of(
        "published without ports",
        {"services.nginx.ports": REMOVE},
        ("services.nginx.published", "IPF406"),
    ),
    BadInput.of(
        "ports that are not published",
        {"services.nginx.published": REMOVE},
        ("services.nginx.ports", "IPF407"),
        warning=True,
    ),
    BadInput.of("published: yes", {"services.nginx.published": "yes"}, ("services.nginx.published", "IPF104")),
    BadInput.of("ports as one string", {"services.nginx.ports": "80:80"}, ("services.nginx.ports", "IPF119")),
    BadInput.of(
        "port that YAML reads as a number",
        {"services.nginx.ports": [1342]},
        ("services.nginx.ports", "IPF120"),
    ),
    BadInput.of(
        "port without a host port",
        {"services.nginx.ports": ["80"]},
        ("services.nginx.ports", "IPF121"),
    ),
    BadInput.of(
        "a port in the long form",
        {"services.nginx.ports": [{"target": 80, "published": 80}]},
        ("services.nginx.ports", "IPF936"),
    ),
    BadInput.of(
        "a port at an IPv6 address", {"services.nginx.ports": ["[::1]:80:80"]}, ("services.nginx.ports", "IPF172")
    ),
    BadInput.of(
        "a range that begins in another one",
        {"services.nginx.ports": ["8000-8009:8000-8009", "8005-8020:5-20"]},
        ("services.nginx.ports", "IPF417"),
    ),
    BadInput.of(
        "very many ports",
        {"services.nginx.ports": ["16384-32768:16384-32768/udp"]},
        ("services.nginx.ports", "IPF436"),
        warning=True,
    ),
    BadInput.of(
        "more ports than can be declared",
        {"services.nginx.ports": ["1000-65535:1000-65535"]},
        ("services.nginx.ports", "IPF437"),
    ),
    BadInput.of(
        "the ssh server's port at the loopback",
        {"services.nginx.ports": ["127.0.0.1:22:22"]},
        ("services.nginx.ports", "IPF415"),
        ("services.nginx.ports", "IPF415"),
    ),
    BadInput.of("port 0", {"services.nginx.ports": ["0:80"]}, ("services.nginx.ports", "IPF124")),
    BadInput.of("port beyond 65535", {"services.nginx.ports": ["80:65536"]}, ("services.nginx.ports", "IPF124")),
    BadInput.of(
        "protocol that does not exist",
        {"services.nginx.ports": ["80:80/tpc"]},
        ("services.nginx.ports", "IPF122"),
    ),
    BadInput.of(
        "port ranges of two lengths",
        {"services.nginx.ports": ["80-90:80"]},
        ("services.nginx.ports", "IPF123"),
    ),
    BadInput.of(
        "host port bound twice by one service",
        {"services.nginx.ports": ["80:80", "80:81"]},
        ("services.nginx.ports", "IPF417"),
    ),
    BadInput.of(
        "host port taken by two services",
        {"services.web": {**image(), "offset": 3, "ports": ["80:8080"], "published": True}},
        ("services.nginx.ports and services.web.ports", "IPF416"),
    ),
    BadInput.of(
        "0.0.0.0 against a specific address",
        {
            "services.web": {
                **image(),
                "offset": 3,
                "ports": ["192.168.140.200:80:80"],
                "published": True,
                "hosts": ["docker-1"],
            }
        },
        (
            "services.nginx.ports and services.web.ports",
            "IPF416",
        ),
    ),
    BadInput.of(
        "port of the ssh server",
        {"services.nginx.ports": ["22:80"]},
        ("services.nginx.ports", "IPF415"),
        ("services.nginx.ports", "IPF415"),
    ),
    BadInput.of(
        "port at another host's address",
        {"services.nginx.ports": ["192.168.140.200:80:80"]},
        ("services.nginx.ports", "IPF418"),
    ),
    BadInput.of(
        "environment value that is a number",
        {"services.nginx.environment": {"PORT": 80}},
        ("services.nginx.environment.PORT", "IPF111"),
    ),
    BadInput.of(
        "environment as a text",
        {"services.nginx.environment": "A=b"},
        ("services.nginx.environment", "IPF102"),
    ),
    BadInput.of(
        "variable both in plaintext and secret",
        {"services.nginx.environment": {"TOKEN": "x"}, "services.nginx.secret_environment": {"TOKEN": "token"}},
        ("services.nginx.environment and services.nginx.secret_environment", "IPF412"),
    ),
    BadInput.of(
        "a secret inside a section",
        {"services.nginx.environment": {"TOKEN": {"secure": "v1:abc"}}},
        ("services.nginx.environment.TOKEN", "IPF022"),
    ),
    BadInput.of(
        "restart policy that does not exist",
        {"services.nginx.restart": "never"},
        ("services.nginx.restart", "IPF137"),
    ),
    BadInput.of(
        "restart: no",
        {"services.nginx.restart": False},
        ("services.nginx.restart", "IPF111"),
    ),
    BadInput.of(
        "volume without a path",
        {"services.nginx.volumes": ["data"]},
        ("services.nginx.volumes[0]", "IPF136"),
    ),
    BadInput.of("memory in words", {"services.nginx.memory": "lots"}, ("services.nginx.memory", "IPF134")),
    BadInput.of(
        "memory not in whole MiB",
        {"services.nginx.memory": "1000k"},
        ("services.nginx.memory", "IPF135"),
    ),
    BadInput.of(
        "a label that is reserved for the stack",
        {"services.nginx.labels": {"ipvlan-fabric.plan": "x"}},
        ("services.nginx.labels", "IPF411"),
    ),
    BadInput.of(
        "egress by the gateway in l3",
        {"fabric.mode": "l3", "fabric.gateway": REMOVE, "services.centos.egress": "gateway"},
        ("services.centos.egress and fabric.mode", "IPF408"),
    ),
    BadInput.of(
        "egress by the gateway and by the bridge",
        {"services.centos.egress": "gateway", "services.centos.internet": True, "services.nginx.egress": "gateway"},
        ("services.centos.egress and services.centos.internet", "IPF409"),
        ("services.nginx.egress and services.nginx.published", "IPF409"),
    ),
    BadInput.of(
        "name servers that the service cannot reach",
        {"services.centos.dns": ["192.168.140.53"]},
        ("services.centos.dns", "IPF410"),
        warning=True,
    ),
    BadInput.of(
        "variable whose name has an equals sign",
        {"services.nginx.environment": {"A=B": "x"}},
        ("services.nginx.environment", "IPF413"),
    ),
    BadInput.of(
        "port at an address of the fabric",
        {"services.nginx.ports": ["10.1.1.2:80:80"]},
        ("services.nginx.ports", "IPF419"),
        ("services.nginx.ports", "IPF419"),
    ),
    BadInput.of(
        "a healthcheck with 0 retries",
        {"services.nginx.healthcheck": {"test": ["NONE"], "retries": 0}},
        ("services.nginx.healthcheck.retries", "IPF106"),
    ),
    BadInput.of(
        "two containers with one resource name",
        {
            "hosts.docker-1-eu": {"address": "192.168.140.202", "parent": "ens33", "slice": "10.1.3.0/24"},
            "services.eu-db": {**image(), "offset": 8, "hosts": ["docker-1"]},
            "services.db": {**image(), "offset": 9, "hosts": ["docker-1-eu"]},
        },
        ("services.db and services.eu-db", "IPF420"),
    ),
    BadInput.of(
        "two images with one resource name",
        {
            "services.web": {"image": f"alice/app@sha256:{'1' * 64}", "offset": 8},
            "services.api": {"image": f"bob/app@sha256:{'1' * 64}", "offset": 9},
        },
        ("services.api.image and services.web.image", "IPF421"),
        ("services.api.image and services.web.image", "IPF421"),
    ),
)
