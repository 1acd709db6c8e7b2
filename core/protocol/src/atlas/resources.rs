//! `resources`: what a call is about, for the services whose records name it (`spec/recorded.md` 8 and 10, and real
//! records).
//!
//! Data events always name their resource, for selectors choose by it. Of management events only some services' do; others
//! have none, and none is made up for them.

use opentrail_event::{AccountId, Arn, Category, Owner, RecordResource, Region};

use super::Recognised;
use crate::Document;
use crate::s3::S3Call;

/// So many resources are named; batches may ask for more.
const RESOURCES_MAX: usize = 100;

/// How a resource is named by a member of the request.
struct Naming {
    /// Its type; empty where records have none.
    kind: &'static str,
    /// What stands before the name: `arn:aws:sqs:R:A:`; empty where there is no name but the type.
    arn: &'static str,
    /// The members that may name it, by a name, an ARN or a URL; the first that is there does.
    members: &'static [&'static str],
}

/// The ARN of a kind of resources; `R` and `A` stand for region and account.
#[rustfmt::skip]
const OF_DATA: &[Naming] = &[
    Naming { kind: "AWS::Bedrock::AgentAlias", arn: "arn:aws:bedrock:R:A:agent-alias/", members: &["agentAliasId"] },
    Naming { kind: "AWS::Bedrock::AsyncInvoke", arn: "arn:aws:bedrock:R:A:async-invoke/", members: &["invocationArn"] },
    Naming { kind: "AWS::Bedrock::DataAutomationInvocation", arn: "arn:aws:bedrock:R:A:data-automation-invocation/", members: &["invocationArn"] },
    Naming { kind: "AWS::Bedrock::FlowAlias", arn: "arn:aws:bedrock:R:A:flow/", members: &["flowAliasIdentifier"] },
    Naming { kind: "AWS::Bedrock::FlowExecution", arn: "arn:aws:bedrock:R:A:flow/", members: &["executionIdentifier", "flowIdentifier"] },
    Naming { kind: "AWS::Bedrock::Guardrail", arn: "arn:aws:bedrock:R:A:guardrail/", members: &["guardrailIdentifier"] },
    Naming { kind: "AWS::Bedrock::KnowledgeBase", arn: "arn:aws:bedrock:R:A:knowledge-base/", members: &["knowledgeBaseId"] },
    Naming { kind: "AWS::Bedrock::Model", arn: "arn:aws:bedrock:R::foundation-model/", members: &["modelId"] },
    Naming { kind: "AWS::Bedrock::Session", arn: "arn:aws:bedrock:R:A:session/", members: &["sessionIdentifier"] },
    Naming { kind: "AWS::BedrockAgentCore::Browser", arn: "arn:aws:bedrock-agentcore:R:A:browser/", members: &["browserIdentifier"] },
    Naming { kind: "AWS::BedrockAgentCore::CodeInterpreter", arn: "arn:aws:bedrock-agentcore:R:A:code-interpreter/", members: &["codeInterpreterIdentifier"] },
    Naming { kind: "AWS::BedrockAgentCore::Memory", arn: "arn:aws:bedrock-agentcore:R:A:memory/", members: &["memoryId"] },
    Naming { kind: "AWS::BedrockAgentCore::Runtime", arn: "arn:aws:bedrock-agentcore:R:A:runtime/", members: &["agentRuntimeArn"] },
    Naming { kind: "AWS::CloudFront::KeyValueStore", arn: "arn:aws:cloudfront::A:key-value-store/", members: &["KvsARN"] },
    Naming { kind: "AWS::CloudTrail::Channel", arn: "arn:aws:cloudtrail:R:A:channel/", members: &["channelArn"] },
    Naming { kind: "AWS::CloudWatch::Metric", arn: "", members: &[] },
    Naming { kind: "AWS::CodeGuruProfiler::ProfilingGroup", arn: "arn:aws:codeguru-profiler:R:A:profilingGroup/", members: &["profilingGroupName"] },
    Naming { kind: "AWS::Cognito::IdentityPool", arn: "arn:aws:cognito-identity:R:A:identitypool/", members: &["IdentityPoolId"] },
    Naming { kind: "AWS::DataExchange::Asset", arn: "arn:aws:dataexchange:R:A:assets/", members: &["AssetId"] },
    Naming { kind: "AWS::DynamoDB::Stream", arn: "arn:aws:dynamodb:R:A:table/", members: &["StreamArn"] },
    Naming { kind: "AWS::DynamoDB::Table", arn: "arn:aws:dynamodb:R:A:table/", members: &["TableName"] },
    Naming { kind: "AWS::EC2::Snapshot", arn: "arn:aws:ec2:R::snapshot/", members: &["SnapshotId", "SecondSnapshotId"] },
    Naming { kind: "AWS::Kinesis::Stream", arn: "arn:aws:kinesis:R:A:stream/", members: &["StreamARN", "StreamName"] },
    Naming { kind: "AWS::Kinesis::StreamConsumer", arn: "arn:aws:kinesis:R:A:stream/", members: &["ConsumerARN"] },
    Naming { kind: "AWS::KinesisFirehose::DeliveryStream", arn: "arn:aws:firehose:R:A:deliverystream/", members: &["DeliveryStreamName"] },
    Naming { kind: "AWS::KinesisVideo::SignalingChannel", arn: "arn:aws:kinesisvideo:R:A:channel/", members: &["ChannelARN"] },
    Naming { kind: "AWS::KinesisVideo::Stream", arn: "arn:aws:kinesisvideo:R:A:stream/", members: &["StreamARN", "StreamName"] },
    Naming { kind: "AWS::Lambda::Function", arn: "arn:aws:lambda:R:A:function:", members: &["FunctionName"] },
    Naming { kind: "AWS::MachineLearning::MlModel", arn: "arn:aws:machinelearning:R:A:mlmodel/", members: &["MLModelId"] },
    Naming { kind: "AWS::MedicalImaging::Datastore", arn: "arn:aws:medical-imaging:R:A:datastore/", members: &["datastoreId"] },
    Naming { kind: "AWS::MWAA::Environment", arn: "arn:aws:airflow:R:A:environment/", members: &["Name"] },
    Naming { kind: "AWS::NeptuneGraph::Graph", arn: "arn:aws:neptune-graph:R:A:graph/", members: &["graphIdentifier"] },
    Naming { kind: "AWS::PaymentCryptography::Key", arn: "arn:aws:payment-cryptography:R:A:key/", members: &["KeyIdentifier", "EncryptionKeyIdentifier", "GenerationKeyIdentifier", "VerificationKeyIdentifier"] },
    Naming { kind: "AWS::Pinpoint::App", arn: "arn:aws:mobiletargeting:R:A:apps/", members: &["ApplicationId"] },
    Naming { kind: "AWS::QBusiness::Application", arn: "arn:aws:qbusiness:R:A:application/", members: &["applicationId"] },
    Naming { kind: "AWS::RDS::DBCluster", arn: "arn:aws:rds:R:A:cluster:", members: &["resourceArn", "dbClusterOrInstanceArn"] },
    Naming { kind: "AWS::RUM::AppMonitor", arn: "arn:aws:rum:R:A:appmonitor/", members: &["Id"] },
    Naming { kind: "AWS::S3Vectors::Index", arn: "arn:aws:s3vectors:R:A:bucket/", members: &["indexArn"] },
    Naming { kind: "AWS::SageMaker::Endpoint", arn: "arn:aws:sagemaker:R:A:endpoint/", members: &["EndpointName"] },
    Naming { kind: "AWS::SageMaker::ExperimentTrialComponent", arn: "arn:aws:sagemaker:R:A:experiment-trial-component/", members: &["TrialComponentName"] },
    Naming { kind: "AWS::SageMaker::FeatureGroup", arn: "arn:aws:sagemaker:R:A:feature-group/", members: &["FeatureGroupName"] },
    Naming { kind: "AWS::SDB::Domain", arn: "arn:aws:sdb:R:A:domain/", members: &["DomainName"] },
    Naming { kind: "AWS::SES::EmailIdentity", arn: "arn:aws:ses:R:A:identity/", members: &["FromEmailAddress", "Source", "DefaultFromEmailAddress"] },
    Naming { kind: "AWS::Signer::SigningProfile", arn: "arn:aws:signer:R:A:/signing-profiles/", members: &["profileName", "profileVersionArn"] },
    Naming { kind: "AWS::SMSVoice::OriginationIdentity", arn: "arn:aws:sms-voice:R:A:phone-number/", members: &["OriginationIdentity"] },
    Naming { kind: "AWS::SNS::Topic", arn: "arn:aws:sns:R:A:", members: &["TopicArn", "TargetArn"] },
    Naming { kind: "AWS::SocialMessaging::PhoneNumberId", arn: "arn:aws:social-messaging:R:A:phone-number-id/", members: &["originationPhoneNumberId"] },
    Naming { kind: "AWS::SQS::Queue", arn: "arn:aws:sqs:R:A:", members: &["QueueUrl", "QueueName"] },
    Naming { kind: "AWS::StepFunctions::Activity", arn: "arn:aws:states:R:A:activity:", members: &["activityArn"] },
    Naming { kind: "AWS::SWF::Domain", arn: "arn:aws:swf:R:A:/domain/", members: &["domain"] },
    Naming { kind: "AWS::Timestream::Table", arn: "arn:aws:timestream:R:A:database/", members: &[] },
    Naming { kind: "AWS::VerifiedPermissions::PolicyStore", arn: "arn:aws:verifiedpermissions::A:policy-store/", members: &["policyStoreId"] },
    Naming { kind: "AWS::Events::EventBus", arn: "arn:aws:events:R:A:event-bus/", members: &["EventBusName"] },
];

/// Management events that name what they are about, by service.
#[rustfmt::skip]
const OF_MANAGEMENT: &[(&str, Naming)] = &[
    ("kms", Naming { kind: "AWS::KMS::Key", arn: "arn:aws:kms:R:A:key/", members: &["KeyId", "TargetKeyId"] }),
    ("sns", Naming { kind: "AWS::SNS::Topic", arn: "arn:aws:sns:R:A:", members: &["TopicArn"] }),
    ("sqs", Naming { kind: "AWS::SQS::Queue", arn: "arn:aws:sqs:R:A:", members: &["QueueUrl", "QueueName"] }),
    ("ssm", Naming { kind: "", arn: "arn:aws:ssm:R:A:parameter/", members: &["Name", "Names"] }),
    ("sts", Naming { kind: "AWS::IAM::Role", arn: "arn:aws:iam::A:role/", members: &["RoleArn"] }),
];

/// Operations of those services that name nothing, or something else by the same member.
const SILENT: &[(&str, &str)] = &[("kms", "GenerateRandom"), ("kms", "ListKeys"), ("kms", "ListAliases")];

/// The parameters of SSM are the only things of it that records name by their ARN.
const OF_PARAMETERS: &[&str] = &[
    "DeleteParameter",
    "DeleteParameters",
    "GetParameter",
    "GetParameterHistory",
    "GetParameters",
    "LabelParameterVersion",
    "PutParameter",
    "UnlabelParameterVersion",
];

/// Of a call that is not one of S3.
pub(super) fn of(
    call: &Recognised,
    request: &Document,
    answer: Option<&Document>,
    account: AccountId,
    region: &Region,
) -> Vec<RecordResource> {
    let Some((_, operation)) = call.model() else { return Vec::new() };
    let service = call.service.as_str();
    let naming = match call.resource_type {
        Some(kind) => OF_DATA.iter().find(|naming| naming.kind == kind),
        None => OF_MANAGEMENT.iter().find(|(of, _)| *of == service).map(|(_, naming)| naming),
    };
    let Some(naming) = naming else { return Vec::new() };
    let silent = SILENT.contains(&(service, &*operation.name))
        || (service == "ssm" && !OF_PARAMETERS.contains(&&*operation.name));
    if silent {
        return Vec::new();
    }
    // A type alone, without account or name (`spec/recorded.md` 10, CloudWatch).
    if naming.arn.is_empty() {
        return vec![RecordResource { owner: Owner::Absent, kind: naming.kind, arn: Arn::given(""), prefix: false }];
    }
    let mut names = names(naming, request);
    if service == "kms"
        && let Some(made) = answer.and_then(of_key)
    {
        names = vec![made];
    }
    let owner = |arn: &str| {
        let its = arn.split(':').nth(4).and_then(|text| text.parse::<AccountId>().ok());
        Owner::Account(its.unwrap_or(account))
    };
    let bare = call.resource_type == Some("AWS::Events::EventBus");
    let arns = names.into_iter().filter_map(|name| arn(naming, &name, account, region));
    let mut found: Vec<RecordResource> = Vec::new();
    for arn in arns.take(RESOURCES_MAX) {
        let owner = if bare { Owner::Absent } else { owner(&arn) };
        let one = RecordResource { owner, kind: naming.kind, arn: Arn::given(&arn), prefix: false };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// The ARN of the key that an answer of KMS is about: the one that was made, or meant by an alias.
fn of_key(answer: &Document) -> Option<String> {
    let made = answer.get("KeyMetadata").and_then(|made| made.text("Arn"));
    made.or_else(|| answer.text("KeyId")).filter(|arn| arn.starts_with("arn:")).map(str::to_owned)
}

/// What the request calls its resources.
fn names(naming: &Naming, request: &Document) -> Vec<String> {
    let text = |value: &Document| match value {
        Document::Text(text) if !text.is_empty() => vec![text.clone()],
        Document::List(items) => {
            let texts =
                items.iter().filter_map(|item| if let Document::Text(t) = item { Some(t.clone()) } else { None });
            texts.collect()
        }
        _ => Vec::new(),
    };
    let named =
        naming.members.iter().find_map(|member| request.get(member).map(text).filter(|found| !found.is_empty()));
    if let Some(named) = named {
        return named;
    }
    match naming.kind {
        "AWS::DynamoDB::Table" => of_batch(request),
        "AWS::Timestream::Table" => match (request.text("DatabaseName"), request.text("TableName")) {
            (Some(database), Some(table)) => vec![format!("{database}/table/{table}")],
            _ => Vec::new(),
        },
        "AWS::Events::EventBus" => {
            let buses = request.list("Entries").iter().map(|entry| entry.text("EventBusName").unwrap_or("default"));
            buses.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// The tables of a batch or a transaction.
fn of_batch(request: &Document) -> Vec<String> {
    let mut tables = Vec::new();
    if let Some(Document::Map(items)) = request.get("RequestItems") {
        tables.extend(items.iter().map(|(table, _)| table.clone()));
    }
    for item in request.list("TransactItems") {
        let Document::Map(actions) = item else { continue };
        tables.extend(actions.iter().filter_map(|(_, action)| action.text("TableName").map(str::to_owned)));
    }
    tables
}

/// A name as an ARN; `None` for one that names nothing.
fn arn(naming: &Naming, name: &str, account: AccountId, region: &Region) -> Option<String> {
    if name.starts_with("arn:") {
        return Some(name.to_owned());
    }
    let place = |template: &str, account: &str| {
        template.replace(":R:", &format!(":{region}:")).replace(":A:", &format!(":{account}:"))
    };
    if naming.kind == "AWS::SQS::Queue" {
        // `https://sqs.eu-west-1.amazonaws.com/111122223333/name`
        let mut parts = name.rsplit('/');
        let queue = parts.next()?;
        let owner = parts.next().filter(|part| part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit()));
        return Some(place(naming.arn, owner.unwrap_or(account.as_str())) + queue);
    }
    // An alias is not what the key is called.
    if naming.kind == "AWS::KMS::Key" && name.starts_with("alias/") {
        return None;
    }
    // Parameters of SSM have a path that begins with the slash their ARN already has.
    let name = if naming.kind.is_empty() { name.trim_start_matches('/') } else { name };
    // A function may be named with its account (`111122223333:function:name`); what it is called stands last.
    let name = if naming.kind == "AWS::Lambda::Function" { name.rsplit("function:").next()? } else { name };
    Some(place(naming.arn, account.as_str()) + name)
}

/// Of a call of S3: the object, and the bucket with its owner (`spec/recorded.md` 10).
pub(super) fn of_s3(call: &S3Call, account: AccountId) -> Vec<RecordResource> {
    let Some(bucket) = &call.bucket else { return Vec::new() };
    let of_bucket = RecordResource {
        owner: Owner::Account(account),
        kind: "AWS::S3::Bucket",
        arn: Arn::bucket(bucket),
        prefix: false,
    };
    let object = |name: &str, prefix| RecordResource {
        owner: Owner::Absent,
        kind: "AWS::S3::Object",
        arn: Arn::object(bucket, name),
        prefix,
    };
    match (&call.key, call.category) {
        (Some(key), _) => vec![of_bucket, object(key, false)],
        (None, Category::Data) => vec![of_bucket, object("", true)],
        (None, _) => vec![of_bucket],
    }
}
