#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Submits videos while everything fails, from one seed, and then looks whether anything was lost.

The same seed decides the same videos, faults and deaths, in the same order; threads and programs
still meet as they please, so a failure may need several runs of its seed.
"""

import argparse
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from callbacks import SECRET, Callbacks  # noqa: E402
from chaos import Chaos  # noqa: E402
from clients import Client, Submission, put_object  # noqa: E402
from shapes import make_shapes  # noqa: E402
from verify import FINAL, Verifier  # noqa: E402
from world import World, dump, tell  # noqa: E402
from harness import PATIENCE  # noqa: E402

CLIENTS = 5
WEBHOOKS = {"SPOTLIST_WEBHOOK_SECRET": SECRET, "SPOTLIST_WEBHOOK_ALLOW_HTTP": "yes",
            "SPOTLIST_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8", "SPOTLIST_WEBHOOK_TIMEOUT_MS": "1000",
            "SPOTLIST_WEBHOOK_RETRY_MS": ",".join(["300"] * 50)}


class Torture:
    """One run. `problems` is empty when nothing was lost."""

    def __init__(self, directory, seed, videos=300, seconds=120, short=False):
        self.dir = Path(directory)
        self.seed = seed
        self.videos = videos
        self.seconds = seconds
        self.short = short
        self.problems = []

    def run(self):
        began = time.monotonic()
        rng = random.Random(f"{self.seed}/plan")
        shapes = make_shapes(rng)
        with contextlib.ExitStack() as stack:
            receiver = Callbacks(self.seed, bad_answers=0.1)
            stack.callback(receiver.close)
            world = World(self.dir, self.seed, [shape for shape, _ in shapes], settings=WEBHOOKS)
            stack.callback(world.close)
            self.submissions = [Submission(number, rng, shapes, receiver)
                                for number in range(self.videos)]
            self.chaos = Chaos(world, self.seed, self.short)
            clients = self.torment(world)
            settled_from = time.monotonic()
            settled = self.settle(world)
            self.settled_s = time.monotonic() - settled_from
            verified_from = time.monotonic()
            self.verifier = Verifier(world, self.submissions, receiver)
            self.verifier.run()
            self.verified_s = time.monotonic() - verified_from
            self.problems += self.chaos.problems
            self.problems += [each for client in clients for each in client.problems]
            self.problems += [self.told(world, video, sentence)
                              for video, sentence in self.verifier.problems]
            if not settled:
                self.problems.insert(0, "not everything came to an end: see below")
        self.problems += [f"{name} ended by itself with {status}:\n{log}"
                          for name, status, log in world.crashes()]
        self.asked_again = sum(client.asked_again for client in clients)
        self.wall_s = time.monotonic() - began

    def torment(self, world):
        """All is submitted while all fails; returns when every client has been answered."""
        give_up = threading.Event()
        pause_s = 0.7 * self.seconds * CLIENTS / self.videos  # asking takes its time, too
        clients = [Client(f"client{number}", world, self.seed, self.submissions[number::CLIENTS],
                          pause_s, give_up) for number in range(CLIENTS)]
        self.chaos.start()
        deadline = time.monotonic() + self.seconds * PATIENCE
        for client in clients:
            client.thread.join(max(0, deadline - time.monotonic()))
        self.chaos.stop()
        deadline = time.monotonic() + 60 * PATIENCE
        for client in clients:  # nothing fails any more: they soon are done
            client.thread.join(max(0, deadline - time.monotonic()))
            if client.thread.is_alive():
                self.problems.append(f"{client.name} was not answered though nothing failed")
        give_up.set()
        return clients

    def settle(self, world):
        """Waits until no work is left. An object whose event got lost is put again, as whoever
        misses a video would."""
        deadline = time.monotonic() + (45 if self.short else 300) * PATIENCE
        put_again_at = time.monotonic() + 5
        while time.monotonic() < deadline:
            (left,), = world.database.query(
                "SELECT (SELECT count(*) FROM spotlist_data.steps) + (SELECT count(*) "
                "FROM spotlist_data.videos WHERE NOT state = ANY(%s))", sorted(FINAL))
            absent = self.absent(world)
            if left == 0 and not absent:
                return True
            if time.monotonic() > put_again_at:
                put_again_at += 5
                for submission in absent:
                    put_object(world, submission)
            time.sleep(0.2)
        return False

    def absent(self, world):
        known = {key for (key,) in world.database.query(
            "SELECT key FROM spotlist_data.videos WHERE key LIKE 'uploads/torture/%%'")}
        return [one for one in self.submissions if one.how == "event" and one.key not in known]

    def told(self, world, video, sentence):
        """A problem with all that helps to understand it."""
        if video is None:
            return sentence
        timeline = [f"{entry['at']:%H:%M:%S.%f} {entry['analysis'] or 'video'} {entry['event']}"
                    for entry in self.verifier.timelines[video]]
        shapes = [f"{one.title}, {one.shape.name}, {one.how}, {','.join(one.analyses)}"
                  f"{', ' + one.fate if one.fate else ''}" for one, row in self.verifier.pairs
                  if row["id"] == video]
        return "\n    ".join([f"{video} ({'; '.join(shapes) or 'deleted or unknown'}): {sentence}",
                              *timeline])

    def summary(self):
        chaos, verifier = self.chaos, self.verifier
        counts = chaos.counts
        fired = ", ".join(f"{kind} {count}" for kind, count in sorted(chaos.fired.items()) if count)
        return (f"seed {self.seed}: videos {self.videos}, checked {verifier.checked}, "
                f"deleted {verifier.deleted}, canceled {verifier.canceled}; "
                f"kills {counts['kills']}, terminations {counts['terminations']}, "
                f"pauses {counts['pauses']}, PostgreSQL restarts {counts['postgres']}, "
                f"localcloud restarts {counts['cloud']}; faults fired {counts['faults']}, "
                f"notifications disturbed {counts['messages']} ({fired or 'none'}); "
                f"clients asked again {self.asked_again}; second jobs {verifier.second_jobs}; "
                f"lost: {len(self.problems)}; {self.wall_s:.0f} s, "
                f"of these {self.settled_s:.0f} until all was settled and {self.verified_s:.0f} to "
                "verify it")


def main():
    parser = argparse.ArgumentParser(description=__doc__, prog="./run torture")
    parser.add_argument("--seed", type=int, default=None, help="default: one by chance, printed")
    parser.add_argument("--videos", type=int, default=300, metavar="N")
    parser.add_argument("--seconds", type=float, default=120, metavar="N",
                        help="how long things fail; what is left is finished in peace")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a good run, too")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    tell(f"seed {seed}: {options.videos} videos, {options.seconds:g} s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is ended
    directory = Path(tempfile.mkdtemp(prefix="spotlist-torture-", dir="/var/tmp"))
    torture = Torture(directory, seed, options.videos, options.seconds)
    torture.run()
    if torture.problems:
        (directory / "history.json").write_text(dump(torture.chaos.history))
        for problem in torture.problems[:40]:
            tell(problem)
        tell(f"{len(torture.problems)} problems; logs are kept in {directory}")
    elif options.keep:
        tell(f"logs are kept in {directory}")
    else:
        shutil.rmtree(directory)
    print(torture.summary(), flush=True)
    return 1 if torture.problems else 0


if __name__ == "__main__":
    sys.exit(main())
