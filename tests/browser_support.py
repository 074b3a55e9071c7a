"""A real Chromium, driven over the DevTools protocol: open a page, see what it asks for, says and draws."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = "chromium"
START_DEADLINE_S = 30.0  # chosen: a cold start on two busy cores took 6 s
ANSWER_DEADLINE_S = 30.0
# fmt: off
_FLAGS = [
    "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-default-apps", "--no-default-browser-check", "--hide-scrollbars", "--remote-debugging-port=0",
]
# fmt: on


@dataclass
class Page:
    """One tab: every request it made, those its policy kept from being sent, every error it reported, in order."""

    wire: ClientConnection
    asked: dict[str, str] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    loaded: bool = False
    navigations: list[str] = field(default_factory=list)
    _last_id: int = 0

    @property
    def requests(self) -> list[str]:
        """The addresses it asked for, without those that were stopped."""
        return list(self.asked.values())

    def call(self, method: str, **parameters: Any) -> Any:
        """One DevTools command and its answer; events that arrive meanwhile are recorded."""
        self._last_id += 1
        self.wire.send(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        deadline = time.monotonic() + ANSWER_DEADLINE_S
        while True:
            message = json.loads(self.wire.recv(timeout=max(0.01, deadline - time.monotonic())))
            if message.get("id") == self._last_id:
                assert "error" not in message, message["error"]
                return message["result"]
            self._note(message)

    def open(
        self, address: str, *, javascript: bool = True, width: int = 1280, height: int = 900, dark: bool = False
    ) -> None:
        """Opens an address and waits until it is loaded."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not javascript)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.loaded = False
        self.call("Page.navigate", url=address)
        deadline = time.monotonic() + ANSWER_DEADLINE_S
        while not self.loaded:
            self._note(json.loads(self.wire.recv(timeout=max(0.01, deadline - time.monotonic()))))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_until(self, expression: str, deadline_s: float = 15.0) -> None:
        """Waits until an expression is true.

        Raises:
            AssertionError: It is still false at the deadline.
        """
        end = time.monotonic() + deadline_s
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"still false after {deadline_s} s: {expression}"
            time.sleep(0.02)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """A picture of the page, as a PNG file."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def printed(self) -> bytes:
        """The page as PDF, as a person would print it on A4."""
        return base64.b64decode(self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])

    def _note(self, message: dict[str, Any]) -> None:
        told, method = message.get("params", {}), message.get("method")
        if method == "Network.requestWillBeSent":
            self.asked[told["requestId"]] = told["request"]["url"]
        elif method == "Network.loadingFailed" and told.get("blockedReason") == "csp":
            self.stopped.append(self.asked.pop(told["requestId"], ""))
        elif method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Page.frameRequestedNavigation":
            self.navigations.append(told["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"])[:600])
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(told["args"])[:600])
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.errors.append(told["entry"]["text"])


@contextmanager
def chromium(profile: Path) -> Iterator[str]:
    """A headless Chromium with an empty profile and no network; gives the address of its DevTools."""
    resolver = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    process = subprocess.Popen(
        [CHROMIUM, *_FLAGS, resolver, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield _devtools(profile / "DevToolsActivePort", process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def tab(devtools: str) -> Iterator[Page]:
    """A new empty tab, closed afterwards."""
    with connect(devtools, max_size=None, open_timeout=ANSWER_DEADLINE_S) as browser:
        made = Page(browser).call("Target.createTarget", url="about:blank")["targetId"]
        address = devtools.split("/devtools/")[0] + f"/devtools/page/{made}"
        with connect(address, max_size=None, open_timeout=ANSWER_DEADLINE_S) as wire:
            yield Page(wire)
        Page(browser).call("Target.closeTarget", targetId=made)


def _devtools(port_file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "Chromium ended before it was ready."
        if port_file.exists() and len(lines := port_file.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.02)
    raise AssertionError(f"Chromium was not ready within {START_DEADLINE_S} s.")
