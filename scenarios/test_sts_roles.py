"""A user of one account assumes a role of another, acts, and is denied elsewhere; both accounts' histories tell it, field by
field as CloudTrail does. Tokens that were changed or belong to another key prove nothing."""

import base64
import hashlib
import hmac
import json
import struct
import time

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError


def denied(call, code="AccessDenied", **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    assert error.value.response["Error"]["Code"] == code, error.value.response
    return error.value.response["Error"]["Message"]


def code_of(seed, step):
    """The six digits of a virtual MFA device (RFC 6238)."""
    digest = hmac.new(base64.b32decode(seed), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def session(server, service, credentials, region="us-east-1", token=None, key=None):
    return boto3.client(
        service,
        endpoint_url=server.endpoint,
        aws_access_key_id=key or credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=token or credentials["SessionToken"],
        region_name=region,
        config=botocore.config.Config(
            retries={"total_max_attempts": 1},
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "path"},
        ),
    )


def trust(principal, condition=None, action="sts:AssumeRole"):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def allow(action, resource="*"):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}})


@pytest.fixture(scope="module")
def scene(server):
    """Account A with user ann and her MFA device, account B with the role ops that she may assume."""

    class Scene:
        pass

    s = Scene()
    s.a_keys = server.credentials()
    s.a = server.client("sts").get_caller_identity()["Account"]
    s.b, s.b_keys = server.account("beta")
    s.ann_keys = server.user("ann")
    a, b = server.client("iam"), server.client("iam", keys=s.b_keys)
    s.ann = a.get_user(UserName="ann")["User"]
    device = a.create_virtual_mfa_device(VirtualMFADeviceName="ann")["VirtualMFADevice"]
    s.serial, s.seed = device["SerialNumber"], device["Base32StringSeed"].decode()
    s.step = int(time.time()) // 30
    a.enable_mfa_device(
        UserName="ann",
        SerialNumber=s.serial,
        AuthenticationCode1=code_of(s.seed, s.step - 1),
        AuthenticationCode2=code_of(s.seed, s.step),
    )
    condition = {"StringEquals": {"sts:ExternalId": "x-1"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}
    s.role = b.create_role(
        Path="/team/",
        RoleName="ops",
        AssumeRolePolicyDocument=trust(s.ann["Arn"], condition, ["sts:AssumeRole", "sts:SetSourceIdentity"]),
    )["Role"]
    b.put_role_policy(RoleName="ops", PolicyName="s3", PolicyDocument=allow("s3:*"))
    a.put_user_policy(
        UserName="ann",
        PolicyName="roles",
        PolicyDocument=allow(["sts:AssumeRole", "sts:SetSourceIdentity"], s.role["Arn"]),
    )
    return s


@pytest.fixture(scope="module")
def proven(server, scene):
    """Ann's own session, made with her second factor."""
    sts = server.client("sts", keys=scene.ann_keys)
    answer = sts.get_session_token(SerialNumber=scene.serial, TokenCode=code_of(scene.seed, scene.step + 1))
    return answer["Credentials"]


@pytest.fixture(scope="module")
def assumed(server, scene, proven):
    sts = session(server, "sts", proven)
    return sts.assume_role(
        RoleArn=scene.role["Arn"], RoleSessionName="ann-at-work", ExternalId="x-1", SourceIdentity="ann", DurationSeconds=900
    )


def test_a_second_factor_is_needed_and_an_external_id(server, scene, proven):
    text = f"is not authorized to perform: sts:AssumeRole on resource: {scene.role['Arn']}"
    sts = server.client("sts", keys=scene.ann_keys)
    message = denied(sts.assume_role, RoleArn=scene.role["Arn"], RoleSessionName="ann", ExternalId="x-1")
    assert message == f"User: {scene.ann['Arn']} {text}"
    sts = session(server, "sts", proven)
    denied(sts.assume_role, RoleArn=scene.role["Arn"], RoleSessionName="ann", ExternalId="x-2")
    denied(sts.assume_role, RoleArn=scene.role["Arn"], RoleSessionName="ann")
    # A role that is not there is denied in the same words.
    missing = scene.role["Arn"] + "-of-nobody"
    assert denied(sts.assume_role, RoleArn=missing, RoleSessionName="ann").endswith(f"sts:AssumeRole on resource: {missing}")
    # A code is taken once.
    sts = server.client("sts", keys=scene.ann_keys)
    message = denied(sts.get_session_token, SerialNumber=scene.serial, TokenCode=code_of(scene.seed, scene.step + 1))
    assert message.startswith("MultiFactorAuthentication failed with invalid MFA one time pass code.")
    # The root assumes no roles, and nobody else's user does.
    root = server.client("sts")
    assert denied(root.assume_role, RoleArn=scene.role["Arn"], RoleSessionName="xx") == "Roles may not be assumed by root accounts."
    # Denials are on record with their caller, and say nothing in the other account.
    record = server.record("AssumeRole", until=lambda r: any(x.get("errorCode") == "AccessDenied" for x in r))
    assert record["requestParameters"] is None and record["responseElements"] is None
    theirs = server.records(
        keys=scene.b_keys, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}]
    )
    assert not [r for r in theirs if "errorCode" in r]


def test_a_session_acts_within_its_rights(server, scene, assumed):
    me = session(server, "sts", assumed["Credentials"]).get_caller_identity()
    arn = f"arn:aws:sts::{scene.b}:assumed-role/ops/ann-at-work"
    assert (me["Account"], me["Arn"], me["UserId"]) == (scene.b, arn, f"{scene.role['RoleId']}:ann-at-work")
    assert assumed["AssumedRoleUser"] == {"AssumedRoleId": me["UserId"], "Arn": arn}
    assert assumed["SourceIdentity"] == "ann" and "PackedPolicySize" not in assumed
    session(server, "s3", assumed["Credentials"]).create_bucket(Bucket="made-by-ann-in-b")
    assert "made-by-ann-in-b" in str(server.client("s3", keys=scene.b_keys).list_buckets()["Buckets"])
    trails = session(server, "cloudtrail", assumed["Credentials"])
    message = denied(trails.describe_trails, code="AccessDeniedException")
    assert message.startswith(f"User: {arn} is not authorized to perform: cloudtrail:DescribeTrails")
    assert message.endswith("because no identity-based policy allows the cloudtrail:DescribeTrails action")

    # What the session did stands in B's history, with who issued it.
    by_name = [{"AttributeKey": "Username", "AttributeValue": "ann-at-work"}]
    done = lambda records: any(r["eventName"] == "CreateBucket" for r in records)
    records = server.records(keys=scene.b_keys, until=done, LookupAttributes=by_name)
    record = [r for r in records if r["eventName"] == "CreateBucket"][0]
    context = record["userIdentity"].pop("sessionContext")
    assert record["userIdentity"] == {
        "type": "AssumedRole",
        "principalId": f"{scene.role['RoleId']}:ann-at-work",
        "arn": arn,
        "accountId": scene.b,
        "accessKeyId": assumed["Credentials"]["AccessKeyId"],
    }
    assert context.pop("attributes").keys() == {"creationDate", "mfaAuthenticated"}
    assert context == {
        "sessionIssuer": {
            "type": "Role",
            "principalId": scene.role["RoleId"],
            "arn": scene.role["Arn"],
            "accountId": scene.b,
            "userName": "ops",
        },
        "sourceIdentity": "ann",
    }
    assert not server.records(LookupAttributes=by_name), "nothing of it is A's business"


def test_both_accounts_read_of_the_assumption(server, scene, proven, assumed):
    wanted = lambda records: any("errorCode" not in r for r in records)
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}]
    ours, theirs = [
        [r for r in server.records(keys=keys, until=wanted, LookupAttributes=by_name) if "errorCode" not in r][0]
        for keys in (scene.a_keys, scene.b_keys)
    ]
    assert ours["userIdentity"].pop("sessionContext")["attributes"]["mfaAuthenticated"] == "true"
    assert ours["userIdentity"] == {
        "type": "IAMUser",
        "principalId": scene.ann["UserId"],
        "arn": scene.ann["Arn"],
        "accountId": scene.a,
        "accessKeyId": proven["AccessKeyId"],
        "userName": "ann",
    }
    assert theirs["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": scene.ann["UserId"],
        "accountId": scene.a,
    }
    assert (ours["recipientAccountId"], theirs["recipientAccountId"]) == (scene.a, scene.b)
    assert ours["sharedEventID"] == theirs["sharedEventID"] and ours["requestID"] == theirs["requestID"]
    assert ours["eventID"] != theirs["eventID"]
    for record in (ours, theirs):
        assert record["eventSource"] == "sts.amazonaws.com" and record["readOnly"] is True
        assert record["awsRegion"] == "us-east-1" and record["managementEvent"] is True
        assert record["requestParameters"] == {
            "roleArn": scene.role["Arn"],
            "roleSessionName": "ann-at-work",
            "durationSeconds": 900,
            "externalId": "x-1",
            "sourceIdentity": "ann",
        }
        credentials = record["responseElements"].pop("credentials")
        assert credentials["accessKeyId"] == assumed["Credentials"]["AccessKeyId"]
        assert credentials["sessionToken"] == assumed["Credentials"]["SessionToken"]
        assert credentials.keys() == {"accessKeyId", "sessionToken", "expiration"}
        assert assumed["Credentials"]["SecretAccessKey"] not in json.dumps(record)
        assert record["responseElements"] == {
            "assumedRoleUser": {
                "assumedRoleId": f"{scene.role['RoleId']}:ann-at-work",
                "arn": f"arn:aws:sts::{scene.b}:assumed-role/ops/ann-at-work",
            },
            "sourceIdentity": "ann",
        }
        assert record["resources"] == [{"accountId": scene.b, "type": "AWS::IAM::Role", "ARN": scene.role["Arn"]}]


def test_sts_lands_where_it_was_signed_for(server, scene, proven):
    session(server, "sts", proven, region="eu-central-1").get_caller_identity()
    assert server.record("GetCallerIdentity", region="eu-central-1")["awsRegion"] == "eu-central-1"


def test_changed_tokens_prove_nothing(server, scene, proven, assumed):
    good = assumed["Credentials"]
    token = good["SessionToken"]
    edited = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    for service, call, code in [
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("iam", "list_users", "InvalidClientTokenId"),
        ("cloudtrail", "describe_trails", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidToken"),
    ]:
        for client in (
            session(server, service, good, token=edited),
            session(server, service, good, token="not a token at all"),
            session(server, service, good, token=proven["SessionToken"]),
            session(server, service, proven, token=token),
        ):
            denied(getattr(client, call), code=code)
    # A long-term key has no token, and a temporary one not none.
    keys = {"AccessKeyId": scene.ann_keys[0], "SecretAccessKey": scene.ann_keys[1]}
    denied(session(server, "sts", keys, token=token).get_caller_identity, code="InvalidClientTokenId")
    bare = server.client("sts", keys=(good["AccessKeyId"], good["SecretAccessKey"]))
    denied(bare.get_caller_identity, code="InvalidClientTokenId")
    bare = server.client("s3", keys=(good["AccessKeyId"], good["SecretAccessKey"]))
    denied(bare.list_buckets, code="InvalidAccessKeyId")
    # The secret belongs to it as well.
    forged = {**good, "SecretAccessKey": proven["SecretAccessKey"]}
    denied(session(server, "sts", forged).get_caller_identity, code="SignatureDoesNotMatch")


def test_presigned_requests_carry_their_token(server, scene, assumed):
    import urllib.error
    import urllib.request

    s3 = session(server, "s3", assumed["Credentials"])
    s3.create_bucket(Bucket="presigned-in-b")
    s3.put_object(Bucket="presigned-in-b", Key="k", Body=b"hello")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned-in-b", "Key": "k"})
    assert "X-Amz-Security-Token=" in url
    assert urllib.request.urlopen(url).read() == b"hello"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(url.replace("X-Amz-Security-Token=", "X-Amz-Security-Token=A"))
    assert error.value.code == 400 and b"<Code>InvalidToken</Code>" in error.value.read()


def test_what_a_session_cannot_do(server, scene, proven, assumed):
    sts = session(server, "sts", proven)
    assert denied(sts.get_session_token) == "Cannot call GetSessionToken with session credentials"
    assert denied(sts.get_federation_token, Name="guest") == "Cannot call GetFederationToken with session credentials"
    long = dict(RoleArn=scene.role["Arn"], RoleSessionName="ann", ExternalId="x-1", DurationSeconds=7200)
    assert "1 hour session limit" in denied(sts.assume_role, code="ValidationError", **long)
    # Without a second factor a user's session is nobody to IAM.
    plain = server.client("sts", keys=scene.ann_keys).get_session_token()["Credentials"]
    denied(session(server, "iam", plain).list_users, code="InvalidClientTokenId")
    denied(session(server, "iam", proven).list_users)


def test_a_denied_assumption_is_the_callers_accounts_alone(server, scene):
    """As AWS says of its own: denied requests to STS are not logged in the target account, whatever the trust policy says."""
    b = server.client("iam", keys=scene.b_keys)
    deny = {"Effect": "Deny", "Principal": {"AWS": scene.ann["Arn"]}, "Action": "sts:AssumeRole"}
    closed = b.create_role(
        RoleName="closed", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": deny})
    )["Role"]["Arn"]
    sts = server.client("sts", keys=scene.ann_keys)
    denied(sts.assume_role, RoleArn=closed, RoleSessionName="never-told")
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}]
    # Denials show no parameters; their message names the role.
    told = lambda record: record.get("errorMessage", "").endswith(closed)
    ours = [r for r in server.records(until=lambda rs: any(map(told, rs)), LookupAttributes=by_name) if told(r)]
    assert len(ours) == 1 and "sharedEventID" not in ours[0] and ours[0]["requestParameters"] is None
    theirs = server.records(keys=scene.b_keys, LookupAttributes=by_name)
    assert not [r for r in theirs if told(r) or r.get("errorCode") == "AccessDenied"], theirs


def test_a_denial_names_the_policy_that_denies(server, scene):
    iam = server.client("iam")
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}
    arn = iam.create_policy(PolicyName="no-s3", PolicyDocument=json.dumps(deny))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    s3 = server.client("s3", keys=scene.ann_keys)
    assert denied(s3.list_buckets).endswith(f"with an explicit deny in an identity-based policy: {arn}")
    iam.detach_user_policy(UserName="ann", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def test_session_policies_narrow_and_federated_users_have_what_is_passed(server, scene):
    iam = server.client("iam")
    arn = iam.get_user(UserName="ann")["User"]["Arn"]
    role = iam.create_role(RoleName="wide", AssumeRolePolicyDocument=trust(arn))["Role"]
    iam.attach_role_policy(RoleName="wide", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    sts = server.client("sts", keys=scene.ann_keys)
    narrow = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="nn", Policy=allow("s3:ListAllMyBuckets"))
    assert 0 < narrow["PackedPolicySize"] <= 100
    s3 = session(server, "s3", narrow["Credentials"])
    s3.list_buckets()
    message = denied(s3.create_bucket, Bucket="too-much")
    assert message.endswith("because no session policy allows the s3:CreateBucket action")
    managed = [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]
    reader = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="rr", PolicyArns=managed)["Credentials"]
    session(server, "s3", reader).list_buckets()
    denied(session(server, "s3", reader).create_bucket, Bucket="too-much")
    denied(sts.assume_role, code="MalformedPolicyDocument", RoleArn=role["Arn"], RoleSessionName="xx", Policy="{}")

    iam.put_user_policy(UserName="ann", PolicyName="wide", PolicyDocument=allow("*"))
    guest = sts.get_federation_token(Name="guest", Policy=allow("s3:ListAllMyBuckets"))
    assert guest["FederatedUser"] == {
        "FederatedUserId": f"{scene.a}:guest",
        "Arn": f"arn:aws:sts::{scene.a}:federated-user/guest",
    }
    session(server, "s3", guest["Credentials"]).list_buckets()
    denied(session(server, "s3", guest["Credentials"]).create_bucket, Bucket="too-much")
    nothing = sts.get_federation_token(Name="nothing")["Credentials"]
    denied(session(server, "s3", nothing).list_buckets)
    record = server.record("ListBuckets", until=lambda r: any(x["userIdentity"]["type"] == "FederatedUser" for x in r))
    issuer = record["userIdentity"]["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["userName"]) == ("IAMUser", "ann")
    iam.delete_user_policy(UserName="ann", PolicyName="wide")


def test_a_session_ends_with_its_role(server, scene):
    iam = server.client("iam")
    role = iam.create_role(RoleName="brief", AssumeRolePolicyDocument=trust(scene.ann["Arn"]))["Role"]
    sts = server.client("sts", keys=scene.ann_keys)
    assume = lambda: sts.assume_role(RoleArn=role["Arn"], RoleSessionName="ss")["Credentials"]
    me = session(server, "sts", assume())
    me.get_caller_identity()
    # Sessions issued before a moment are revoked by a policy, as AWS's console does it.
    revoke = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}},
        },
    }
    iam.attach_role_policy(RoleName="brief", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    s3 = session(server, "s3", assume())
    s3.list_buckets()
    iam.put_role_policy(RoleName="brief", PolicyName="AWSRevokeOlderSessions", PolicyDocument=json.dumps(revoke))
    message = denied(s3.list_buckets)
    assert message.endswith("with an explicit deny in an identity-based policy")
    iam.delete_role_policy(RoleName="brief", PolicyName="AWSRevokeOlderSessions")
    iam.detach_role_policy(RoleName="brief", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.delete_role(RoleName="brief")
    denied(me.get_caller_identity, code="InvalidClientTokenId")
    iam.create_role(RoleName="brief", AssumeRolePolicyDocument=trust(scene.ann["Arn"]))
    denied(me.get_caller_identity, code="InvalidClientTokenId")


def test_tags_go_down_the_chain(server, scene):
    iam = server.client("iam")
    first = iam.create_role(
        RoleName="first", AssumeRolePolicyDocument=trust(scene.ann["Arn"], action=["sts:AssumeRole", "sts:TagSession"])
    )["Role"]
    second = iam.create_role(
        RoleName="second",
        AssumeRolePolicyDocument=trust(
            first["Arn"], {"StringEquals": {"aws:PrincipalTag/team": "red"}}, ["sts:AssumeRole", "sts:TagSession"]
        ),
    )["Role"]
    sts = server.client("sts", keys=scene.ann_keys)
    tags = lambda value: dict(Tags=[{"Key": "team", "Value": value}], TransitiveTagKeys=["team"])
    take = lambda value: session(
        server, "sts", sts.assume_role(RoleArn=first["Arn"], RoleSessionName="ss", **tags(value))["Credentials"]
    )
    denied(take("blue").assume_role, RoleArn=second["Arn"], RoleSessionName="ss")
    take("red").assume_role(RoleArn=second["Arn"], RoleSessionName="ss")
    message = denied(
        take("red").assume_role, code="InvalidParameterValue", RoleArn=second["Arn"], RoleSessionName="ss", **tags("green")
    )
    assert "conflicts with a transitive tag key" in message


def test_keys_and_messages(server):
    sts = server.client("sts")
    key, _ = server.credentials()
    me = sts.get_caller_identity()["Account"]
    assert sts.get_access_key_info(AccessKeyId=key)["Account"] == me
    denied(sts.decode_authorization_message, code="InvalidAuthorizationMessageException", EncodedMessage="nothing")


def test_decisions_are_explained(server, scene):
    ask = lambda *words, **more: server.opentrail("policy", "check", *words, **more)
    table = ask("--principal", scene.ann["Arn"], "--action", "s3:CreateBucket", "--resource", "arn:aws:s3:::x")
    assert "denied: s3:CreateBucket on arn:aws:s3:::x because no identity-based policy allows the s3:CreateBucket action" in table
    assert "inline policy roles of user ann" in table
    role = ["--principal", scene.role["Arn"], "--action", "s3:CreateBucket", "--resource", "arn:aws:s3:::x"]
    told = json.loads(ask(*role, "--format", "json"))
    assert told["Allowed"] is True and told["Principal"].endswith(":assumed-role/ops/check")
    # With its trust policy, and with what ann does not have.
    words = ["--principal", scene.ann["Arn"], "--action", "sts:AssumeRole", "--resource", scene.role["Arn"]]
    told = json.loads(ask(*words, "--format", "json"))
    assert told["Allowed"] is False and set(told["MissingContextKeys"]) >= {"sts:ExternalId"}
    told = json.loads(
        ask(*words, "--context", "sts:ExternalId=x-1", "--context", "aws:MultiFactorAuthPresent=true", "--format", "json")
    )
    assert told["Allowed"] is True, told
    # Of other accounts only the operator may ask; and it is on record.
    complaint = ask(*role, keys=server.credentials(), fails=True)
    assert "is not authorized to perform: opentrail:CheckPolicy" in complaint
    asked = server.record("CheckPolicy", until=lambda r: any("errorCode" in x for x in r))
    assert asked["eventSource"] == "opentrail.amazonaws.com" and asked["readOnly"] is True


def test_whoami_of_a_session(server, scene, assumed):
    credentials = assumed["Credentials"]
    keys = credentials["AccessKeyId"], credentials["SecretAccessKey"]
    told = server.opentrail("whoami", "--format", "json", keys=keys, env={"AWS_SESSION_TOKEN": credentials["SessionToken"]})
    assert json.loads(told)["Arn"] == f"arn:aws:sts::{scene.b}:assumed-role/ops/ann-at-work"
