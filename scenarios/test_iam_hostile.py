"""What holders of some rights try in order to have more, and what they send to make the server work for nothing."""

import json
import time

import pytest
from botocore.exceptions import ClientError



def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **condition):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def refused(call, code, words="", **input):
    with pytest.raises(ClientError) as caught:
        call(**input)
    error = caught.value.response["Error"]
    assert error["Code"] == code and words in error["Message"], error
    return error


def user(server, name, *policies, **more):
    """A user with those policies, documents or ARNs; the key."""
    iam = server.client("iam")
    iam.create_user(UserName=name, **more)
    for n, one in enumerate(policies):
        if one.startswith("arn:"):
            iam.attach_user_policy(UserName=name, PolicyArn=one)
        else:
            iam.put_user_policy(UserName=name, PolicyName=f"p{n}", PolicyDocument=one)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def account(server):
    return server.client("sts").get_caller_identity()["Account"]


def test_our_own_commands_are_no_way_around_iam(server):
    everything_but_iam = policy(allow("*"), {**allow("iam:*"), "Effect": "Deny"})
    boundary = server.client("iam").create_policy(PolicyName="no-iam", PolicyDocument=everything_but_iam)["Policy"]["Arn"]
    callers = {
        "power": user(server, "power", "arn:aws:iam::aws:policy/PowerUserAccess"),
        "denied": user(server, "denied", everything_but_iam),
        "bounded": user(server, "bounded", policy(allow("*")), PermissionsBoundary=boundary),
    }
    for name, keys in callers.items():
        create = ("user", "create", "evil", "--policy", "admin")
        assert "is not authorized to perform: iam:CreateUser" in server.opentrail(*create, keys=keys, fails=True), name
        create = ("key", "create", "--user", "denied")
        assert "is not authorized to perform: iam:CreateAccessKey" in server.opentrail(*create, keys=keys, fails=True)
        delete = ("key", "delete", callers["power"][0])
        assert "is not authorized to perform: iam:DeleteAccessKey" in server.opentrail(*delete, keys=keys, fails=True)
        assert "iam:UpdateAccessKey" in server.opentrail("key", "disable", keys[0], keys=keys, fails=True)
        assert "iam:DeleteUser" in server.opentrail("user", "delete", "power", keys=keys, fails=True)
        assert "iam:ListUsers" in server.opentrail("user", "list", keys=keys, fails=True)
        assert "iam:ListAccessKeys" in server.opentrail("key", "list", keys=keys, fails=True)
    blind = user(server, "blind", policy(allow("*"), {**allow("cloudtrail:*"), "Effect": "Deny"}))
    assert "is not authorized to perform: cloudtrail:LookupEvents" in server.opentrail("lookup", "--since", "1h", keys=blind, fails=True)
    # What IAM lets somebody do, our commands do too; and no more than it.
    maker = user(server, "maker", policy(allow(["opentrail:*", "iam:CreateUser"])))
    server.opentrail("user", "create", "plain", keys=maker)
    create = ("user", "create", "evil", "--policy", "admin")
    assert "is not authorized to perform: iam:AttachUserPolicy" in server.opentrail(*create, keys=maker, fails=True)
    reads = {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}
    only_readers = policy(allow(["opentrail:*", "iam:CreateUser"]), allow("iam:AttachUserPolicy", **reads))
    some = user(server, "some", only_readers)
    server.opentrail("user", "create", "reader", "--policy", "read-only", keys=some)
    server.opentrail(*create, keys=some, fails=True)
    own = user(server, "own", policy(allow("opentrail:*"), allow("iam:*AccessKey*", f"arn:aws:iam::{account(server)}:user/own")))
    server.opentrail("key", "create", keys=own)
    server.opentrail("key", "create", "--user", "power", keys=own, fails=True)
    records = server.records(until=lambda found: any("evil" in str(r["errorMessage"]) for r in found if "errorCode" in r))
    mine = [r for r in records if r["eventSource"] == "opentrail.amazonaws.com" and r.get("errorCode") == "AccessDenied"]
    assert mine and all(r["requestParameters"] is None for r in mine)


def test_a_session_buys_itself_no_key(server):
    keys = user(server, "lender", policy(allow("*")))
    sts = server.client("sts", keys=keys)
    borrowed = {
        "a session without a second factor": sts.get_session_token(),
        "a federated user": sts.get_federation_token(Name="guest", Policy=policy(allow("*"))),
        "a federated user of the root": server.client("sts").get_federation_token(Name="guest", Policy=policy(allow("*"))),
        "a root's session": server.client("sts").get_session_token(),
    }
    for who, answer in borrowed.items():
        made = answer["Credentials"]
        env = {"AWS_SESSION_TOKEN": made["SessionToken"]}
        lent = (made["AccessKeyId"], made["SecretAccessKey"])
        for words in (("key", "create", "--user", "lender"), ("user", "create", "evil", "--policy", "admin"), ("user", "list")):
            said = server.opentrail(*words, keys=lent, env=env, fails=True)
            assert "AccessDeniedException" in said and "second factor" in said, (who, said)
        assert "lender" in server.opentrail("whoami", keys=lent, env=env) or who != "a session without a second factor"


def test_another_name_needs_the_right_to_it(server):
    iam, me = server.client("iam"), account(server)
    iam.create_user(UserName="dev", Path="/dev/")
    iam.create_group(GroupName="devs", Path="/dev/")
    scoped = policy(allow("iam:Update*", [f"arn:aws:iam::{me}:user/dev/*", f"arn:aws:iam::{me}:group/dev/*"]))
    mover = server.client("iam", keys=user(server, "mover", scoped))
    refused(mover.update_user, "AccessDenied", f"on resource: arn:aws:iam::{me}:user/admin/dev ", UserName="dev", NewPath="/admin/")
    refused(mover.update_user, "AccessDenied", f"user/admin/boss ", UserName="dev", NewPath="/admin/", NewUserName="boss")
    refused(mover.update_group, "AccessDenied", f"group/admin/devs ", GroupName="devs", NewPath="/admin/")
    mover.update_user(UserName="dev", NewUserName="deva", NewPath="/dev/a/")
    mover.update_group(GroupName="devs", NewGroupName="devas")
    assert iam.get_user(UserName="deva")["User"]["Path"] == "/dev/a/"


def test_nobodys_role_looks_like_a_services(server):
    trust = policy({"Effect": "Allow", "Principal": {"AWS": account(server)}, "Action": "sts:AssumeRole"})
    refused(
        server.client("iam").create_role,
        "InvalidInput",
        "Path prefix '/aws-service-role/' can only be used for AWS Service linked Roles",
        RoleName="fake",
        Path="/aws-service-role/x.amazonaws.com/",
        AssumeRolePolicyDocument=trust,
    )


def test_a_wrong_form_is_told_before_anything_is_decided(server):
    """Whoever may, but not with this name, is not told that they may not."""
    scoped = server.client("iam", keys=user(server, "scoped", policy(allow("iam:*", f"arn:aws:iam::{account(server)}:user/x/*"))))
    refused(scoped.create_user, "ValidationError", "'userName'", UserName="a b", Path="/x/")
    other, keys = server.account("elsewhere")
    trust = policy({"Effect": "Allow", "Principal": {"AWS": account(server)}, "Action": "sts:AssumeRole"})
    role = server.client("iam", keys=keys).create_role(RoleName="open", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sts = server.client("sts", keys=user(server, "goer", policy(allow("sts:AssumeRole"))))
    refused(sts.assume_role, "ValidationError", "'roleSessionName'", RoleArn=role, RoleSessionName="a/b")
    sts.assume_role(RoleArn=role, RoleSessionName="ab")


def test_what_is_wrong_with_a_document_is_told(server):
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Actions":"s3:*","Resource":"*"}]}'
    error = refused(
        server.client("iam").create_policy, "MalformedPolicyDocument", "Syntax errors in policy.", PolicyName="x", PolicyDocument=document
    )
    assert error["Detail"].endswith('"Actions" is no element of a policy'), error


def test_a_simulation_costs_no_more_than_a_page(server):
    iam = server.client("iam")
    many = {"ActionNames": [f"s:{n}" for n in range(4_500)], "ResourceArns": [f"a:{n}" for n in range(4_500)]}
    started = time.monotonic()
    first = iam.simulate_custom_policy(PolicyInputList=[policy(allow("*"))], MaxItems=2, **many)
    second = iam.simulate_custom_policy(PolicyInputList=[policy(allow("*"))], MaxItems=2, Marker=first["Marker"], **many)
    assert time.monotonic() - started < 10, "twenty million pairs were listed"
    shown = [r["EvalResourceName"] for r in first["EvaluationResults"] + second["EvaluationResults"]]
    assert shown == ["a:0", "a:1", "a:2", "a:3"] and second["IsTruncated"]
    # A page ends early where it would say too much; none is left out.
    wide = policy(*[allow("s3:Get*", "arn:aws:s3:::b/*") for _ in range(1_500)])
    pages = iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[wide], ActionNames=["s3:GetObject"], ResourceArns=[f"arn:aws:s3:::b/{n}" for n in range(20)]
    )
    sizes = [len(page["EvaluationResults"]) for page in pages]
    assert sum(sizes) == 20 and max(sizes) < 20, sizes


def test_white_space_is_free_within_reason(server):
    iam = server.client("iam")
    spaced = lambda n: policy(allow("s3:*")).replace(",", "," + " " * n)
    iam.create_policy(PolicyName="indented", PolicyDocument=spaced(4_000))
    refused(iam.create_policy, "LimitExceeded", "White space counts", PolicyName="wide", PolicyDocument=spaced(20_000))
    iam.create_user(UserName="wide")
    iam.put_user_policy(UserName="wide", PolicyName="a", PolicyDocument=spaced(3_000))
    refused(iam.put_user_policy, "LimitExceeded", "White space counts", UserName="wide", PolicyName="b", PolicyDocument=spaced(3_000))
    trust = policy({"Effect": "Allow", "Principal": {"AWS": account(server)}, "Action": "sts:AssumeRole"}).replace(",", "," + " " * 9_000)
    refused(iam.create_role, "LimitExceeded", "White space counts", RoleName="wide", AssumeRolePolicyDocument=trust)


def test_a_question_that_is_none_is_not_answered(server):
    principal = ("policy", "check", "--principal", f"arn:aws:iam::{account(server)}:root")
    said = server.opentrail(*principal, "--action", "s3:GetObject", "--resource", "bucket/key", profile="opentrail", fails=True)
    assert "'bucket/key' is no ARN" in said
    said = server.opentrail(*principal, "--action", "s3:*", profile="opentrail", fails=True)
    assert "'s3:*' is a pattern" in said
    server.opentrail(*principal, "--action", "s3:GetObject", "--resource", "*", profile="opentrail")
