"""Roles, instance profiles, providers, devices and the account itself, through boto3."""

import base64
import csv
import hashlib
import hmac
import io
import json
import struct
import time
import urllib.parse

import pytest

from saml_provider import Provider
from test_iam_people import READER, document, refused

FENCE = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


def trust(principal, action="sts:AssumeRole", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, **more}]})


@pytest.fixture(scope="module")
def house(server):
    account, keys = server.account("iam-roles")
    return account, keys, server.client("iam", keys=keys)


def test_a_role_from_creation_to_deletion(server, house):
    account, keys, iam = house
    text = trust({"AWS": account})
    made = iam.create_role(RoleName="Ops", Path="/r/", AssumeRolePolicyDocument=text, Description="runs it", MaxSessionDuration=7200,
                           PermissionsBoundary=FENCE, Tags=[{"Key": "a", "Value": "b"}])["Role"]  # fmt: skip
    base = {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}
    assert set(made) == base | {"PermissionsBoundary", "Tags"}
    assert made["Arn"] == f"arn:aws:iam::{account}:role/r/Ops" and made["RoleId"].startswith("AROA")
    assert made["AssumeRolePolicyDocument"] == json.loads(text)
    got = iam.get_role(RoleName="ops")["Role"]
    assert set(got) == base | {"PermissionsBoundary", "Tags", "Description", "MaxSessionDuration", "RoleLastUsed"}
    assert (got["Description"], got["MaxSessionDuration"], got["RoleLastUsed"]) == ("runs it", 7200, {})
    listed = [r for r in iam.list_roles(PathPrefix="/r/")["Roles"]]
    assert [set(r) for r in listed] == [base | {"Description", "MaxSessionDuration"}]
    refused(iam.create_role, "EntityAlreadyExists", "Role with name OPS already exists.", 409, RoleName="OPS", AssumeRolePolicyDocument=text)

    iam.update_role(RoleName="Ops", MaxSessionDuration=3600)
    assert iam.get_role(RoleName="Ops")["Role"]["Description"] == "runs it"
    shown = iam.update_role_description(RoleName="Ops", Description="new")["Role"]
    assert shown["Description"] == "new" and "MaxSessionDuration" not in shown
    iam.update_assume_role_policy(RoleName="Ops", PolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    assert iam.get_role(RoleName="Ops")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    iam.delete_role_permissions_boundary(RoleName="Ops")
    iam.put_role_permissions_boundary(RoleName="Ops", PermissionsBoundary=FENCE)
    iam.tag_role(RoleName="Ops", Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_role(RoleName="Ops", TagKeys=["A"])
    assert iam.list_role_tags(RoleName="Ops")["Tags"] == [{"Key": "c", "Value": "d"}]

    iam.attach_role_policy(RoleName="Ops", PolicyArn=READER)
    iam.put_role_policy(RoleName="Ops", PolicyName="in", PolicyDocument=document())
    assert iam.list_attached_role_policies(RoleName="Ops")["AttachedPolicies"][0]["PolicyArn"] == READER
    assert iam.list_role_policies(RoleName="Ops")["PolicyNames"] == ["in"]
    assert iam.get_role_policy(RoleName="Ops", PolicyName="in")["PolicyDocument"] == json.loads(document())
    refused(iam.delete_role, "DeleteConflict", "Cannot delete entity, must detach all policies first.", 409, RoleName="Ops")
    iam.detach_role_policy(RoleName="Ops", PolicyArn=READER)
    refused(iam.delete_role, "DeleteConflict", "Cannot delete entity, must delete policies first.", 409, RoleName="Ops")
    iam.delete_role_policy(RoleName="Ops", PolicyName="in")

    profile = iam.create_instance_profile(InstanceProfileName="box", Path="/r/")["InstanceProfile"]
    assert profile["Roles"] == [] and profile["InstanceProfileId"].startswith("AIPA") and "Tags" not in profile
    refused(iam.add_role_to_instance_profile, "NoSuchEntity", "Instance Profile none cannot be found.", InstanceProfileName="none", RoleName="no")
    iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="Ops")
    text = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    refused(iam.add_role_to_instance_profile, "LimitExceeded", text, 409, InstanceProfileName="box", RoleName="Ops")
    held = iam.get_instance_profile(InstanceProfileName="box")["InstanceProfile"]
    assert [set(r) for r in held["Roles"]] == [base] and held["Tags"] == []
    assert [p["InstanceProfileName"] for p in iam.list_instance_profiles_for_role(RoleName="Ops")["InstanceProfiles"]] == ["box"]
    assert [p["InstanceProfileName"] for p in iam.list_instance_profiles(PathPrefix="/r/")["InstanceProfiles"]] == ["box"]
    text = "Cannot delete entity, must remove roles from instance profile first."
    refused(iam.delete_role, "DeleteConflict", text, 409, RoleName="Ops")
    refused(iam.delete_instance_profile, "DeleteConflict", text, 409, InstanceProfileName="box")
    iam.remove_role_from_instance_profile(InstanceProfileName="box", RoleName="Ops")
    text = "Role Ops in Instance Profile box cannot be found."
    refused(iam.remove_role_from_instance_profile, "NoSuchEntity", text, InstanceProfileName="box", RoleName="Ops")
    iam.tag_instance_profile(InstanceProfileName="box", Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_instance_profile_tags(InstanceProfileName="box")["Tags"] == [{"Key": "k", "Value": "v"}]
    iam.untag_instance_profile(InstanceProfileName="box", TagKeys=["k"])
    iam.delete_instance_profile(InstanceProfileName="box")
    iam.delete_role(RoleName="Ops")
    refused(iam.get_role, "NoSuchEntity", "The role with name Ops cannot be found.", 404, RoleName="Ops")

    created = [r for r in server.records(keys=keys) if r["eventName"] == "CreateRole" and "errorCode" not in r][0]
    assert created["requestParameters"]["assumeRolePolicyDocument"] == trust({"AWS": account}), "raw in the request"
    assert created["responseElements"]["role"]["assumeRolePolicyDocument"] == urllib.parse.quote(trust({"AWS": account}), safe="-._~")


def test_whom_a_trust_policy_names_must_be_there(house):
    account, _, iam = house
    missing = f"arn:aws:iam::{account}:user/nobody"
    text = f'Invalid principal in policy: "AWS":"{missing}"'
    refused(iam.create_role, "MalformedPolicyDocument", text, 400, RoleName="r", AssumeRolePolicyDocument=trust({"AWS": missing}))
    refused(iam.create_role, "MalformedPolicyDocument", "This policy contains invalid Json", RoleName="r", AssumeRolePolicyDocument="{")
    text = "AssumeRole policy may only specify STS AssumeRole actions."
    refused(iam.create_role, "MalformedPolicyDocument", text, RoleName="r", AssumeRolePolicyDocument=trust({"AWS": account}, "s3:GetObject"))
    text = "Has prohibited field Resource"
    refused(iam.create_role, "MalformedPolicyDocument", text, RoleName="r", AssumeRolePolicyDocument=trust({"AWS": account}, Resource="*"))
    # Who is gone is shown by the id that was meant, and who comes after them under the name is somebody else.
    user = iam.create_user(UserName="fleeting")["User"]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": user["Arn"]}))
    named = lambda: iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]  # noqa: E731
    assert named() == {"AWS": user["Arn"]}
    iam.update_user(UserName="fleeting", NewUserName="passing", NewPath="/by/")
    assert named() == {"AWS": f"arn:aws:iam::{account}:user/by/passing"}, "who is renamed is still meant"
    iam.update_user(UserName="passing", NewUserName="fleeting", NewPath="/")
    assert named() == {"AWS": user["Arn"]}
    iam.delete_user(UserName="fleeting")
    assert named() == {"AWS": user["UserId"]}
    iam.create_user(UserName="fleeting")
    assert named() == {"AWS": user["UserId"]}
    iam.delete_user(UserName="fleeting")
    iam.delete_role(RoleName="r")


def test_service_linked_roles(house):
    account, _, iam = house
    role = iam.create_service_linked_role(AWSServiceName="cloudtrail.amazonaws.com", Description="d")["Role"]
    assert role["Arn"] == f"arn:aws:iam::{account}:role/aws-service-role/cloudtrail.amazonaws.com/AWSServiceRoleForCloudTrail"
    name = role["RoleName"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached[0]["PolicyArn"] == "arn:aws:iam::aws:policy/aws-service-role/AWSCloudTrailServiceRolePolicy"
    text = f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    refused(iam.delete_role, "UnmodifiableEntity", text, 400, RoleName=name)
    refused(iam.attach_role_policy, "UnmodifiableEntity", text, RoleName=name, PolicyArn=READER)
    refused(iam.create_service_linked_role, "InvalidInput",
            f"Service role name {name} has been taken in this account, please try a different suffix.", 400,
            AWSServiceName="cloudtrail.amazonaws.com")  # fmt: skip
    text = "Custom suffix is not allowed for cloudtrail.amazonaws.com"
    refused(iam.create_service_linked_role, "InvalidInput", text, AWSServiceName="cloudtrail.amazonaws.com", CustomSuffix="x")
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/cloudtrail.amazonaws.com/{name}/")
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    refused(iam.get_role, "NoSuchEntity", RoleName=name)


def test_openid_and_saml_providers(house):
    account, _, iam = house
    arn = iam.create_open_id_connect_provider(Url="https://token.example.com/realm", ClientIDList=["app"], ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{account}:oidc-provider/token.example.com/realm"
    text = "Provider with url https://token.example.com/realm already exists."
    refused(iam.create_open_id_connect_provider, "EntityAlreadyExists", text, 409, Url="https://token.example.com/realm")
    refused(iam.create_open_id_connect_provider, "ValidationError", "Invalid Open ID Connect Provider URL", Url="http://plain.example.com")
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert got["Url"] == "token.example.com/realm" and got["ClientIDList"] == ["app"] and got["Tags"] == []
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="web")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="app")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "A", "Value": "1"}, {"Key": "a", "Value": "2"}])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["A"])
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (got["ClientIDList"], got["ThumbprintList"]) == (["web"], ["b" * 40])
    listed = iam.list_open_id_connect_providers()
    assert listed["OpenIDConnectProviderList"] == [{"Arn": arn}] and "IsTruncated" not in listed
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    text = f"OpenId connect Provider {arn} cannot be found."
    refused(iam.delete_open_id_connect_provider, "NoSuchEntity", text, 404, OpenIDConnectProviderArn=arn)

    useless = '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x">' + "x" * 1000 + "</EntityDescriptor>"
    refused(iam.create_saml_provider, "InvalidInput", None, 400, Name="corp", SAMLMetadataDocument=useless)
    metadata = Provider().metadata.replace("<EntityDescriptor ", '<EntityDescriptor validUntil="2100-01-01T00:00:00Z" ')
    saml = iam.create_saml_provider(Name="corp", SAMLMetadataDocument=metadata)["SAMLProviderArn"]
    got = iam.get_saml_provider(SAMLProviderArn=saml)
    assert got["SAMLMetadataDocument"] == metadata and got["ValidUntil"].year == 2100
    assert (got["AssertionEncryptionMode"], got["PrivateKeyList"], got["Tags"]) == ("Allowed", [], [])
    assert iam.update_saml_provider(SAMLProviderArn=saml, AssertionEncryptionMode="Required", SAMLMetadataDocument=metadata)["SAMLProviderArn"] == saml
    iam.tag_saml_provider(SAMLProviderArn=saml, Tags=[{"Key": "k", "Value": "v"}])
    assert len(iam.list_saml_provider_tags(SAMLProviderArn=saml)["Tags"]) == 1
    iam.untag_saml_provider(SAMLProviderArn=saml, TagKeys=["k"])
    assert [p["Arn"] for p in iam.list_saml_providers()["SAMLProviderList"]] == [saml]
    iam.delete_saml_provider(SAMLProviderArn=saml)
    refused(iam.get_saml_provider, "NoSuchEntity", f"Manifest not found for arn {saml}", SAMLProviderArn=saml)


def code(seed, at):
    """RFC 6238, SHA-1, six digits."""
    mac = hmac.new(base64.b32decode(seed), struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    place = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[place:place + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


def test_a_virtual_mfa_device(server, house):
    account, keys, iam = house
    iam.create_user(UserName="twofold")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/p/")["VirtualMFADevice"]
    serial, seed = device["SerialNumber"], device["Base32StringSeed"].decode()
    assert serial == f"arn:aws:iam::{account}:mfa/p/phone" and len(seed) == 64 and device["QRCodePNG"].startswith(b"\x89PNG")
    refused(iam.create_virtual_mfa_device, "EntityAlreadyExists", "MFA device already exists.", VirtualMFADeviceName="phone", Path="/p/")
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == [{"SerialNumber": serial}]
    now = time.time()
    two = dict(AuthenticationCode1=code(seed, now), AuthenticationCode2=code(seed, now + 30))
    wrong = dict(AuthenticationCode1=code(seed, now), AuthenticationCode2=code(seed, now + 90))
    text = "Authentication code for device is not valid."
    refused(iam.enable_mfa_device, "InvalidAuthenticationCode", text, 403, UserName="twofold", SerialNumber=serial, **wrong)
    iam.enable_mfa_device(UserName="twofold", SerialNumber=serial, **two)
    refused(iam.enable_mfa_device, "EntityAlreadyExists", "MFA Device is already in use.", 409, UserName="twofold", SerialNumber=serial, **two)
    mine = iam.list_mfa_devices(UserName="twofold")["MFADevices"]
    assert [(d["UserName"], d["SerialNumber"]) for d in mine] == [("twofold", serial)] and "EnableDate" in mine[0]
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"][0]
    assert assigned["User"]["UserName"] == "twofold" and "Base32StringSeed" not in assigned
    assert iam.get_mfa_device(SerialNumber=serial)["UserName"] == "twofold"
    refused(iam.resync_mfa_device, "InvalidAuthenticationCode", UserName="twofold", SerialNumber=serial, **two)
    three = dict(AuthenticationCode1=code(seed, now + 60), AuthenticationCode2=code(seed, now + 90))
    iam.resync_mfa_device(UserName="twofold", SerialNumber=serial, **three)
    iam.tag_mfa_device(SerialNumber=serial, Tags=[{"Key": "k", "Value": "v"}])
    assert len(iam.list_mfa_device_tags(SerialNumber=serial)["Tags"]) == 1
    iam.untag_mfa_device(SerialNumber=serial, TagKeys=["k"])
    text = "MFA VirtualDevice in use. Must deactivate first."
    refused(iam.delete_virtual_mfa_device, "DeleteConflict", text, 409, SerialNumber=serial)
    refused(iam.delete_user, "DeleteConflict", UserName="twofold")
    iam.deactivate_mfa_device(UserName="twofold", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    refused(iam.get_mfa_device, "NoSuchEntity", f"MFA Device with serial number {serial} does not exist.", SerialNumber=serial)
    iam.delete_user(UserName="twofold")
    record = [r for r in server.records(keys=keys) if r["eventName"] == "EnableMFADevice" and "errorCode" not in r][0]
    assert record["requestParameters"] == {"userName": "twofold", "serialNumber": serial}, "no codes"
    assert seed not in json.dumps(server.records(keys=keys))


def test_passwords(server, house):
    _, keys, iam = house
    iam.create_user(UserName="typist")
    policy = dict(UserName="typist", Password="short")
    assert "minimum length of 8" in refused(iam.create_login_profile, "PasswordPolicyViolation", status=400, **policy)
    made = iam.create_login_profile(UserName="typist", Password="Long-enough-1", PasswordResetRequired=True)["LoginProfile"]
    assert set(made) == {"UserName", "CreateDate", "PasswordResetRequired"} and made["PasswordResetRequired"] is True
    text = "Login Profile for user typist already exists."
    refused(iam.create_login_profile, "EntityAlreadyExists", text, 409, UserName="typist", Password="Long-enough-1")
    refused(iam.delete_user, "DeleteConflict", "Cannot delete entity, must delete login profile first.", UserName="typist")

    iam.update_account_password_policy(MinimumPasswordLength=12, RequireUppercaseCharacters=True, PasswordReusePrevention=2)
    text = "Password should have at least one uppercase letter"
    refused(iam.update_login_profile, "PasswordPolicyViolation", text, UserName="typist", Password="all lower case")
    refused(iam.update_login_profile, "PasswordPolicyViolation", UserName="typist", Password="Long-enough-1")
    iam.update_login_profile(UserName="typist", Password="Another-password-2", PasswordResetRequired=False)
    iam.attach_user_policy(UserName="typist", PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
    key = iam.create_access_key(UserName="typist")["AccessKey"]
    own = server.client("iam", keys=(key["AccessKeyId"], key["SecretAccessKey"]))
    refused(own.change_password, "InvalidInput", "The old password was incorrect.", OldPassword="not it", NewPassword="Third-password-3")
    own.change_password(OldPassword="Another-password-2", NewPassword="Third-password-3")
    refused(iam.change_password, "InvalidUserType", OldPassword="a", NewPassword="b")
    assert iam.get_login_profile(UserName="typist")["LoginProfile"]["PasswordResetRequired"] is False
    got = iam.get_account_password_policy()["PasswordPolicy"]
    assert got == {
        "MinimumPasswordLength": 12, "RequireSymbols": False, "RequireNumbers": False, "RequireUppercaseCharacters": True,
        "RequireLowercaseCharacters": False, "AllowUsersToChangePassword": False, "ExpirePasswords": False,
        "PasswordReusePrevention": 2,
    }  # fmt: skip
    iam.delete_account_password_policy()
    refused(iam.delete_account_password_policy, "NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.")
    refused(iam.get_account_password_policy, "NoSuchEntity", status=404)
    iam.delete_access_key(UserName="typist", AccessKeyId=key["AccessKeyId"])
    iam.detach_user_policy(UserName="typist", PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
    iam.delete_login_profile(UserName="typist")
    refused(iam.get_login_profile, "NoSuchEntity", "Login Profile for User typist cannot be found.", UserName="typist")
    iam.delete_user(UserName="typist")
    told = json.dumps(server.records(keys=keys))
    for secret in ["Long-enough-1", "Another-password-2", "Third-password-3"]:
        assert secret not in told
    created = [r for r in server.records(keys=keys) if r["eventName"] == "CreateLoginProfile" and "errorCode" not in r][0]
    assert created["requestParameters"] == {"userName": "typist", "passwordResetRequired": True}


def test_the_account_itself(server, house):
    account, keys, iam = house
    iam.create_account_alias(AccountAlias="roles-house")
    iam.create_account_alias(AccountAlias="roles-home")
    assert iam.list_account_aliases()["AccountAliases"] == ["roles-home"]
    other = server.client("iam", keys=server.account("iam-other")[1])
    refused(other.create_account_alias, "EntityAlreadyExists", "The account alias roles-home already exists.", 409, AccountAlias="roles-home")
    other.create_account_alias(AccountAlias="roles-house")
    refused(iam.create_account_alias, "ValidationError", AccountAlias="double--dash")
    iam.delete_account_alias(AccountAlias="roles-home")
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    iam.create_user(UserName="counted")
    iam.attach_user_policy(UserName="counted", PolicyArn=READER)
    iam.put_user_policy(UserName="counted", PolicyName="in", PolicyDocument=document())
    iam.create_group(GroupName="counted-too")
    iam.add_user_to_group(GroupName="counted-too", UserName="counted")
    arn = iam.create_policy(PolicyName="counted", PolicyDocument=document())["Policy"]["Arn"]
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Groups"], summary["Policies"], summary["GlobalEndpointTokenVersion"]) == (1, 1, 1, 2)
    assert len(summary) == 34 and summary["AccountAccessKeysPresent"] == 1 and summary["UsersQuota"] == 5000

    details = iam.get_account_authorization_details()
    user = details["UserDetailList"][0]
    assert user["GroupList"] == ["counted-too"] and user["UserPolicyList"][0]["PolicyDocument"] == json.loads(document())
    assert {p["PolicyName"] for p in details["Policies"]} == {"counted", "ReadOnlyAccess"}
    only = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])
    assert only["UserDetailList"] == only["GroupDetailList"] == only["RoleDetailList"] == []
    assert [(v["VersionId"], v["Document"]) for v in only["Policies"][0]["PolicyVersionList"]] == [("v1", json.loads(document()))]

    refused(iam.get_credential_report, "ReportNotPresent", status=410)
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()
    rows = list(csv.DictReader(io.StringIO(report["Content"].decode())))
    assert report["ReportFormat"] == "text/csv" and [r["user"] for r in rows] == ["<root_account>", "counted"]
    assert rows[0]["password_enabled"] == "not_supported" and rows[0]["access_key_1_active"] == "true"
    assert rows[1]["password_enabled"] == "false" and rows[1]["access_key_1_active"] == "false" and len(rows[1]) == 22

    iam.remove_user_from_group(GroupName="counted-too", UserName="counted")
    iam.delete_group(GroupName="counted-too")
    iam.delete_user_policy(UserName="counted", PolicyName="in")
    iam.detach_user_policy(UserName="counted", PolicyArn=READER)
    iam.delete_user(UserName="counted")
    iam.delete_policy(PolicyArn=arn)


def test_simulations_tell_which_statement_decides(house):
    account, _, iam = house
    user = iam.create_user(UserName="simulated")["User"]
    iam.put_user_policy(UserName="simulated", PolicyName="in", PolicyDocument=document("s3:Get*"))
    bucket = "arn:aws:s3:::b/k"
    results = iam.simulate_principal_policy(PolicySourceArn=user["Arn"], ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=[bucket])["EvaluationResults"]
    assert [(r["EvalActionName"], r["EvalDecision"]) for r in results] == [("s3:GetObject", "allowed"), ("s3:PutObject", "implicitDeny")]
    matched = results[0]["MatchedStatements"]
    assert [(m["SourcePolicyId"], m["SourcePolicyType"]) for m in matched] == [("user_simulated_in", "IAM Policy")]
    assert matched[0]["StartPosition"]["Line"] == 1 and matched[0]["EndPosition"]["Column"] > matched[0]["StartPosition"]["Column"]
    assert results[0]["ResourceSpecificResults"][0]["EvalResourceName"] == bucket
    deny = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*",
                       "Condition": {"StringEquals": {"aws:RequestTag/x": "y"}}}})  # fmt: skip
    ask = dict(PolicySourceArn=user["Arn"], ActionNames=["s3:GetObject"], PolicyInputList=[deny])
    open_question = iam.simulate_principal_policy(**ask)["EvaluationResults"][0]
    assert open_question["EvalDecision"] == "allowed" and "aws:RequestTag/x" in open_question["MissingContextValues"]
    entry = [{"ContextKeyName": "aws:RequestTag/x", "ContextKeyValues": ["y"], "ContextKeyType": "string"}]
    assert iam.simulate_principal_policy(ContextEntries=entry, **ask)["EvaluationResults"][0]["EvalDecision"] == "explicitDeny"
    fenced = iam.simulate_principal_policy(PolicySourceArn=user["Arn"], ActionNames=["s3:GetObject"], PermissionsBoundaryPolicyInputList=[document("sqs:*")])
    assert fenced["EvaluationResults"][0]["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    both = [document("sqs:*"), document("s3:*")]
    refused(iam.simulate_principal_policy, "InvalidInput", PolicySourceArn=user["Arn"], ActionNames=["s3:GetObject"], PermissionsBoundaryPolicyInputList=both)
    organization = [{"ServiceControlPolicyInputList": [document("*")]}, {"ServiceControlPolicyInputList": [document("sqs:*")]}]
    held = iam.simulate_custom_policy(PolicyInputList=[document("s3:Get*")], ActionNames=["s3:GetObject"], OrderedOrganizationPolicyInputList=organization)
    assert held["EvaluationResults"][0]["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    assert held["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"
    spared = [{"InlinePolicyIdentifier": {"PolicyName": "in", "AttachmentType": "user", "AttachmentName": "simulated"}}]
    left = iam.simulate_principal_policy(PolicySourceArn=user["Arn"], ActionNames=["s3:GetObject"], PolicyExclusionList=spared)
    assert left["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"
    custom = iam.simulate_custom_policy(PolicyInputList=[document("sqs:*")], ActionNames=["sqs:SendMessage", "s3:GetObject"])["EvaluationResults"]
    assert [r["EvalDecision"] for r in custom] == ["allowed", "implicitDeny"]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[deny])["ContextKeyNames"] == ["aws:RequestTag/x"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=user["Arn"])["ContextKeyNames"] == []
    refused(iam.simulate_custom_policy, "InvalidInput", PolicyInputList=[document()], ActionNames=["nocolon"])
    refused(iam.simulate_principal_policy, "NoSuchEntity", PolicySourceArn=f"arn:aws:iam::{account}:user/none", ActionNames=["s3:GetObject"])
    iam.delete_user_policy(UserName="simulated", PolicyName="in")
    iam.delete_user(UserName="simulated")


def test_denials_name_things_as_iam_does(server, house):
    account, keys, iam = house
    iam.create_user(UserName="powerless")
    key = iam.create_access_key(UserName="powerless")["AccessKey"]
    client = server.client("iam", keys=(key["AccessKeyId"], key["SecretAccessKey"]))
    me = f"arn:aws:iam::{account}:user/powerless"
    tail = lambda action: f"because no identity-based policy allows the iam:{action} action"  # noqa: E731

    def check(call, action, resource, **request):
        message = refused(call, "AccessDenied", status=403, **request)
        assert message == f"User: {me} is not authorized to perform: iam:{action} on resource: {resource} {tail(action)}"

    check(client.get_user, "GetUser", "user ann", UserName="ann")
    check(client.create_user, "CreateUser", f"arn:aws:iam::{account}:user/x/ann", UserName="ann", Path="/x/")
    check(client.list_users, "ListUsers", f"arn:aws:iam::{account}:user/")
    check(client.delete_group, "DeleteGroup", "group g", GroupName="g")
    check(client.create_policy, "CreatePolicy", "policy p", PolicyName="p", PolicyDocument=document())
    check(client.get_policy, "GetPolicy", f"policy {READER}", PolicyArn=READER)
    check(client.get_account_authorization_details, "GetAccountAuthorizationDetails", "*")
    # Only what it is allowed, and on what.
    allowed = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:GetUser", "Resource": f"arn:aws:iam::{account}:user/${{aws:username}}"},
        {"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*",
         "Condition": {"ArnEquals": {"iam:PolicyARN": READER}}}]})  # fmt: skip
    iam.put_user_policy(UserName="powerless", PolicyName="self", PolicyDocument=allowed)
    assert client.get_user()["User"]["UserName"] == "powerless"
    check(client.get_user, "GetUser", "user ann", UserName="ann")
    client.attach_user_policy(UserName="powerless", PolicyArn=READER)
    check(client.attach_user_policy, "AttachUserPolicy", "user powerless", UserName="powerless", PolicyArn=FENCE)
    iam.detach_user_policy(UserName="powerless", PolicyArn=READER)
    iam.delete_user_policy(UserName="powerless", PolicyName="self")
    iam.delete_access_key(UserName="powerless", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="powerless")
    denied = [r for r in server.records(keys=keys) if r.get("errorCode") == "AccessDenied"][0]
    assert denied["requestParameters"] is None and denied["responseElements"] is None
