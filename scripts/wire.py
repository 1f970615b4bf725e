"""A session over the simple protocol whose answers can be compared: what a client sees of a statement, and no more."""

import socket
import struct

FIELDS = {"S": "severity", "C": "code", "M": "message", "D": "detail", "H": "hint", "P": "position"}


class Lost(Exception):
    """The connection is gone, or its server has been silent for too long."""


class Session:
    """A session; `settings` go into its start-up packet. An answer is a list of tuples, its messages in their order:

    ("columns", names), ("row", values), ("copy", data), ("tag", tag), ("empty",), ("error", fields), ("notice", fields)
    """

    def __init__(self, port, database, timeout=30, host="127.0.0.1", user="postgres", **settings):
        try:
            self.socket = socket.create_connection((host, port), timeout=timeout)
            self.unread = self.socket.makefile("rb", 1 << 16)
            pairs = {"user": user, "database": database, "client_encoding": "UTF8", **settings}
            packet = b"".join(part.encode() + b"\0" for pair in pairs.items() for part in pair) + b"\0"
            self.socket.sendall(struct.pack("!ii", len(packet) + 8, 196608) + packet)
        except OSError as error:
            raise Lost(str(error)) from error
        self.parameters, self.transaction, self.types = {}, "I", ()
        started = self.answer()
        if started:
            raise Lost(str(started))

    def close(self):
        self.unread.close()
        self.socket.close()

    def send(self, kind, body):
        try:
            self.socket.sendall(packed(kind, body))
        except OSError as error:
            raise Lost(str(error)) from error

    def message(self):
        try:
            head = self.unread.read(5)
            body = self.unread.read(struct.unpack("!i", head[1:])[0] - 4) if len(head) == 5 else b""
        except OSError as error:
            raise Lost(str(error)) from error
        if len(head) < 5:
            raise Lost("the server closed the connection")
        return head[:1], body

    def query(self, sql, data=None):
        """The answer to a Query. `data` gives what COPY FROM STDIN reads; it is called when the server asks for it."""
        self.send(b"Q", sql.encode(errors="surrogateescape") + b"\0")
        return self.answer(data)

    def answer(self, data=None):
        seen = []
        while True:
            kind, body = self.message()
            if kind == b"Z":
                self.transaction = body.decode()
                return seen
            if kind == b"T":
                names, self.types = described(body)
                seen.append(("columns", names))
            elif kind == b"D":
                seen.append(("row", row(body)))
            elif kind == b"C":
                seen.append(("tag", body[:-1].decode()))
            elif kind == b"I":
                seen.append(("empty",))
            elif kind in b"EN":
                seen.append(("error" if kind == b"E" else "notice", fields(body)))
                if kind == b"E" and seen[-1][1].get("severity") in ("FATAL", "PANIC"):
                    raise Lost(seen[-1][1].get("message"))
            elif kind == b"S":
                name, value = body[:-1].decode().split("\0")
                self.parameters[name] = value
            elif kind == b"G":
                self.copy_in(data)
            elif kind == b"d":
                seen.append(("copy", body.decode(errors="backslashreplace")))
            elif kind == b"R" and body[:4] != b"\0\0\0\0":
                raise Lost("the server asks for a password")

    def copy_in(self, data):
        if data is None:
            return self.send(b"f", b"no data\0")
        content = data()
        for at in range(0, len(content), 1 << 16):
            self.send(b"d", content[at : at + (1 << 16)])
        self.send(b"c", b"")


def packed(kind, body):
    """A message's bytes."""
    return kind + struct.pack("!i", len(body) + 4) + body


def described(body):
    """The names and the types of a RowDescription."""
    names, types, at = [], [], 2
    for _ in range(struct.unpack_from("!h", body)[0]):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode(errors="backslashreplace"))
        types.append(struct.unpack_from("!i", body, end + 7)[0])
        at = end + 19
    return tuple(names), tuple(types)


def row(body):
    values, at = [], 2
    for _ in range(struct.unpack_from("!h", body)[0]):
        length = struct.unpack_from("!i", body, at)[0]
        at += 4
        values.append(None if length < 0 else body[at : at + length].decode(errors="backslashreplace"))
        at += max(length, 0)
    return tuple(values)


def fields(body):
    found = {}
    for part in body.split(b"\0"):
        if name := FIELDS.get(part[:1].decode(errors="replace")):
            found[name] = part[1:].decode(errors="backslashreplace")
    return found
