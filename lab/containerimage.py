"""The container images of the lab, made from Debian packages: the same bytes wherever the packages are the same.

`debian-init` runs a real init (runit, and busybox's cron under it). `nginx` is Debian's nginx with its welcome page. `nginx-next`
is the same with another label: an image to change to. Layers are uncompressed: the output of a compressor differs between its
versions, and an emulated CPU takes long to decompress.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from lab import apt, services
from lab.cache import entry
from lab.errors import LabError
from lab.run import run, step
from lab.settings import DEFAULT_SUITE, REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.settings import Settings

_PACKAGES = ("busybox-static", "nginx", "runit", "base-files")
_APPLETS = """
    arping awk cat chmod cp crond cut date df dmesg du echo env false free grep head hostname id ip kill ls mkdir more mount nc
    nslookup ping ps pwd rm route sed sh sleep sort stat tail tar test top touch tr true uname vi wc wget whoami
""".split()  # noqa: SIM905  # one list of sixty names
_BASE_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_BASE_FOLDERS = ("root", "run", "tmp", "proc", "sys", "dev", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64")
_BASE_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nadm:x:4:\nwww-data:x:33:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image: one layer with busybox, the files below and the programs with their libraries. Paths are relative to its root."""

    name: str
    labels: Mapping[str, str]
    command: tuple[str, ...]
    programs: tuple[str, ...]
    """Copied from the packages, with the shared libraries that they need."""
    folders: tuple[str, ...] = ()
    """Created empty."""
    copies: tuple[tuple[str, str], ...] = ()
    """Folder of the packages, folder of the image."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic link -> its target."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path -> text."""
    scripts: Mapping[str, str] = field(default_factory=dict)
    """Path -> text, executable."""


_NGINX = Image(
    name="nginx",
    labels={"org.opencontainers.image.title": "Debian's nginx"},
    command=("nginx", "-g", "daemon off;"),
    programs=("usr/sbin/nginx",),
    folders=("var/log/nginx", "var/lib/nginx", "etc/nginx/modules-enabled", "etc/nginx/sites-enabled"),
    copies=(
        ("etc/nginx", "etc/nginx"),
        ("usr/share/nginx/html", "var/www/html"),
        ("usr/share/nginx/html", "usr/share/nginx/html"),
    ),
    links={"etc/nginx/sites-enabled/default": "/etc/nginx/sites-available/default"},
)
_DEBIAN_INIT = Image(
    name="debian-init",
    labels={"org.opencontainers.image.title": "runit as init on Debian's busybox"},
    command=("/usr/sbin/init",),
    programs=("usr/bin/runsvdir", "usr/bin/runsv", "usr/bin/sv", "usr/bin/chpst"),
    files={"var/spool/cron/crontabs/root": ""},
    scripts={
        # runsvdir as the first process supervises the services, and ends at once on SIGTERM.
        "usr/sbin/init": "#!/bin/sh\nexec /usr/bin/runsvdir -P /etc/service\n",
        "etc/service/cron/run": "#!/bin/sh\nexec crond -f\n",
    },
)
_IMAGES = (
    _DEBIAN_INIT,
    _NGINX,
    replace(_NGINX, name="nginx-next", labels={**_NGINX.labels, "variant": "next"}),
)
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_REFERENCES = "references.json"


def images(settings: Settings) -> Path:
    """Return the folder in the cache with all images and their references; build it if it is missing.

    It holds `registry/`, the storage of a registry.
    """
    text = Path(__file__).read_bytes()
    key = hashlib.sha256(text).hexdigest()[:12]
    return entry(settings.cache / "images" / f"{DEFAULT_SUITE}-{key}", lambda folder: _build(folder, settings))


def references(folder: Path) -> dict[str, str]:
    """Return image name -> `registry/name@digest`, from the folder that `images` returned."""
    read: dict[str, str] = json.loads((folder / _REFERENCES).read_text(encoding="utf-8"))
    return read


def _build(folder: Path, settings: Settings) -> None:
    packages = folder / "packages"
    with step(f"images 1/2: Debian packages {', '.join(_PACKAGES)} and their dependencies, unpacked"):
        run(
            [
                "mmdebstrap", "--mode=root", "--format=directory", "--variant=extract", f"--include={','.join(_PACKAGES)}",
                '--aptopt=Acquire::Check-Valid-Until "false"', DEFAULT_SUITE, packages, apt.mirror(),
            ],
            limit=600,
        )  # fmt: skip
    with step(f"images 2/2: {', '.join(image.name for image in _IMAGES)} into a registry"):
        layers = {}
        for image in _IMAGES:
            root = folder / f"tree-{image.name}"
            _fill(root, packages, image)
            layers[image.name] = archive(root)
            shutil.rmtree(root)
        pushed = _push(folder, settings, layers)
    (folder / _REFERENCES).write_text(json.dumps(pushed, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(packages)


def _fill(root: Path, packages: Path, image: Image) -> None:
    for name in (*_BASE_FOLDERS, *image.folders):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, target in _BASE_LINKS.items():
        (root / name).symlink_to(target)
    (root / "tmp").chmod(0o1777)
    shutil.copy(packages / "usr/bin/busybox", root / "usr/bin/busybox")
    for applet in _APPLETS:
        (root / "usr/bin" / applet).symlink_to("busybox")
    for source, target in image.copies:
        shutil.copytree(packages / source, root / target, symlinks=True, dirs_exist_ok=True)
    for name, target in image.links.items():
        (root / name).symlink_to(target)
    for program in image.programs:
        for source in (program, *_libraries(packages, program)):
            copy = root / source
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy((packages / source).resolve(), copy)
    shutil.copy(packages / "usr/lib/os-release", root / "usr/lib/os-release")
    (root / "etc/os-release").parent.mkdir(exist_ok=True)
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    for mode, texts in ((0o644, {**_BASE_FILES, **image.files}), (0o755, image.scripts)):
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(mode)


def _libraries(packages: Path, program: str) -> Iterator[str]:
    """Yield the loader and the shared libraries of a program, as the packages' own loader lists them; paths in the packages."""
    folder = "usr/lib/x86_64-linux-gnu"
    loader = "usr/lib64/ld-linux-x86-64.so.2"
    listed = run([packages / loader, "--library-path", packages / folder, "--list", packages / program])
    yield loader
    for line in listed.splitlines():
        name = line.split()[0]
        # The loader also lists itself, by its path; the kernel's own object has no file.
        if "=>" in line and "/" not in name:
            yield f"{folder}/{name}"


def archive(root: Path) -> bytes:
    """Return the tree as a tar that depends only on its names, contents, links and permissions: sorted, root's, of 1970."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            info = tar.gettarinfo(path, str(path.relative_to(root)))
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mtime = 0
            if info.isreg() or info.islnk():
                # A hard link becomes a file of its own: hard links depend on how the packages were unpacked.
                info.type, info.linkname, info.size = tarfile.REGTYPE, "", path.stat().st_size
                with path.open("rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)
    return buffer.getvalue()


def _push(folder: Path, settings: Settings, layers: Mapping[str, bytes]) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    storage = folder / "registry"
    config = folder / "registry.yml"
    config.write_text(services.registry_config(storage, address), encoding="utf-8")
    log = (folder / "registry.log").open("wb")
    with (
        log,
        subprocess.Popen([services.registry_program(settings), "serve", config], stdout=log, stderr=log) as registry,
    ):
        try:
            _wait(f"http://{address}/v2/")
            pushed = {}
            for image in _IMAGES:
                digest = _push_image(f"http://{address}/v2/{image.name}", image, layers[image.name])
                pushed[image.name] = f"{REGISTRY}/{image.name}@{digest}"
            return pushed
        finally:
            registry.terminate()
            registry.wait(timeout=10)


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own loopback server
                return
        except URLError:
            time.sleep(0.1)
    raise LabError("a registry for building images did not start within 10 s")


def _push_image(url: str, image: Image, layer: bytes) -> str:
    """Push one image with one layer; return its manifest's digest (OCI image specification 1.0)."""
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "Cmd": list(image.command),
                "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                "Labels": dict(sorted(image.labels.items())),
            },
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "ipvlan-fabric's lab"}],
        },
        separators=(",", ":"),
    ).encode()
    parts: list[dict[str, Any]] = []
    for kind, blob in ((_CONFIG, config), (_LAYER, layer)):
        _upload(url, blob)
        parts.append({"mediaType": kind, "size": len(blob), "digest": _digest(blob)})
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": _MANIFEST, "config": parts[0], "layers": parts[1:]}, separators=(",", ":")
    ).encode()
    _request("PUT", f"{url}/manifests/latest", manifest, _MANIFEST)
    return _digest(manifest)


def _upload(url: str, blob: bytes) -> None:
    location = _request("POST", f"{url}/blobs/uploads/", b"", "application/octet-stream")
    joint = "&" if "?" in location else "?"
    _request("PUT", f"{location}{joint}digest={_digest(blob)}", blob, "application/octet-stream")


def _request(method: str, url: str, data: bytes, kind: str) -> str:
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310  # our own loopback server
        return str(response.headers.get("Location", ""))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
