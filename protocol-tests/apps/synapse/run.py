"""A homeserver: its whole schema with background updates, then users, a room, messages, search and sync over its API."""

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
Path("media").mkdir()
config = {
    "server_name": "test", "report_stats": False, "media_store_path": "media", "signing_key_path": "key", "registration_shared_secret": "s", "macaroon_secret_key": "m", "form_secret": "f", "trusted_key_servers": [], "suppress_key_server_warning": True,
    "database": {"name": "psycopg2", "allow_unsafe_locale": True, "args": {"host": url.hostname, "port": url.port, "user": url.username, "dbname": url.path[1:], "cp_min": 1, "cp_max": 4}},
    "listeners": [{"port": port, "type": "http", "bind_addresses": ["127.0.0.1"], "resources": [{"names": ["client"]}]}], "user_directory": {"enabled": True, "search_all_users": True},
    "rc_message": {"per_second": 1000, "burst_count": 1000}, "rc_login": {"address": {"per_second": 1000, "burst_count": 1000}}, "rc_registration": {"per_second": 1000, "burst_count": 1000}, "log_config": "log.yaml",
}  # fmt: skip
Path("homeserver.yaml").write_text(json.dumps(config))
Path("log.yaml").write_text(json.dumps({"version": 1, "handlers": {"file": {"class": "logging.FileHandler", "filename": "log"}}, "root": {"level": "WARNING", "handlers": ["file"]}}))
subprocess.run(["generate_signing_key", "-o", "key"], check=True)
done = subprocess.run(["update_synapse_database", "--database-config", "homeserver.yaml", "--run-background-updates"], capture_output=True, text=True)
print("update_synapse_database", done.returncode, done.stderr[-3000:] if done.returncode else "", flush=True)
subprocess.run([os.environ["DUMP"]], check=True)
if done.returncode:
    sys.exit(1)
server = subprocess.Popen(["synapse_homeserver", "-c", "homeserver.yaml"])


def call(method, path, body=None, token=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/_{path}", json.dumps(body).encode() if body is not None else None, {"Authorization": f"Bearer {token}"} if token else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return {"status": error.code, **json.loads(error.read() or b"{}")}


def user(name):
    nonce = call("GET", "synapse/admin/v1/register")["nonce"]
    mac = hmac.new(b"s", f"{nonce}\0{name}\0pw\0admin".encode(), hashlib.sha1).hexdigest()
    return call("POST", "synapse/admin/v1/register", {"nonce": nonce, "username": name, "password": "pw", "admin": True, "mac": mac})["access_token"]


try:
    for _ in range(300):
        try:
            call("GET", "matrix/client/versions")
            break
        except OSError:
            time.sleep(0.2)
    v3 = "matrix/client/v3"
    ann, bob = user("ann"), user("bob")
    room = call("POST", f"{v3}/createRoom", {"name": "The room", "preset": "public_chat", "room_alias_name": "room", "invite": ["@bob:test"]}, ann)["room_id"]
    print(call("POST", f"{v3}/join/{room}", {}, bob).keys())
    sent = [call("PUT", f"{v3}/rooms/{room}/send/m.room.message/t{n}", {"msgtype": "m.text", "body": f"message {n} über foxes"}, ann if n % 2 else bob).get("event_id") for n in range(8)]
    print(len(set(sent)), call("PUT", f"{v3}/rooms/{room}/send/m.room.message/t7", {"msgtype": "m.text", "body": "again"}, ann).get("event_id") == sent[7])
    call("PUT", f"{v3}/rooms/{room}/send/m.reaction/r1", {"m.relates_to": {"rel_type": "m.annotation", "event_id": sent[0], "key": "+"}}, ann), call("PUT", f"{v3}/rooms/{room}/redact/{sent[1]}/x", {"reason": "no"}, ann)
    print(call("POST", f"{v3}/rooms/{room}/receipt/m.read/{sent[3]}", {}, bob), call("PUT", f"{v3}/rooms/{room}/typing/@bob:test", {"typing": True, "timeout": 5000}, bob), call("PUT", f"{v3}/user/@bob:test/account_data/x", {"a": 1}, bob), call("PUT", f"{v3}/user/@bob:test/rooms/{room}/tags/t", {"order": 0.5}, bob))
    found = call("POST", f"{v3}/search", {"search_categories": {"room_events": {"search_term": "message fox", "order_by": "rank"}}}, ann)
    print(found.get("search_categories", found).get("room_events", {}).get("count"), sorted(r["result"]["content"]["body"] for r in found["search_categories"]["room_events"]["results"]))
    sync = call("GET", f"{v3}/sync?timeout=0", token=bob)
    joined = sync["rooms"]["join"][room]
    print([e["content"].get("body") for e in joined["timeline"]["events"] if e["type"] == "m.room.message"], joined["unread_notifications"], joined["summary"])
    print(len(call("GET", f"{v3}/rooms/{room}/messages?dir=b&limit=5", token=bob)["chunk"]), sorted(call("GET", f"{v3}/rooms/{room}/joined_members", token=bob)["joined"]), [e["type"] for e in call("GET", f"matrix/client/v1/rooms/{room}/relations/{sent[0]}", token=bob)["chunk"]])
    time.sleep(2)
    print(call("POST", f"{v3}/user_directory/search", {"search_term": "bob"}, ann), call("GET", f"{v3}/publicRooms", token=bob)["total_room_count_estimate"], call("GET", f"{v3}/directory/room/%23room:test", token=bob)["room_id"] == room)
    keys = {"device_keys": {"user_id": "@bob:test", "device_id": call("GET", f"{v3}/account/whoami", token=bob)["device_id"], "algorithms": ["a"], "keys": {}, "signatures": {}}, "one_time_keys": {"signed_curve25519:A": {"key": "k"}}}
    print(call("POST", f"{v3}/keys/upload", keys, bob), list(call("POST", f"{v3}/keys/query", {"device_keys": {"@bob:test": []}}, ann)["device_keys"]), call("POST", f"{v3}/keys/claim", {"one_time_keys": {"@bob:test": {keys["device_keys"]["device_id"]: "signed_curve25519"}}}, ann)["failures"])
    print(call("GET", "synapse/admin/v2/users?order_by=name", token=ann)["total"], call("GET", "synapse/admin/v1/rooms?order_by=joined_members", token=ann)["total_rooms"], call("GET", "synapse/admin/v1/statistics/users/media", token=ann)["total"], call("POST", f"{v3}/rooms/{room}/leave", {}, bob), call("POST", "synapse/admin/v1/deactivate/@bob:test", {"erase": True}, ann), "delete_id" in call("DELETE", f"synapse/admin/v2/rooms/{room}", {"purge": True}, ann))
    time.sleep(3)
    print(call("GET", f"synapse/admin/v1/rooms/{room}", token=ann).get("errcode"))
finally:
    server.terminate()
    server.wait(20)
    print(Path("log").read_text()[-3000:] if Path("log").exists() and "Traceback" in Path("log").read_text() else "no error logged")
