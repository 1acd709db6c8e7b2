"""Users, groups, keys and policies of IAM through boto3 and the aws CLI: answers, refusals and records."""

import datetime
import json
import urllib.parse

import pytest
from botocore.exceptions import ClientError

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
READER = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def refused(call, code, message=None, status=None, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    answer = error.value.response
    assert answer["Error"]["Code"] == code, answer
    if message is not None:
        assert answer["Error"]["Message"] == message, answer
    if status is not None:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    return answer["Error"]["Message"]


def document(action="s3:ListAllMyBuckets", **more):
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def house(server):
    """An account of its own: its id, its root's keys and an IAM client of the root."""
    account, keys = server.account("iam-people")
    return account, keys, server.client("iam", keys=keys)


def test_a_user_from_creation_to_deletion(server, house):
    account, keys, iam = house
    made = iam.create_user(UserName="Ann", Path="/ops/", Tags=[{"Key": "Team", "Value": "red"}])["User"]
    assert set(made) == {"Path", "UserName", "UserId", "Arn", "CreateDate", "Tags"}
    assert made["Arn"] == f"arn:aws:iam::{account}:user/ops/Ann" and made["UserId"].startswith("AIDA")
    assert len(made["UserId"]) == 21 and made["CreateDate"].microsecond == 0
    refused(iam.create_user, "EntityAlreadyExists", "User with name ann already exists.", 409, UserName="ann")
    # The names of others' records are theirs; lookups know no case.
    assert iam.get_user(UserName="aNN")["User"] == made
    listed = iam.list_users(PathPrefix="/op")["Users"]
    assert [set(user) for user in listed] == [{"Path", "UserName", "UserId", "Arn", "CreateDate"}]
    assert iam.list_users(PathPrefix="/other/")["Users"] == []

    iam.update_user(UserName="Ann", NewUserName="Anna", NewPath="/dev/")
    renamed = iam.get_user(UserName="Anna")["User"]
    assert renamed["UserId"] == made["UserId"] and renamed["Arn"] == f"arn:aws:iam::{account}:user/dev/Anna"
    refused(iam.get_user, "NoSuchEntity", "The user with name Ann cannot be found.", 404, UserName="Ann")
    iam.tag_user(UserName="Anna", Tags=[{"Key": "TEAM", "Value": "blue"}, {"Key": "x", "Value": ""}])
    assert iam.list_user_tags(UserName="Anna")["Tags"] == [{"Key": "TEAM", "Value": "blue"}, {"Key": "x", "Value": ""}]
    iam.untag_user(UserName="Anna", TagKeys=["team", "not there"])
    assert iam.list_user_tags(UserName="Anna")["Tags"] == [{"Key": "x", "Value": ""}]
    iam.delete_user(UserName="Anna")
    refused(iam.delete_user, "NoSuchEntity", UserName="Anna")

    record = [r for r in server.records(keys=keys) if r["eventName"] == "CreateUser" and "errorCode" not in r][0]
    assert record["eventSource"] == "iam.amazonaws.com" and record["awsRegion"] == "us-east-1"
    assert record["readOnly"] is False and record["managementEvent"] is True and "apiVersion" not in record
    assert record["requestParameters"] == {"userName": "Ann", "path": "/ops/", "tags": [{"key": "Team", "value": "red"}]}
    shown = record["responseElements"]["user"]
    assert shown["userId"] == made["UserId"] and shown["arn"] == made["Arn"] and shown["path"] == "/ops/"
    datetime.datetime.strptime(shown["createDate"], "%Y-%m-%dT%H:%M:%SZ")
    failed = [r for r in server.records(keys=keys) if r["eventName"] == "CreateUser" and "errorCode" in r][0]
    assert failed["errorCode"] == "EntityAlreadyExistsException"
    assert failed["errorMessage"] == "User with name ann already exists."
    assert failed["requestParameters"] == {"userName": "ann"} and failed["responseElements"] is None


def test_names_are_checked_before_anything_is_looked_for(house):
    _, _, iam = house
    message = refused(iam.create_user, "ValidationError", status=400, UserName="no spaces")
    assert message == (
        "1 validation error detected: Value at 'userName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w+=,.@-]+"
    )
    refused(iam.create_user, "ValidationError", UserName="x" * 65)
    refused(iam.list_users, "ValidationError", "Invalid Marker.", 400, Marker="nonsense")
    duplicate = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    text = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    refused(iam.create_user, "InvalidInput", text, 400, UserName="twice", Tags=duplicate)
    many = [{"Key": f"k{i}", "Value": ""} for i in range(51)]
    refused(iam.create_user, "ValidationError", UserName="many", Tags=many)


def test_listings_come_in_pages(house):
    _, _, iam = house
    names = [f"page-{i}" for i in range(5)]
    for name in names:
        iam.create_group(GroupName=name, Path="/pages/")
    first = iam.list_groups(PathPrefix="/pages/", MaxItems=2)
    assert first["IsTruncated"] is True and [g["GroupName"] for g in first["Groups"]] == names[:2]
    refused(iam.list_users, "ValidationError", "Invalid Marker.", Marker=first["Marker"])
    pages = iam.get_paginator("list_groups").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 2})
    assert [g["GroupName"] for page in pages for g in page["Groups"]] == names
    details = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2})
    found = [(page["GroupDetailList"], page["Policies"]) for page in details]
    assert set(names) <= {g["GroupName"] for groups, _ in found for g in groups}
    whole = iam.get_account_authorization_details(MaxItems=1000)
    assert whole["IsTruncated"] is False
    assert [p["Arn"] for _, policies in found for p in policies] == [p["Arn"] for p in whole["Policies"]]
    own = iam.create_policy(PolicyName="page-policy", PolicyDocument=document("s3:GetObject"))["Policy"]["Arn"]
    policies = iam.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 3})
    arns = [p["Arn"] for page in policies for p in page["Policies"]]
    assert len(arns) == len(set(arns)) and arns.index(own) < arns.index("arn:aws:iam::aws:policy/AdministratorAccess")
    assert [p["Arn"] for p in iam.list_policies(MaxItems=1000)["Policies"]] == arns
    iam.delete_policy(PolicyArn=own)
    last = iam.list_groups(PathPrefix="/pages/")
    assert last["IsTruncated"] is False and "Marker" not in last
    for name in names:
        iam.delete_group(GroupName=name)


def test_groups_and_their_members(house):
    account, _, iam = house
    group = iam.create_group(GroupName="Crew")["Group"]
    assert set(group) == {"Path", "GroupName", "GroupId", "Arn", "CreateDate"} and group["GroupId"].startswith("AGPA")
    iam.create_user(UserName="bob")
    refused(iam.add_user_to_group, "NoSuchEntity", "The user with name eve cannot be found.", GroupName="nogroup", UserName="eve")
    refused(iam.add_user_to_group, "NoSuchEntity", "The group with name nogroup cannot be found.", GroupName="nogroup", UserName="bob")
    for _ in range(2):
        iam.add_user_to_group(GroupName="crew", UserName="BOB")
    assert [u["UserName"] for u in iam.get_group(GroupName="Crew")["Users"]] == ["bob"]
    iam.update_group(GroupName="Crew", NewGroupName="Team", NewPath="/t/")
    iam.update_user(UserName="bob", NewUserName="rob")
    assert [u["UserName"] for u in iam.get_group(GroupName="Team")["Users"]] == ["rob"]
    assert [g["Arn"] for g in iam.list_groups_for_user(UserName="rob")["Groups"]] == [f"arn:aws:iam::{account}:group/t/Team"]
    refused(iam.delete_group, "DeleteConflict", "Cannot delete entity, must remove users from group first.", 409, GroupName="Team")
    refused(iam.delete_user, "DeleteConflict", "Cannot delete entity, must remove referenced objects first.", 409, UserName="rob")
    for _ in range(2):
        iam.remove_user_from_group(GroupName="Team", UserName="rob")
    iam.delete_group(GroupName="Team")
    iam.delete_user(UserName="rob")


def test_keys_are_the_same_ones_that_the_house_makes(server, house):
    account, keys, iam = house
    iam.create_user(UserName="keeper")
    key = iam.create_access_key(UserName="keeper")["AccessKey"]
    assert set(key) == {"UserName", "AccessKeyId", "Status", "SecretAccessKey", "CreateDate"}
    pair = (key["AccessKeyId"], key["SecretAccessKey"])
    who = server.client("sts", keys=pair).get_caller_identity()
    assert who["Arn"] == f"arn:aws:iam::{account}:user/keeper"
    assert key["AccessKeyId"] in server.opentrail("key", "list", "--user", "keeper", keys=keys)
    iam.create_access_key(UserName="keeper")
    refused(iam.create_access_key, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409, UserName="keeper")
    listed = iam.list_access_keys(UserName="keeper")["AccessKeyMetadata"]
    assert len(listed) == 2 and set(listed[0]) == {"UserName", "AccessKeyId", "Status", "CreateDate"}

    # A key goes on under its user's new name, and stops when it is made inactive.
    iam.update_user(UserName="keeper", NewUserName="warden")
    assert server.client("sts", keys=pair).get_caller_identity()["Arn"] == f"arn:aws:iam::{account}:user/warden"
    iam.update_access_key(UserName="warden", AccessKeyId=pair[0], Status="Inactive")
    refused(server.client("sts", keys=pair).get_caller_identity, "InvalidClientTokenId")
    refused(iam.delete_user, "DeleteConflict", UserName="warden")
    text = f"The Access Key with id {pair[0]} cannot be found."
    refused(iam.delete_access_key, "NoSuchEntity", text, AccessKeyId=pair[0])
    last = iam.get_access_key_last_used(AccessKeyId=listed[1]["AccessKeyId"])
    assert last["UserName"] == "warden" and last["AccessKeyLastUsed"] == {"Region": "N/A", "ServiceName": "N/A"}
    unknown = refused(iam.get_access_key_last_used, "AccessDenied", status=403, AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    assert unknown.endswith("is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE")
    for metadata in iam.list_access_keys(UserName="warden")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="warden", AccessKeyId=metadata["AccessKeyId"])
    iam.delete_user(UserName="warden")
    record = [r for r in server.records(keys=keys) if r["eventName"] == "CreateAccessKey" and "errorCode" not in r][0]
    assert set(record["responseElements"]["accessKey"]) == {"userName", "accessKeyId", "status", "createDate"}
    assert key["SecretAccessKey"] not in json.dumps(server.records(keys=keys))


def test_managed_policies_and_their_versions(server, house):
    account, keys, iam = house
    made = iam.create_policy(PolicyName="reading", Path="/p/", PolicyDocument=document(), Description="why", Tags=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}])["Policy"]
    arn = f"arn:aws:iam::{account}:policy/p/reading"
    assert made["Arn"] == arn and made["PolicyId"].startswith("ANPA") and "Description" not in made
    assert (made["DefaultVersionId"], made["AttachmentCount"], made["PermissionsBoundaryUsageCount"], made["IsAttachable"]) == ("v1", 0, 0, True)
    assert made["Tags"] == [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]
    text = "A policy called Reading already exists. Duplicate names are not allowed."
    refused(iam.create_policy, "EntityAlreadyExists", text, 409, PolicyName="Reading", PolicyDocument=document())
    got = iam.get_policy(PolicyArn=arn)["Policy"]
    assert got["Description"] == "why" and [t["Key"] for t in iam.list_policy_tags(PolicyArn=arn)["Tags"]] == ["a", "b"]

    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "A", "Value": "3"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["A", "B"])
    assert [t["Key"] for t in iam.list_policy_tags(PolicyArn=arn)["Tags"]] == ["a", "b"], "case matters here"
    refused(iam.tag_policy, "AccessDenied", status=403, PolicyArn=READER, Tags=[{"Key": "x", "Value": "y"}])

    spaced = '{ "Version": "2012-10-17",\n "Statement": {"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::a%3Ab/*"}}'
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=spaced)["PolicyVersion"]
    assert set(second) == {"VersionId", "IsDefaultVersion", "CreateDate"} and second["IsDefaultVersion"] is False
    raw = []
    iam.meta.events.register("before-parse.iam.GetPolicyVersion", lambda response_dict, **_: raw.append(response_dict["body"]))
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert version["Document"] == json.loads(spaced), "the SDK decodes it"
    assert urllib.parse.quote(spaced, safe="-._~").encode() in raw[0], "kept to the letter"
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(), SetAsDefault=True)
    full = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."
    refused(iam.create_policy_version, "LimitExceeded", full, 409, PolicyArn=arn, PolicyDocument=document())
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=document())["PolicyVersion"]["VersionId"] == "v6"
    assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v6", "v5", "v4", "v3", "v1"]
    refused(iam.delete_policy_version, "DeleteConflict", "Cannot delete the default version of a policy.", PolicyArn=arn, VersionId="v5")
    text = f"Policy {arn} version v9 does not exist or is not attachable."
    refused(iam.set_default_policy_version, "NoSuchEntity", text, PolicyArn=arn, VersionId="v9")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    refused(iam.delete_policy, "DeleteConflict", PolicyArn=arn)
    for version in ["v3", "v4", "v5", "v6"]:
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)

    iam.create_user(UserName="holder")
    iam.attach_user_policy(UserName="holder", PolicyArn=arn)
    iam.attach_user_policy(UserName="holder", PolicyArn=READER)
    assert iam.list_attached_user_policies(UserName="holder")["AttachedPolicies"] == [
        {"PolicyName": "reading", "PolicyArn": arn}, {"PolicyName": "ReadOnlyAccess", "PolicyArn": READER},
    ]  # fmt: skip
    holders = iam.list_entities_for_policy(PolicyArn=arn)
    assert [u["UserName"] for u in holders["PolicyUsers"]] == ["holder"] and holders["PolicyRoles"] == holders["PolicyGroups"] == []
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    attached = {p["PolicyName"]: p["AttachmentCount"] for p in iam.list_policies(OnlyAttached=True)["Policies"]}
    assert attached == {"reading": 1, "ReadOnlyAccess": 1}
    refused(iam.delete_policy, "DeleteConflict", "Cannot delete a policy attached to entities.", 409, PolicyArn=arn)
    refused(iam.delete_user, "DeleteConflict", "Cannot delete entity, must detach all policies first.", 409, UserName="holder")
    iam.detach_user_policy(UserName="holder", PolicyArn=arn)
    refused(iam.detach_user_policy, "NoSuchEntity", f"Policy {arn} was not found.", 404, UserName="holder", PolicyArn=arn)
    iam.detach_user_policy(UserName="holder", PolicyArn=READER)
    iam.delete_user(UserName="holder")
    iam.delete_policy(PolicyArn=arn)
    refused(iam.get_policy, "NoSuchEntity", f"Policy {arn} was not found.", 404, PolicyArn=arn)

    refused(iam.delete_policy, "AccessDenied", "Cannot delete policies outside your own account.", 403, PolicyArn=ADMIN)
    refused(iam.attach_user_policy, "ValidationError", "ARN nonsense-nonsense-nonsense is not valid.", UserName="x", PolicyArn="nonsense-nonsense-nonsense")
    created = [r for r in server.records(keys=keys) if r["eventName"] == "CreatePolicy" and "errorCode" not in r][0]
    assert created["requestParameters"]["policyDocument"] == document(), "raw text"
    assert created["responseElements"]["policy"]["attachmentCount"] == 0
    assert created["responseElements"]["policy"]["isAttachable"] is True


def test_documents_are_refused_in_iams_words(house):
    _, _, iam = house
    check = lambda text, expect: refused(iam.create_policy, "MalformedPolicyDocument", expect, 400, PolicyName="bad", PolicyDocument=text)  # noqa: E731
    check("{", "Syntax errors in policy.")
    check(document().replace("2012", "2010"), "Syntax errors in policy.")
    check(document().replace("2012-10-17", "2008-10-17"), "Policy document must be version 2012-10-17 or greater.")
    check(document(action="nocolon"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    check(document(Resource="bucket"), 'Resource bucket must be in ARN format or "*".')
    big = document(action=[f"s3:Get{'x' * 60}{i}" for i in range(100)])
    refused(iam.create_policy, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144", 409, PolicyName="big", PolicyDocument=big)


def test_inline_policies_and_boundaries(house):
    account, _, iam = house
    iam.create_user(UserName="inliner")
    for name in ["b", "a"]:
        iam.put_user_policy(UserName="inliner", PolicyName=name, PolicyDocument=document())
    assert iam.list_user_policies(UserName="inliner")["PolicyNames"] == ["a", "b"]
    assert iam.get_user_policy(UserName="Inliner", PolicyName="a")["PolicyDocument"] == json.loads(document())
    big = document(action=[f"s3:Get{'x' * 60}{i}" for i in range(30)])
    text = "Maximum policy size of 2048 bytes exceeded for user inliner"
    refused(iam.put_user_policy, "LimitExceeded", text, 409, UserName="inliner", PolicyName="c", PolicyDocument=big)
    refused(iam.delete_user, "DeleteConflict", "Cannot delete entity, must delete policies first.", UserName="inliner")
    text = "The user policy with name c cannot be found."
    refused(iam.get_user_policy, "NoSuchEntity", text, 404, UserName="inliner", PolicyName="c")
    for name in ["a", "b"]:
        iam.delete_user_policy(UserName="inliner", PolicyName=name)
    group = iam.create_group(GroupName="inlined")["Group"]["GroupName"]
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document())
    assert iam.list_group_policies(GroupName=group)["PolicyNames"] == ["p"]
    assert iam.get_group_policy(GroupName=group, PolicyName="p")["GroupName"] == group
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    iam.attach_group_policy(GroupName=group, PolicyArn=READER)
    assert len(iam.list_attached_group_policies(GroupName=group)["AttachedPolicies"]) == 1
    iam.detach_group_policy(GroupName=group, PolicyArn=READER)
    iam.delete_group(GroupName=group)

    arn = iam.create_policy(PolicyName="fence", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="inliner", PermissionsBoundary=arn)
    shown = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert iam.get_user(UserName="inliner")["User"]["PermissionsBoundary"] == shown
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    refused(iam.delete_policy, "DeleteConflict", PolicyArn=arn)
    missing = f"arn:aws:iam::{account}:policy/none"
    text = f"Scope ARN: {missing} does not exist or is not attachable."
    refused(iam.put_user_permissions_boundary, "NoSuchEntity", text, UserName="inliner", PermissionsBoundary=missing)
    bad = f"arn:aws:iam::{account}:user/inliner"
    refused(iam.put_user_permissions_boundary, "InvalidInput", f"ARN {bad} is not valid.", UserName="inliner", PermissionsBoundary=bad)
    iam.delete_user_permissions_boundary(UserName="inliner")
    iam.delete_policy(PolicyArn=arn)
    iam.delete_user(UserName="inliner")


def test_the_coarse_policies_of_the_command_line_are_attached_ones(server, house):
    _, keys, iam = house
    server.opentrail("user", "create", "coarse", "--policy", "read-only", keys=keys)
    assert iam.list_attached_user_policies(UserName="coarse")["AttachedPolicies"] == [
        {"PolicyName": "ReadOnlyAccess", "PolicyArn": READER}
    ]
    iam.attach_user_policy(UserName="coarse", PolicyArn=ADMIN)
    listed = server.opentrail("user", "list", keys=keys)
    assert "coarse" in listed and "admin" in listed
    server.opentrail("user", "delete", "coarse", keys=keys)
    assert iam.list_entities_for_policy(PolicyArn=ADMIN)["PolicyUsers"] == []


def test_the_aws_cli_speaks_iam(server, house):
    _, keys, _ = house
    made = server.aws("iam", "create-user", "--user-name", "cli", "--tags", "Key=a,Value=b", keys=keys)
    assert made["User"]["UserName"] == "cli"
    server.aws("iam", "attach-user-policy", "--user-name", "cli", "--policy-arn", READER, keys=keys)
    listed = server.aws("iam", "list-attached-user-policies", "--user-name", "cli", keys=keys)
    assert listed["AttachedPolicies"][0]["PolicyName"] == "ReadOnlyAccess"
    server.aws("iam", "detach-user-policy", "--user-name", "cli", "--policy-arn", READER, keys=keys)
    server.aws("iam", "delete-user", "--user-name", "cli", keys=keys)
    complaint = server.aws("iam", "get-user", "--user-name", "cli", keys=keys, fails=True)
    assert "(NoSuchEntity) when calling the GetUser operation: The user with name cli cannot be found." in complaint


def test_what_is_not_built_says_so(house):
    _, _, iam = house
    message = refused(iam.list_server_certificates, "NotImplemented", status=501)
    assert "ListServerCertificates" in message
