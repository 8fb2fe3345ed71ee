"""Fetches the pip wheel that the lock file pins, for a Python without ensurepip; prints where it lies.

Reads the lock file (version and sha256), pip's own settings (index and certificates: `PIP_INDEX_URL`, `PIP_CERT` and
the `[global]` section of pip's configuration files), and the index's simple page (PEP 503: links that end in a hash).

    usage: fetch_pip.py LOCK DIRECTORY
"""

from __future__ import annotations

import base64
import configparser
import hashlib
import os
import re
import ssl
import sys
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

INDEX = "https://pypi.org/simple"
DEADLINE_SECONDS = 60
ANSWER_BYTES_MAX = 32 * 1024 * 1024


class Links(HTMLParser):
    """Collects the target of every link of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep where an `a` points to."""
        if tag == "a":
            self.targets.extend(value for name, value in attrs if name == "href" and value)


def pinned(lock: str) -> tuple[str, frozenset[str]]:
    """Version of pip in the lock file and the sha256 of its files; exits when it is not there."""
    entry = re.search(r"^pip==(\S+)((?:\s*\\\n\s+--hash=sha256:[0-9a-f]{64})+)", lock, re.MULTILINE)
    if entry is None:
        sys.exit("fetch_pip: the lock file does not pin pip")
    return entry[1], frozenset(re.findall(r"sha256:([0-9a-f]{64})", entry[2]))


def setting(name: str) -> str | None:
    """One of pip's settings, as pip would find it: environment first, then the user's file, then the system's."""
    told = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if told:
        return told
    files = configparser.RawConfigParser()
    home = os.environ.get("HOME", "")
    named = os.environ.get("PIP_CONFIG_FILE", "")
    files.read(["/etc/pip.conf", f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf", named])
    return files.get("global", name, fallback=None)


def fetch(url: str) -> bytes:
    """The body behind `url`, with the user and password that the address may carry."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(urllib.parse.urlunsplit((*parts[:1], host, *parts[2:4], "")))
    if parts.username:
        login = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    trust = ssl.create_default_context(cafile=setting("cert"))
    with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS, context=trust) as answer:
        body: bytes = answer.read(ANSWER_BYTES_MAX)
    return body


def wheel_address(page_url: str, version: str, hashes: frozenset[str]) -> str:
    """Address of the pinned wheel on the index's page of pip; exits when the page does not have it."""
    page = Links()
    page.feed(fetch(page_url).decode("utf-8", "replace"))
    for target in page.targets:
        address, _, fragment = target.partition("#sha256=")
        if fragment in hashes and address.endswith(f"pip-{version}-py3-none-any.whl"):
            return urllib.parse.urljoin(page_url, address)
    sys.exit(f"fetch_pip: the index has no wheel of pip {version} with a pinned hash")


def main(lock_path: str, directory: str) -> None:
    """Leave the wheel in `directory`, unless it lies there already, and print its path."""
    version, hashes = pinned(Path(lock_path).read_text(encoding="utf-8"))
    wheel = Path(directory, f"pip-{version}-py3-none-any.whl")
    if not wheel.exists() or hashlib.sha256(wheel.read_bytes()).hexdigest() not in hashes:
        index = (setting("index-url") or INDEX).rstrip("/")
        body = fetch(wheel_address(f"{index}/pip/", version, hashes))
        if hashlib.sha256(body).hexdigest() not in hashes:
            sys.exit("fetch_pip: the wheel is not the pinned one: its sha256 differs")
        wheel.parent.mkdir(parents=True, exist_ok=True)
        wheel.write_bytes(body)
    print(wheel)


if __name__ == "__main__":
    main(*sys.argv[1:3])
