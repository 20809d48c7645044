# SPDX-License-Identifier: Apache-2.0
"""What botocore itself would send: its endpoint rules, serializers and signers, up to the socket."""

import copy
import datetime
import functools
import types
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session

try:  # where awscrt is installed, AWS's own signer in C takes the place of botocore's
    import botocore.crt.auth as crt_auth
except ImportError:
    crt_auth = None

from capture import ACCESS_KEY, CLOCK_MS, SECRET_KEY


def frozen_datetime():
    """A stand-in for the datetime module that stands at CLOCK_MS."""
    now = datetime.datetime.fromtimestamp(CLOCK_MS // 1000, datetime.timezone.utc)

    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return now.replace(tzinfo=None)

        @classmethod
        def now(cls, tz=None):
            return now if tz else now.replace(tzinfo=None)
    return types.SimpleNamespace(datetime=Frozen, timezone=datetime.timezone,
                                 timedelta=datetime.timedelta)


def freeze(monkeypatch):
    """botocore signs at CLOCK_MS."""
    stub = frozen_datetime()
    monkeypatch.setattr(botocore.auth, "datetime", stub)
    if crt_auth:
        monkeypatch.setattr(crt_auth, "datetime", stub)
    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime",
                            lambda *a, **k: stub.datetime.utcnow())


class Sent(Exception):
    """Carries the prepared request out of botocore."""

    def __init__(self, request):
        super().__init__("not sent")
        self.request = request


class Boto:
    """Clients for one set of settings."""

    def __init__(self, region, fips=False, dualstack=False, endpoint=None, token=None):
        self.session = botocore.session.Session()
        self.session.set_config_variable("sts_regional_endpoints", "regional")
        self.session.set_credentials(ACCESS_KEY, SECRET_KEY, token)
        self.options = {
            "region_name": region, "endpoint_url": endpoint,
            "config": botocore.config.Config(
                use_fips_endpoint=fips or None, use_dualstack_endpoint=dualstack or None,
                parameter_validation=False, retries={"max_attempts": 0})}
        self.clients = {}

    def client(self, service):
        if service not in self.clients:
            options = dict(self.options)
            if service == "s3":  # left alone, it presigns by the old signature in old regions
                options["config"] = options["config"].merge(
                    botocore.config.Config(signature_version="s3v4"))
            client = self.session.create_client(service, **options)

            def stop(request, **_):
                raise Sent(request)
            client.meta.events.register("before-send", stop)
            self.clients[service] = client
        return self.clients[service]

    def s3_host(self):
        """Without a bucket."""
        sent = self.send("s3", "GetObject", {"Bucket": "bkt", "Key": "k"})
        return urllib.parse.urlsplit(sent.url).netloc.removeprefix("bkt.")

    def send(self, service, operation, parameters):
        """The botocore.awsrequest.AWSPreparedRequest of a call."""
        try:
            self.client(service)._make_api_call(operation, copy.deepcopy(parameters))
        except Sent as sent:
            return sent.request
        raise AssertionError("nothing was sent")

    def presign(self, service, operation, parameters, method, expires_s):
        return self.client(service).generate_presigned_url(operation, parameters, expires_s, method)


@functools.lru_cache(maxsize=None)
def boto_for(region, fips, dualstack, token):
    """Kept: a client reads megabytes of models."""
    return Boto(region, fips, dualstack, token=token)
