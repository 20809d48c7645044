# SPDX-License-Identifier: Apache-2.0
"""A proxy that lets a client which is no Python of ours talk to localcloud, and holds every answer
that passes against the model of the operation that the request was for."""

import collections
import http.client
import http.server
import re
import threading
import urllib.parse

import botocore.session

import answers


class Operations:
    """Finds the operation of a request on the wire."""

    def __init__(self):
        self.session = botocore.session.get_session()
        self.models = {}

    def find(self, method, target, headers, body):
        """The operation's model, or None when the request bears no signature."""
        path, _, query = target.partition("?")
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        scope = headers.get("Authorization", "") + query.get("X-Amz-Credential", "")
        signed_for = re.search(r"/\d{8}/[^/]+/([^/]+)/aws4_request", scope)
        if not signed_for:
            return None
        service = signed_for[1]
        if service not in self.models:
            self.models[service] = self.session.get_service_model(service)
        model = self.models[service]
        if "X-Amz-Target" in headers:
            return model.operation_model(headers["X-Amz-Target"].partition(".")[2])
        if model.metadata["protocol"] == "query":
            return model.operation_model(dict(urllib.parse.parse_qsl(body.decode()))["Action"])
        return self.find_rest(model, method, path, query, headers)

    @staticmethod
    def find_rest(model, method, path, query, headers):
        """The one of the REST operations that fit which asks for most."""
        best, weight = None, -1
        for name in model.operation_names:
            operation = model.operation_model(name)
            template, _, fixed = operation.http["requestUri"].partition("?")
            pattern = re.sub(r"\\{\w+(\\\+)?\\}", lambda m: ".+" if m[1] else "[^/]+",
                             re.escape(template))
            wanted = {key: value for key, value in
                      urllib.parse.parse_qsl(fixed, keep_blank_values=True) if key != "x-id"}
            shape = operation.input_shape
            needs = {member: shape.members[member].serialization
                     for member in (shape.required_members if shape else [])}
            in_query = {place["name"] for place in needs.values()
                        if place.get("location") == "querystring"}
            in_headers = {place["name"] for place in needs.values()
                          if place.get("location") == "header"}
            if operation.http["method"] == method and re.fullmatch(pattern + "/?", path) and \
                    all(query.get(key) == value for key, value in wanted.items()) and \
                    in_query <= query.keys() and \
                    all(name in headers for name in in_headers):
                asked = 2 * len(wanted) + len(in_query | in_headers)
                if asked > weight:
                    best, weight = operation, asked
        return best


class Examiner:
    """Forwards to `endpoint`. `problems` are those of answers, `checked` counts the rest."""

    def __init__(self, endpoint):
        self.problems = []
        self.checked = collections.Counter()
        self.requests = []  # (method, target, headers, body, operation)
        self.lock = threading.Lock()
        operations = Operations()
        behind = urllib.parse.urlsplit(endpoint)
        examiner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                connection = http.client.HTTPConnection(behind.hostname, behind.port, timeout=120)
                connection.putrequest(self.command, self.path, skip_host=True,
                                      skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("expect", "connection"):
                        connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                self.send_response_only(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                length = answer.headers.get("Content-Length") if self.command == "HEAD" \
                    else len(content)
                if length is not None and answer.status != 204:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(content)
                operation = operations.find(self.command, self.path, self.headers, body)
                examiner.examine(self, body, operation, answer, content)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = forward

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def examine(self, request, body, operation, answer, content):
        with self.lock:
            self.requests.append((request.command, request.path, dict(request.headers), body,
                                  operation and operation.name))
        if operation is None:
            return
        streamed = operation.has_streaming_output and answer.status < 300
        found = answers.problems_of(operation, answer.status, answer.headers,
                                    None if streamed else content)
        name = f"{operation.service_model.service_name} {operation.name} {answer.status}"
        with self.lock:
            self.checked[name] += 1
            self.problems += [f"{name}: {problem}" for problem in found]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
