# SPDX-License-Identifier: Apache-2.0
"""localcloud's EventBridge, driven by boto3, with an SNS topic as the target."""

import json
import re

import pytest
from botocore.exceptions import ClientError

from receiver import Receiver, check_signature

MEDIACONVERT = {"source": ["aws.mediaconvert"], "detail-type": ["MediaConvert Job State Change"],
                "detail": {"status": ["COMPLETE", "ERROR"]}}


@pytest.fixture(scope="module")
def events(cloud):
    return cloud.client("events")


@pytest.fixture(scope="module")
def sns(cloud):
    return cloud.client("sns")


@pytest.fixture(scope="module")
def topic(sns):
    return sns.create_topic(Name="events")["TopicArn"]


@pytest.fixture(scope="module")
def receiver(sns, topic):
    receiver = Receiver()
    receiver.subscribe(sns, topic)
    yield receiver
    receiver.close()


@pytest.fixture
def rule(events, request):
    """Makes rules with targets, and takes them away."""
    made = []

    def make(pattern, *arns, **options):
        name = f"rule{len(made)}"
        made.append(name)
        events.put_rule(Name=name, EventPattern=json.dumps(pattern), **options)
        targets = [arn if isinstance(arn, dict) else {"Id": str(i), "Arn": arn}
                   for i, arn in enumerate(arns)]
        if targets:
            reply = events.put_targets(Rule=name, Targets=targets)
            assert reply["FailedEntryCount"] == 0
        return name
    yield make
    for name in made:
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
        if targets:
            events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets])
        events.delete_rule(Name=name)


def refused(call, code, words):
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] == code
    assert words in error.value.response["Error"]["Message"]


def put(events, source="my.app", kind="kind", **detail):
    reply = events.put_events(Entries=[
        {"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}])
    assert reply["FailedEntryCount"] == 0
    return reply["Entries"][0]["EventId"]


# --- rules and targets ---------------------------------------------------------------------------

def test_a_rule_lives(events, topic):
    arn = events.put_rule(Name="life", EventPattern=json.dumps(MEDIACONVERT),
                          Description="d")["RuleArn"]
    assert arn == "arn:aws:events:us-east-1:000000000000:rule/life"
    described = events.describe_rule(Name="life")
    assert json.loads(described["EventPattern"]) == MEDIACONVERT
    assert (described["State"], described["Arn"], described["Description"]) == \
        ("ENABLED", arn, "d")
    events.disable_rule(Name="life")
    assert events.describe_rule(Name="life")["State"] == "DISABLED"
    events.enable_rule(Name="life")
    assert events.describe_rule(Name="life")["State"] == "ENABLED"
    events.put_targets(Rule="life", Targets=[{"Id": "a", "Arn": topic}, {"Id": "b", "Arn": topic}])
    assert events.list_targets_by_rule(Rule="life")["Targets"] == [
        {"Id": "a", "Arn": topic}, {"Id": "b", "Arn": topic}]
    assert events.list_rule_names_by_target(TargetArn=topic)["RuleNames"] == ["life"]
    refused(lambda: events.delete_rule(Name="life"), "ValidationException", "has targets")
    events.remove_targets(Rule="life", Ids=["a", "b"])
    events.delete_rule(Name="life")
    refused(lambda: events.describe_rule(Name="life"), "ResourceNotFoundException",
            "Rule life does not exist on EventBus default.")
    events.delete_rule(Name="life")


def test_rules_are_listed_by_prefix_and_in_pages(events, rule):
    names = [rule({"source": ["x"]}) for _ in range(5)]
    assert [each["Name"] for each in events.list_rules(NamePrefix="rule")["Rules"]] == names
    assert events.list_rules(NamePrefix="rule4")["Rules"][0]["Name"] == "rule4"
    page = events.list_rules(NamePrefix="rule", Limit=2)
    assert len(page["Rules"]) == 2
    page = events.list_rules(NamePrefix="rule", Limit=3, NextToken=page["NextToken"])
    assert [each["Name"] for each in page["Rules"]] == names[2:]
    assert "NextToken" not in page


@pytest.mark.parametrize("pattern", [
    "", "{", "[]", "{}", '{"a": "x"}', '{"a": []}', '{"a": {}}', '{"a": [[1]]}',
    '{"a": [{"prefix": 1}]}', '{"a": [{"exists": "yes"}]}', '{"a": [{"numeric": ["~", 1]}]}',
    '{"a": [{"numeric": [">"]}]}', '{"a": [{"anything-but": []}]}', '{"a": [{"sounds-like": "x"}]}',
    '{"a": [{"prefix": "x", "suffix": "y"}]}',
])
def test_bad_patterns_are_refused(events, pattern):
    code = "InvalidEventPatternException" if pattern else "ValidationException"
    refused(lambda: events.put_rule(Name="bad", EventPattern=pattern), code, "")


def test_what_is_not_offered_is_said(events, rule, topic):
    name = rule({"source": ["x"]})
    refused(lambda: events.put_rule(Name="bad", ScheduleExpression="rate(1 day)"),
            "ValidationException", "no schedules")
    refused(lambda: events.put_targets(Rule=name, Targets=[
        {"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}]),
        "ValidationException", "SNS topics only")
    refused(lambda: events.put_targets(Rule=name, Targets=[
        {"Id": str(i), "Arn": topic} for i in range(6)]), "LimitExceededException", "maximum")
    assert events.list_targets_by_rule(Rule=name)["Targets"] == []
    for call in [lambda: events.put_targets(Rule="nope", Targets=[{"Id": "a", "Arn": topic}]),
                 lambda: events.remove_targets(Rule="nope", Ids=["a"]),
                 lambda: events.list_targets_by_rule(Rule="nope"),
                 lambda: events.enable_rule(Name="nope"),
                 lambda: events.list_rules(EventBusName="other")]:
        refused(call, "ResourceNotFoundException", "does not exist")


# --- matching ---------------------------------------------------------------------------------------

EVENT = {
    "id": "1", "account": "0", "source": "aws.mediaconvert", "time": "2022-12-19T19:07:12Z",
    "region": "us-east-1", "resources": ["arn:a", "arn:b"], "detail-type": "t",
    "detail": {"status": "COMPLETE", "count": 5, "ratio": 1.5, "flag": True, "none": None,
               "empty": [], "userMetadata": {"app": "spotlist"},
               "groups": [{"type": "FILE", "n": 1}, {"type": "HLS", "n": 2}]},
}
MATCHING = [  # a pattern of the detail, and whether EVENT matches
    ({"status": ["COMPLETE"]}, True),
    ({"status": ["ERROR", "COMPLETE"]}, True),
    ({"status": ["complete"]}, False),
    ({"status": ["COMPLETE"], "count": [5]}, True),
    ({"status": ["COMPLETE"], "count": [6]}, False),
    ({"count": [5.0]}, True),
    ({"count": ["5"]}, False),
    ({"flag": [True]}, True),
    ({"flag": ["true"]}, False),
    ({"none": [None]}, True),
    ({"missing": [None]}, False),
    ({"status": [{"prefix": "COMP"}]}, True),
    ({"status": [{"prefix": "comp"}]}, False),
    ({"status": [{"prefix": {"equals-ignore-case": "comp"}}]}, True),
    ({"status": [{"suffix": "LETE"}]}, True),
    ({"status": [{"suffix": "COMP"}]}, False),
    ({"status": [{"equals-ignore-case": "complete"}]}, True),
    ({"status": [{"wildcard": "C*P*E"}]}, True),
    ({"status": [{"wildcard": "C*X*"}]}, False),
    ({"status": [{"anything-but": "ERROR"}]}, True),
    ({"status": [{"anything-but": ["ERROR", "COMPLETE"]}]}, False),
    ({"status": [{"anything-but": {"prefix": "COMP"}}]}, False),
    ({"status": [{"anything-but": {"suffix": "X"}}]}, True),
    ({"missing": [{"anything-but": "x"}]}, False),
    ({"count": [{"anything-but": 5}]}, False),
    ({"count": [{"numeric": ["=", 5]}]}, True),
    ({"count": [{"numeric": [">", 4, "<=", 5]}]}, True),
    ({"count": [{"numeric": [">", 5]}]}, False),
    ({"ratio": [{"numeric": ["<", 1.6]}]}, True),
    ({"status": [{"numeric": [">", 0]}]}, False),
    ({"status": [{"exists": True}]}, True),
    ({"status": [{"exists": False}]}, False),
    ({"missing": [{"exists": False}]}, True),
    ({"missing": [{"exists": True}]}, False),
    ({"missing": {"deeper": [{"exists": False}]}}, True),
    ({"userMetadata": {"app": ["spotlist"]}}, True),
    ({"userMetadata": {"app": ["other"]}}, False),
    ({"userMetadata": ["spotlist"]}, False),
    ({"groups": {"type": ["HLS"]}}, True),
    ({"groups": {"type": ["HLS"], "n": [1]}}, False),
    ({"$or": [{"status": ["ERROR"]}, {"count": [5]}]}, True),
    ({"$or": [{"status": ["ERROR"]}, {"count": [6]}]}, False),
    ({"status": [{"prefix": "X"}, "COMPLETE"]}, True),
]


@pytest.mark.parametrize("pattern, expected", MATCHING, ids=lambda value: json.dumps(value))
def test_matching(events, pattern, expected):
    reply = events.test_event_pattern(EventPattern=json.dumps({"detail": pattern}),
                                      Event=json.dumps(EVENT))
    assert reply["Result"] is expected


def test_any_element_of_an_array_matches(events):
    for resource, expected in [("arn:b", True), ("arn:c", False)]:
        reply = events.test_event_pattern(EventPattern=json.dumps({"resources": [resource]}),
                                          Event=json.dumps(EVENT))
        assert reply["Result"] is expected


# --- delivery ------------------------------------------------------------------------------------------

def test_an_event_arrives_in_awss_envelope(events, cloud, rule, topic, receiver):
    rule({"source": ["my.app"]}, topic)
    reply = events.put_events(Entries=[{
        "Source": "my.app", "DetailType": "a kind", "Detail": '{"b": [1, {"c": "é"}], "a": null}',
        "Resources": ["arn:x"], "Time": 1671476832}])
    message = receiver.next().json
    check_signature(message, cloud.ca)
    assert "Subject" not in message
    event = json.loads(message["Message"])
    assert list(event) == ["version", "id", "detail-type", "source", "account", "time", "region",
                           "resources", "detail"]
    assert event["id"] == reply["Entries"][0]["EventId"]
    assert event["time"] == "2022-12-19T19:07:12Z"
    assert (event["version"], event["account"], event["region"]) == \
        ("0", "000000000000", "us-east-1")
    assert event["resources"] == ["arn:x"] and event["detail"] == {"b": [1, {"c": "é"}], "a": None}
    assert message["Message"] == json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    put(events)
    event = json.loads(receiver.next().json["Message"])
    assert event["resources"] == [] and re.fullmatch(r"[\dT:-]{19}Z", event["time"])


def test_only_enabled_rules_that_match_send(events, rule, topic, receiver):
    rule({"source": ["my.app"], "detail": {"n": [{"numeric": [">", 1]}]}}, topic)
    disabled = rule({"source": ["my.app"]}, topic, State="DISABLED")
    put(events, n=1)
    put(events, source="other", n=2)
    put(events, n=2)
    assert json.loads(receiver.next().json["Message"])["detail"] == {"n": 2}
    events.enable_rule(Name=disabled)
    put(events, n=0)
    assert json.loads(receiver.next().json["Message"])["detail"] == {"n": 0}
    assert receiver.deliveries.empty()


def test_input_and_input_path(events, rule, topic, receiver):
    rule({"source": ["my.app"]}, {"Id": "1", "Arn": topic, "Input": '"constant"'},
         {"Id": "2", "Arn": topic, "InputPath": "$.detail.n"})
    put(events, n=[1, 2])
    assert {receiver.next().json["Message"] for _ in range(2)} == {'"constant"', "[1,2]"}


def test_entries_fail_one_by_one(events):
    good = {"Source": "my.app", "DetailType": "k", "Detail": "{}"}
    reply = events.put_events(Entries=[
        good, {**good, "Source": "aws.s3"}, {**good, "Detail": "no json"}, {"Source": "x"}])
    assert reply["FailedEntryCount"] == 3
    assert "EventId" in reply["Entries"][0]
    assert [entry.get("ErrorCode") for entry in reply["Entries"][1:]] == [
        "NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument"]
    refused(lambda: events.put_events(Entries=[good] * 11), "ValidationException", "length less")


def test_a_restart_keeps_rules_and_targets(make_cloud):
    cloud = make_cloud()
    topic = cloud.client("sns").create_topic(Name="t")["TopicArn"]
    events = cloud.client("events")
    events.put_rule(Name="kept", EventPattern=json.dumps(MEDIACONVERT), State="DISABLED")
    events.put_targets(Rule="kept", Targets=[{"Id": "a", "Arn": topic, "InputPath": "$.detail"}])
    rules = events.list_rules()["Rules"]
    cloud.restart()
    events = cloud.client("events")
    assert events.list_rules()["Rules"] == rules
    assert events.list_targets_by_rule(Rule="kept")["Targets"] == [
        {"Id": "a", "Arn": topic, "InputPath": "$.detail"}]
