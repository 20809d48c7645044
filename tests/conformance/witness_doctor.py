# SPDX-License-Identifier: Apache-2.0
"""`spotlist doctor` against moto: all that tests/integration/test_doctor_account.py asks of it, and
dead letters, for moto confirms subscriptions by itself."""

import json

import pytest

import witnesses
from test_doctor_account import *  # noqa: F401,F403 pylint: disable=wildcard-import,unused-wildcard-import
from test_doctor_account import ENDPOINT, doctor, provision, queue_url, told, topic

pytestmark = pytest.mark.witness("moto")


@pytest.fixture
def account(tmp_path):
    moto = witnesses.Moto(tmp_path / "moto")
    moto.blind = ("SignatureVersion",)  # kept, and never told
    yield moto
    moto.stop()


@pytest.fixture
def subscribed(account):
    ran = provision(account, "--endpoint", ENDPOINT)
    assert ran.status == 0, ran.text
    return ran.settings


def test_subscriptions_are_as_provision_makes_them(account, subscribed):
    found = doctor(account, subscribed)
    assert [status for status, _ in found["subscriptions"]] == ["ok"], found["subscriptions"]
    assert [status for status, _ in found["dead letters"]] == ["ok"], found["dead letters"]


def test_dead_letters_are_counted(account, subscribed):
    sqs = account.client("sqs")
    for _ in range(3):
        sqs.send_message(QueueUrl=queue_url(account), MessageBody="{}")
    told(doctor(account, subscribed), "dead letters", "warn", "3 notifications did not reach /sns",
         "purge-queue")


def test_subscriptions_that_somebody_changed(account, subscribed):
    sns = account.client("sns")
    arn = topic(account, "spotlist-events")
    [one] = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]

    def set_to(name, value):
        sns.set_subscription_attributes(
            SubscriptionArn=one["SubscriptionArn"], AttributeName=name, AttributeValue=value)
    set_to("RawMessageDelivery", "true")
    set_to("DeliveryPolicy", json.dumps({"healthyRetryPolicy": {
        "numRetries": 3, "minDelayTarget": 20, "maxDelayTarget": 20}}))
    sns.subscribe(TopicArn=arn, Protocol="https", Endpoint="https://old.example.com/sns")
    found = doctor(account, subscribed)
    told(found, "subscriptions", "fail", arn, "sns_raw_delivery")
    told(found, "subscriptions", "warn", arn, "within minutes is given up")
    told(found, "subscriptions", "warn", arn, "2 addresses")
