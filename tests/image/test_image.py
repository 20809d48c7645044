# SPDX-License-Identifier: Apache-2.0
"""./run image --test: what is in the image, and that it works as docker/compose.yaml runs it."""

import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
import urllib.parse

import pytest

from conftest import wait_until
from containers import Container

SECRET = re.compile(r"AWS_[A-Z_]*(KEY|TOKEN)|PASSWORD|SECRET|DATABASE_URL|PRIVATE KEY", re.I)


# --- what is in it ------------------------------------------------------------------------------


def files(root, test):
    found = set()
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            if not os.path.islink(path) and test(path):
                found.add(os.path.relpath(path, root))
    return found


def test_it_runs_as_nobody_in_particular_and_says_how_to_stop_it(image):
    config = image.config
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/usr/bin/spotlist"] and config["Cmd"] == ["serve"]
    assert config["StopSignal"] == "SIGTERM"
    assert image.health == ["/usr/bin/spotlist", "health"]
    assert list(config["Volumes"]) == ["/tmp"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert (image.root / "usr/share/doc/spotlist/LICENSE").is_file()


def test_nothing_that_builds_programs_is_in_it(image):
    names = {path.name for place in ("usr/bin", "usr/sbin", "usr/local/bin")
             for path in (image.root / place).iterdir()}
    tools = {"gcc", "cc", "c++", "g++", "ld", "as", "make", "ninja", "meson", "python3", "curl",
             "wget", "git", "pkg-config"}
    assert not names & tools
    assert not files(image.root, lambda path: path.endswith((".h", ".a", ".deb", ".o")))
    assert not (image.root / "src").exists()
    assert not list((image.root / "var/lib/apt/lists").glob("*_Packages*"))


def test_no_file_gives_more_rights_than_in_debians_own(image, base):
    def gives_rights(path):
        mode = os.stat(path).st_mode
        return bool(mode & (stat.S_ISUID | stat.S_ISGID)) and stat.S_ISREG(mode)
    assert files(image.root, gives_rights) == files(base.root, gives_rights)
    done = subprocess.run(["getcap", "-r", image.root], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == ""


def test_only_root_can_change_its_files(image):
    uid = image.user[0]
    assert not files(image.root, lambda path: os.stat(path).st_uid == uid)


def test_its_history_and_environment_have_no_secret(image):
    assert set(image.environment) == {"PATH"}
    told = json.dumps(image.docker["history"]) + json.dumps(image.config)
    assert not SECRET.search(told)


def test_every_library_is_there(image, tmp_path):
    one = Container(image, tmp_path, "ldd")
    done = subprocess.run(one.argv(["/usr/bin/ldd", "/usr/bin/spotlist"], []),
                          capture_output=True, text=True)
    assert done.returncode == 0 and "not found" not in done.stdout + done.stderr, done
    assert "libpq.so.5" in done.stdout


@pytest.mark.parametrize("command, status, words", [
    (["version"], 0, "spotlist "),
    (["serve"], 78, "SPOTLIST_DATABASE_URL is not set"),
    (["migrate"], 78, "SPOTLIST_DATABASE_URL is not set"),
    (["health"], 1, "Connection refused"),
    (["nonsense"], 2, "there is no command"),
])
def test_its_exit_status_comes_through(image, tmp_path, command, status, words):
    one = Container(image, tmp_path, "once", command, {"SPOTLIST_ADMIN_LISTEN": "127.0.0.1:9"})
    assert one.start().wait() == status, one.log()
    assert words in one.log()


# --- what compose.yaml says ----------------------------------------------------------------------


def call(method, url, body=None, headers=None):
    """An exchange; the host of a service is this machine."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, target, body, {"Host": parts.netloc, **(headers or {})})
    reply = connection.getresponse()
    return reply.status, reply.read()


def new_token(container):
    """As docs/install.md says, by `docker exec`."""
    done = container.execute(["/usr/bin/spotlist", "token", "create", "--scope", "admin"])
    assert done.returncode == 0, done
    return done.stdout.strip()


def api(token, method, target, value=None):
    body = None if value is None else json.dumps(value)
    status, answer = call(method, f"http://127.0.0.1:8080{target}", body,
                          {"Authorization": f"Bearer {token}",
                           **({"Content-Type": "application/json"} if body else {})})
    return status, json.loads(answer)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:duration=3",
                    "-f", "lavfi", "-i", "sine=duration=3", "-c:v", "libx264", "-pix_fmt",
                    "yuv420p", "-c:a", "aac", "-shortest", path], check=True)
    return path


def test_a_video_goes_all_the_way(compose, clip):
    assert call("GET", "http://127.0.0.1:8080/videos")[0] == 401
    token = new_token(compose.started["spotlist"])
    status, video = api(token, "POST", "/videos", {
        "source": "upload", "filename": "clip.mp4", "content_type": "video/mp4"})
    assert status == 202, video
    upload = video["upload"]
    assert upload["url"].startswith("http://localcloud:4566/")
    status, answer = call(upload["method"], upload["url"], clip.read_bytes(), upload["headers"])
    assert status == 200, answer

    def settled():
        found = api(token, "GET", f"/videos/{video['id']}")[1]
        return found if found["state"] in ("complete", "partial", "failed") else None
    found = wait_until(settled, 180, lambda: api(token, "GET", f"/videos/{video['id']}"))
    assert found["state"] == "complete", found
    status, document = api(token, "GET", f"/videos/{video['id']}/metadata")
    assert status == 200 and document["duration_ms"] == pytest.approx(3000, abs=200)
    # News of it came: SNS reached /sns, and its signature was good.
    news = re.findall(r"msg=request .* path=/sns status=(\d+)", compose.started["spotlist"].log())
    assert len(news) > 3 and set(news) == {"200"}, news


def test_it_has_no_rights_and_cannot_write(compose):
    one = compose.started["spotlist"]
    status = one.status()
    assert status["Uid"].split() == ["10001"] * 4 and status["Gid"].split() == ["10001"] * 4
    assert status["NSpid"].split()[-1] == "1"
    for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[which], 16) == 0, which
    assert status["NoNewPrivs"].strip() == "1"
    for path in ("/x", "/usr/bin/x", "/var/lib/x", "/etc/x", "/var/lib/localcloud/x"):
        done = one.execute(["/usr/bin/touch", path])
        assert done.returncode == 1 and "Read-only file system" in done.stderr, (path, done)
    assert one.execute(["/usr/bin/touch", "/tmp/x"]).returncode == 0


def test_the_health_check_tells_life_from_hanging(compose):
    one = compose.started["spotlist"]
    assert one.execute(["/usr/bin/spotlist", "health", "--ready"]).returncode == 0
    os.kill(one.pid(), signal.SIGSTOP)
    try:
        began = time.monotonic()
        done = one.execute(one.image.health)
        assert done.returncode == 1 and "no answer in time" in done.stderr, done
        assert time.monotonic() - began < 5  # the check's own --timeout
    finally:
        os.kill(one.pid(), signal.SIGCONT)
    wait_until(one.healthy, 10, one.log)


def test_localcloud_leaves_no_dead_children(compose):
    """Nobody but itself could bury them: it is PID 1 here, without compose.yaml's `init`."""
    if not hasattr(compose.started["localcloud"], "pid"):
        pytest.skip("localcloud's image was not built: ./run image --localcloud --test")
    first = compose.started["localcloud"].pid()
    inside = os.readlink(f"/proc/{first}/ns/pid")
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{entry}/ns/pid") == inside:
                state = re.search(r"^State:\t(\S)", open(f"/proc/{entry}/status").read(), re.M)
                assert state.group(1) != "Z", entry
        except OSError:
            pass  # it has ended meanwhile


def test_as_the_first_process_it_stops_when_asked(compose):
    """Last: the stack is not whole afterwards."""
    one = compose.started["spotlist"]
    status, seconds = one.stop()
    assert status == 0, one.log()[-3000:]
    assert "msg=stopped" in one.log()
    print(f"stopped within {seconds:.1f} s")
    grace = float(compose.services["spotlist"]["stop_grace_period"].rstrip("s"))
    assert seconds < grace - 10

    # Again, with a request that does not end: a second signal has no default action to fall back on.
    one.start()
    compose.wait_healthy("spotlist")
    with socket.create_connection(("127.0.0.1", 8080)) as slow:
        slow.sendall(b"POST /videos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 100\r\n\r\n{")
        time.sleep(0.2)  # until it has been read; nothing tells
        os.kill(one.pid(), signal.SIGTERM)
        wait_until(lambda: one.log().count("msg=stopping") == 2, 10, one.log)
        status, seconds = one.stop()
    assert status == 128 + signal.SIGTERM and seconds < 5, (status, seconds, one.log()[-2000:])


def test_localcloud_stops_when_asked(compose):
    one = compose.started["localcloud"]
    if not hasattr(one, "stop"):
        pytest.skip("localcloud's image was not built: ./run image --localcloud --test")
    status, seconds = one.stop()
    assert status == 0, one.log()[-3000:]
    assert seconds < 10
