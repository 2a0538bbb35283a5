"""Mistakes in the files that a service is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ipvlan.config.file_sources import MOST_FILES
from ipvlan.config.yaml_limits import LARGEST_SOURCE
from tools.bad_input.case import BadInput
from tools.reference_setup import host

_KEY: Final = "services.nginx.files"
_NGINX: Final = b"server { listen 80; }\n"


def _of(
    title: str,
    files: Any,
    at: str,
    code: str,
    project: Mapping[str, bytes] | None = None,
    *,
    warning: bool = False,
    **service: Any,
) -> BadInput:
    """Return a bad input with these files of nginx, a project that has `files/nginx.conf`, and more keys of the service."""
    return BadInput(
        title=title,
        changes={_KEY: files, **{f"services.nginx.{key}": value for key, value in service.items()}},
        expected=((at, code),),
        files={"files/nginx.conf": _NGINX, **(project or {})},
        warning=warning,
    )


def _source(title: str, source: Any, code: str = "IPF250", at: str = "/etc/nginx.conf.source") -> BadInput:
    return _of(title, {"/etc/nginx.conf": source}, f"{_KEY}.{at}", code)


def _target(title: str, target: str, code: str = "IPF253") -> BadInput:
    return _of(title, {target: "files/nginx.conf"}, f"{_KEY}.", code)


def _file(title: str, code: str, at: str, **keys: Any) -> BadInput:
    file = {"source": "files/nginx.conf", **keys}
    return _of(title, {"/etc/nginx.conf": {key: value for key, value in file.items() if value}}, f"{_KEY}.{at}", code)


def _template(title: str, text: str, code: str = "IPF256", *, warning: bool = False, **keys: Any) -> BadInput:
    file = {"source": "files/app.conf", "template": True, **keys}
    return _of(
        title,
        {"/etc/app.conf": file},
        f"{_KEY}./etc/app.conf",
        code,
        {"files/app.conf": text.encode()},
        warning=warning,
    )


def _content(title: str, content: bytes, code: str, **keys: Any) -> BadInput:
    file = {"source": "files/app.conf", **keys}
    return _of(title, {"/etc/app.conf": file}, f"{_KEY}./etc/app.conf", code, {"files/app.conf": content})


FILES: Final = (
    _source("a source above the project", "../nginx.conf"),
    _source("a source with an absolute path", "/etc/nginx.conf"),
    _source("a source whose name begins with a dot", "files/.env"),
    _source("the folder of git as a source", ".git/config"),
    _source("the stack file as a source", "Pulumi.dev.yaml"),
    _source("the stack file as a source, in capitals", "PULUMI.dev.yaml"),
    _source("a source that is not there", "files/nginx.con", "IPF251", "/etc/nginx.conf"),
    _of("a folder of files that is not there", {"/etc/conf.d/": "conf.d/"}, f"{_KEY}./etc/conf.d/", "IPF251"),
    _source("a folder as a file", "files", "IPF250", "/etc/nginx.conf"),
    _source("a folder's source for a file", "files/", "IPF267", "/etc/nginx.conf"),
    _of("a file's source for a folder", {"/etc/d/": "files/nginx.conf"}, f"{_KEY}./etc/d/", "IPF267"),
    _of("a secret as a folder", {"/etc/d/": {"secret": "token"}}, f"{_KEY}./etc/d/", "IPF267"),
    _of(
        "a folder with a file whose name begins with a dot",
        {"/etc/d/": "conf.d/"},
        f"{_KEY}./etc/d/",
        "IPF250",
        {"conf.d/.htpasswd": b"x"},
    ),
    _target("a file at a relative path", "nginx.conf"),
    _target("files at the root", "/"),
    _target("a file with two dots in its path", "/etc/nginx/../nginx.conf"),
    _target("a file with two slashes in its path", "/etc//nginx.conf"),
    _target("a file with a line break in its path", "/etc/a\nb"),
    _target("a file with a name that is too long", f"/etc/{'a' * 256}"),
    _target("a file below /proc", "/proc/sys/net/core/somaxconn"),
    _target("a file below /dev", "/dev/token"),
    _of(
        "a file in a folder of files",
        {"/etc/d/": "conf.d/", "/etc/d/b": "files/nginx.conf"},
        f"{_KEY}./etc/d/b and {_KEY}./etc/d/",
        "IPF254",
        {"conf.d/a": b"x"},
    ),
    _of(
        "a file at the path of a volume",
        {"/etc/nginx.conf": "files/nginx.conf"},
        f"{_KEY}./etc/nginx.conf and services.nginx.volumes",
        "IPF254",
        volumes=["/srv/nginx.conf:/etc/nginx.conf"],
    ),
    _of(
        "a file inside of a mount",
        {"/data/nginx.conf": "files/nginx.conf"},
        f"{_KEY}./data/nginx.conf and services.nginx.mounts",
        "IPF254",
        mounts=[{"type": "volume", "source": "data", "target": "/data"}],
    ),
    _of(
        "a tmpfs inside of a folder of files",
        {"/etc/d/": "conf.d/"},
        f"{_KEY}./etc/d/ and services.nginx.tmpfs",
        "IPF254",
        {"conf.d/a": b"x"},
        tmpfs={"/etc/d/run": ""},
    ),
    _file("a file's owner by name", "IPF255", "/etc/nginx.conf.owner", owner="nginx:nginx"),
    _file("a file's owner without a group", "IPF255", "/etc/nginx.conf.owner", owner="101"),
    _file("a file's mode with setuid", "IPF255", "/etc/nginx.conf.mode", mode="4755"),
    _file("a file's mode as a number", "IPF111", "/etc/nginx.conf.mode", mode=440),
    _file("a file's mode in letters", "IPF255", "/etc/nginx.conf.mode", mode="u=rw"),
    _file("a file without a source", "IPF266", "/etc/nginx.conf", source=None, template=True),
    _file("a file with a source and a secret", "IPF266", "/etc/nginx.conf", secret="key"),  # noqa: S106  (the name of a config key)
    _file("an unknown key of a file", "IPF109", "/etc/nginx.conf.content", content="x"),
    _file("a secret of a file that is no template", "IPF259", "/etc/nginx.conf.secrets", secrets={"a": "token"}),
    _file("a secret of a file with a dot in its name", "IPF265", "/etc/nginx.conf.secrets", secrets={"a.b": "token"}),
    _of(
        "a secret alone as a template",
        {"/run/token": {"secret": "token", "template": True}},
        f"{_KEY}./run/token.template",
        "IPF259",
    ),
    _template("a secret that a template does not use", "x", "IPF259", secrets={"password": "token"}),
    _template("a secret that a file does not declare", "${secrets.password}", "IPF259"),
    _template("a word of a template that a service does not have", "${service.adress}"),
    _template("a word of a template in the singular", "${service.name} ${secret.password}", "IPF268", warning=True),
    _template("a template with nothing to replace", "$host", "IPF269", warning=True),
    _template("a word of a template without an end", "a\n${host.name"),
    _template("a host in a template that does not exist", "${hosts.docker-3.address}"),
    _template("a service in a template that does not exist", "${addresses.ngnix.docker-1}"),
    _template("a service in a template that is on several hosts", "${addresses.nginx}"),
    _template("two services in one line for each host", "${addresses.nginx.*} ${addresses.centos.*}"),
    BadInput(
        title="a name in a template that fits two services",
        changes={
            "services": {
                "web": {"image": "web", "offset": 3},
                "web.docker-1": {"image": "web", "offset": 4},
                "nginx": {
                    "image": "nginx",
                    "offset": 2,
                    "files": {"/etc/app.conf": {"source": "files/app.conf", "template": True}},
                },
            },
        },
        expected=((f"{_KEY}./etc/app.conf", "IPF256"),),
        files={"files/app.conf": b"${addresses.web.docker-1}"},
    ),
    _content("a private key in a file", b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "IPF257"),
    _content("a binary file as a template", b"\x7fELF\0", "IPF258", template=True),
    _content("a file of Git LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "IPF262"),
    _content("a large file", b"x" * (LARGEST_SOURCE + 1), "IPF252"),
    _content(
        "a template that becomes a large file",
        b"allow ${addresses.nginx.*}; # one of nginx\n" * 3000,
        "IPF252",
        template=True,
    ),
    _of(
        "many files",
        {"/etc/d/": "conf.d/"},
        _KEY,
        "IPF252",
        {f"conf.d/{number}": b"x" for number in range(MOST_FILES + 1)},
    ),
    BadInput(
        title="large files on many hosts",
        changes={
            "hosts": {f"docker-{number}": host(number) for number in range(1, 41)},
            _KEY: {f"/etc/{number}": "files/large" for number in range(4)},
        },
        expected=(("services", "IPF263"),),
        warning=True,
        files={"files/large": b"x" * LARGEST_SOURCE},
    ),
    BadInput.of("reload without files", {"services.nginx.reload": "HUP"}, ("services.nginx.reload", "IPF260")),
    _of(
        "reload beside files_change",
        {"/run/token": {"secret": "token"}},
        "services.nginx.reload and services.nginx.files_change",
        "IPF260",
        reload="HUP",
        files_change="restart",
    ),
    _of(
        "reload by a signal that does not exist",
        {"/run/token": {"secret": "token"}},
        "services.nginx.reload",
        "IPF261",
        reload="RELOAD",
    ),
    _of(
        "reload by a signal that ends the process",
        {"/run/token": {"secret": "token"}},
        "services.nginx.reload",
        "IPF261",
        reload="SIGKILL",
    ),
    _of(
        "reload by a signal in a list",
        {"/run/token": {"secret": "token"}},
        "services.nginx.reload",
        "IPF261",
        reload=["HUP"],
    ),
    _of(
        "reload by a command without words",
        {"/run/token": {"secret": "token"}},
        "services.nginx.reload",
        "IPF261",
        reload=[],
    ),
)
