"""A robot without keys assumes a role by the token of an OpenID Connect provider, acts, and is denied elsewhere; the account's history
tells who it was, as CloudTrail does. A token that is not right proves nobody, and leaves no record."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore.config
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from conftest import AWS, CLEAN, Server
from identity_provider import Provider, jwk, key
from signing import signed

HOST = "token.example.com/realm"


def allow(action, resource="*"):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}})


def trust(provider, **condition):
    actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]
    statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": actions}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Provider(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def server(tmp_path_factory, issuer):
    server = Server(tmp_path_factory.mktemp("server"), issuer.setting).start()
    yield server
    if server.process.poll() is None:
        assert server.stop() == 0
    # Of the file that a scenario spoils.
    unexpected = [l for l in server.log_text().splitlines() if '"level":"ERROR"' in l and "prove nobody" not in l]
    assert not unexpected, unexpected


@pytest.fixture(scope="module")
def scene(server, issuer):
    class Scene:
        pass

    s = Scene()
    s.account = server.client("sts").get_caller_identity()["Account"]
    iam = server.client("iam")
    made = iam.create_open_id_connect_provider(Url=issuer.issuer, ClientIDList=["app", "sts.amazonaws.com"])
    s.provider = made["OpenIDConnectProviderArn"]
    only = {"StringEquals": {f"{HOST}:aud": "app", f"{HOST}:sub": "robot"}}
    s.role = iam.create_role(
        Path="/ci/", RoleName="deploy", AssumeRolePolicyDocument=trust(s.provider, **only), MaxSessionDuration=7200
    )["Role"]
    iam.put_role_policy(RoleName="deploy", PolicyName="s3", PolicyDocument=allow(["s3:CreateBucket", "s3:ListAllMyBuckets"]))
    return s


def sts(server, region="us-east-1", **options):
    """A client that has no keys at all."""
    return boto3.client(
        "sts",
        endpoint_url=options.pop("endpoint", server.endpoint),
        region_name=region,
        config=botocore.config.Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
        **options,
    )


def refused(call, code, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    assert error.value.response["Error"]["Code"] == code, error.value.response
    return error.value.response["Error"]["Message"]


def session(server, credentials, service):
    return boto3.client(
        service,
        endpoint_url=server.endpoint,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name="us-east-1",
        config=botocore.config.Config(
            retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, signature_version="s3v4" if service == "s3" else None
        ),
    )


def assumptions(server, until=None):
    return server.records(
        until=until, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithWebIdentity"}]
    )


def test_a_token_is_enough(server, scene, issuer):
    token = issuer.token(**{
        "https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]},
        "https://aws.amazon.com/source_identity": "robot@example.com",
    })
    answer = sts(server).assume_role_with_web_identity(
        RoleArn=scene.role["Arn"], RoleSessionName="build-7", WebIdentityToken=token, DurationSeconds=900
    )
    arn = f"arn:aws:sts::{scene.account}:assumed-role/deploy/build-7"
    role_id = scene.role["RoleId"]
    assert answer["AssumedRoleUser"] == {"AssumedRoleId": f"{role_id}:build-7", "Arn": arn}
    assert answer["SubjectFromWebIdentityToken"] == "robot" and answer["Audience"] == "app"
    assert answer["Provider"] == scene.provider and answer["SourceIdentity"] == "robot@example.com"
    assert 0 < answer["PackedPolicySize"] < 20
    given = answer["Credentials"]
    assert given["AccessKeyId"].startswith("ASIA")
    assert 890 < given["Expiration"].timestamp() - time.time() <= 900

    record = server.record("AssumeRoleWithWebIdentity")
    assert record["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": f"{scene.provider}:app:robot",
        "userName": "robot",
        "identityProvider": scene.provider,
    }
    assert record["requestParameters"] == {
        "roleArn": scene.role["Arn"],
        "roleSessionName": "build-7",
        "durationSeconds": 900,
        "sourceIdentity": "robot@example.com",
        "principalTags": {"team": "red"},
        "transitiveTagKeys": ["team"],
    }
    said = record["responseElements"]
    assert said["credentials"].keys() == {"accessKeyId", "sessionToken", "expiration"}
    assert said["subjectFromWebIdentityToken"] == "robot" and said["provider"] == scene.provider
    assert record["resources"] == [{"accountId": scene.account, "type": "AWS::IAM::Role", "ARN": scene.role["Arn"]}]
    assert record["readOnly"] is True and record["recipientAccountId"] == scene.account
    assert record["eventSource"] == "sts.amazonaws.com" and "sharedEventID" not in record

    me = session(server, given, "sts").get_caller_identity()
    assert me["Arn"] == arn and me["UserId"] == f"{role_id}:build-7"
    s3 = session(server, given, "s3")
    s3.create_bucket(Bucket="built-by-a-robot")
    refused(s3.delete_bucket, "AccessDenied", Bucket="built-by-a-robot")
    later = server.record("CreateBucket")["userIdentity"]
    assert later["type"] == "AssumedRole" and later["arn"] == arn
    context = later["sessionContext"]
    assert context["webIdFederationData"] == {"federatedProvider": scene.provider, "attributes": {}}
    assert context["sessionIssuer"]["arn"] == scene.role["Arn"] and context["sourceIdentity"] == "robot@example.com"
    assert context["attributes"]["mfaAuthenticated"] == "false"


def test_the_token_file_of_a_pod(server, scene, issuer, tmp_path):
    """As people use it: no call at all, but three variables."""
    file = tmp_path / "token"
    file.write_text(issuer.token())
    variables = {
        **CLEAN,
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file),
        "AWS_ROLE_ARN": scene.role["Arn"],
        "AWS_ROLE_SESSION_NAME": "pod",
        "HOME": str(tmp_path),
    }
    done = subprocess.run([AWS, "sts", "get-caller-identity"], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"] == f"arn:aws:sts::{scene.account}:assumed-role/deploy/pod"
    program = "import boto3; print([b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']])"
    python = os.path.join(os.path.dirname(AWS), "python") if os.path.dirname(AWS) else "python3"
    done = subprocess.run([python, "-c", program], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = subprocess.run(
        [AWS, "sts", "assume-role-with-web-identity", "--role-arn", scene.role["Arn"], "--role-session-name", "by-hand",
         "--web-identity-token", file.read_text(), "--policy", allow("s3:ListAllMyBuckets")],
        env={k: v for k, v in variables.items() if not k.startswith("AWS_WEB") and not k.startswith("AWS_ROLE")},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    narrowed = session(server, json.loads(said.stdout)["Credentials"], "s3")
    narrowed.list_buckets()
    refused(narrowed.create_bucket, "AccessDenied", Bucket="more-than-was-passed")


def test_who_is_proven_and_denied_is_on_record(server, scene, issuer):
    client = sts(server)
    text = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    request = {"RoleArn": scene.role["Arn"], "RoleSessionName": "denied-one", "WebIdentityToken": issuer.token(sub="other")}
    assert refused(client.assume_role_with_web_identity, "AccessDenied", **request) == text
    nobody = scene.role["Arn"].replace("deploy", "nobody")
    assert refused(client.assume_role_with_web_identity, "AccessDenied", **{**request, "RoleArn": nobody}) == text
    # The trust policy of this one says nothing of tags.
    iam = server.client("iam")
    plain = json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": scene.provider}, "Action": "sts:AssumeRoleWithWebIdentity"}})
    role = iam.create_role(RoleName="plain", AssumeRolePolicyDocument=plain)["Role"]["Arn"]
    client.assume_role_with_web_identity(RoleArn=role, RoleSessionName="fine", WebIdentityToken=issuer.token())
    tagged = issuer.token(**{"https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}}})
    message = refused(
        client.assume_role_with_web_identity, "AccessDenied", RoleArn=role, RoleSessionName="tagged", WebIdentityToken=tagged
    )
    assert message == "Not authorized to perform sts:TagSession"

    record = next(r for r in assumptions(server) if (r["requestParameters"] or {}).get("roleSessionName") == "denied-one" and r["requestParameters"]["roleArn"] == scene.role["Arn"])
    assert record["errorCode"] == "AccessDenied" and record["errorMessage"] == "An unknown error occurred"
    assert record["userIdentity"]["principalId"] == f"{scene.provider}:app:other"
    assert record["requestParameters"] == {"roleArn": scene.role["Arn"], "roleSessionName": "denied-one"}
    assert record["responseElements"] is None
    assert record["resources"] == [{"accountId": scene.account, "type": "AWS::IAM::Role", "ARN": scene.role["Arn"]}]


def test_a_token_that_is_not_right_proves_nobody(server, scene, issuer):
    client, now = sts(server), int(time.time())
    before = len(assumptions(server))

    def check(token, code="InvalidIdentityToken", **request):
        request = {"RoleArn": scene.role["Arn"], "RoleSessionName": "nobody", **request}
        return refused(client.assume_role_with_web_identity, code, WebIdentityToken=token, **request)

    good = issuer.token()
    head, said, signature = good.split(".")
    assert "not a valid JWT" in check("opaque-access-token")
    assert "signature" in check(f"{head}.{said}.{signature[:-8]}AAAAAAAA")
    assert "signature" in check(f"{head}.{issuer.token(sub='root').split('.')[1]}.{signature}")
    assert "none" in check(issuer.token(header={"alg": "none"}))
    assert "HS256" in check(issuer.token(header={"alg": "HS256", "kid": issuer.kid}))
    assert "retrieve verification key" in check(issuer.token(header={"alg": "RS256", "kid": "another"}))
    assert "signature" in check(issuer.token(private=key(1)))
    assert check(issuer.token(aud="other")) == "Incorrect token audience"
    assert check(issuer.token(aud=None)) == "Missing a required claim: aud"
    assert check(issuer.token(iss="https://elsewhere.example")).endswith("in your account for https://elsewhere.example")
    assert f"{now - 60}" in check(issuer.token(exp=now - 60), "ExpiredTokenException")
    check(issuer.token(nbf=now + 3600))
    other, _ = server.account("gamma")
    assert "No OpenIDConnect provider" in check(good, RoleArn=f"arn:aws:iam::{other}:role/deploy")
    check(good, "ValidationError", RoleArn="deploy-deploy-deploy-deploy")
    check(good, "ValidationError", RoleSessionName="a b")
    # A provider that nobody configured: the answer says what to do.
    server.client("iam").create_open_id_connect_provider(Url="https://unset.example", ClientIDList=["app"])
    assert "sts.issuers" in check(issuer.token(iss="https://unset.example"))
    time.sleep(0.2)
    assert len(assumptions(server)) == before


def test_other_calls_still_need_a_signature(server):
    client = sts(server)
    for call in [client.get_caller_identity, client.get_session_token]:
        refused(call, "MissingAuthenticationToken")


def test_keys_change_while_the_server_runs(server, scene, issuer):
    client = sts(server)

    def ask(token):
        return client.assume_role_with_web_identity(RoleArn=scene.role["Arn"], RoleSessionName="rotated", WebIdentityToken=token)

    old = issuer.token()
    ask(old)
    try:
        issuer.publish(jwk("k0", key(0)), jwk("k1", key(1)))
        new = issuer.token(header={"alg": "RS256", "kid": "k1"}, private=key(1))
        ask(new), ask(old)
        issuer.publish(jwk("k1", key(1)))
        ask(new)
        refused(ask, "InvalidIdentityToken", token=old)
        issuer.file.write_text("{")
        refused(ask, "IDPCommunicationError", token=new)
    finally:
        issuer.publish()
    ask(old)


def test_a_session_ends_with_its_role(server, scene, issuer):
    iam = server.client("iam")
    role = iam.create_role(RoleName="short-lived", AssumeRolePolicyDocument=trust(scene.provider))["Role"]["Arn"]
    answer = sts(server).assume_role_with_web_identity(RoleArn=role, RoleSessionName="one", WebIdentityToken=issuer.token())
    client = session(server, answer["Credentials"], "sts")
    client.get_caller_identity()
    message = refused(
        sts(server).assume_role_with_web_identity, "ValidationError", RoleArn=role, RoleSessionName="long",
        WebIdentityToken=issuer.token(), DurationSeconds=7200,
    )
    assert "MaxSessionDuration" in message
    # Who federates chains as any session does: an hour at most.
    iam.delete_role(RoleName="short-lived")
    refused(client.get_caller_identity, "InvalidClientTokenId")


def test_a_signed_call_is_the_tokens_too(server, scene, issuer):
    form = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": scene.role["Arn"], "RoleSessionName": "signed"}

    def post(token):
        body = urllib.parse.urlencode({**form, "WebIdentityToken": token}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return signed(server.endpoint, "sts", server.credentials(), body=body, headers=headers, region="eu-west-1")

    status, _, body = post(issuer.token())
    assert status == 200 and b"<SubjectFromWebIdentityToken>robot<" in body, body
    assert server.record("AssumeRoleWithWebIdentity", region="eu-west-1")["userIdentity"]["type"] == "WebIdentityUser"
    # Proven by the signature alone: the signer tried, and that is on record.
    status, _, body = post(issuer.token(aud="other"))
    assert status == 400 and b"Incorrect token audience" in body, body
    record = server.record("AssumeRoleWithWebIdentity", region="eu-west-1")
    assert record["errorCode"] in ("InvalidIdentityToken", "InvalidIdentityTokenException")
    assert record["userIdentity"]["type"] == "Root" and "webIdentityToken" not in record["requestParameters"]


def test_where_it_was_asked(server, scene, issuer):
    """Without a signature only the host says a region; without one it is the global endpoint's."""
    query = urllib.parse.urlencode({
        "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": scene.role["Arn"],
        "RoleSessionName": "over-there", "WebIdentityToken": issuer.token(),
    })
    port = server.endpoint.rsplit(":", 1)[1]
    request = urllib.request.Request(f"{server.endpoint}/?{query}", headers={"Host": f"sts.eu-west-1.localhost:{port}"})
    with urllib.request.urlopen(request) as answer:
        assert b"<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">" in answer.read()
    record = server.record("AssumeRoleWithWebIdentity", region="eu-west-1")
    assert record["awsRegion"] == "eu-west-1" and record["requestParameters"]["roleSessionName"] == "over-there"


def test_strangers_are_slowed_down(server, scene):
    body = urllib.parse.urlencode({
        "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": scene.role["Arn"],
        "RoleSessionName": "flood", "WebIdentityToken": "not.a.token",
    }).encode()
    codes = []
    for _ in range(400):
        try:
            urllib.request.urlopen(urllib.request.Request(server.endpoint, data=body))
        except urllib.error.HTTPError as error:
            codes.append(error.code)
    assert codes[0] == 400 and 503 in codes, codes[-5:]


def test_the_server_says_what_is_wrong_with_its_issuers(tmp_path):
    from conftest import OPENTRAIL

    def start(setting):
        done = subprocess.run(
            [OPENTRAIL, "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--set", f"sts.issuers={setting}"],
            capture_output=True,
            text=True,
            env=CLEAN,
        )
        assert done.returncode != 0
        return done.stderr

    assert "https://ISSUER=FILE" in start("https://token.example.com")
    assert "without a port" in start("https://aws=keys.json")
    assert "keys of https://token.example.com" in start(f"https://token.example.com={tmp_path}/missing.json")
