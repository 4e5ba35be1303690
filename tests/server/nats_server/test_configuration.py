"""What nats-server is told: to sync and encrypt everything, and to let in only those who know the cluster's secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from chatty.server.nats_server.configuration import Keys, configuration, write_configuration
from chatty.server.nats_server.peers import peers_of
from chatty.server.platform.pipeline.log.jetstream.connection import derived
from tests.support.nats import check_configuration

KEYS = Keys.derived(lambda what: derived(b"secret" * 6, what))
PEERS = peers_of("a=127.0.0.1:1:2,b=127.0.0.1:3:4,c=[::1]:5:6")


def test_only_the_servers_user_can_read_the_configuration_and_it_replaces_the_old_one(tmp_path: Path) -> None:
    directory = tmp_path / "nats"
    old = write_configuration(directory, PEERS["a"], PEERS, Keys.derived(lambda what: derived(b"old" * 20, what)))
    new = write_configuration(directory, PEERS["a"], PEERS, KEYS)
    assert old == new
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert KEYS.client in new.read_text()
    assert list(directory.iterdir()) == [new]


def test_each_use_of_the_secret_has_a_key_of_its_own() -> None:
    assert len({KEYS.client, KEYS.routes, KEYS.system, KEYS.files}) == 4


@pytest.mark.parametrize("name", ["data", 'with "quotes" and \\', "with spaces; }", "ünïcode"])
def test_nats_server_understands_it_wherever_the_data_is(tmp_path: Path, name: str) -> None:
    check_configuration(write_configuration(tmp_path / name, PEERS["a"], PEERS, KEYS))


def test_a_peer_that_is_not_this_machines_own_address_listens_on_all(tmp_path: Path) -> None:
    (far,) = peers_of("far=203.0.113.1").values()
    told = write_configuration(tmp_path, far, {"far": far}, KEYS).read_text()
    assert 'listen: "0.0.0.0:4222"' in told
    (near,) = peers_of("near=127.0.0.1").values()
    assert 'listen: "127.0.0.1:4222"' in write_configuration(tmp_path, near, {"near": near}, KEYS).read_text()


def test_a_single_peer_has_no_routes() -> None:
    (only,) = peers_of("only=127.0.0.1").values()
    assert "routes" not in configuration(Path("/data"), only, {"only": only}, KEYS, host=only.host)
