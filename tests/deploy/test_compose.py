"""The compose files, without docker: held to the specification's schema and to what they promise."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

from support.commands import ROOT
from support.dockerfiles import stages

DEPLOYED = ROOT / "deploy" / "compose.yaml"
SERVERS = ROOT / "scripts" / "compose.yaml"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def services() -> dict[str, Any]:
    """The deployed services, with what they take over from the tests' servers."""
    servers = read(SERVERS)["services"]
    deployed: dict[str, Any] = read(DEPLOYED)["services"]
    for name, service in deployed.items():
        if "extends" in service:
            assert DEPLOYED.parent.joinpath(service["extends"]["file"]).resolve() == SERVERS
            origin = servers[service["extends"]["service"]]
            both = origin.get("environment", {}) | service.get("environment", {})
            deployed[name] = origin | service | {"environment": both}
    return deployed


def test_they_are_what_the_specification_allows() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", DEPLOYED, SERVERS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_image_has_a_version() -> None:
    images = {name: service["image"] for name, service in services().items()}
    assert images.keys() == {"kafka", "redis", "topics", "riskgate"}
    assert all(image.partition(":")[2][:1].isdigit() for image in images.values())
    assert images["topics"] == images["kafka"]
    assert images["riskgate"] == f"riskgate:{VERSION}"


def test_the_flow_may_do_little() -> None:
    flow = services()["riskgate"]
    assert flow["read_only"]
    assert flow["cap_drop"] == ["ALL"]
    assert flow["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in flow
    assert "environment" not in flow
    assert flow["stop_grace_period"] == "2m"
    assert flow["mem_limit"]
    assert flow["tmpfs"][0].startswith(stages(ROOT / "deploy" / "Dockerfile")[-1].environment["XDG_CACHE_HOME"] + ":")


def test_what_is_built_is_there() -> None:
    build = services()["riskgate"]["build"]
    assert (DEPLOYED.parent / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()


def test_everything_that_must_last_is_on_a_volume_and_nothing_listens_beyond_this_machine() -> None:
    mounted = [volume.partition(":") for service in services().values() for volume in service.get("volumes", ())]
    assert {name: path for name, _, path in mounted} == {
        "kafka": "/var/lib/kafka/data",
        "redis": "/data",
        "state": "/var/lib/riskgate",
    }
    assert read(DEPLOYED)["volumes"].keys() == {"kafka", "redis", "state"}
    assert services()["kafka"]["environment"]["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data"
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_broker_is_reached_where_it_says_that_it_is() -> None:
    everything = services()
    broker = everything["kafka"]["environment"]
    advertised = dict(each.split("://") for each in broker["KAFKA_ADVERTISED_LISTENERS"].split(","))
    listening = dict(each.split("://") for each in broker["KAFKA_LISTENERS"].split(","))
    kinds = dict(each.split(":") for each in broker["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert listening.keys() == kinds.keys() == {*advertised, broker["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert advertised["INSIDE"] == "kafka:9092"
    assert listening["INSIDE"] == "0.0.0.0:9092"
    assert broker["KAFKA_INTER_BROKER_LISTENER_NAME"] == "INSIDE"
    assert f"--kafka={advertised['INSIDE']}" in everything["riskgate"]["command"]
    assert f"--bootstrap-server={advertised['INSIDE']}" in everything["topics"]["command"]
    assert "--topic=transactions" in everything["topics"]["command"]
    assert "--in=transactions" in everything["riskgate"]["command"]


def test_each_starts_after_what_it_needs() -> None:
    everything = services()
    waits = {name: service.get("depends_on", {}) for name, service in everything.items()}
    assert waits["topics"] == {"kafka": {"condition": "service_healthy"}}
    assert waits["riskgate"] == {
        "topics": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
    }
    assert all("healthcheck" in everything[name] for name in ("kafka", "redis"))
