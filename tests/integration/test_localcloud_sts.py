# SPDX-License-Identifier: Apache-2.0
"""localcloud's STS, with boto3 as the independent client."""

import pytest
from botocore.exceptions import ClientError


def test_the_caller_is_the_local_account(cloud):
    identity = cloud.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"] == "arn:aws:iam::000000000000:user/localcloud"
    assert identity["UserId"]


def test_other_operations_are_told(cloud):
    with pytest.raises(ClientError) as error:
        cloud.client("sts").get_session_token()
    assert error.value.response["Error"]["Code"] == "InvalidAction"
