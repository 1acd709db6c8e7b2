//! The table: for each service, which members of which calls name a resource.
//!
//! IAM, STS, KMS, SQS, Lambda, EventBridge, Logs, CloudTrail and Organizations as AWS was recorded (`spec/recorded.md` 8);
//! S3 by bucket name; EC2 and SNS by the members that carry ids of their main types.

use super::Form::{Behind, Holding, Tail, Whole};
use super::Source::{Recorded, Request, Response};
use super::When::{Always, Changed, Succeeded};
use super::{Form, Rule, Service, Source, Take, When};

pub(super) static SERVICES: &[Service] = &[
    Service { event_source: "iam.amazonaws.com", rules: IAM },
    Service { event_source: "sts.amazonaws.com", rules: STS },
    Service { event_source: "kms.amazonaws.com", rules: KMS },
    Service { event_source: "s3.amazonaws.com", rules: S3 },
    Service { event_source: "sqs.amazonaws.com", rules: SQS },
    Service { event_source: "sns.amazonaws.com", rules: SNS },
    Service { event_source: "lambda.amazonaws.com", rules: LAMBDA },
    Service { event_source: "logs.amazonaws.com", rules: LOGS },
    Service { event_source: "cloudtrail.amazonaws.com", rules: CLOUDTRAIL },
    Service { event_source: "ec2.amazonaws.com", rules: EC2 },
    Service { event_source: "events.amazonaws.com", rules: &[] },
    Service { event_source: "organizations.amazonaws.com", rules: &[] },
];

const fn rule(calls: &'static [&'static str], when: When, takes: &'static [Take]) -> Rule {
    Rule { calls, when, takes }
}

const fn take(kind: &'static str, source: Source) -> Take {
    part(kind, source, Whole)
}

const fn part(kind: &'static str, source: Source, form: Form) -> Take {
    Take { kind, source, form }
}

static IAM: &[Rule] = &[
    rule(
        &["CreateUser"],
        Succeeded,
        &[
            take("AWS::IAM::User", Response("user.userName")),
            take("AWS::IAM::User", Response("user.userId")),
            take("AWS::IAM::User", Response("user.arn")),
        ],
    ),
    rule(
        &["CreateRole"],
        Succeeded,
        &[
            take("AWS::IAM::Role", Response("role.roleName")),
            take("AWS::IAM::Role", Response("role.roleId")),
            take("AWS::IAM::Role", Response("role.arn")),
        ],
    ),
    rule(
        &["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"],
        Succeeded,
        &[
            take("AWS::IAM::AccessKey", Response("accessKey.accessKeyId")),
            take("AWS::IAM::AccessKey", Request("accessKeyId")),
            take("AWS::IAM::User", Request("userName")),
            take("AWS::IAM::User", Response("accessKey.userName")),
        ],
    ),
    rule(
        &[],
        Changed,
        &[
            take("AWS::IAM::Policy", Request("policyName")),
            take("AWS::IAM::Policy", Request("policyArn")),
            take("AWS::IAM::InstanceProfile", Request("instanceProfileName")),
            take("AWS::IAM::Group", Request("groupName")),
            take("AWS::IAM::Role", Request("roleName")),
            take("AWS::IAM::User", Request("userName")),
        ],
    ),
];

static STS: &[Rule] = &[
    rule(
        &["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"],
        Succeeded,
        &[
            take("AWS::IAM::AccessKey", Response("credentials.accessKeyId")),
            take("AWS::STS::AssumedRole", Request("roleSessionName")),
            take("AWS::STS::AssumedRole", Response("assumedRoleUser.assumedRoleId")),
            take("AWS::STS::AssumedRole", Response("assumedRoleUser.arn")),
            take("AWS::IAM::Role", Request("roleArn")),
        ],
    ),
    rule(&["GetSessionToken"], Succeeded, &[take("AWS::IAM::AccessKey", Response("credentials.accessKeyId"))]),
    rule(
        &["GetFederationToken"],
        Succeeded,
        &[
            take("AWS::IAM::AccessKey", Response("credentials.accessKeyId")),
            take("AWS::STS::FederatedUser", Request("name")),
            take("AWS::STS::FederatedUser", Response("federatedUser.federatedUserId")),
            take("AWS::STS::FederatedUser", Response("federatedUser.arn")),
        ],
    ),
];

static KMS: &[Rule] = &[
    // With the name that was sent, and without a type.
    rule(
        &[
            "Encrypt",
            "Decrypt",
            "ReEncrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "Sign",
            "Verify",
            "GenerateMac",
            "VerifyMac",
            "DeriveSharedSecret",
            "DescribeKey",
        ],
        Succeeded,
        &[take("", Request("keyId")), take("", Request("sourceKeyId")), take("", Request("destinationKeyId"))],
    ),
    rule(
        &["GetPublicKey", "CreateGrant"],
        Always,
        &[part("AWS::KMS::Key", Recorded, Tail('/')), take("AWS::KMS::Key", Recorded)],
    ),
    rule(&[], Changed, &[part("AWS::KMS::Key", Recorded, Tail('/')), take("AWS::KMS::Key", Recorded)]),
];

static S3: &[Rule] = &[
    rule(
        &[
            "PutAccelerateConfiguration",
            "GetAccelerateConfiguration",
            "PutBucketAccelerateConfiguration",
            "GetBucketAccelerateConfiguration",
            "PutInventoryConfiguration",
            "PutBucketInventoryConfiguration",
            "GetBucketInventoryConfiguration",
            "DeleteBucketInventoryConfiguration",
        ],
        Always,
        &[],
    ),
    rule(&[], Always, &[take("AWS::S3::Bucket", Request("bucketName"))]),
];

static SQS: &[Rule] = &[rule(
    &[],
    Always,
    &[take("AWS::SQS::Queue", Request("queueUrl")), take("AWS::SQS::Queue", Response("queueUrl"))],
)];

static SNS: &[Rule] = &[rule(
    &[],
    Always,
    &[
        take("AWS::SNS::Topic", Request("topicArn")),
        take("AWS::SNS::Topic", Response("topicArn")),
        take("AWS::SNS::PlatformEndpoint", Recorded),
    ],
)];

/// A function by its name, also where the caller gave its ARN.
static LAMBDA_FUNCTION: &[Take] = &[part("AWS::Lambda::Function", Request("functionName"), Tail(':'))];

static LAMBDA: &[Rule] = &[
    rule(&["CreateFunction20150331", "CreateFunction20141111"], Succeeded, LAMBDA_FUNCTION),
    rule(
        &[
            "DeleteFunction20150331",
            "UpdateFunctionConfiguration20150331v2",
            "UpdateFunctionConfiguration20150331",
            "UpdateFunctionCode20150331v2",
            "UpdateFunctionCode20150331",
            "PutFunctionConcurrency20171031",
            "DeleteFunctionConcurrency20171031",
            "AddPermission20150331v2",
            "AddPermission20150331",
            "RemovePermission20150331v2",
            "RemovePermission20150331",
        ],
        Always,
        LAMBDA_FUNCTION,
    ),
];

static LOGS: &[Rule] = &[
    rule(&["ListLogGroups", "PutResourcePolicy", "DeleteResourcePolicy", "DescribeResourcePolicies"], Always, &[]),
    rule(
        &[],
        Always,
        &[
            take("AWS::Logs::LogGroup", Request("logGroupName")),
            take("AWS::Logs::LogGroup", Request("resourceArn")),
            take("AWS::Logs::Destination", Request("destinationName")),
        ],
    ),
];

/// A trail by its name and, where the caller gave it or the answer shows it, by its ARN.
/// What tag calls name by ARN may be something else than a trail.
const TRAIL: &str = ":trail/";

static CLOUDTRAIL: &[Rule] = &[CLOUDTRAIL_TRAILS, CLOUDTRAIL_TAGS];

const CLOUDTRAIL_TAGS: Rule = rule(
    &["AddTags", "RemoveTags", "ListTags"],
    Always,
    &[
        part("AWS::CloudTrail::Trail", Request("resourceId"), Behind(TRAIL)),
        part("AWS::CloudTrail::Trail", Request("resourceId"), Holding(TRAIL)),
        part("AWS::CloudTrail::Trail", Request("resourceIdList[]"), Behind(TRAIL)),
        part("AWS::CloudTrail::Trail", Request("resourceIdList[]"), Holding(TRAIL)),
    ],
);

const CLOUDTRAIL_TRAILS: Rule = rule(
    &[
        "CreateTrail",
        "UpdateTrail",
        "DeleteTrail",
        "GetTrail",
        "GetTrailStatus",
        "StartLogging",
        "StopLogging",
        "GetEventSelectors",
        "PutEventSelectors",
        "GetInsightSelectors",
        "PutInsightSelectors",
    ],
    Always,
    &[
        part("AWS::CloudTrail::Trail", Request("name"), Tail('/')),
        take("AWS::CloudTrail::Trail", Request("name")),
        part("AWS::CloudTrail::Trail", Request("trailName"), Tail('/')),
        take("AWS::CloudTrail::Trail", Request("trailName")),
        take("AWS::CloudTrail::Trail", Response("trailARN")),
        take("AWS::S3::Bucket", Response("s3BucketName")),
    ],
);

static EC2: &[Rule] = &[rule(
    &[],
    Always,
    &[
        take("AWS::EC2::Instance", Request("instanceId")),
        take("AWS::EC2::Instance", Request("instancesSet.items[].instanceId")),
        take("AWS::EC2::Instance", Response("instancesSet.items[].instanceId")),
        take("AWS::EC2::Ami", Request("instancesSet.items[].imageId")),
        take("AWS::EC2::Ami", Request("imageId")),
        take("AWS::EC2::Ami", Response("imageId")),
        take("AWS::EC2::KeyPair", Request("instancesSet.items[].keyName")),
        take("AWS::EC2::KeyPair", Request("keyName")),
        take("AWS::EC2::SecurityGroup", Request("groupId")),
        take("AWS::EC2::SecurityGroup", Response("groupId")),
        take("AWS::EC2::SecurityGroup", Request("groupSet.items[].groupId")),
        take("AWS::EC2::VPC", Request("vpcId")),
        take("AWS::EC2::VPC", Response("vpc.vpcId")),
        take("AWS::EC2::Subnet", Request("subnetId")),
        take("AWS::EC2::Subnet", Response("subnet.subnetId")),
        take("AWS::EC2::Volume", Request("volumeId")),
        take("AWS::EC2::Volume", Response("volumeId")),
        take("AWS::EC2::Snapshot", Request("snapshotId")),
        take("AWS::EC2::Snapshot", Response("snapshotId")),
        take("AWS::EC2::RouteTable", Request("routeTableId")),
        take("AWS::EC2::RouteTable", Response("routeTable.routeTableId")),
        take("AWS::EC2::InternetGateway", Request("internetGatewayId")),
        take("AWS::EC2::InternetGateway", Response("internetGateway.internetGatewayId")),
        take("AWS::EC2::NetworkInterface", Request("networkInterfaceId")),
        take("AWS::EC2::NetworkInterface", Response("networkInterface.networkInterfaceId")),
        take("AWS::EC2::EIP", Request("allocationId")),
        take("AWS::EC2::EIP", Response("allocationId")),
    ],
)];
