"""Nothing that was open stays open: every operation of every service denies a user without permission, save the few that AWS
leaves open. Driven by the operation tables of the services, through the real door."""

import json
import pathlib
import urllib.parse

import botocore.session
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from signing import signed

# What nobody has to be allowed, and why. `cargo xtask test` holds it to the code.
OPEN = {
    ("sts", "GetCallerIdentity"): "AWS decides nothing about it: it tells callers what they have just proven",
    ("sts", "GetSessionToken"): "AWS decides nothing about it: the session may no more than the user whose keys ask for it",
    ("opentrail", "WhoAmI"): "says no more than GetCallerIdentity, in our own protocol, so that `opentrail whoami` always answers",
}
# Signed for another service, which is not served here.
ELSEWHERE = {("s3", "ListDirectoryBuckets")}
# Their proof is the token within, and no signature.
UNSIGNED = {("sts", "AssumeRoleWithSAML"), ("sts", "AssumeRoleWithWebIdentity")}
DENIED = {"AccessDenied", "AccessDeniedException"}
OWN = pathlib.Path(__file__).parents[1] / "services/opentrail/model/service-2.json"
TARGET = json.loads(OWN.read_text())["metadata"]["targetPrefix"]


def filled(shape, account, bucket, name="", depth=0):
    """Something that the shape takes: the members that it requires, and no more."""
    if shape.type_name == "structure":
        if depth > 6:
            return {}
        return {n: filled(m, account, bucket, n, depth + 1) for n, m in shape.members.items() if n in shape.required_members}
    if shape.type_name == "list":
        return [filled(shape.member, account, bucket, name, depth + 1)] * max(1, shape.metadata.get("min", 0))
    if shape.type_name == "map":
        return {"key": filled(shape.value, account, bucket, name, depth + 1)}
    if shape.type_name in ("integer", "long"):
        return max(1, shape.metadata.get("min", 1))
    if shape.type_name in ("float", "double"):
        return 1.0
    if shape.type_name == "boolean":
        return True
    if shape.type_name == "timestamp":
        return "2026-11-21T10:00:00Z"
    if shape.type_name == "blob":
        return b"x"
    if getattr(shape, "enum", None):
        return shape.enum[0]
    if name == "Bucket":
        return bucket
    if "arn" in name.lower() or shape.name.lower().endswith("arn"):
        if "saml" in (name + shape.name).lower():
            return f"arn:aws:iam::{account}:saml-provider/some"
        if "policy" in (name + shape.name).lower():
            return f"arn:aws:iam::{account}:policy/some"
        return f"arn:aws:iam::{account}:role/some-role"
    if "policydocument" in (name + shape.name).lower():
        return '{"Version":"2012-10-17","Statement":[]}'
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 1 << 20)
    if "account" in name.lower():
        return account
    text = "somebody"
    if name in ("TokenCode", "AuthenticationCode1", "AuthenticationCode2"):
        text = "123456"
    if name == "NewPath" or name == "Path":
        text = "/some/"
    # A wrong form is told before anything is decided.
    if name == "VersionId":
        text = "v1"
    return text.ljust(low, "x")[:high]


def operations(name):
    model = botocore.session.get_session().get_service_model(name)
    return [model.operation_model(o) for o in model.operation_names]


@pytest.fixture(scope="module")
def nobody(server):
    server.client("s3").create_bucket(Bucket="of-the-account")
    return server.user("nobody-at-all")


@pytest.mark.parametrize("service", ["cloudtrail", "iam", "s3", "sts"])
def test_every_operation_is_denied(server, nobody, service):
    account = server.client("sts").get_caller_identity()["Account"]
    client = server.client(service, keys=nobody, parameter_validation=False)
    names = {session_name: python for python, session_name in client.meta.method_to_api_mapping.items()}
    answers = {}
    for operation in operations(service):
        if (service, operation.name) in OPEN.keys() | UNSIGNED | ELSEWHERE or (operation.endpoint or {}).get("hostPrefix"):
            continue
        shape = operation.input_shape
        given = filled(shape, account, "of-the-account") if shape else {}
        if service == "s3" and "Bucket" in given and operation.name == "CreateBucket":
            given["Bucket"] = "of-nobody-at-all"
        try:
            answer = getattr(client, names[operation.name])(**given)
            # Each key is decided about by itself.
            errors = answer.get("Errors", []) if operation.name == "DeleteObjects" else []
            answers[operation.name] = (errors[0]["Code"], 403) if errors else ("allowed", 200)
        except ClientError as error:
            answers[operation.name] = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        except ParamValidationError as error:
            answers[operation.name] = (str(error), 0)
    # HEAD has no body that could hold a code. What is not built says so, and does nothing.
    fine = lambda a: a[0] in DENIED or a == ("403", 403) or (service == "s3" and a[1] in (501, 405))
    open_ones = {name: a for name, a in answers.items() if not fine(a)}
    assert len(answers) > 5 and not open_ones, open_ones


def test_every_operation_of_our_own_is_denied(server, nobody):
    model = json.loads(OWN.read_text())
    shapes = model["shapes"]

    def fill(name):
        shape = shapes[name]
        if shape["type"] == "structure":
            return {m: fill(shape["members"][m]["shape"]) for m in shape.get("required", [])}
        if shape["type"] == "list":
            return [fill(shape["member"]["shape"])]
        if shape["type"] == "integer":
            return shape.get("min", 1)
        if shape["type"] == "boolean":
            return True
        if "enum" in shape:
            return shape["enum"][0]
        return "somebody"

    seen = 0
    for name, operation in model["operations"].items():
        if ("opentrail", name) in OPEN:
            continue
        status, _, body = signed(
            server.endpoint,
            "opentrail",
            nobody,
            body=json.dumps(fill(operation["input"]["shape"])).encode(),
            headers={
                "content-type": "application/x-amz-json-1.1",
                "x-amz-target": f"{model['metadata']['targetPrefix']}.{name}",
            },
        )
        assert status == 400 and json.loads(body)["__type"] == "AccessDeniedException", (name, body)
        seen += 1
    assert seen > 5


def test_what_needs_no_permission_works(server, nobody):
    sts = server.client("sts", keys=nobody)
    assert sts.get_caller_identity()["Arn"].endswith(":user/nobody-at-all")
    assert sts.get_session_token()["Credentials"]["AccessKeyId"].startswith("ASIA")
    status, _, body = signed(
        server.endpoint,
        "opentrail",
        nobody,
        body=b"{}",
        headers={"content-type": "application/x-amz-json-1.1", "x-amz-target": f"{TARGET}.WhoAmI"},
    )
    assert status == 200 and json.loads(body)["Arn"].endswith(":user/nobody-at-all"), body


def test_what_needs_no_signature_needs_a_proof_within(server, nobody):
    """The operations that AWS's own models send unsigned, and no others; a proof that is none opens nothing."""
    unsigned = {(s, o.name) for s in ["cloudtrail", "iam", "s3", "sts"] for o in operations(s) if o.auth_type == "none"}
    assert unsigned == UNSIGNED
    account = server.client("sts").get_caller_identity()["Account"]
    client = server.client("sts", keys=nobody, parameter_validation=False)
    names = {operation: python for python, operation in client.meta.method_to_api_mapping.items()}
    for operation in operations("sts"):
        if ("sts", operation.name) in UNSIGNED:
            with pytest.raises(ClientError) as error:
                getattr(client, names[operation.name])(**filled(operation.input_shape, account, ""))
            assert error.value.response["Error"]["Code"] == "InvalidIdentityToken", operation.name
            # Signed, it is the signer who tried.
            form = {"Action": operation.name, "Version": "2011-06-15", **filled(operation.input_shape, account, "")}
            status, _, body = signed(
                server.endpoint,
                "sts",
                nobody,
                body=urllib.parse.urlencode(form).encode(),
                headers={"content-type": "application/x-www-form-urlencoded"},
            )
            assert status == 400 and b"InvalidIdentityToken" in body, body
