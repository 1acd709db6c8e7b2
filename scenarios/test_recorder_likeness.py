"""Records of the recorder beside real ones of the same operation, member by member.

The calls are made as those were whose records lie in `../shared/data/cloudtrail`: what was asked is then the same, and what
is answered differs where moto answers otherwise than AWS. `AGREED` has each difference with its reason; one that is not in it fails,
and so does an entry that is not met any more.
"""

import io
import json
import zipfile

import boto3
import pytest
from botocore.exceptions import ClientError
from conftest import Server
from likeness import Agreed, kind, real_records
from trails import log_files, logging_trail, wait_for
from upstreams import moto, moto_decides

ACCOUNT = "123456789012"
ROOT = ("AKIALIKENESSROOTKEY1", "a-secret-of-the-likeness-root-0123456789")
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
)

LACKS = "moto's answer is without it"
ADDS = "moto's answer has it"


def lacks(path, *names, why=LACKS):
    return {f"{path}.{name}: only in real ones": why for name in names}


def adds(path, *names, why=ADDS):
    return {f"{path}.{name}: only in ours": why for name in names}


DONE = lacks("responseElements", "_return")
INSTANCE = "responseElements.instancesSet.items[]"
FUNCTION = {
    **lacks("responseElements", "environment", "revisionId", "runtimeVersionConfig", "stateReason", "stateReasonCode"),
    **adds("responseElements", "layers"),
    "responseElements.lastModified: a time in place of a time with its zone": "a text of moto's, who writes Z for +0000",
}
DATABASE = {
    **lacks(
        "responseElements", "backupTarget", "customerOwnedIpEnabled", "dedicatedLogVolume", "httpEndpointEnabled",
        "networkType", "pendingModifiedValues", "performanceInsightsEnabled", "storageThroughput",
        "dBSubnetGroup.subnets[].subnetOutpost",
    ),
    **adds("responseElements", "dBSubnetGroup.dBSubnetGroupArn", "enabledCloudwatchLogsExports", "latestRestorableTime"),
    "responseElements.engineVersion: a number in text in place of a text": "moto keeps the version as it was asked for",
}  # fmt: skip
STARTED = "the SDK sends it without being asked to"
# By event, and error code where it failed; `*` is for all.
AGREED = {
    "*": {
        "tlsDetails: only in real ones": "the scenario speaks plain HTTP",
        "additionalEventData.CipherSuite: only in real ones": "the scenario speaks plain HTTP",
        "sessionCredentialFromConsole: only in real ones": "the real caller used the console",
        **adds("additionalEventData", "startTime", "endTime", "httpStatusCode", why="newer than the real records"),
        "eventCategory: only in ours": "the real record is of a version that had none",
        "managementEvent: only in ours": "the real record is of a version that had none",
        "readOnly: only in ours": "the real record is of a version that had none",
        "responseElements.*: a time in place of a date in words": "newer records have ISO 8601 (spec/recorded.md 10)",
    },
    "userIdentity": {},
    "AllocateAddress": lacks("responseElements", "networkBorderGroup", "publicIpv4Pool"),
    "AssumeRole": {
        "responseElements.credentials.sessionToken: hidden in place of a text": "a token is a secret to us: whoever reads records must not become the session",
        "sharedEventID: only in real ones": "the real role was in another account",
        **adds("responseElements", "packedPolicySize"),
    },
    "AttachInternetGateway": DONE,
    "AuthorizeSecurityGroupIngress": {
        **lacks("responseElements.securityGroupRuleSet.items[]", "groupOwnerId"),
        **adds("responseElements.securityGroupRuleSet.items[]", "tagSet"),
    },
    "CreateBucket": {"resources: only in ours": "newer records name the bucket (spec/s3.md 16)"},
    "CreateDBInstance": {
        **DATABASE,
        **lacks("responseElements", "certificateDetails"),
        **adds("responseElements", "availabilityZone", "endpoint", "instanceCreateTime"),
    },
    "CreateDBSnapshot": {
        **lacks(
            "responseElements", "availabilityZone", "dedicatedLogVolume", "licenseModel", "optionGroupName",
            "percentProgress", "processorFeatures", "snapshotTarget", "storageThroughput", "storageType", "vpcId",
        ),
        **adds("responseElements", "originalSnapshotCreateTime", "snapshotCreateTime"),
        "responseElements.engineVersion: a number in text in place of a text": "moto keeps the version as it was asked for",
    },
    "CreateDBSubnetGroup": lacks("responseElements", "subnets[].subnetOutpost", "supportedNetworkTypes"),
    "CreateFunction20150331": FUNCTION,
    "CreateInternetGateway": lacks("responseElements.internetGateway", "association"),
    "CreatePolicy": lacks("responseElements.policy", "permissionsBoundaryUsageCount"),
    "CreateRole": adds("responseElements.role", "maxSessionDuration", "roleLastUsed"),
    "CreateRouteTable": {
        **adds("requestParameters", "clientToken", why=STARTED),
        **lacks("responseElements.routeTable", "propagatingVgwSet"),
    },
    "CreateSecurityGroup": {
        **DONE,
        **lacks("responseElements", "tagSet"),
        **adds("responseElements", "securityGroupArn"),
    },
    "CreateSnapshot": adds("responseElements", "progress", "storageTier"),
    "CreateSubnet": lacks("responseElements.subnet", "enableDns64"),
    "CreateTags": DONE,
    "CreateVolume": {**lacks("responseElements", "iops", "multiAttachEnabled"), **adds("responseElements", "attachmentSet")},
    "DeleteDBInstance": {**DATABASE, **lacks("responseElements", "endpoint.hostedZoneId")},
    "DeleteSecurityGroup": DONE,
    "DescribeParameters": lacks("requestParameters", "shared", why="the service adds what it takes for granted"),
    "DisassociateRouteTable": {**DONE, **lacks("responseElements", "associationState")},
    "GenerateDataKey": {"vpcEndpointId: only in real ones": "the real call came through an endpoint in a VPC"},
    "ModifySnapshotAttribute": DONE,
    "RunInstances": {
        **adds("requestParameters", "clientToken", why=STARTED),
        **lacks(
            INSTANCE, "capacityReservationSpecification", "cpuOptions", "enaSupport", "enclaveOptions", "groupSet.items",
            "metadataOptions.httpProtocolIpv4", "networkInterfaceSet.items[].tagSet", "privateDnsNameOptions",
        ),
        **adds(
            INSTANCE, "blockDeviceMapping.items", "clientToken", "networkInterfaceSet.items[].association",
            "placement.groupName", "platform", "reason", "sriovNetSupport",
        ),
    },
    "UpdateFunctionCode20150331v2": {
        **FUNCTION,
        **lacks("requestParameters", "fullyQualifiedArn", why="the service adds the ARN that it made of the name"),
        **adds("responseElements", "lastUpdateStatus"),
        "responseElements.version: a text in place of a number in text": "the real function was published",
    },
}  # fmt: skip


TAGS = [{"Key": "StratusRedTeam", "Value": "true"}]


def tagged(kind):
    return [{"ResourceType": kind, "Tags": TAGS}]


def networks(ec2):
    vpc = ec2.create_vpc(
        CidrBlock="10.0.0.0/16",
        InstanceTenancy="default",
        AmazonProvidedIpv6CidrBlock=False,
        TagSpecifications=tagged("vpc"),
    )["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a", TagSpecifications=tagged("subnet")
    )["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table"))["RouteTable"]["RouteTableId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))
    gateway = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    ec2.disassociate_route_table(AssociationId=association)
    ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    group = ec2.create_security_group(
        GroupName="open-sg", Description="Allow TLS", VpcId=vpc, TagSpecifications=tagged("security-group")
    )["GroupId"]
    ranges = [{"CidrIp": "0.0.0.0/0", "Description": "TLS from Internet"}]
    allowed = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=allowed)
    ec2.delete_security_group(GroupId=group)
    ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))
    other = ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1b", TagSpecifications=tagged("subnet")
    )["Subnet"]["SubnetId"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    return [subnet, other], groups[0]["GroupId"]


def machines(server, keys, ec2, subnet, group):
    # The defaults that the console sends along.
    interface = {
        "DeviceIndex": 0,
        "SubnetId": subnet,
        "Description": "Primary network interface",
        "DeleteOnTermination": True,
        "Groups": [group],
        "Ipv6AddressCount": 0,
    }
    instance = ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        KeyName="aws-testing",
        InstanceType="t2.micro",
        BlockDeviceMappings=[
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "DeleteOnTermination": True, "VolumeType": "gp2"}}
        ],
        Placement={"Tenancy": "default"},
        Monitoring={"Enabled": False},
        DisableApiTermination=False,
        DisableApiStop=False,
        InstanceInitiatedShutdownBehavior="stop",
        NetworkInterfaces=[interface],
        EbsOptimized=False,
        CreditSpecification={"CpuCredits": "standard"},
        CapacityReservationSpecification={"CapacityReservationPreference": "open"},
        HibernationOptions={"Configured": False},
        MetadataOptions={
            "HttpTokens": "optional",
            "HttpPutResponseHopLimit": 1,
            "HttpEndpoint": "enabled",
            "InstanceMetadataTags": "disabled",
        },
        PrivateDnsNameOptions={
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": True,
            "EnableResourceNameDnsAAAARecord": False,
        },
    )["Instances"][0]["InstanceId"]
    ec2.describe_instances()
    server.aws("ec2", "stop-instances", "--instance-ids", instance, "--no-force", keys=keys)
    server.aws("ec2", "start-instances", "--instance-ids", instance, keys=keys)
    server.aws("ec2", "terminate-instances", "--instance-ids", instance, keys=keys)
    volume = ec2.create_volume(Size=1, AvailabilityZone="us-east-1a", TagSpecifications=tagged("volume"), ClientToken="7C28")
    volume = volume["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume, TagSpecifications=tagged("snapshot"))["SnapshotId"]
    ec2.modify_snapshot_attribute(
        SnapshotId=snapshot, Attribute="createVolumePermission", CreateVolumePermission={"Add": [{"UserId": "012345678912"}]}
    )
    ec2.create_tags(Resources=[volume], Tags=TAGS)


def people(server, keys, iam, sts):
    role = iam.create_role(Path="/", RoleName="ops", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=3600, Tags=TAGS)
    iam.put_role_policy(RoleName="ops", PolicyName="inline", PolicyDocument=ALLOW)
    iam.create_user(UserName="bo", Path="/", Tags=TAGS)
    iam.create_access_key(UserName="bo")
    iam.create_login_profile(UserName="bo", Password="Correct-horse-1", PasswordResetRequired=False)
    iam.create_instance_profile(Path="/", InstanceProfileName="ops", Tags=TAGS)
    iam.add_role_to_instance_profile(InstanceProfileName="ops", RoleName="ops")
    iam.create_policy(Path="/", PolicyName="wide", PolicyDocument=ALLOW, Description="", Tags=TAGS)
    iam.attach_role_policy(RoleName="ops", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/wide")
    server.aws(
        "sts", "assume-role", "--role-arn", role["Role"]["Arn"], "--role-session-name", "night",
        "--duration-seconds", "3600", keys=keys,
    )  # fmt: skip
    sts.get_caller_identity()
    return role["Role"]["Arn"]


ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def code():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def test(event, context):\n    return 'hello'\n")
    return packed.getvalue()


def functions(functions, s3, role):
    s3.create_bucket(Bucket="code", ACL="private")
    s3.put_object(Bucket="code", Key="index.zip", Body=code())
    functions.create_function(
        FunctionName="func",
        Runtime="python3.13",
        Role=role,
        Handler="index.test",
        Code={"S3Bucket": "code", "S3Key": "index.zip"},
        Description="",
        Timeout=3,
        MemorySize=128,
        Publish=False,
        PackageType="Zip",
        Environment={},
        Tags={"StratusRedTeam": "true"},
    )
    functions.get_function(FunctionName="func")
    functions.add_permission(
        FunctionName="func", StatementId="back", Action="lambda:InvokeFunction", Principal="arn:aws:iam::193672423079:root"
    )
    functions.update_function_code(FunctionName="func", ZipFile=code(), DryRun=False, Publish=False)
    functions.invoke(FunctionName="func", Payload=b"{}")
    functions.delete_function(FunctionName="func")


# What parameters and secrets are sealed to.
FOR = {"PARAMETER_ARN": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/credentials/one"}
FOR_A_SECRET = {"SecretARN": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:retrieve", "SecretVersionId": "46957FE8"}


def secrets(ssm, manager, kms):
    ssm.put_parameter(
        Name="/credentials/one",
        Type="SecureString",
        Value="secret",
        Overwrite=False,
        AllowedPattern="",
        Tags=TAGS,
        Tier="Standard",
    )
    ssm.get_parameter(Name="/credentials/one", WithDecryption=True)
    ssm.delete_parameter(Name="/credentials/one")
    ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": ["/credentials/one"]}])
    arn = manager.create_secret(
        Name="retrieve",
        Description="",
        ClientRequestToken="2F3E4FDC-3F1A-4B39-9F0A-3C3B3F5D7A90",
        Tags=TAGS,
        ForceOverwriteReplicaSecret=False,
    )["ARN"]
    manager.put_secret_value(SecretId=arn, SecretString="s3cret", ClientRequestToken="46957FE8-C122-4EB0-9423-70CB7592B7FF")
    manager.get_secret_value(SecretId=arn)
    manager.describe_secret(SecretId=arn)
    manager.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    key = kms.create_key(
        Description="My application key", KeyUsage="ENCRYPT_DECRYPT", KeySpec="SYMMETRIC_DEFAULT", Origin="AWS_KMS"
    )["KeyMetadata"]["Arn"]
    kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=FOR_A_SECRET)
    sealed = kms.encrypt(
        KeyId=key, Plaintext=b"x", EncryptionContext=FOR, EncryptionAlgorithm="SYMMETRIC_DEFAULT"
    )
    kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=FOR, EncryptionAlgorithm="SYMMETRIC_DEFAULT")


def stores(s3, logs):
    s3.create_bucket(Bucket="wares", ACL="private")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::wares/*"]}]}
    s3.put_bucket_policy(Bucket="wares", Policy=json.dumps(policy))
    s3.put_bucket_tagging(Bucket="wares", Tagging={"TagSet": [{"Key": "StratusRedTeam", "Value": "true"}]})
    s3.get_bucket_acl(Bucket="wares")
    s3.put_object(Bucket="wares", Key="uploads/data.parquet", Body=b"x" * 2048)
    s3.get_object(Bucket="wares", Key="uploads/data.parquet")["Body"].read()
    s3.delete_bucket_policy(Bucket="wares")
    s3.create_bucket(Bucket="empty", ACL="private")
    s3.delete_bucket(Bucket="empty")
    logs.create_log_group(logGroupName="/flow-logs", tags={"StratusRedTeam": "true"})
    logs.create_log_stream(logGroupName="/flow-logs", logStreamName="2021/12/02/[$LATEST]9553c83f")
    logs.delete_log_group(logGroupName="/flow-logs")


def databases(rds, monitoring, subnets):
    rds.create_db_subnet_group(
        DBSubnetGroupName="shop", DBSubnetGroupDescription="Database subnets", SubnetIds=subnets, Tags=TAGS
    )
    rds.create_db_instance(
        DBInstanceIdentifier="shop",
        DBSubnetGroupName="shop",
        DeletionProtection=False,
        Engine="mysql",
        PubliclyAccessible=False,
        MasterUsername="admin",
        AllocatedStorage=10,
        BackupRetentionPeriod=0,
        DBName="shop",
        CopyTagsToSnapshot=False,
        StorageEncrypted=False,
        EngineVersion="8.0",
        Tags=TAGS,
        DBInstanceClass="db.t3.micro",
        MasterUserPassword="Correct-horse-1",
        AutoMinorVersionUpgrade=True,
    )
    rds.create_db_snapshot(
        DBInstanceIdentifier="shop", DBSnapshotIdentifier="exfiltration", Tags=TAGS
    )
    rds.delete_db_instance(
        DBInstanceIdentifier="shop", SkipFinalSnapshot=False, FinalDBSnapshotIdentifier="last", DeleteAutomatedBackups=True
    )
    monitoring.put_metric_alarm(
        Threshold=20.0,
        Period=3600,
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": "group"}],
        EvaluationPeriods=2,
        ActionsEnabled=True,
        ComparisonOperator="LessThanThreshold",
        Namespace="AWS/EC2",
        AlarmName="awsec2-group-High-CPU-Utilization",
        AlarmActions=[f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:scalingPolicy:1:autoScalingGroupName/group:policyName/Less"],
        Statistic="Average",
    )
    monitoring.describe_alarms()


def failures(ec2, s3, iam):
    """Each fails as some real call did."""

    def fails(call, **parameters):
        with pytest.raises(ClientError):
            call(**parameters)

    fails(ec2.describe_volumes, VolumeIds=["vol-00000000000000000"])
    fails(ec2.describe_subnets, SubnetIds=["subnet-00000000000000000"])
    fails(ec2.describe_security_groups, GroupIds=["sg-00000000000000000"])
    fails(s3.get_bucket_tagging, Bucket="code")
    fails(s3.get_bucket_cors, Bucket="code")
    fails(s3.get_bucket_policy, Bucket="code")
    fails(s3.get_bucket_policy, Bucket="gone")
    fails(s3.delete_bucket, Bucket="gone")
    fails(s3.delete_bucket, Bucket="code")
    fails(iam.get_role, RoleName="gone")
    fails(iam.get_instance_profile, InstanceProfileName="gone")
    fails(iam.delete_login_profile, UserName="gone")


def denials(iam):
    """Calls of a role that may do nothing, as real ones were denied."""

    def denied(call, **parameters):
        with pytest.raises(ClientError):
            call(**parameters)

    denied(iam.create_user, UserName="never")
    denied(iam.create_access_key, UserName="bo")
    denied(iam.list_users)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Records of all these calls, by source, name and whether they failed."""
    with moto(tmp_path_factory.mktemp("moto")) as upstream:
        keys = json.dumps([{"account": ACCOUNT, "access_key_id": ROOT[0], "secret_access_key": ROOT[1]}])
        more = [f"keys={keys}", "trail.delivery_interval=1s", f"upstream.account={ACCOUNT}"]
        server = Server(tmp_path_factory.mktemp("server"), *more).start()
        logging_trail(server, "watch", "logs", keys=ROOT)
        server.client("cloudtrail", keys=ROOT).put_event_selectors(
            TrailName="watch",
            EventSelectors=[
                {
                    "ReadWriteType": "All",
                    "IncludeManagementEvents": False,
                    "DataResources": [
                        {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]},
                        {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]},
                    ],
                }
            ],
        )
        ana = server.user("ana", keys=ROOT)
        assert server.stop() == 0
        named = [f"{service}={upstream}" for service in ("iam", "sts", "s3", "lambda")]
        server.start("--upstream", upstream, *(word for name in named for word in ("--upstream", name)))

        def client(name):
            return server.client(name, keys=ana)

        ec2, s3, iam, sts = client("ec2"), client("s3"), client("iam"), client("sts")
        subnets, group = networks(ec2)
        machines(server, ana, ec2, subnets[0], group)
        role = people(server, ana, iam, sts)
        functions(client("lambda"), s3, role)
        secrets(client("ssm"), client("secretsmanager"), client("kms"))
        stores(s3, client("logs"))
        databases(client("rds"), client("cloudwatch"), subnets)
        failures(ec2, s3, iam)
        idle = iam.create_role(
            Path="/", RoleName="idle", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=3600, Tags=TAGS
        )["Role"]["Arn"]
        session = sts.assume_role(RoleArn=idle, RoleSessionName="noon")["Credentials"]
        keys = {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"]}
        keys |= {"aws_session_token": session["SessionToken"], "endpoint_url": server.endpoint, "region_name": "us-east-1"}
        with moto_decides(upstream):
            denials(boto3.client("iam", **keys))
        assert server.stop() == 0
        server.start()
        records = server.records(
            keys=ROOT, within=10, until=lambda found: any(r["eventName"] == "ListUsers" for r in found)
        )

        def delivered():
            records = [r for records in log_files(server, "logs", keys=ROOT).values() for r in records]
            records = [r for r in records if r["eventCategory"] == "Data"]
            return records if len(records) >= 4 else None

        records += wait_for("data events", delivered)
        assert server.stop() == 0
    found = {}
    for record in records:
        # What we answered ourselves before was asked for by the root, and what is delivered by the service.
        if record["userIdentity"].get("type") in ("IAMUser", "AssumedRole"):
            found.setdefault(kind(record), []).append(record)
    return found


@pytest.fixture(scope="module")
def real():
    records = real_records()
    if records is None:
        pytest.skip("there are no real records beside this repository")
    return records


def test_records_are_like_real_ones(made, real):
    agreed = Agreed(AGREED)
    complaints, compared = set(), set()
    # Who calls is a matter of their own: compared with all real callers of their type.
    callers = {}
    for records in real.values():
        for record in records:
            callers.setdefault(record["userIdentity"].get("type"), []).append({"userIdentity": record["userIdentity"]})
    for key, records in sorted(made.items(), key=str):
        name = key[1] if key[2] is None else f"{key[1]} {key[2]}"
        for record in map(dict, records):
            who = {"userIdentity": record.pop("userIdentity")}
            complaints |= {f"{name}: {d}" for d in agreed.nearest("userIdentity", callers[who["userIdentity"]["type"]], who)}
            if key in real:
                compared.add(name)
                beside = [{n: v for n, v in other.items() if n != "userIdentity"} for other in real[key]]
                complaints |= {f"{name}: {d}" for d in agreed.nearest(name, beside, record)}
            elif key[2] is not None:
                complaints.add(f"{name}: no real one fails so")
    complaints = sorted(complaints)
    assert not complaints, f"{len(complaints)} differences:\n" + "\n".join(complaints)
    stale = agreed.stale({*compared, "userIdentity"})
    assert not stale, f"agreed upon, and not met any more: {stale}"
    print("compared:", *sorted(compared))
    assert len(compared) > 60, sorted(compared)


def test_a_function_that_is_invoked_is_a_data_event(made):
    (record,) = made["lambda.amazonaws.com", "Invoke", None]
    assert record["eventCategory"] == "Data" and record["managementEvent"] is False and record["readOnly"] is False
    assert record["requestParameters"]["functionName"] == "func" and record["responseElements"] is None
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:func"
    assert record["resources"] == [{"accountId": ACCOUNT, "type": "AWS::Lambda::Function", "ARN": function}]
    assert record["userIdentity"]["userName"] == "ana" and "identityVerified" not in record.get("additionalEventData", {})


def test_objects_that_are_put_and_got_are_data_events(made):
    (put,) = [r for r in made["s3.amazonaws.com", "PutObject", None] if r["requestParameters"]["key"] == "uploads/data.parquet"]
    (got,) = made["s3.amazonaws.com", "GetObject", None]
    for record, reads in ((put, False), (got, True)):
        assert record["eventCategory"] == "Data" and record["managementEvent"] is False and record["readOnly"] is reads
        assert {r["type"] for r in record["resources"]} == {"AWS::S3::Object", "AWS::S3::Bucket"}
    assert got["additionalEventData"]["bytesTransferredOut"] == 2048
