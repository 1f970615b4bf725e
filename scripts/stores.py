"""Object stores for scripts: what `scripts/test-stores` has started, servers whose databases are in one, and the fault
proxy between them. Requests are signed here by hand, so that what pgserver wrote is read without its help."""

import base64
import datetime
import hashlib
import hmac
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from servers import ROOT, Pgserver, free_port


def with_stores(kinds):
    """Has `scripts/test-stores` run this program again, beside stores of these kinds, unless it already does."""
    if os.environ.get("STORES_RUNNING") != kinds:
        environment = os.environ | {"STORES": kinds, "STORES_RUNNING": kinds}
        os.execve(ROOT / "scripts/test-stores", ["test-stores", sys.executable, *sys.argv], environment)


class Store:
    """A store with a bucket or container in it. Keys are below `prefix`."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.address = urllib.parse.urlsplit(self.endpoint).netloc

    def settings(self, address=None):
        """What a server is told, which may be to reach the store at another address."""
        raise NotImplementedError

    def signed(self, method, path, query, headers, body):
        raise NotImplementedError

    def request(self, method, key, query=None, headers=None, body=b""):
        """The answer's body; None if there is no such object."""
        path = urllib.parse.urlsplit(self.endpoint).path + f"/{self.container}" + (f"/{urllib.parse.quote(key)}" if key else "")
        headers = self.signed(method, path, query or {}, {"content-length": str(len(body))} | (headers or {}), body)
        url = f"http://{self.address}{path}?{urllib.parse.urlencode(query or {}, quote_via=urllib.parse.quote)}"
        request = urllib.request.Request(url.rstrip("?"), method=method, headers=headers, data=body if method == "PUT" else None)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise RuntimeError(f"{method} {key}: {error.code} {error.read()[:500]}") from None

    def get(self, name):
        return self.request("GET", self.prefix + name)

    def put(self, name, body):
        self.request("PUT", self.prefix + name, headers=self.put_headers, body=body)

    def names(self):
        """Of all objects below the prefix, which are few."""
        listing = self.request("GET", "", query=self.list_query | {"prefix": self.prefix}).decode()
        return [name.removeprefix(self.prefix) for name in re.findall(r"<(?:Key|Name)>([^<]*)</", listing)]


class S3(Store):
    put_headers, list_query = {}, {"list-type": "2"}

    def __init__(self, prefix):
        self.endpoint, self.container = os.environ["S3_ENDPOINT"], os.environ["S3_BUCKET"]
        self.region = os.environ["S3_REGION"]
        self.key, self.secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        super().__init__(prefix)

    def settings(self, address=None):
        return {
            "STORAGE": "s3", "S3_ENDPOINT": f"http://{address or self.address}", "S3_BUCKET": self.container,
            "S3_REGION": self.region, "S3_PREFIX": self.prefix,
            "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret,
        }  # fmt: skip

    def signed(self, method, path, query, headers, body):
        """Signature Version 4."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signing = {"host": self.address, "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(sorted(signing))
        quoted = "&".join(f"{k}={urllib.parse.quote(v, safe='')}" for k, v in sorted(query.items()))
        canonical = "\n".join([method, path, quoted, *(f"{name}:{signing[name]}" for name in sorted(signing)), "", names, digest])
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.secret}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        credential = f"Credential={self.key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
        return headers | signing | {"authorization": f"AWS4-HMAC-SHA256 {credential}"}


class Azure(Store):
    put_headers, list_query = {"x-ms-blob-type": "BlockBlob"}, {"restype": "container", "comp": "list"}

    def __init__(self, prefix):
        self.endpoint, self.container = os.environ["AZURE_STORAGE_ENDPOINT"], os.environ["AZURE_STORAGE_CONTAINER"]
        self.account, self.key = os.environ["AZURE_STORAGE_ACCOUNT"], os.environ["AZURE_STORAGE_KEY"]
        super().__init__(prefix)

    def settings(self, address=None):
        endpoint = urllib.parse.urlsplit(self.endpoint)._replace(netloc=address or self.address).geturl()
        return {
            "STORAGE": "azure", "AZURE_STORAGE_ENDPOINT": endpoint, "AZURE_STORAGE_CONTAINER": self.container,
            "AZURE_STORAGE_PREFIX": self.prefix, "AZURE_STORAGE_ACCOUNT": self.account, "AZURE_STORAGE_KEY": self.key,
        }  # fmt: skip

    def signed(self, method, path, query, headers, body):
        """Shared Key."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = headers | {"x-ms-date": now, "x-ms-version": "2021-12-02", "content-type": "application/octet-stream"}
        own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-ms-"))
        resource = f"/{self.account}{path}" + "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
        text = f"{method}\n\n\n{len(body) or ''}\n\n{headers['content-type']}\n\n\n\n\n\n\n{own}{resource}"
        signature = hmac.new(base64.b64decode(self.key), text.encode(), hashlib.sha256).digest()
        return headers | {"authorization": f"SharedKey {self.account}:{base64.b64encode(signature).decode()}"}


STORES = {"s3": S3, "azure": Azure}


class StoreServer(Pgserver):
    """Its databases are in an object store that outlives it."""

    def __init__(self, store, name="pgserver", address=None, **settings):
        super().__init__(name, **settings)
        self.store, self.reached_at, self.copies = store, address, self.directory / "copies"

    def environment(self):
        return super().environment() | self.store.settings(self.reached_at) | {"DB_PATH": str(self.copies)} | self.settings


class DirectoryServer(Pgserver):
    """Its databases are in a directory as object store, which is another server's or its own."""

    def __init__(self, name="pgserver", store=None, **settings):
        super().__init__(name, **settings)
        self.store, self.copies = store or self.directory / "store", self.directory / "copies"

    def environment(self):
        place = {"STORAGE": "directory", "STORE_DIRECTORY": str(self.store), "DB_PATH": str(self.copies)}
        return super().environment() | place | self.settings


class FaultProxy:
    """The fault proxy in front of a store, at an address that it keeps."""

    def __init__(self, store, *faults, seed=0):
        self.store, self.faults, self.seed = store, faults, seed
        self.address = f"127.0.0.1:{free_port()}"
        self.process = None
        self.start()

    def start(self):
        command = [str(proxy_binary()), "--store", self.store.address, "--listen", self.address, "--seed", str(self.seed), *self.faults]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline().startswith("listening"):
            sys.exit("the fault proxy does not start")

    def say(self, line):
        """Says which faults there are from now on, or nothing; gives the figures."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return {name: int(value) for name, value in (pair.split("=") for pair in self.process.stdout.readline().split())}

    def stats(self):
        return self.say("")

    def end(self):
        """From now on connections are refused."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()


def proxy_binary():
    return Path(os.environ.get("FAULT_PROXY", ROOT / "target/debug/examples/fault_proxy"))


def build_proxy():
    """Makes the fault proxy, unless FAULT_PROXY names one."""
    if "FAULT_PROXY" not in os.environ:
        subprocess.run(["cargo", "build", "-q", "--example", "fault_proxy"], cwd=ROOT, check=True)
        os.environ["FAULT_PROXY"] = str(proxy_binary())
