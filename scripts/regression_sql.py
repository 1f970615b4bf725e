"""PostgreSQL's regression tests: where their sources come from, and their scripts as psql reads them."""

import pathlib
import re
import subprocess
import sys

WORD = re.compile(r"[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*")
DOLLAR = re.compile(r"\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$")
VARIABLE = re.compile(r""":(?:(['"])(\w+)\1|()([A-Za-z_]\w*))""")
SENDING = {"g", "gx", "gset", "gexec", "gdesc", "crosstabview"}


def fetched_sources(directory):
    """PostgreSQL's sources of the newest version that can be had, unpacked into the directory."""
    options, versions = [], source_versions([])
    if not versions:
        # The machine's lists name packages only: read the sources of the same archives, beside its own lists.
        options = source_lists(pathlib.Path(directory))
        subprocess.run(["apt-get", *options, "update", "-qq"], check=True, capture_output=True)
        versions = source_versions(options)
    for version in versions:
        fetch = ["apt-get", *options, "source", "--download-only", f"postgresql-15={version}"]
        if subprocess.run(fetch, cwd=directory, capture_output=True).returncode == 0:
            break
    else:
        sys.exit("no version of postgresql-15's sources can be fetched: " + ", ".join(versions))
    archive = next(pathlib.Path(directory).glob("postgresql-15_*.orig.tar.*"))
    subprocess.run(["tar", "xf", archive, "--strip-components=1"], cwd=directory, check=True)
    return pathlib.Path(directory)


def source_versions(options):
    madison = ["apt-cache", *options, "madison", "postgresql-15"]
    listed = subprocess.run(madison, capture_output=True, text=True, check=True).stdout
    return list(dict.fromkeys(line.split("|")[1].strip() for line in listed.splitlines() if "Sources" in line))


def source_lists(directory):
    """apt's options for lists of sources made from the machine's lists of packages."""
    parts, state = directory / "sources.list.d", directory / "lists"
    parts.mkdir()
    (state / "partial").mkdir(parents=True)
    for known in pathlib.Path("/etc/apt").glob("sources.list*/*.sources"):
        (parts / known.name).write_text(re.sub(r"(?m)^Types:.*", "Types: deb-src", known.read_text()))
    for known in [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt").glob("sources.list.d/*.list")]:
        if known.exists():
            lines = [line for line in known.read_text().splitlines() if line.startswith("deb ")]
            text = "".join(line.replace("deb ", "deb-src ", 1) + "\n" for line in lines)
            (parts / (known.stem + ".list")).write_text(text)
    return ["-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={parts}", "-o", f"Dir::State::Lists={state}"]


class Script:
    """A script, statement by statement as psql sends them. What psql holds is an attribute: `variables`, and `escapes`,
    whether backslashes escape in plain strings. `as_written` says of the last statement that nothing of psql's is in it:
    no \\; and no variable that has no value."""

    def __init__(self, text, variables=None):
        self.text, self.at = text, 0
        self.variables = {} if variables is None else variables
        self.escapes, self.as_written = False, True

    def next(self):
        """The next statement or command: (its SQL, the command or None, the command's arguments); None at the end.
        A command that sends nothing has no SQL, and unfinished SQL before it is left for what follows it."""
        text, start, depth, begins, words, empty = self.text, self.at, 0, 0, [], True
        self.as_written = True
        while (at := self.at) < len(self.text):
            text, first = self.text, self.text[self.at]
            if text.startswith("--", at) or first.isspace():
                self.at = end_of_line(text, at) if first == "-" else at + 1
                start = self.at if empty else start
                continue
            if first == "\\" and text[at + 1 : at + 2] != ";":
                command = self.command()
                sent = text[start:at]
                if command[0] in SENDING and not empty:
                    return sent, *command
                # What has been read before a command amid a statement stays, unless the command drops it.
                self.text, self.at = text[: start if command[0] in ("r", "reset") else at] + text[self.at :], start
                return "", *command
            empty = False
            if text.startswith("/*", at):
                self.at = end_of_comment(text, at)
            elif first == "\\":
                # psql's \; parts statements that are sent together.
                self.text, self.at = text[:at] + text[at + 1 :], at + 1
                words, self.as_written = [], False
            elif first == "'" or re.match(r"[eE]'", text[at : at + 2]):
                self.at = end_of_string(text, at, self.escapes and text[at - 2 : at].lower() != "u&")
            elif first == '"':
                self.at = (text.find('"', at + 1) + 1) or len(text)
            elif first == "$" and (tag := DOLLAR.match(text, at)) and not (at and (text[at - 1].isalnum() or text[at - 1] in "_$")):
                end = text.find(tag.group(), tag.end())
                self.at = end + len(tag.group()) if end >= 0 else len(text)
            elif first == ":":
                self.variable()
            elif word := WORD.match(text, at):
                lower = word.group().lower()
                words = (words + [lower])[:4]
                if words[0] == "create" and {"function", "procedure"} & set(words[1:4]) and depth == 0:
                    begins += {"begin": 1, "case": bool(begins), "end": -bool(begins)}.get(lower, 0)
                self.at = word.end()
            elif first == ";" and depth == 0 and begins == 0:
                self.at = at + 1
                return text[start:at], None, []
            else:
                depth = max(depth + (first in "([") - (first in ")]"), 0)
                self.at = at + 1
        return None if empty else (self.text[start:], None, [])

    def variable(self):
        """Puts a variable's value into the text; an unquoted one is read again, as it may hold statements."""
        at, found = self.at, VARIABLE.match(self.text, self.at)
        if self.text.startswith("::", at):
            self.at = at + 2
        elif not found or (name := found[2] or found[4]) not in self.variables:
            self.at = at + 1
            self.as_written = self.as_written and not found and not self.text.startswith(":{", at)
        else:
            value = self.variables[name]
            if quote := found[1]:
                value = quote + value.replace(quote, quote * 2) + quote
            self.text = self.text[:at] + value + self.text[found.end() :]
            self.at = at + (len(value) if quote else 0)

    def command(self):
        """Reads a backslash command: its name and its arguments, those of \\copy and \\d as they stand."""
        end = end_of_line(self.text, self.at)
        name = re.compile(r"\\(\w*|[?!])").match(self.text, self.at)
        self.at = name.end()
        if name[1] == "copy" or name[1].startswith("d"):
            rest, self.at = self.text[self.at : end], end
            return name[1], [rest.strip()]
        arguments = []
        while self.at < end:
            if self.text[self.at].isspace():
                self.at += 1
            elif self.text.startswith("\\", self.at):
                self.at += 2 * self.text.startswith("\\\\", self.at)
                break
            else:
                arguments.append(self.argument(end))
        return name[1], arguments

    def argument(self, end):
        value = ""
        while self.at < end and not self.text[self.at].isspace() and self.text[self.at] != "\\":
            if quoted := re.compile(r"'((?:[^'\\\n]|''|\\.)*)'").match(self.text, self.at):
                value += re.sub(r"\\(.)", lambda escape: {"n": "\n", "t": "\t"}.get(escape[1], escape[1]), quoted[1].replace("''", "'"))
                self.at = quoted.end()
            elif (found := VARIABLE.match(self.text, self.at)) and (name := found[2] or found[4]) in self.variables:
                quote = found[1] or ""
                value += quote + self.variables[name].replace(quote or "\0", quote * 2) + quote
                self.at = found.end()
            else:
                value += self.text[self.at]
                self.at += 1
        return value

    def data(self):
        """The lines that COPY FROM STDIN reads: those after the statement's, up to `\\.`."""
        start = end_of_line(self.text, self.at) + 1
        end = re.compile(r"^\\\.$", re.M).search(self.text, start)
        self.at = end.end() if end else len(self.text)
        return self.text[start : end.start() if end else len(self.text)].encode(errors="surrogateescape")


def end_of_line(text, at):
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def end_of_comment(text, at):
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def end_of_string(text, at, escapes=False):
    escapes = escapes or text[at] != "'"
    pattern = r"[eE]?'(?:[^'\\]|\\.|'')*'" if escapes else r"'(?:[^']|'')*'"
    match = re.compile(pattern, re.S).match(text, at)
    return match.end() if match else len(text)
