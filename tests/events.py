"""A listener of server-sent events for tests: a real connection, read line by line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests import factories


def ask(
    address: str, method: str, path: str, body: object = None, *, token: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """Status and JSON of one request to a real server, as an operator of the whole district unless another token is given."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        signed = {} if token == "" else {"Authorization": f"Bearer {token or factories.token('operator')}"}
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json", **signed, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


@dataclass
class Event:
    """One event as it came."""

    name: str
    number: int | None
    content: Any


@dataclass
class Listener:
    """An open stream."""

    answer: HTTPResponse
    heard: list[Event] = field(default_factory=list)

    def next(self) -> Event | None:
        """The next event; None when the stream has ended."""
        found: dict[str, str] = {}
        while raw := self.answer.readline():
            line = raw.decode().rstrip("\n")
            if not line and "event" in found:
                event = Event(found["event"], int(found["id"]) if "id" in found else None, json.loads(found["data"]))
                self.heard.append(event)
                return event
            name, _, value = line.partition(": ")
            found[name] = value
        return None

    def changes(self, number: int) -> list[dict[str, Any]]:
        """So many changes, however they are put together."""
        found: list[dict[str, Any]] = []
        while len(found) < number:
            event = self.next()
            assert event is not None, f"the stream ended after {found}"
            if event.name == "changes":
                found += event.content
        return found

    def until(self, layer: str) -> list[dict[str, Any]]:
        """All changes from the first event to the one that tells the first of a layer."""
        while not (found := self.told()) or layer not in {each["layer"] for each in found}:
            assert self.next() is not None, f"the stream ended after {found}"
        return found

    def told(self) -> list[dict[str, Any]]:
        """All changes heard so far."""
        return [change for event in self.heard if event.name == "changes" for change in event.content]

    def rest(self) -> list[Event]:
        """Everything until the stream ends."""
        return list(iter(self.next, None))


@contextmanager
def listening(address: str, role: str = "operator", area: str = "district", *, token: str = "", **asked: Any) -> Iterator[Listener]:
    """Hear the stream of a real server; the first event has come when this begins."""
    headers = {"Authorization": f"Bearer {token or factories.token(role, area)}"}
    if "last_event_id" in asked:
        headers["Last-Event-ID"] = str(asked.pop("last_event_id"))
    connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.request("GET", f"/api/v1/events?{urlencode(asked)}", headers=headers)
        listener = Listener(connection.getresponse())
        listener.next()
        yield listener
    finally:
        connection.close()
