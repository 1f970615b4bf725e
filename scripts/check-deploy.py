"""What scripts/deploy-test checks of YAML: that it parses, names only settings there are, and fits together."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
KEYS = set(re.findall(r"^# ([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))
# Read by the S3 and TLS clients, as other programs do.
USUAL = {"SSL_CERT_FILE"}
PROBES = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def known(names, where):
    unknown = set(names) - KEYS - USUAL
    assert not unknown, f"{where}: no such settings: {sorted(unknown)}"


def secret(path):
    """What the comment says how to make: the name of the secret and its keys."""
    text = path.read_text()
    name = re.search(r"create secret generic (\S+)", text)[1]
    return {(name, key) for key in re.findall(r"--from-literal=([\w-]+)=", text)}


def kubernetes(path):
    objects = [o for o in yaml.safe_load_all(path.read_text()) if o]
    for workload in (o for o in objects if o["kind"] in ("StatefulSet", "Deployment")):
        spec = workload["spec"]
        template = spec["template"]
        assert spec["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items(), workload["metadata"]
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        volumes = {v["name"] for v in pod.get("volumes", [])} | {c["metadata"]["name"] for c in spec.get("volumeClaimTemplates", [])}
        for container in pod["containers"]:
            known((e["name"] for e in container["env"]), path.name)
            assert {m["name"] for m in container["volumeMounts"]} == volumes, "volumes and mounts differ"
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            ports = {p["name"] for p in container["ports"]}
            for service in (o for o in objects if o["kind"] == "Service"):
                assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items(), service["metadata"]
                assert {p["targetPort"] for p in service["spec"]["ports"]} <= ports, "a service without its port"
            probes = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
            assert {name: probe["path"] for name, probe in probes.items()} == PROBES
            assert {probe["port"] for probe in probes.values()} <= ports, probes
            assert pod["terminationGracePeriodSeconds"] > 10, "the grace period is SHUTDOWN_GRACE_SECONDS' default or less"
            values = {e["name"]: e.get("value") for e in container["env"]}
            served = {p["name"]: str(p["containerPort"]) for p in container["ports"]}
            assert served == {"postgresql": "5432", "http": values["HTTP_PORT"]} and values["HTTP_HOST"] == "0.0.0.0", served
            asked = {(r["name"], r["key"]) for e in container["env"] if (r := e.get("valueFrom", {}).get("secretKeyRef"))}
            assert asked == secret(path), f"the secret of the comment is not the one that is used: {asked}"
    return {o["kind"] for o in objects}


def compose(path):
    services = yaml.safe_load(path.read_text())["services"]
    ours = services["pgserver"]
    known(ours["environment"], path.name)
    for volume in (v.split(":")[0] for s in services.values() for v in s.get("volumes", [])):
        assert volume in yaml.safe_load(path.read_text())["volumes"], f"{path.name}: no volume {volume}"
    assert (path.parent / ours["build"]["context"] / ours["build"]["dockerfile"]).is_file()
    assert f"127.0.0.1:{ours['environment']['HTTP_PORT']}:{ours['environment']['HTTP_PORT']}" in ours["ports"]
    if "store" in services:
        its, command = services["store"]["environment"], services["store"]["command"].split()
        assert f"-bucket={ours['environment']['S3_BUCKET']}" in command
        assert its["AWS_ACCESS_KEY_ID"] == ours["environment"]["S3_ACCESS_KEY_ID"]
        assert its["AWS_SECRET_ACCESS_KEY"] == ours["environment"]["S3_SECRET_ACCESS_KEY"]


def unit(path):
    for line in re.findall(r"^Environment=(.+)$", path.read_text(), re.M):
        known(re.findall(r"([A-Z0-9_]+)=", line), path.name)


def image(path):
    for line in re.findall(r"^ENV (.+)$", path.read_text(), re.M):
        known(re.findall(r"([A-Z0-9_]+)=", line), path.name)


assert KEYS >= {"PG_PORT", "DB_PATH"}, KEYS
assert kubernetes(ROOT / "deploy/kubernetes/pgserver-volume.yaml") == {"Service", "StatefulSet"}
assert kubernetes(ROOT / "deploy/kubernetes/pgserver-s3.yaml") == {"Service", "Deployment"}
compose(ROOT / "deploy/compose/compose.yaml")
compose(ROOT / "deploy/compose/s3.yaml")
unit(ROOT / "deploy/systemd/pgserver.service")
image(ROOT / "Dockerfile.scratch")
