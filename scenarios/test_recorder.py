"""The recorder in front of moto: the unmodified clients notice nothing, and every call becomes an event."""

import json

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError
from conftest import Server
from trails import log_files, logging_trail, wait_for
from upstreams import moto, moto_decides

TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
)
# moto's own account, and its root's key as we know it: what moto says of accounts and what we say must be one.
ACCOUNT = "123456789012"
ROOT = ("AKIARECORDERROOTKEY1", "a-secret-of-the-recorders-root-0123456789")
# A key that nobody here knows. Its id says no account: it is of the older form.
STRANGER = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    with moto(tmp_path_factory.mktemp("moto")) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream):
    named = [f"upstream.{service}={upstream}" for service in ("iam", "sts", "s3", "lambda")]
    keys = json.dumps([{"account": ACCOUNT, "access_key_id": ROOT[0], "secret_access_key": ROOT[1]}])
    more = [f"upstream.url={upstream}", f"upstream.account={ACCOUNT}", f"keys={keys}"]
    server = Server(tmp_path_factory.mktemp("server"), *more, *named).start()
    yield server
    if server.process.poll() is None:
        assert server.stop() == 0
    unexpected = [l for l in server.log_text().splitlines() if '"level":"ERROR"' in l]
    assert not unexpected, unexpected


@pytest.fixture(scope="module")
def ana(server):
    return server.user("ana", keys=ROOT)


def client(server, service, keys, token=None):
    return boto3.client(
        service,
        endpoint_url=server.endpoint,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        aws_session_token=token,
        region_name="us-east-1",
        config=botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def record(server, name, **more):
    return server.record(name, keys=ROOT, **more)


def test_an_instance_is_run_and_terminated(server, ana):
    ran = server.aws("ec2", "run-instances", "--image-id", "ami-12c6146b", "--instance-type", "t2.micro", keys=ana)
    instance = ran["Instances"][0]["InstanceId"]
    told = record(server, "RunInstances")
    assert told["userIdentity"]["type"] == "IAMUser" and told["userIdentity"]["userName"] == "ana"
    assert told["userIdentity"]["accessKeyId"] == ana[0]
    assert told["eventSource"] == "ec2.amazonaws.com" and told["readOnly"] is False
    assert told["managementEvent"] is True and told["eventCategory"] == "Management"
    assert told["sourceIPAddress"] == "127.0.0.1" and "aws-cli" in told["userAgent"]
    assert "ami-12c6146b" in json.dumps(told["requestParameters"])
    assert instance in json.dumps(told["responseElements"])
    assert "identityVerified" not in told.get("additionalEventData", {})

    server.aws("ec2", "terminate-instances", "--instance-ids", instance, keys=ana)
    told = record(server, "TerminateInstances")
    assert instance in json.dumps(told["requestParameters"]) and "errorCode" not in told
    shown = server.aws("ec2", "describe-instances", "--instance-ids", instance, keys=ana)
    assert shown["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated"
    assert record(server, "DescribeInstances")["responseElements"] is None


def test_a_security_group_is_opened(server, ana):
    group = server.aws("ec2", "create-security-group", "--group-name", "open", "--description", "x", keys=ana)["GroupId"]
    server.aws(
        "ec2", "authorize-security-group-ingress", "--group-id", group,
        "--protocol", "tcp", "--port", "22", "--cidr", "0.0.0.0/0", keys=ana,
    )  # fmt: skip
    told = record(server, "AuthorizeSecurityGroupIngress")
    assert group in json.dumps(told["requestParameters"]) and "0.0.0.0/0" in json.dumps(told["requestParameters"])


def test_a_table_is_deleted(server, ana):
    tables = client(server, "dynamodb", ana)
    tables.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    answer = tables.delete_table(TableName="orders")
    told = record(server, "DeleteTable")
    assert told["eventSource"] == "dynamodb.amazonaws.com"
    assert told["requestParameters"]["tableName"] == "orders"
    assert told["requestID"] == answer["ResponseMetadata"]["RequestId"]
    with pytest.raises(ClientError) as failed:
        tables.delete_table(TableName="orders")
    assert failed.value.response["Error"]["Code"] == "ResourceNotFoundException"
    told = record(server, "DeleteTable", until=lambda found: len(found) == 2)
    assert told["errorCode"] == "ResourceNotFoundException" and told["errorMessage"]


def test_a_failing_call_has_its_code(server, ana):
    complaint = server.aws("ec2", "describe-instances", "--instance-ids", "i-00000000000000000", keys=ana, fails=True)
    assert "InvalidInstanceID.NotFound" in complaint
    found = server.records(
        keys=ROOT,
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DescribeInstances"}],
        until=lambda found: any("errorCode" in record for record in found),
    )
    failed = [record for record in found if "errorCode" in record]
    assert failed[0]["errorCode"] == "Client.InvalidInstanceID.NotFound"


def test_a_role_is_assumed_and_acts_as_itself(server, ana):
    role = client(server, "iam", ana).create_role(RoleName="ops", Path="/teams/", AssumeRolePolicyDocument=TRUST)["Role"]
    told = record(server, "CreateRole")
    assert told["requestParameters"]["roleName"] == "ops" and told["awsRegion"] == "us-east-1"

    assumed = client(server, "sts", ana).assume_role(RoleArn=role["Arn"], RoleSessionName="night")
    keys = assumed["Credentials"]
    told = record(server, "AssumeRole")
    text = json.dumps(told)
    assert keys["SecretAccessKey"] not in text and keys["SessionToken"] not in text
    assert told["requestParameters"]["roleSessionName"] == "night"

    session = (keys["AccessKeyId"], keys["SecretAccessKey"])
    client(server, "dynamodb", session, keys["SessionToken"]).list_tables(Limit=7)
    told = record(server, "ListTables")
    identity = told["userIdentity"]
    assert identity["type"] == "AssumedRole" and identity["arn"] == assumed["AssumedRoleUser"]["Arn"]
    assert identity["sessionContext"]["sessionIssuer"]["userName"] == "ops"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role["Arn"]
    assert "identityVerified" not in told.get("additionalEventData", {})

    # The session is proven by its secret and its token together, and by nothing else.
    for wrong, token in [((session[0], "x" * 40), keys["SessionToken"]), (session, "another"), (session, None)]:
        with pytest.raises(ClientError) as refused:
            client(server, "dynamodb", wrong, token).list_tables()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    # And it is remembered over a restart.
    assert server.stop() == 0
    server.start()
    client(server, "dynamodb", session, keys["SessionToken"]).list_tables(Limit=8)
    told = record(server, "ListTables", until=lambda found: len(found) == 2)
    assert told["userIdentity"]["type"] == "AssumedRole"
    # To our own services it is nobody.
    with pytest.raises(ClientError):
        client(server, "cloudtrail", session, keys["SessionToken"]).describe_trails()


def test_what_the_upstream_denies_is_on_record(server, ana, upstream):
    role = client(server, "iam", ana).create_role(RoleName="idle", AssumeRolePolicyDocument=TRUST)["Role"]
    keys = client(server, "sts", ana).assume_role(RoleArn=role["Arn"], RoleSessionName="noon")["Credentials"]
    session = (keys["AccessKeyId"], keys["SecretAccessKey"])
    # moto proves the signature that we passed on, and asks its policies, of which the role has none.
    with moto_decides(upstream):
        with pytest.raises(ClientError) as denied:
            client(server, "iam", session, keys["SessionToken"]).create_user(UserName="never")
        with pytest.raises(ClientError):
            client(server, "ec2", session, keys["SessionToken"]).describe_vpcs()
    assert denied.value.response["Error"]["Code"] == "AccessDenied"
    told = record(server, "CreateUser")
    assert told["errorCode"] == "AccessDenied" and "is not authorized to perform: iam:CreateUser" in told["errorMessage"]
    assert told["userIdentity"]["type"] == "AssumedRole" and told["userIdentity"]["arn"].endswith("assumed-role/idle/noon")
    assert told["requestParameters"] is None and told["responseElements"] is None
    # EC2's records show what was asked for; its code is moto's, where EC2 itself says UnauthorizedOperation.
    told = record(server, "DescribeVpcs")
    assert told["errorCode"] == "Client.AccessDenied" and told["requestParameters"] == {"filterSet": {}, "vpcSet": {}}


def test_a_stranger_whom_the_upstream_refuses_leaves_no_record(server, ana, upstream):
    with moto_decides(upstream):
        with pytest.raises(ClientError) as refused:
            client(server, "sns", STRANGER).create_topic(Name="never")
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"
    lookup = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateTopic"}]}
    assert server.records(keys=ROOT, within=0.3, **lookup) == []


def test_a_key_that_nobody_knows_is_marked_as_not_verified(server):
    client(server, "sqs", STRANGER).create_queue(QueueName="odd")
    told = record(server, "CreateQueue")
    assert told["additionalEventData"]["identityVerified"] is False
    identity = told["userIdentity"]
    assert identity["type"] == "Unknown" and identity["accessKeyId"] == STRANGER[0]
    assert "arn" not in identity and "userName" not in identity
    assert told["requestParameters"]["queueName"] == "odd"
    assert identity["accountId"] == told["recipientAccountId"]


def test_a_known_key_with_a_wrong_secret_goes_nowhere(server, ana):
    with pytest.raises(ClientError) as refused:
        client(server, "sns", (ana[0], "x" * 40)).create_topic(Name="never")
    assert refused.value.response["Error"]["Code"] in ("SignatureDoesNotMatch", "InvalidSignatureException")
    assert client(server, "sns", ana).list_topics()["Topics"] == []
    found = server.records(keys=ROOT, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTopic"}], within=0.3)
    assert found == []


def test_our_own_services_still_answer(server, ana):
    client(server, "cloudtrail", ROOT).describe_trails()
    assert record(server, "DescribeTrails")["eventSource"] == "cloudtrail.amazonaws.com"
    # What we have and lack an operation of answers its own error, and does not go on.
    with pytest.raises(ClientError) as refused:
        client(server, "cloudtrail", ROOT).list_dashboards()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_objects_are_data_events(tmp_path, upstream):
    fast = ["trail.delivery_interval=1s"]
    server = Server(tmp_path, *fast).start()
    logging_trail(server, "watch", "logs")
    server.client("cloudtrail").put_event_selectors(
        TrailName="watch",
        EventSelectors=[
            {
                "ReadWriteType": "All",
                "IncludeManagementEvents": False,
                "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::wares/"]}],
            }
        ],
    )
    assert server.stop() == 0
    server.start("--upstream", f"s3={upstream}")
    s3 = server.client("s3")
    s3.create_bucket(Bucket="wares")
    assert server.record("CreateBucket")["requestParameters"]["bucketName"] == "wares"
    s3.put_object(Bucket="wares", Key="a/b c", Body=b"hello" * 1000)
    assert s3.get_object(Bucket="wares", Key="a/b c")["Body"].read() == b"hello" * 1000
    with pytest.raises(ClientError) as failed:
        s3.get_object(Bucket="wares", Key="gone")
    assert failed.value.response["Error"]["Code"] == "NoSuchKey"
    assert server.stop() == 0
    server.start()

    def delivered():
        # The call that narrowed the trail is in its files too.
        records = [r for records in log_files(server, "logs").values() for r in records if r["eventCategory"] == "Data"]
        return records if len(records) >= 3 else None

    records = wait_for("three data events", delivered)
    by_name = {(r["eventName"], r["requestParameters"]["key"]): r for r in records}
    put, got, gone = (by_name[k] for k in [("PutObject", "a/b c"), ("GetObject", "a/b c"), ("GetObject", "gone")])
    assert put["managementEvent"] is False and put["eventCategory"] == "Data" and put["readOnly"] is False
    assert put["additionalEventData"]["bytesTransferredIn"] >= 5000
    assert got["additionalEventData"]["bytesTransferredOut"] == 5000
    assert any(r.get("ARN") == "arn:aws:s3:::wares/a/b c" for r in put["resources"])
    assert gone["errorCode"] == "NoSuchKey"
    assert server.stop() == 0
