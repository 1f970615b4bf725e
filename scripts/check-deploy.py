"""What scripts/deploy-test checks of YAML: that it parses, names only settings there are, and fits together."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
KEYS = set(re.findall(r"^# ([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))
# Read by the S3 and TLS clients, as other programs do.
USUAL = {"SSL_CERT_FILE"}


def known(names, where):
    unknown = set(names) - KEYS - USUAL
    assert not unknown, f"{where}: no such settings: {sorted(unknown)}"


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
            for probe in (container[p] for p in container if p.endswith("Probe")):
                how = next(iter(probe.values()))
                assert how.get("port") in ports or how.get("command", [])[:1] == ["/pgserver"], probe
    return {o["kind"] for o in objects}


def compose(path):
    services = yaml.safe_load(path.read_text())["services"]
    ours = services["pgserver"]
    known(ours["environment"], path.name)
    for other in ours.get("depends_on", {}):
        assert other in services and "healthcheck" in services[other], f"{path.name}: {other} cannot be waited for"
    for volume in (v.split(":")[0] for s in services.values() for v in s.get("volumes", [])):
        assert volume in yaml.safe_load(path.read_text())["volumes"], f"{path.name}: no volume {volume}"
    assert (path.parent / ours["build"]["context"] / ours["build"]["dockerfile"]).is_file()


def unit(path):
    known(re.findall(r"^Environment=([A-Z0-9_]+)=", path.read_text(), re.M), path.name)


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
