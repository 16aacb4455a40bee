"""The manifests, without a cluster: held to Kubernetes' own schemas and to what they promise."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules import load
from support.commands import ROOT
from support.dockerfiles import stages
from support.mounts import files_of, mount

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
MANIFESTS: dict[str, dict[str, Any]] = {}
for _path in FILES:
    _manifest = yaml.safe_load(_path.read_text(encoding="utf-8"))
    MANIFESTS[_manifest["kind"]] = _manifest
SET = MANIFESTS["StatefulSet"]["spec"]
POD = SET["template"]["spec"]
(CONTAINER,) = POD["containers"]
DATA = MANIFESTS["ConfigMap"]["data"]
LABELS = {"app.kubernetes.io/name": "riskgate"}
IMAGE = stages(ROOT / "deploy" / "Dockerfile")[-1]
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.mark.parametrize("version", ["1.30", "1.34", "1.37"])
def test_kubernetes_knows_every_field(version: str) -> None:
    validator = Path(sys.executable).with_name("kubernetes-validate")
    done = subprocess.run(
        [validator, "--strict", "--kubernetes-version", version, *FILES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("passed for resource") == len(FILES)


def test_kustomize_is_given_every_file() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    assert sorted(kustomization["resources"]) == [path.name for path in FILES]


def test_all_belong_together_by_one_label() -> None:
    assert all(manifest["metadata"]["labels"] == LABELS for manifest in MANIFESTS.values())
    assert SET["template"]["metadata"]["labels"] == LABELS
    selectors = [
        SET["selector"]["matchLabels"],
        MANIFESTS["Service"]["spec"]["selector"],
        MANIFESTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector == LABELS for selector in selectors)


def test_the_pod_keeps_to_the_restricted_profile() -> None:
    pod = POD["securityContext"]
    user, group = map(int, IMAGE.only("USER").text.split(":"))
    assert pod["runAsNonRoot"] is True
    assert (pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) == (user, group, group)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & POD.keys()
    assert not [volume for volume in POD["volumes"] if "hostPath" in volume]


def test_it_has_what_it_needs_and_no_more() -> None:
    resources = CONTAINER["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" in resources["requests"]
    assert "cpu" not in resources["limits"]
    volumes = {volume["name"] for volume in POD["volumes"]}
    mounts = {mount["name"]: mount for mount in CONTAINER["volumeMounts"]}
    assert mounts.keys() == volumes
    assert mounts["tmp"]["mountPath"] == IMAGE.environment["XDG_CACHE_HOME"]
    assert mounts["state"]["mountPath"] in IMAGE.only("VOLUME").words
    assert all(mounts[name]["readOnly"] for name in ("pack", "kafka"))


def test_the_image_is_the_version_at_hand() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert CONTAINER["image"] == f"riskgate:{version}"


def test_secrets_are_mounted_and_not_written_here() -> None:
    (secret,) = [volume["secret"] for volume in POD["volumes"] if "secret" in volume]
    assert secret == {"secretName": "riskgate-kafka", "defaultMode": 0o440}
    assert "Secret" not in MANIFESTS
    assert [each["configMapRef"] for each in CONTAINER["envFrom"]] == [
        {"name": MANIFESTS["ConfigMap"]["metadata"]["name"]}
    ]
    assert all("value" not in variable for variable in CONTAINER["env"])
    texts = " ".join(path.read_text(encoding="utf-8") for path in FILES)
    assert not re.search(r"password|sasl|://[^/\s]*@", texts)


def test_each_process_is_known_by_its_address() -> None:
    addresses = DATA["ADDRESSES"].split(",")
    (port,) = MANIFESTS["Service"]["spec"]["ports"]
    name, service = MANIFESTS["StatefulSet"]["metadata"]["name"], MANIFESTS["Service"]["metadata"]["name"]
    assert addresses == [f"{name}-{index}.{service}:{port['port']}" for index in range(SET["replicas"])]
    assert int(DATA["WORKERS"]) == SET["replicas"]
    assert SET["serviceName"] == service
    assert MANIFESTS["Service"]["spec"]["clusterIP"] == "None"
    assert MANIFESTS["Service"]["spec"]["publishNotReadyAddresses"] is True
    assert [each["containerPort"] for each in CONTAINER["ports"]] == [port["port"]]


def test_the_processes_start_and_change_together() -> None:
    assert SET["podManagementPolicy"] == "Parallel"
    assert SET["updateStrategy"] == {"type": "OnDelete"}
    assert MANIFESTS["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_they_share_one_volume() -> None:
    (claim,) = [volume["persistentVolumeClaim"] for volume in POD["volumes"] if "persistentVolumeClaim" in volume]
    assert claim["claimName"] == MANIFESTS["PersistentVolumeClaim"]["metadata"]["name"]
    assert MANIFESTS["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]
    assert "volumeClaimTemplates" not in SET
    (state,) = [argument for argument in CONTAINER["args"] if argument.startswith("--state=")]
    assert state == "--state=/var/lib/riskgate"


def test_a_probe_asks_for_the_state_that_the_process_owns() -> None:
    for name in PROBES:
        shell, flag, line = CONTAINER[name]["exec"]["command"]
        assert (shell, flag) == ("sh", "-c")
        assert line.startswith('exec riskgate health /var/lib/riskgate --process "$PROCESS"')
        assert CONTAINER[name]["timeoutSeconds"] >= 5
    assert CONTAINER["startupProbe"]["periodSeconds"] * CONTAINER["startupProbe"]["failureThreshold"] >= 600


def test_it_is_given_time_to_finish() -> None:
    assert POD["terminationGracePeriodSeconds"] >= 120


def test_only_the_processes_reach_each_other() -> None:
    policy = MANIFESTS["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    cluster = {"port": MANIFESTS["Service"]["spec"]["ports"][0]["port"], "protocol": "TCP"}
    peers = [{"podSelector": {"matchLabels": LABELS}}]
    assert policy["ingress"] == [{"from": peers, "ports": [cluster]}]
    between, outside = policy["egress"]
    assert between == {"to": peers, "ports": [cluster]}
    reached = {port["port"] for port in outside["ports"]}
    brokers = {int(broker.rpartition(":")[2]) for broker in DATA["KAFKA"].split(",")}
    assert {53, int(re.findall(r":(\d+)/", DATA["STORE"])[0])} | brokers <= reached


def test_the_pack_that_is_mounted_is_the_bundled_one(tmp_path: Path) -> None:
    """`kubectl create configmap --from-file=FOLDER` takes the files of a folder by name, as docs/operations.md says."""
    pack = ROOT / "rules" / "packs" / "game-points"
    by_key = {Path(name).name: content for name, content in files_of(pack).items()}
    (volume,) = [volume["configMap"] for volume in POD["volumes"] if "configMap" in volume]
    mount({item["path"]: by_key[item["key"]] for item in volume["items"]}, tmp_path)
    mounted, bundled = load(tmp_path).pack, load(pack).pack
    assert mounted is not None
    assert bundled is not None
    assert mounted.hash == bundled.hash
    assert mounted.lists == bundled.lists
