"""Requests that a proper client would never send: signed by botocore, then spoiled, or sent as raw bytes."""

import http.client
import socket
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials


def signed(endpoint, service, keys, method="POST", path="/", body=b"", headers=None, region="us-east-1", spoil=None, at=None):
    """Sends one signed request; returns (status, headers, body). `spoil(headers)` may change them after signing."""
    request = botocore.awsrequest.AWSRequest(method=method, url=endpoint + path, data=body, headers=headers or {})
    signer = (botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth)(
        botocore.credentials.Credentials(*keys), service, region
    )
    if at is not None:
        import botocore.auth as module

        real = module.get_current_datetime
        module.get_current_datetime = lambda *a, **k: at
        try:
            signer.add_auth(request)
        finally:
            module.get_current_datetime = real
    else:
        signer.add_auth(request)
    headers = dict(request.headers.items())
    if spoil:
        spoil(headers)
    return plain(endpoint, method, path, body, headers)


def plain(endpoint, method, path, body=b"", headers=None):
    """Sends one request as it is."""
    parts = urllib.parse.urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def raw(endpoint, data, timeout=10):
    """Sends bytes, returns whatever comes back until the server closes or falls silent."""
    parts = urllib.parse.urlsplit(endpoint)
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout) as connection:
        try:
            connection.sendall(data)
        except OSError:
            pass
        answer = b""
        connection.settimeout(2)
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except OSError:
            pass
        return answer


def lookup_request(name="LookupEvents", content_type="application/x-amz-json-1.1"):
    return {"X-Amz-Target": f"CloudTrail_20131101.{name}", "Content-Type": content_type}
