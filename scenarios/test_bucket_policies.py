"""Bucket policies: who they let in, whom they keep out, what stands on record, and which of them are not taken."""

import json

import pytest
from botocore.exceptions import ClientError


def refused(call, code="AccessDenied", **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    answer = error.value.response
    assert answer["Error"]["Code"] == code, answer
    return answer["Error"], answer["ResponseMetadata"]["RequestId"]


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(bucket, effect, principal, action, key=None, **more):
    arn = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": arn, **more}


def record_of(server, request_id, **more):
    found = server.records(until=lambda r: request_id in str(r), within=2, **more)
    return [r for r in found if r["requestID"] == request_id]


@pytest.fixture(scope="module")
def two(server):
    """Accounts ours and theirs: ids, and keys of their roots."""
    return server.account("ours"), server.account("theirs")


def test_put_get_and_delete_with_the_aws_cli(server, two, tmp_path):
    (_, keys), (theirs, _) = two
    server.aws("s3", "mb", "s3://cli-policy", keys=keys)
    complaint = server.aws("s3api", "get-bucket-policy", "--bucket", "cli-policy", keys=keys, fails=True)
    assert "(NoSuchBucketPolicy)" in complaint and "The bucket policy does not exist" in complaint
    text = json.dumps(json.loads(policy(statement("cli-policy", "Allow", {"AWS": theirs}, "s3:GetObject", "*"))), indent=1)
    (tmp_path / "policy.json").write_text(text)
    server.aws("s3api", "put-bucket-policy", "--bucket", "cli-policy", "--policy", f"file://{tmp_path}/policy.json", keys=keys)
    assert server.aws("s3api", "get-bucket-policy", "--bucket", "cli-policy", keys=keys)["Policy"] == text
    status = server.aws("s3api", "get-bucket-policy-status", "--bucket", "cli-policy", keys=keys)
    assert status == {"PolicyStatus": {"IsPublic": False}}
    server.aws("s3api", "delete-bucket-policy", "--bucket", "cli-policy", keys=keys)
    server.aws("s3api", "delete-bucket-policy", "--bucket", "cli-policy", keys=keys)
    server.aws("s3api", "get-bucket-policy", "--bucket", "cli-policy", keys=keys, fails=True)


def test_changes_of_policies_are_on_record_with_the_policy(server, two):
    (ours, keys), (theirs, _) = two
    client = server.client("s3", keys=keys)
    client.create_bucket(Bucket="recorded-policy")
    text = policy(statement("recorded-policy", "Allow", {"AWS": theirs}, "s3:GetObject", "*"))
    request_id = client.put_bucket_policy(Bucket="recorded-policy", Policy=text)["ResponseMetadata"]["RequestId"]
    [record] = record_of(server, request_id, keys=keys)
    assert record["eventName"] == "PutBucketPolicy" and record["managementEvent"] is True
    assert record["requestParameters"]["bucketPolicy"] == json.loads(text)
    assert record["requestParameters"]["policy"] == ""
    assert record["resources"] == [{"accountId": ours, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::recorded-policy"}]
    request_id = client.delete_bucket_policy(Bucket="recorded-policy")["ResponseMetadata"]["RequestId"]
    assert record_of(server, request_id, keys=keys)[0]["eventName"] == "DeleteBucketPolicy"
    _, request_id = refused(client.get_bucket_policy, "NoSuchBucketPolicy", Bucket="recorded-policy")
    assert record_of(server, request_id, keys=keys)[0]["errorCode"] == "NoSuchBucketPolicy"
    refused(client.get_bucket_policy_status, "NoSuchBucketPolicy", Bucket="recorded-policy")


def test_a_caller_of_another_account_works_where_it_is_let_in(server, two):
    (ours, our_keys), (theirs, their_keys) = two
    us, them = server.client("s3", keys=our_keys), server.client("s3", keys=their_keys)
    us.create_bucket(Bucket="shared")
    us.put_object(Bucket="shared", Key="in/a", Body=b"ours")
    refused(them.get_object, Bucket="shared", Key="in/a")
    us.put_bucket_policy(
        Bucket="shared",
        Policy=policy(
            statement("shared", "Allow", {"AWS": theirs}, ["s3:GetObject", "s3:PutObject"], "in/*"),
            statement("shared", "Allow", {"AWS": theirs}, "s3:ListBucket", Condition={"StringLike": {"s3:prefix": "in/*"}}),
        ),
    )
    assert them.get_object(Bucket="shared", Key="in/a")["Body"].read() == b"ours"
    them.put_object(Bucket="shared", Key="in/b", Body=b"theirs")
    assert us.get_object(Bucket="shared", Key="in/b")["Body"].read() == b"theirs"
    refused(them.put_object, Bucket="shared", Key="out", Body=b"x")
    refused(them.delete_object, Bucket="shared", Key="in/a")
    assert [o["Key"] for o in them.list_objects_v2(Bucket="shared", Prefix="in/")["Contents"]] == ["in/a", "in/b"]
    refused(them.list_objects_v2, Bucket="shared")
    refused(them.list_objects_v2, Bucket="shared", Prefix="i")
    # Their users need their own account's word as well.
    reader = server.client("s3", keys=server.user("their-reader", "--policy", "read-only", keys=their_keys))
    nobody = server.client("s3", keys=server.user("their-nobody", keys=their_keys))
    assert reader.get_object(Bucket="shared", Key="in/a")["Body"].read() == b"ours"
    refused(reader.put_object, Bucket="shared", Key="in/c", Body=b"x")
    refused(nobody.get_object, Bucket="shared", Key="in/a")
    us.delete_bucket_policy(Bucket="shared")
    refused(them.get_object, Bucket="shared", Key="in/a")


def test_a_call_across_accounts_is_on_record_in_both(server, two):
    (ours, our_keys), (theirs, their_keys) = two
    us, them = server.client("s3", keys=our_keys), server.client("s3", keys=their_keys)
    us.create_bucket(Bucket="both-records")
    bucket = {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::both-records"}

    # Nobody has spoken about them: a stranger writes into nobody's history but its own.
    _, request_id = refused(them.get_bucket_location, Bucket="both-records")
    [record] = record_of(server, request_id, keys=their_keys)
    assert record["resources"] == [{"accountId": "HIDDEN_DUE_TO_SECURITY_REASONS", **bucket}]
    assert "sharedEventID" not in record
    assert record_of(server, request_id, keys=our_keys) == []

    us.put_bucket_policy(
        Bucket="both-records",
        Policy=policy(
            statement("both-records", "Allow", {"AWS": theirs}, "s3:GetBucketLocation"),
            statement("both-records", "Deny", {"AWS": theirs}, "s3:DeleteBucket"),
        ),
    )
    request_id = them.get_bucket_location(Bucket="both-records")["ResponseMetadata"]["RequestId"]
    [mine], [copy] = (record_of(server, request_id, keys=keys) for keys in (their_keys, our_keys))
    assert mine["sharedEventID"] == copy["sharedEventID"] and mine["eventID"] != copy["eventID"]
    assert (mine["recipientAccountId"], copy["recipientAccountId"]) == (theirs, ours)
    assert mine["userIdentity"]["type"] == "Root"
    assert copy["userIdentity"] == {"type": "AWSAccount", "principalId": theirs, "accountId": theirs}
    assert mine["resources"] == copy["resources"] == [{"accountId": ours, **bucket}]

    # What is denied by name is the owner's to know, too; whose it was is not for the caller.
    _, request_id = refused(them.delete_bucket, Bucket="both-records")
    [mine], [copy] = (record_of(server, request_id, keys=keys) for keys in (their_keys, our_keys))
    assert mine["errorCode"] == copy["errorCode"] == "AccessDenied"
    assert mine["resources"] == [{"accountId": "HIDDEN_DUE_TO_SECURITY_REASONS", **bucket}]
    assert copy["resources"] == [{"accountId": ours, **bucket}]
    assert ours not in json.dumps(mine)


def test_a_user_without_rights_of_its_own_is_let_in_by_the_bucket(server, two):
    (ours, keys), _ = two
    client = server.client("s3", keys=keys)
    client.create_bucket(Bucket="by-name")
    client.put_object(Bucket="by-name", Key="home/guest/k", Body=b"v")
    guest = server.client("s3", keys=server.user("guest", keys=keys))
    error, _ = refused(guest.get_object, Bucket="by-name", Key="home/guest/k")
    assert error["Message"] == (
        f"User: arn:aws:iam::{ours}:user/guest is not authorized to perform: s3:GetObject on resource: "
        '"arn:aws:s3:::by-name/home/guest/k" because no identity-based policy allows the s3:GetObject action'
    )
    named = {"AWS": f"arn:aws:iam::{ours}:user/guest"}
    client.put_bucket_policy(
        Bucket="by-name", Policy=policy(statement("by-name", "Allow", named, "s3:GetObject", "home/${aws:username}/*"))
    )
    assert guest.get_object(Bucket="by-name", Key="home/guest/k")["Body"].read() == b"v"
    refused(guest.get_object, Bucket="by-name", Key="home/other/k")
    # Through the account alone nobody is let in: its own policies decide.
    client.put_bucket_policy(Bucket="by-name", Policy=policy(statement("by-name", "Allow", {"AWS": ours}, "s3:GetObject", "*")))
    refused(guest.get_object, Bucket="by-name", Key="home/guest/k")


def test_a_denial_wins(server, two):
    (ours, keys), _ = two
    client = server.client("s3", keys=keys)
    client.create_bucket(Bucket="denied-all")
    client.put_object(Bucket="denied-all", Key="k", Body=b"v")
    admin = server.client("s3", keys=server.user("admin", "--policy", "admin", keys=keys))
    everything = statement("denied-all", "Deny", "*", "s3:*", Resource=["arn:aws:s3:::denied-all", "arn:aws:s3:::denied-all/*"])
    error, _ = refused(admin.put_bucket_policy, Bucket="denied-all", Policy=policy(everything))
    assert "x-amz-confirm-remove-self-bucket-access" in error["Message"]
    admin.put_bucket_policy(Bucket="denied-all", Policy=policy(everything), ConfirmRemoveSelfBucketAccess=True)
    for caller in (admin, client):
        error, _ = refused(caller.get_object, Bucket="denied-all", Key="k")
        assert error["Message"].endswith("with an explicit deny in a resource-based policy")
    refused(admin.delete_bucket_policy, Bucket="denied-all")
    client.delete_bucket_policy(Bucket="denied-all")
    assert admin.get_object(Bucket="denied-all", Key="k")["Body"].read() == b"v"


def test_where_a_caller_comes_from(server, two):
    (_, keys), (theirs, their_keys) = two
    us, them = server.client("s3", keys=keys), server.client("s3", keys=their_keys)
    us.create_bucket(Bucket="by-address")
    us.put_object(Bucket="by-address", Key="k", Body=b"v")

    def allow(**condition):
        us.put_bucket_policy(
            Bucket="by-address", Policy=policy(statement("by-address", "Allow", {"AWS": theirs}, "s3:GetObject", "*", Condition=condition))
        )

    allow(IpAddress={"aws:SourceIp": "203.0.113.0/24"})
    refused(them.get_object, Bucket="by-address", Key="k")
    allow(IpAddress={"aws:SourceIp": ["203.0.113.0/24", "127.0.0.0/8"]})
    assert them.get_object(Bucket="by-address", Key="k")["Body"].read() == b"v"
    allow(Bool={"aws:SecureTransport": "true"})
    refused(them.get_object, Bucket="by-address", Key="k")
    allow(StringEquals={"aws:PrincipalAccount": theirs, "s3:authType": "REST-HEADER", "aws:RequestedRegion": "us-east-1"})
    assert them.get_object(Bucket="by-address", Key="k")["Body"].read() == b"v"


def test_policies_that_are_not_taken(server, two):
    (ours, keys), _ = two
    client = server.client("s3", keys=keys)
    client.create_bucket(Bucket="not-taken")

    def check(text, message, code="MalformedPolicy"):
        error, _ = refused(client.put_bucket_policy, code, Bucket="not-taken", Policy=text)
        assert message in error["Message"], error

    one = lambda **more: json.dumps({"Statement": {**statement("not-taken", "Allow", {"AWS": ours}, "s3:GetObject", "*"), **more}})
    check("not json", "Policies must be valid JSON and the first byte must be '{'")
    check("{}", "Missing required field Statement")
    check(one(Effect="allow"), "Invalid effect: allow")
    check(one(Principal={"AWS": "999999999999"}), "Invalid principal in policy")
    check(one(Principal={"AWS": f"arn:aws:iam::{ours}:user/no-such-user"}), "Invalid principal in policy")
    check(one(Action="s3:Fetch"), "Policy has invalid action")
    check(one(Action="s3:ListBucket"), "Action does not apply to any resource(s) in statement")
    check(one(Resource="arn:aws:s3:::another/*"), "Policy has invalid resource")
    check(one(Condition={"StringLike": {"aws:SourceIpp": "x"}}), "Policy has an invalid condition key")
    check(one(Condition={"StringIs": {"aws:SourceIp": "x"}}), "Invalid Condition type : StringIs")
    check(one(Sid="x" * (20 * 1024)), "Policy exceeds the maximum allowed document size.")
    check(one(Principal="*"), "public policies are prevented by the BlockPublicPolicy setting", "AccessDenied")
    client.put_bucket_policy(Bucket="not-taken", Policy=one(Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": ours}}))
    client.put_bucket_policy(Bucket="not-taken", Policy=one(Principal={"Service": "cloudtrail.amazonaws.com"}))


def test_policies_outlive_a_restart_and_not_their_bucket(fresh):
    fresh.start()
    account, keys = fresh.account("again")
    client = fresh.client("s3")
    client.create_bucket(Bucket="again")
    text = policy(statement("again", "Allow", {"AWS": account}, "s3:ListBucket"))
    client.put_bucket_policy(Bucket="again", Policy=text)
    fresh.kill()
    fresh.start()
    client = fresh.client("s3")
    assert client.get_bucket_policy(Bucket="again")["Policy"] == text
    assert fresh.client("s3", keys=keys).list_objects_v2(Bucket="again")["KeyCount"] == 0
    client.delete_bucket(Bucket="again")
    client.create_bucket(Bucket="again")
    refused(client.get_bucket_policy, "NoSuchBucketPolicy", Bucket="again")
    refused(fresh.client("s3", keys=keys).list_objects_v2, Bucket="again")
