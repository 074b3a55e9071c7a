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

import pytest
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
        self.look(width=width, height=height, dark=dark)
        self.loaded = False
        self.call("Page.navigate", url=address)
        deadline = time.monotonic() + ANSWER_DEADLINE_S
        while not self.loaded:
            self._note(json.loads(self.wire.recv(timeout=max(0.01, deadline - time.monotonic()))))

    def look(self, *, width: int = 1280, height: int = 900, dark: bool = False, forced: bool = False) -> None:
        """How it is looked at from now on; ``forced`` are the colours of the reader's system, and no others."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "forced-colors": "active" if forced else "none",
        }
        told = [{"name": name, "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=told)

    def press(self, key: str) -> None:
        """One key, as a person presses it."""
        text = {"text": "\r"} if key == "Enter" else {}
        code = {"Tab": 9, "Enter": 13}[key]
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

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


def draw_all(page: Page, most: int = 99) -> int:
    """Scrolls to the charts of a report, one after another, until each is drawn and named; gives how many there are."""
    count = int(page.evaluate("document.querySelectorAll('.plot').length"))
    for index in range(min(count, most)):
        plot = f"document.querySelectorAll('.plot')[{index}]"
        page.evaluate(f"{plot}.scrollIntoView()")
        page.wait_until(f"{plot}.querySelector('[role=img]')")
    return count


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
    """A new empty tab with nothing in its stores, closed afterwards."""
    with connect(devtools, max_size=None, open_timeout=ANSWER_DEADLINE_S) as wire:
        whole = Page(wire)
        context = whole.call("Target.createBrowserContext")["browserContextId"]
        made = whole.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        address = devtools.split("/devtools/")[0] + f"/devtools/page/{made}"
        try:
            with connect(address, max_size=None, open_timeout=ANSWER_DEADLINE_S) as own:
                yield Page(own)
        finally:
            whole.call("Target.disposeBrowserContext", browserContextId=context)


@pytest.fixture(scope="session")
def devtools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Chromium for all tests; each has a tab and a context of its own in it."""
    with chromium(tmp_path_factory.mktemp("profile")) as address:
        yield address


@pytest.fixture
def browser(devtools: str) -> Iterator[Page]:
    """A tab that no other test has used."""
    with tab(devtools) as opened:
        yield opened


def _devtools(port_file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "Chromium ended before it was ready."
        if port_file.exists() and len(lines := port_file.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.02)
    raise AssertionError(f"Chromium was not ready within {START_DEADLINE_S} s.")
