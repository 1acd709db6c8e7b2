//! Where real records differ from what we write, and why that is agreed upon.

/// Source and name of records whose operation no public model has: consoles, agents, and services that were closed.
pub(super) const NOT_MODELLED: &[&str] = &[
    // From before CloudFront's records were dated.
    "cloudfront CreateDistribution",
    "cloudfront ListCloudFrontOriginAccessIdentities",
    "cloudfront ListDistributions",
    "cloudfront ListFieldLevelEncryptionConfigs",
    "cloudfront ListFieldLevelEncryptionProfiles",
    "cloudfront ListStreamingDistributions",
    "cloudfront TagResource",
    "cloudshell CreateSession",
    "discovery-marketplace GetListingView",
    "rds DescribeRecommendationGroups",
    "rds DescribeRecommendations",
    "robomaker ListDeploymentJobs",
    "robomaker ListRobotApplications",
    "robomaker ListSimulationApplications",
    "robomaker ListSimulationJobs",
    "s3 GetStorageLensDashboardDataInternal",
    "sms GetApp",
    "ssm ListInstanceAssociations",
    "ssm UpdateInstanceAssociationStatus",
    "ssm UpdateInstanceInformation",
    "sso UpdateSsoConfiguration",
    "sso-directory AddMemberToGroup",
    "sso-directory CreateGroup",
    "sso-directory CreateUser",
];

const ADDED: &str = "the service adds it; it is neither sent nor in the model";
const REMOVED: &str = "older than the model, which has it no more";
const LINKS: &str = "links of the answer, which the model leaves out";
const DENIED: &str = "the text of a denial, which these services repeat in place of an answer";
const BUILD: &str = "a number of the service's own in place of the version";
const HOST: &str = "S3 Control shows the host, as S3 does";

/// Differences that stay: how they begin, and why.
pub(super) const NOT_OURS: &[(&str, &str)] = &[
    ("apigateway CreateStage responseElements.self", LINKS),
    ("apigateway CreateStage responseElements.stage", LINKS),
    ("appmesh CreateVirtualNode", "a certificate's place, which the record spells in capitals of its own"),
    ("appsync CreateApiKey responseElements.message", DENIED),
    ("appsync UpdateResolver responseElements.message", DENIED),
    ("cloudwatch DescribeAlarms requestParameters.excludeManagedAlarms", ADDED),
    ("ec2 AttachVolume requestParameters.deleteOnTermination", ADDED),
    ("ec2 CreateInternetGateway responseElements.internetGateway.association", ADDED),
    ("ec2 CreateNetworkInterface requestParameters.denyAllIgwTraffic", ADDED),
    ("ec2 DeleteSnapshot requestParameters.force", ADDED),
    ("ec2 DeleteVolume requestParameters.reportVolumeFailure", ADDED),
    ("ec2 DescribeAccountAttributes requestParameters.filterSet", ADDED),
    ("ec2 DisassociateRouteTable responseElements.associationState", ADDED),
    ("ec2 RunInstances responseElements.instancesSet.items.", ADDED),
    ("eks AssociateAccessPolicy responseElements.message", DENIED),
    ("eks CreateAccessEntry responseElements.message", DENIED),
    ("guardduty ", DENIED),
    ("lambda UpdateFunctionCode requestParameters.fullyQualifiedArn", ADDED),
    ("lambda UpdateFunctionCode responseElements.architectures", "a list that was turned into an object on its way"),
    ("logs DescribeMetricFilters apiVersion", BUILD),
    ("logs DescribeResourcePolicies apiVersion", BUILD),
    ("rds CreateDBInstance responseElements.httpEndpointEnabled", REMOVED),
    ("rds DeleteDBInstance responseElements.httpEndpointEnabled", REMOVED),
    ("rds ModifyDBInstance responseElements.httpEndpointEnabled", REMOVED),
    ("s3control GetPublicAccessBlock requestParameters.Host", HOST),
    ("s3control GetStorageLensConfiguration requestParameters.Host", HOST),
    ("s3control ListAccessPoints requestParameters.Host", HOST),
    ("securityhub DeleteMembers responseElements.message", DENIED),
    ("ssm SendCommand requestParameters.interactive", ADDED),
    ("ssm SendCommand responseElements.command.", ADDED),
];
