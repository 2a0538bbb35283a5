"""What the resource of a volume shows of options where Docker refuses it: no secret, nor a part of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ipvlan.hosts.errors import HostError
from provider.resource import Properties
from provider.volume import Volume
from tests.support.fake_engine import serve
from tests.support.volume_engine import VolumeEngine, reached_by
from tests.support.volume_resource import Run, inputs

VOLUME = Volume()


@pytest.fixture
def run() -> Run:
    """Return a run."""
    return Run()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VolumeEngine]:
    """Serve the Docker of every host."""
    with serve(VolumeEngine(tmp_path / "s")) as engine:
        reached_by(monkeypatch, engine)
        yield engine


def test_a_secret_option_reaches_docker_and_no_message(docker: VolumeEngine, run: Run) -> None:
    """The value is part of the volume's options; where Docker repeats it in a refusal it is not shown."""
    secret = inputs(driver_opts={"type": "cifs", "device": "//nas/data"}, secret_driver_opts={"o": "password=hunter2"})
    VOLUME.create(secret, run.operation)
    assert docker.volumes["data"]["Options"]["o"] == "password=hunter2"
    docker.volumes.clear()
    docker.refuses_volume = 'invalid option: "password=hunter2"'
    with pytest.raises(HostError) as caught:
        VOLUME.create(secret, run.operation)
    assert "hunter2" not in str(caught.value)
    assert 'volume data is not created: invalid option: "(not shown)"' in str(caught.value)


@pytest.mark.parametrize(
    ("value", "refused", "said"),
    [
        (
            "username=u,password=hunter2",
            "...hunter2 rejected for user u",
            "...(not shown) rejected for user (not shown)",
        ),
        ('password=hun"ter\\2', r'bad option "password=hun\"ter\\2"', 'bad option "(not shown)"'),
        ("password=hun ter2", "no reply to /mount?p=hun%20ter2", "no reply to /mount?p=(not shown)"),
        ("1", "1 of 12 options is wrong: 1", "(not shown) of 12 options is wrong: (not shown)"),
    ],
)
def test_parts_of_a_secret_are_not_shown_either(
    docker: VolumeEngine, run: Run, value: str, refused: str, said: str
) -> None:
    """A plugin repeats a single password of a list, or quotes it; one letter of the rest is no secret."""
    docker.refuses_volume = refused
    text = refusal_of_docker(docker, run, inputs(driver="x", secret_driver_opts={"o": value}))
    assert f"volume data is not created: {said}\n" in text


def test_plaintext_options_do_not_destroy_the_message(docker: VolumeEngine, run: Run) -> None:
    """They are in the stack file for all to read, and a message without its letters says nothing."""
    docker.refuses_volume = 'invalid option: "n" is not 1'
    text = refusal_of_docker(docker, run, inputs(driver_opts={"a": "1", "b": "n", "c": "o"}))
    assert 'volume data is not created: invalid option: "n" is not 1' in text


def refusal_of_docker(docker: VolumeEngine, run: Run, properties: Properties) -> str:
    """Return the text of a creation that Docker refuses."""
    with pytest.raises(HostError) as caught:
        VOLUME.create(properties, run.operation)
    assert docker.volumes == {}
    return str(caught.value)
