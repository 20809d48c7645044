# SPDX-License-Identifier: Apache-2.0
"""Debian's chromium, driven through a pipe by its DevTools protocol; everything that it asks for and
complains of is kept. No host but 127.0.0.1 has an address for it."""

import itertools
import json
import os
import select
import subprocess
import time

from harness import PATIENCE, wait_until

CHROMIUM = "/usr/bin/chromium"


class Browser:
    def __init__(self, directory):
        to_child, self.to = os.pipe()
        self.come, from_child = os.pipe()
        log = open(directory / "chromium.log", "wb")
        self.child = subprocess.Popen(
            # The descriptors that --remote-debugging-pipe wants are 3 and 4.
            ["/bin/bash", "-c", f'exec "$@" 3<&{to_child} 4>&{from_child}', "bash", CHROMIUM,
             "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-proxy-server", f"--user-data-dir={directory / 'profile'}",
             "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
             "--remote-debugging-pipe"],
            pass_fds=(to_child, from_child), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "HOME": str(directory)})
        log.close()
        os.close(to_child)
        os.close(from_child)
        self.numbers = itertools.count(1)
        self.pending = b""
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def read(self, timeout):
        """The next message, or None."""
        deadline = time.monotonic() + timeout
        while b"\0" not in self.pending:
            left = max(deadline - time.monotonic(), 0)
            if not select.select([self.come], [], [], left)[0]:
                return None
            piece = os.read(self.come, 1 << 16)
            assert piece, "chromium has ended"
            self.pending += piece
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read(60 * PATIENCE)
            assert answer, f"chromium does not answer {method}"
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def saw(self, method):
        """The parameters of every event of this kind, up to now."""
        while message := self.read(0):
            self.events.append(message)
        return [event["params"] for event in self.events if event.get("method") == method]

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        wait_until(lambda: self.saw("Page.loadEventFired"), 60, f"{url} to be loaded")

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self):
        """What the console shows, and what went wrong on the network."""
        return [entry["entry"] for entry in self.saw("Log.entryAdded")] + \
            self.saw("Runtime.exceptionThrown") + self.saw("Runtime.consoleAPICalled") + \
            self.saw("Network.loadingFailed")

    def stop(self):
        os.close(self.to)  # it ends with its pipe
        try:
            self.child.wait(20 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        os.close(self.come)
