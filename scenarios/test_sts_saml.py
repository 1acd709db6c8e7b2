"""A person without keys assumes a role by the assertion of a SAML provider, acts, and is denied elsewhere; the account's history tells who
it was, as CloudTrail does. What the provider did not sign as it stands there proves nobody, and leaves no record."""

import base64
import hashlib
import json
import time

import boto3
import botocore.config
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from saml_provider import SIGN_IN, Provider, posted


def allow(action, resource="*"):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}})


def trust(provider, **condition):
    actions = ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"]
    statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": actions}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture(scope="module")
def scene(server):
    class Scene:
        pass

    s = Scene()
    s.account = server.client("sts").get_caller_identity()["Account"]
    s.idp, s.other = Provider(), Provider()
    iam = server.client("iam")
    s.provider = iam.create_saml_provider(Name="Corp", SAMLMetadataDocument=s.idp.metadata)["SAMLProviderArn"]
    only = {
        "StringEquals": {"saml:aud": SIGN_IN, "saml:sub_type": "persistent", "saml:doc": f"{s.account}/Corp"},
        "ForAnyValue:StringEquals": {"saml:edupersonaffiliation": ["staff"]},
        "StringNotEquals": {"saml:sub": "bo"},
    }
    s.role = iam.create_role(
        Path="/sso/", RoleName="people", AssumeRolePolicyDocument=trust(s.provider, **only), MaxSessionDuration=7200
    )["Role"]
    iam.put_role_policy(RoleName="people", PolicyName="s3", PolicyDocument=allow("s3:CreateBucket"))
    s.pair = f"{s.role['Arn']},{s.provider}"
    return s


def sts(server):
    return boto3.client(
        "sts",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        config=botocore.config.Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )


def ask(server, scene, assertion, **more):
    request = {"RoleArn": scene.role["Arn"], "PrincipalArn": scene.provider, "SAMLAssertion": assertion, **more}
    return sts(server).assume_role_with_saml(**request)


def refused(server, scene, assertion, code="InvalidIdentityToken", **more):
    with pytest.raises(ClientError) as error:
        ask(server, scene, assertion, **more)
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


def assumptions(server):
    return server.records(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithSAML"}])


def test_an_assertion_is_enough(server, scene):
    assertion = scene.idp.assertion(
        scene.pair, SourceIdentity="ana", **{"PrincipalTag:team": "red", "TransitiveTagKeys": ["team"]}
    )
    answer = ask(server, scene, assertion, DurationSeconds=1800)
    arn = f"arn:aws:sts::{scene.account}:assumed-role/people/ana@example.com"
    digest = hashlib.sha1(f"{scene.idp.entity}{scene.account}/Corp".encode()).digest()
    qualifier = base64.b64encode(digest).decode()
    said = {k: v for k, v in answer.items() if k not in ("Credentials", "ResponseMetadata", "PackedPolicySize")}
    assert said == {
        "AssumedRoleUser": {"AssumedRoleId": f"{scene.role['RoleId']}:ana@example.com", "Arn": arn},
        "Subject": "ana",
        "SubjectType": "persistent",
        "Issuer": scene.idp.entity,
        "Audience": SIGN_IN,
        "NameQualifier": qualifier,
        "SourceIdentity": "ana",
    }
    given = answer["Credentials"]
    assert 1790 < given["Expiration"].timestamp() - time.time() <= 1800

    record = server.record("AssumeRoleWithSAML")
    assert record["userIdentity"] == {
        "type": "SAMLUser",
        "principalId": f"{qualifier}:ana",
        "userName": "ana",
        "identityProvider": qualifier,
    }
    assert record["requestParameters"] == {
        "sAMLAssertionID": "_assertion",
        "roleSessionName": "ana@example.com",
        "sourceIdentity": "ana",
        "principalTags": {"team": "red"},
        "transitiveTagKeys": ["team"],
        "roleArn": scene.role["Arn"],
        "principalArn": scene.provider,
        "durationSeconds": 1800,
    }
    elements = record["responseElements"]
    assert elements["subjectType"] == "persistent" and elements["nameQualifier"] == qualifier
    assert "secretAccessKey" not in elements["credentials"]
    assert record["resources"] == [
        {"accountId": scene.account, "type": "AWS::IAM::Role", "ARN": scene.role["Arn"]},
        {"accountId": scene.account, "type": "AWS::IAM::SAMLProvider", "ARN": scene.provider},
    ]
    assert record["readOnly"] is True

    assert session(server, given, "sts").get_caller_identity()["Arn"] == arn
    session(server, given, "s3").create_bucket(Bucket="made-by-ana")
    with pytest.raises(ClientError) as error:
        session(server, given, "s3").delete_bucket(Bucket="made-by-ana")
    assert error.value.response["Error"]["Code"] == "AccessDenied"
    later = server.record("CreateBucket")["userIdentity"]
    assert later["arn"] == arn and later["sessionContext"]["sourceIdentity"] == "ana"
    assert "webIdFederationData" not in later["sessionContext"]


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_providers_sign_in_either_place(server, scene, sign):
    assert ask(server, scene, scene.idp.assertion(scene.pair, sign=sign))["Subject"] == "ana"


def test_a_provider_may_have_a_key_on_a_curve(server, scene):
    idp = Provider("https://curve.example", elliptic=True)
    iam = server.client("iam")
    provider = iam.create_saml_provider(Name="Curve", SAMLMetadataDocument=idp.metadata)["SAMLProviderArn"]
    role = iam.create_role(RoleName="curved", AssumeRolePolicyDocument=trust(provider))["Role"]["Arn"]
    request = {"RoleArn": role, "PrincipalArn": provider}
    assert ask(server, scene, idp.assertion(f"{provider}, {role}"), **request)["Issuer"] == "https://curve.example"


def test_what_was_not_signed_as_it_stands_proves_nobody(server, scene):
    before = len(assumptions(server))
    good = scene.idp.response(scene.pair)
    check = lambda xml, **more: refused(server, scene, posted(xml), **more)
    assert "neither the response" in check(scene.idp.response(scene.pair, sign=None))
    assert check(good.replace(">ana<", ">eve<")).startswith("Response signature invalid")
    assert check(scene.other.response(scene.pair)).startswith("Response signature invalid")
    start, end = good.index("<saml:Assertion"), good.index("</samlp:Response>")
    forged = scene.idp.response(scene.pair, subject="eve", sign=None)
    forged = forged[forged.index("<saml:Assertion") : forged.index("</samlp:Response>")].replace("_assertion", "_forged")
    check(good[:start] + forged + good[start:])
    check(good[:end] + forged + good[end:])
    inside = forged.replace("<saml:Subject>", good[start:end] + "<saml:Subject>", 1)
    check(good[:start] + inside + good[end:])
    check("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + good)
    assert "base64" in refused(server, scene, "!!!!")
    refused(server, scene, posted("not xml at all"))
    assert len(assumptions(server)) == before


def test_an_assertion_is_for_this_provider_and_now(server, scene):
    before = len(assumptions(server))
    refuse = lambda code="InvalidIdentityToken", **more: refused(server, scene, scene.idp.assertion(scene.pair, **more), code)
    assert refuse(audience="https://elsewhere.example") == "Response does not contain the required audience."
    refuse(recipient="https://elsewhere.example")
    assert refuse("ExpiredTokenException", made=-301, holds=3600) == "Token must be redeemed within 5 minutes of issuance"
    refuse("ExpiredTokenException", made=-60, holds=30)
    assert refuse(name=None) == "RoleSessionName is required in AuthnResponse"
    assert refuse(name="a b").startswith("RoleSessionName in AuthnResponse must match")
    assert refuse(SourceIdentity="aws:x").startswith("Source Identity must match")
    assert refused(server, scene, scene.idp.assertion(scene.pair), PrincipalArn=scene.provider + "x") == "Specified provider doesn't exist"
    imposter = Provider("https://another.example")
    imposter.key, imposter.certificate = scene.idp.key, scene.idp.certificate
    assert refused(server, scene, imposter.assertion(scene.pair)) == "Issuer not present in specified provider"
    assert len(assumptions(server)) == before


def test_who_is_proven_and_denied_is_on_record(server, scene):
    text = "Not authorized to perform sts:AssumeRoleWithSAML"
    assert refused(server, scene, scene.idp.assertion(scene.pair, subject="bo"), "AccessDenied") == text
    record = server.record("AssumeRoleWithSAML")
    assert record["errorCode"] == "AccessDenied" and record["userIdentity"]["userName"] == "bo"
    assert record["requestParameters"]["sAMLAssertionID"] == "_assertion" and record["responseElements"] is None
    # A role that the assertion does not name is not asked for with it.
    iam = server.client("iam")
    role = iam.create_role(RoleName="unnamed", AssumeRolePolicyDocument=trust(scene.provider))["Role"]["Arn"]
    assert refused(server, scene, scene.idp.assertion(scene.pair), "AccessDenied", RoleArn=role) == text
    assert server.record("AssumeRoleWithSAML")["requestParameters"]["roleArn"] == role


def test_how_long_it_lasts(server, scene):
    lasts = lambda answer: answer["Credentials"]["Expiration"].timestamp() - time.time()
    assert 3590 < lasts(ask(server, scene, scene.idp.assertion(scene.pair))) <= 3600
    assert 890 < lasts(ask(server, scene, scene.idp.assertion(scene.pair, SessionDuration="900"))) <= 900
    assert lasts(ask(server, scene, scene.idp.assertion(scene.pair, ends=600))) <= 600
    refused(server, scene, scene.idp.assertion(scene.pair), "ValidationError", DurationSeconds=7201)


def test_the_cli_brings_an_assertion(server, scene, tmp_path):
    (tmp_path / "assertion").write_text(scene.idp.assertion(scene.pair))
    words = ["--role-arn", scene.role["Arn"], "--principal-arn", scene.provider, "--saml-assertion", f"file://{tmp_path}/assertion"]
    answer = server.aws("sts", "assume-role-with-saml", *words)
    assert answer["Subject"] == "ana" and answer["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_a_provider_that_asks_for_encryption_lets_nobody_in(server, scene):
    iam = server.client("iam")
    iam.update_saml_provider(SAMLProviderArn=scene.provider, AssertionEncryptionMode="Required")
    try:
        assert "encrypted assertions alone" in refused(server, scene, scene.idp.assertion(scene.pair))
    finally:
        iam.update_saml_provider(SAMLProviderArn=scene.provider, AssertionEncryptionMode="Allowed")


def test_new_metadata_is_new_keys(server, scene):
    iam, old = server.client("iam"), scene.idp
    new = Provider(old.entity)
    try:
        iam.update_saml_provider(SAMLProviderArn=scene.provider, SAMLMetadataDocument=new.metadata)
        assert ask(server, scene, new.assertion(scene.pair))["Subject"] == "ana"
        refused(server, scene, old.assertion(scene.pair))
    finally:
        iam.update_saml_provider(SAMLProviderArn=scene.provider, SAMLMetadataDocument=old.metadata)
