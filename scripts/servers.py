"""How the Kafka broker and the Redis server of tests and benchmarks are run from installed programs."""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".services"
HOST = "127.0.0.1"
KAFKA_VERSION = "4.1.1"
SLF4J_VERSION = "1.7.36"  # the one Kafka's own jars are built against
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
CLUSTER_ID = base64.urlsafe_b64encode(b"riskgate-service").decode().rstrip("=")

POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>riskgate</groupId>
  <artifactId>services</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>{SLF4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

BROKER = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


class Unavailable(Exception):
    """A service cannot be had in one way; the text says what is missing."""


class Failed(Exception):
    """A service cannot be had at all; the text says why and what to do."""


@dataclass(frozen=True)
class Service:
    """One kind of server and how to run it from installed programs."""

    name: str
    variable: str
    address: str  # with a place for the port
    first_port: int
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    command: Callable[[Path, int], list[str]]
    answers: Callable[[Path, int], bool]
    mark: str  # what its process's command line holds, with places for the folder and the port

    @property
    def folder(self) -> Path:
        return STATE / self.name

    @property
    def log(self) -> Path:
        return self.folder / "log"


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def free_port(first: int) -> int:
    for port in range(first, first + 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    message = f"no free port on {HOST} from {first} to {first + 999}"
    raise Failed(message)


def tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-20:] if log.exists() else []
    return "\n".join(f"    {line}" for line in lines)


def logged(command: list[str], log: Path, **variables: str) -> bool:
    """Runs `command` to its end with its output in `log`; true when it succeeded."""
    with log.open("w") as output:
        environment = {**os.environ, **variables}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    return done.returncode == 0


def kafka_jars(folder: Path) -> Path:
    jars = folder / f"jars-{KAFKA_VERSION}"
    if not jars.exists():
        partial = folder / "jars-partial"
        shutil.rmtree(partial, ignore_errors=True)
        pom = folder / "pom.xml"
        pom.write_text(POM)
        say("kafka: fetching its jars with mvn (43 MB, once)")
        maven = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "--file", str(pom), COPY_JARS]
        if not logged([*maven, "-DincludeScope=runtime", f"-DoutputDirectory={partial}"], folder / "mvn.log"):
            message = f"mvn could not fetch its jars (see {folder / 'mvn.log'})"
            raise Unavailable(message)
        partial.rename(jars)
    return jars


def kafka_command(folder: Path, port: int) -> list[str]:
    """A broker with an empty log, ready to be started."""
    banner = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', banner)
    if version is None or int(version[1]) < 17:
        message = f"Java 17 or newer is needed, and `java -version` says {banner.splitlines()[:1]}"
        raise Unavailable(message)
    jars = kafka_jars(folder)
    data, settings = folder / "data", folder / "server.properties"
    shutil.rmtree(data, ignore_errors=True)
    settings.write_text(BROKER.format(host=HOST, port=port, controller_port=free_port(port + 1), data=data))
    java = ["java", "-Xms256m", "-Xmx1g", "-cp", f"{jars}/*"]
    quiet = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
    started = ["-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"]
    format_log = [*java, *quiet, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(settings)]
    if not logged(format_log, folder / "format.log"):
        message = f"kafka: its log could not be formatted:\n{tail(folder / 'format.log')}"
        raise Failed(message)
    return [*java, *quiet, *started, "kafka.Kafka", str(settings)]


def kafka_answers(log: Path, port: int) -> bool:
    with socket.socket() as probe:
        return "Kafka Server started" in log.read_text(errors="replace") and probe.connect_ex((HOST, port)) == 0


def redis_command(folder: Path, port: int) -> list[str]:
    volatile = ["--save", "", "--appendonly", "no", "--databases", "64"]
    return ["redis-server", "--bind", HOST, "--port", str(port), "--dir", str(folder), *volatile]


def redis_answers(_log: Path, port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


SERVICES = (
    Service(
        name="kafka",
        variable="KAFKA_BOOTSTRAP",
        address=f"{HOST}:{{port}}",
        first_port=19092,
        programs=("java", "mvn"),
        packages=("default-jre-headless", "maven"),
        command=kafka_command,
        answers=kafka_answers,
        mark="{folder}/server.properties",
    ),
    Service(
        name="redis",
        variable="REDIS_URL",
        address=f"redis://{HOST}:{{port}}/0",
        first_port=16379,
        programs=("redis-server",),
        packages=("redis-server",),
        command=redis_command,
        answers=redis_answers,
        mark=f"{HOST}:{{port}}",
    ),
)
