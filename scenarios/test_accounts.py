"""Two accounts side by side see nothing of each other; users may what their policy says; every denial is on record."""

import json

import pytest
from botocore.exceptions import ClientError


def denied(call, code="AccessDenied", **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    assert error.value.response["Error"]["Code"] == code, error.value.response
    return error.value.response["Error"]["Message"], error.value.response["ResponseMetadata"]["RequestId"]


def test_two_accounts_side_by_side(server):
    (a, a_keys), (b, b_keys) = server.account("alpha"), server.account("beta")
    alpha, beta = server.client("s3", keys=a_keys), server.client("s3", keys=b_keys)
    alpha.create_bucket(Bucket="alpha-things")
    alpha.put_object(Bucket="alpha-things", Key="secret", Body=b"of alpha")
    beta.create_bucket(Bucket="beta-things")

    assert [x["Name"] for x in alpha.list_buckets()["Buckets"]] == ["alpha-things"]
    assert [x["Name"] for x in beta.list_buckets()["Buckets"]] == ["beta-things"]
    denied(beta.get_object, Bucket="alpha-things", Key="secret")
    denied(beta.put_object, Bucket="alpha-things", Key="secret", Body=b"of beta")
    denied(beta.list_objects_v2, Bucket="alpha-things")
    denied(beta.delete_object, Bucket="alpha-things", Key="secret")
    _, request_id = denied(beta.delete_bucket, Bucket="alpha-things")
    denied(beta.create_bucket, code="BucketAlreadyExists", Bucket="alpha-things")
    assert alpha.get_object(Bucket="alpha-things", Key="secret")["Body"].read() == b"of alpha"

    mine = server.records(keys=b_keys, until=lambda r: request_id in str(r))
    record = [r for r in mine if r["requestID"] == request_id][0]
    assert record["errorCode"] == "AccessDenied"
    assert record["userIdentity"]["accountId"] == b and record["recipientAccountId"] == b
    assert a not in json.dumps(record), "a denial does not tell whose bucket it was"
    for keys, account, other in [(a_keys, a, b), (b_keys, b, a)]:
        for record in server.records(keys=keys):
            assert record["recipientAccountId"] == account
            assert record["userIdentity"]["accountId"] in (account, "000000000000")
            assert other not in json.dumps(record)


def test_the_same_question_from_two_accounts_uses_different_tokens(server):
    keys = [server.account(f"token-{i}")[1] for i in range(2)]
    for k in keys:
        for _ in range(3):
            server.client("sts", keys=k).get_caller_identity()
    server.records(keys=keys[1], until=lambda r: len(r) >= 3)
    token = server.client("cloudtrail", keys=keys[0]).lookup_events(MaxResults=1)["NextToken"]
    denied(server.client("cloudtrail", keys=keys[1]).lookup_events, code="InvalidNextTokenException", MaxResults=1, NextToken=token)


def test_a_user_without_a_policy_is_denied_and_the_denial_is_on_record(server):
    keys = server.user("nobody")
    me = server.client("sts", keys=keys).get_caller_identity()
    assert me["Arn"].endswith(":user/nobody") and me["UserId"].startswith("AIDA")
    client = server.client("s3", keys=keys)
    message, request_id = denied(client.create_bucket, Bucket="nobodys-bucket")
    denied(client.list_buckets)
    message, _ = denied(server.client("cloudtrail", keys=keys).lookup_events, code="AccessDeniedException")
    assert f"User: {me['Arn']} is not authorized to perform: cloudtrail:LookupEvents" in message
    # What is not built yet is denied like everything else.
    denied(server.client("cloudtrail", keys=keys).describe_trails, code="AccessDeniedException")
    denied(server.client("iam", keys=keys).list_users)
    record = [r for r in server.records(until=lambda r: request_id in str(r)) if r["requestID"] == request_id][0]
    assert record["eventName"] == "CreateBucket" and record["errorCode"] == "AccessDenied"
    assert record["userIdentity"] == {
        "type": "IAMUser", "principalId": me["UserId"], "arn": me["Arn"], "accountId": me["Account"],
        "accessKeyId": keys[0], "userName": "nobody",
    }  # fmt: skip
    found = server.records(LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "nobody"}])
    assert {"CreateBucket", "ListBuckets", "LookupEvents", "GetCallerIdentity"} <= {r["eventName"] for r in found}


def test_a_reader_reads_and_changes_nothing(server):
    keys = server.user("reader", "--policy", "read-only")
    client = server.client("s3", keys=keys)
    server.client("s3").create_bucket(Bucket="to-be-read")
    server.client("s3").put_object(Bucket="to-be-read", Key="k", Body=b"v")
    assert client.get_object(Bucket="to-be-read", Key="k")["Body"].read() == b"v"
    assert server.client("cloudtrail", keys=keys).lookup_events()["Events"]
    denied(client.put_object, Bucket="to-be-read", Key="k", Body=b"w")
    denied(client.delete_bucket, Bucket="to-be-read")
    complaint = server.opentrail("user", "create", "upstart", keys=keys, fails=True)
    assert "AccessDenied" in complaint


def test_a_root_is_not_an_operator(server):
    _, keys = server.account("no-operator")
    complaint = server.opentrail("account", "create", "mine-too", keys=keys, fails=True)
    assert "AccessDenied" in complaint
    complaint = server.opentrail("account", "list", keys=keys, fails=True)
    assert "AccessDenied" in complaint


def test_what_the_operator_does_to_an_account_is_on_its_record_too(server):
    account, keys = server.account("watched")
    copies = server.records(keys=keys, until=lambda r: "CreateAccount" in str(r))
    copy = [r for r in copies if r["eventName"] == "CreateAccount"][0]
    operators = server.records(keys=server.credentials("opentrail-operator"), until=lambda r: account in str(r))
    own = [r for r in operators if r["eventName"] == "CreateAccount" and account in json.dumps(r)][0]
    assert copy["sharedEventID"] == own["sharedEventID"]
    assert copy["eventID"] != own["eventID"]
    assert copy["recipientAccountId"] == account and own["recipientAccountId"] == "000000000000"
    assert own["eventSource"] == "opentrail.amazonaws.com"
    assert own["userIdentity"]["userName"] == "operator"
    assert keys[1] not in json.dumps([own, copy]), "the secret is on record"


def test_every_operation_of_our_own_is_signed_and_recorded(server):
    """CreateAccount ListAccounts CreateUser ListUsers DeleteUser CreateAccessKey ListAccessKeys UpdateAccessKey
    DeleteAccessKey WhoAmI Lookup"""
    server.opentrail("account", "list")
    key, _ = server.user("short-lived", "--policy", "admin")
    assert "short-lived" in server.opentrail("user", "list", profile="opentrail")
    assert key in server.opentrail("key", "list", "--user", "short-lived", profile="opentrail")
    server.opentrail("key", "disable", key, profile="opentrail")
    server.opentrail("key", "delete", key, profile="opentrail")
    server.opentrail("user", "delete", "short-lived", profile="opentrail")
    assert "operator" in server.opentrail("whoami")
    server.opentrail("lookup", "--since", "1h", profile="opentrail")
    names = {r["eventName"] for r in server.records(until=lambda r: "\"Lookup\"" in json.dumps(r))}
    assert {"CreateUser", "ListUsers", "DeleteUser", "CreateAccessKey", "ListAccessKeys", "UpdateAccessKey",
            "DeleteAccessKey", "Lookup"} <= names  # fmt: skip
    operators = {r["eventName"] for r in server.records(keys=server.credentials("opentrail-operator"))}
    assert {"ListAccounts", "WhoAmI"} <= operators
    made = server.record("CreateAccessKey")
    assert "secret" not in json.dumps(made["responseElements"]).lower() or "HIDDEN" in json.dumps(made["responseElements"])


def test_keys_of_the_configuration(fresh):
    config = fresh.folder / "opentrail.toml"
    config.write_text(
        """
        [[keys]]
        account = "210987654321"
        access_key_id = "test"
        secret_access_key = "a secret of our own choosing"

        [[keys]]
        account = "210987654321"
        user = "builder"
        policy = "read-only"
        access_key_id = "AKIABUILDERBUILDER00"
        secret_access_key = "another one"
        """
    )
    fresh.start("--config", str(config))
    root = ("test", "a secret of our own choosing")
    assert fresh.client("sts", keys=root).get_caller_identity()["Arn"] == "arn:aws:iam::210987654321:root"
    builder = ("AKIABUILDERBUILDER00", "another one")
    assert fresh.client("sts", keys=builder).get_caller_identity()["Arn"].endswith("user/builder")
    denied(fresh.client("s3", keys=builder).create_bucket, Bucket="builders")
    assert fresh.stop() == 0
