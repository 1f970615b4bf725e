"""What scripts/deploy-test checks of monitoring: every expression of the alerts and of the dashboard names metrics and
labels that a running server has, and docs/operations.md explains exactly the metrics there are.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import yaml

from servers import ROOT, Connection, Pgserver, free_port

# What Prometheus itself adds to every series, and its own metric about a target.
TARGET_LABELS = {"job", "instance"}
OWN_METRICS = {"up": TARGET_LABELS}
# The words of its language that are not functions.
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}
TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<duration>\[[^\]]*\]|\d+[smhdwy]\b)|(?P<name>[a-zA-Z_:][\w:]*)|(?P<number>\d[\d.e]*)|(?P<sign>\S)'
)


def uses(expression):
    """The metrics an expression names with the labels it asks of each, and the labels it groups by."""
    tokens = [(kind, text) for match in TOKEN.finditer(expression) for kind, text in [(match.lastgroup, match[0])]]
    metrics, grouped, at = [], set(), 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if kind == "name" and text in {"by", "without", "on", "ignoring", "group_left", "group_right"} and following == "(":
            end = next(n for n in range(at, len(tokens)) if tokens[n][1] == ")")
            grouped |= {word for what, word in tokens[at + 2 : end] if what == "name"}
            at = end
        elif kind == "name" and text not in WORDS and following == "{":
            end = next(n for n in range(at, len(tokens)) if tokens[n][1] == "}")
            labels = {word for what, word in tokens[at + 2 : end] if what == "name"}
            metrics.append((text, labels))
            at = end
        elif kind == "name" and text not in WORDS and following not in {"(", "by", "without"}:
            metrics.append((text, set()))
        at += 1
    return metrics, grouped


def exported(port):
    """The server's metrics with their labels; those of a histogram under the names their series have."""
    metrics, series = {}, {}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                metrics[name] = kind
            elif not line.startswith("#"):
                name, labels = re.match(r"([\w:]+)(?:\{(.*)\})? ", line).groups()
                series.setdefault(name, set()).update(re.findall(r'(\w+)="', labels or ""))
    return metrics, series


def busy_server():
    """A server that has had something to do, so that every metric has a value."""
    server, http = Pgserver("monitoring", STORAGE="directory", STORE_DIRECTORY="store", DB_PATH="data"), free_port()
    server.settings["HTTP_PORT"] = str(http)
    server.start()
    client = Connection(server.port)
    client.query("create table t (i int primary key)")
    client.query("insert into t values (1)")
    try:
        client.query("insert into t values (1)")
    except RuntimeError:
        pass
    return server, http


def expressions():
    """Every expression there is, with where it is."""
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    dashboard = json.loads((ROOT / "deploy/grafana/pgserver.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}", target["expr"]
    for variable in dashboard["templating"]["list"]:
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
        if asked:
            yield f"variable {variable['name']}", f"sum by ({asked[2]}) ({asked[1]})"


def misspelt():
    """What promtool says of expressions that are none; Grafana's variables have values for it."""
    rules = []
    for number, (_, expression) in enumerate(expressions()):
        valued = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
        rules.append({"record": f"expression:{number}", "expr": valued})
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "expressions", "rules": rules}]}, file)
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
    return [done.stderr.strip()] if done.returncode else []


def problems(metrics, series):
    yield from misspelt()
    named = set()
    for where, expression in expressions():
        used, grouped = uses(expression)
        if not used:
            yield f"{where}: no metric in {expression}"
        there = set(TARGET_LABELS)
        for name, labels in used:
            named.add(re.sub(r"_(bucket|sum|count)$", "", name) if name not in metrics else name)
            has = series.get(name, OWN_METRICS.get(name))
            if has is None:
                yield f"{where}: there is no metric {name}"
                continue
            there |= has
            if labels - has - TARGET_LABELS:
                yield f"{where}: {name} has no labels {sorted(labels - has - TARGET_LABELS)}"
        if grouped - there:
            yield f"{where}: no labels {sorted(grouped - there)}"
    if set(metrics) - named:
        yield f"shown nowhere: {sorted(set(metrics) - named)}"
    text = (ROOT / "docs/operations.md").read_text()
    explained = {}
    for line in re.findall(r"^\| `(?:pg|pgserver|sqlite|process)_.*", text, re.M):
        names, kind, labels, _ = (cell.strip() for cell in line.strip("| ").split("|"))
        for name in re.findall(r"`(\w+)`", names):
            explained[name] = (kind, set(re.findall(r"`(\w+)`", labels)))
    for name in sorted(set(metrics) ^ set(explained)):
        yield f"docs/operations.md: {name} is {'not explained' if name in metrics else 'explained, and there is no such metric'}"
    for name in sorted(set(metrics) & set(explained)):
        has = series.get(name, series.get(f"{name}_bucket", set())) - {"le"}
        if explained[name] != (metrics[name], has):
            yield f"docs/operations.md: {name} is a {metrics[name]} with {sorted(has)}, not {explained[name]}"
    answered = set(re.findall(r"^\| `(Pgserver\w+)` ", text, re.M))
    alerts = {where for where, _ in expressions() if where.startswith("Pgserver")}
    if answered != alerts:
        yield f"docs/operations.md, Alerts: {sorted(answered ^ alerts)}"
    tests = yaml.safe_load((ROOT / "deploy/prometheus/alerts.test.yml").read_text())["tests"]
    tried = {rule["alertname"] for test in tests for rule in test["alert_rule_test"] if rule.get("exp_alerts")}
    if tried != alerts:
        yield f"deploy/prometheus/alerts.test.yml, alerts that never come: {sorted(tried ^ alerts)}"


def main():
    server, http = busy_server()
    try:
        metrics, series = exported(http)
    finally:
        server.stop()
        shutil.rmtree(server.directory, ignore_errors=True)
    found = list(problems(metrics, series))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    assert uses('sum by (le, a) (rate(m_bucket{x="y{",z=~"v"}[5m])) / on (b) group_left(c) n offset 1d > 1e9')[1] == {"le", "a", "b", "c"}
    assert uses('rate(m{x="y{",z=~"v"}[5m]) > 2 * n offset 1d')[0] == [("m", {"x", "z"}), ("n", set())]
    assert "PGSERVER" in os.environ, "PGSERVER names the binary"
    main()
