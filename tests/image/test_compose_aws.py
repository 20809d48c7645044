# SPDX-License-Identifier: Apache-2.0
"""docker/compose.aws.yaml with the files that it wants; localcloud stands in the place of AWS."""

import json
import os
import re
from pathlib import Path

import pytest

import containers
from conftest import ROOT, Program, as_user, open_directory, postgres, wait_until
from test_image import api, new_token

PASSWORD = "from-a-file"
# A key that only the file of credentials names: the call is signed with it or refused.
CREDENTIALS = "[default]\naws_access_key_id = test\naws_secret_access_key = of-the-file\n"


def settings(directory):
    text = (ROOT / "docker" / "spotlist.env.example").read_text()
    text = re.sub(r"^SPOTLIST_DATABASE_URL=.*",
                  f"SPOTLIST_DATABASE_URL=postgresql://spotlist:{PASSWORD}@postgres:5432/spotlist",
                  text, flags=re.M)
    text += "AWS_ENDPOINT_URL=http://127.0.0.1:4566\nAWS_EC2_METADATA_DISABLED=true\n"
    (directory / "spotlist.env").write_text(text)


@pytest.fixture(scope="module")
def stack(images, image, tmp_path_factory):
    directory = open_directory(tmp_path_factory, "compose-aws")
    settings(directory)
    (directory / "postgres-password.txt").write_text(PASSWORD)
    credentials = directory / "aws-credentials"
    credentials.write_text(CREDENTIALS)
    credentials.chmod(0o400)
    os.chown(credentials, *image.user)
    program = Path(os.environ["SPOTLIST_LOCALCLOUD"])
    data = directory / "cloud"
    data.mkdir()
    os.chown(data, *image.user)
    cloud = Program([*as_user(image.user[0]), program, "--data", data, "--secret-key",
                     "of-the-file"], directory / "localcloud.log", None)
    one = containers.Compose(ROOT / "docker" / "compose.aws.yaml", images, directory,
                             {"postgres": postgres(directory)})
    try:
        wait_until(lambda: "localcloud ready" in cloud.log(), 60, cloud.log)
        one.up()
        one.wait_healthy("spotlist")
        yield one
    finally:
        one.down()
        cloud.end()


def test_it_is_ready_with_the_password_of_the_file(stack):
    one = stack.started["spotlist"]
    wait_until(lambda: one.execute(["/usr/bin/spotlist", "health", "--ready"]).returncode == 0, 20,
               one.log)


def test_it_signs_with_the_credentials_of_the_secret(stack):
    """S3 tells what it lacks, rather than that it does not know who asks."""
    status, problem = api(new_token(stack.started["spotlist"]), "POST", "/videos",
                          {"source": "s3://my-spotlist/there-is-none.mp4"})
    assert status == 404 and problem["code"] == "source_not_found", json.dumps(problem)


def test_neither_secret_is_told(stack):
    one = stack.started["spotlist"]
    printed = one.execute(["/usr/bin/spotlist", "config", "--print"])
    assert printed.returncode == 0, printed
    for text in (one.log(), printed.stdout, str(one.argv([], []))):
        assert "of-the-file" not in text
    assert PASSWORD not in one.log() + printed.stdout
