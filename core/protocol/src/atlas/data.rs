//! Which operations are data events, by the types that selectors know (`spec/selectors.md` 3.4), and which answers records
//! show.
//!
//! The lists follow the pages "Logging data events" of AWS's services and `spec/recorded.md` 10; what stands in none of them
//! is a management event.

use http::HeaderMap;
use opentrail_event::{Category, RawJson, write_text};

use crate::OperationModel;
use crate::json::separate;

/// Operations of one service that are about resources of one type.
struct Row(&'static str, &'static str, &'static [&'static str]);

/// In place of names: every operation of the service.
const EVERY: &[&str] = &["*"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row("appconfigdata", "AWS::AppConfig::Configuration", EVERY),
    Row("appconfig", "AWS::AppConfig::Configuration", &["GetConfiguration"]),
    Row("backupsearch", "AWS::Backup::SearchJob", &["ListSearchJobResults"]),
    Row("bedrock-agent-runtime", "AWS::Bedrock::AgentAlias", &["InvokeAgent"]),
    Row("bedrock-agent-runtime", "AWS::Bedrock::FlowAlias", &["InvokeFlow"]),
    Row("bedrock-agent-runtime", "AWS::Bedrock::FlowExecution", &["GetExecutionFlowSnapshot", "GetFlowExecution", "ListFlowExecutionEvents", "StartFlowExecution", "StopFlowExecution"]),
    Row("bedrock-agent-runtime", "AWS::Bedrock::InlineAgent", &["InvokeInlineAgent"]),
    Row("bedrock-agent-runtime", "AWS::Bedrock::KnowledgeBase", &["Retrieve", "RetrieveAndGenerate", "RetrieveAndGenerateStream"]),
    Row("bedrock-agent-runtime", "AWS::Bedrock::Session", &["CreateInvocation", "CreateSession", "DeleteSession", "EndSession", "GetInvocationStep", "GetSession", "ListInvocationSteps", "ListInvocations", "PutInvocationStep", "UpdateSession"]),
    Row("bedrock-agentcore", "AWS::BedrockAgentCore::Browser", &["GetBrowserSession", "ListBrowserSessions", "StartBrowserSession", "StopBrowserSession", "UpdateBrowserStream"]),
    Row("bedrock-agentcore", "AWS::BedrockAgentCore::CodeInterpreter", &["GetCodeInterpreterSession", "InvokeCodeInterpreter", "ListCodeInterpreterSessions", "StartCodeInterpreterSession", "StopCodeInterpreterSession"]),
    Row("bedrock-agentcore", "AWS::BedrockAgentCore::Memory", &["CreateEvent", "DeleteEvent", "DeleteMemoryRecord", "GetEvent", "GetMemoryRecord", "ListActors", "ListEvents", "ListMemoryRecords", "ListSessions", "RetrieveMemoryRecords"]),
    Row("bedrock-agentcore", "AWS::BedrockAgentCore::Runtime", &["InvokeAgentRuntime"]),
    Row("bedrock-data-automation-runtime", "AWS::Bedrock::DataAutomationInvocation", &["GetDataAutomationStatus"]),
    Row("bedrock-data-automation-runtime", "AWS::Bedrock::DataAutomationProject", &["InvokeDataAutomation", "InvokeDataAutomationAsync"]),
    Row("bedrock-runtime", "AWS::Bedrock::AsyncInvoke", &["GetAsyncInvoke"]),
    Row("bedrock-runtime", "AWS::Bedrock::Guardrail", &["ApplyGuardrail"]),
    Row("bedrock-runtime", "AWS::Bedrock::Model", &["InvokeModelWithBidirectionalStream", "StartAsyncInvoke"]),
    Row("cloudfront-keyvaluestore", "AWS::CloudFront::KeyValueStore", EVERY),
    Row("cloudtrail-data", "AWS::CloudTrail::Channel", &["PutAuditEvents"]),
    Row("cloudwatch", "AWS::CloudWatch::Metric", &["GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData"]),
    Row("codeguruprofiler", "AWS::CodeGuruProfiler::ProfilingGroup", &["ConfigureAgent", "PostAgentProfile"]),
    Row("cognito-identity", "AWS::Cognito::IdentityPool", &["GetCredentialsForIdentity", "GetId", "GetOpenIdToken", "GetOpenIdTokenForDeveloperIdentity", "UnlinkIdentity"]),
    Row("dataexchange", "AWS::DataExchange::Asset", &["SendApiAsset"]),
    Row("deadline", "AWS::Deadline::Worker", &["AssumeFleetRoleForWorker", "AssumeQueueRoleForWorker", "UpdateWorker", "UpdateWorkerSchedule"]),
    Row("dynamodb", "AWS::DynamoDB::Table", &["BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "ExecuteTransaction", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems", "UpdateItem"]),
    Row("dynamodbstreams", "AWS::DynamoDB::Stream", &["GetRecords", "GetShardIterator"]),
    Row("ebs", "AWS::EC2::Snapshot", &["GetSnapshotBlock", "ListChangedBlocks", "ListSnapshotBlocks", "PutSnapshotBlock"]),
    Row("events", "AWS::Events::EventBus", &["PutEvents"]),
    Row("firehose", "AWS::KinesisFirehose::DeliveryStream", &["PutRecord", "PutRecordBatch"]),
    Row("geo-maps", "AWS::GeoMaps::Provider", EVERY),
    Row("geo-places", "AWS::GeoPlaces::Provider", EVERY),
    Row("geo-routes", "AWS::GeoRoutes::Provider", EVERY),
    Row("greengrassv2", "AWS::GreengrassV2::ComponentVersion", &["GetComponentVersionArtifact"]),
    Row("iot-data", "AWS::IoT::Thing", &["DeleteThingShadow", "GetThingShadow", "ListNamedShadowsForThing", "UpdateThingShadow"]),
    Row("iotsitewise", "AWS::IoTSiteWise::Asset", &["BatchGetAssetPropertyAggregates", "BatchGetAssetPropertyValue", "BatchGetAssetPropertyValueHistory", "BatchPutAssetPropertyValue", "GetAssetPropertyAggregates", "GetAssetPropertyValue", "GetAssetPropertyValueHistory", "GetInterpolatedAssetPropertyValues"]),
    Row("iottwinmaker", "AWS::IoTTwinMaker::Workspace", &["BatchPutPropertyValues", "ExecuteQuery", "GetPropertyValue", "GetPropertyValueHistory"]),
    Row("kendra-ranking", "AWS::KendraRanking::ExecutionPlan", &["Rescore"]),
    Row("keyspacesstreams", "AWS::Cassandra::Stream", &["GetRecords", "GetShardIterator"]),
    Row("kinesis", "AWS::Kinesis::Stream", &["GetRecords", "GetShardIterator", "PutRecord", "PutRecords"]),
    Row("kinesis", "AWS::Kinesis::StreamConsumer", &["SubscribeToShard"]),
    Row("kinesis-video-archived-media", "AWS::KinesisVideo::Stream", EVERY),
    Row("kinesis-video-media", "AWS::KinesisVideo::Stream", EVERY),
    Row("kinesis-video-signaling", "AWS::KinesisVideo::SignalingChannel", EVERY),
    Row("lambda", "AWS::Lambda::Function", &["Invoke", "InvokeAsync", "InvokeWithResponseStream"]),
    Row("machinelearning", "AWS::MachineLearning::MlModel", &["Predict"]),
    Row("managedblockchain-query", "AWS::ManagedBlockchainQuery::QueryAPI", EVERY),
    Row("medical-imaging", "AWS::MedicalImaging::Imageset", &["CopyImageSet", "DeleteImageSet", "GetImageFrame", "GetImageSet", "GetImageSetMetadata", "ListImageSetVersions", "UpdateImageSetMetadata"]),
    Row("medical-imaging", "AWS::MedicalImaging::Datastore", &["SearchImageSets"]),
    Row("mwaa", "AWS::MWAA::Environment", &["InvokeRestApi"]),
    Row("neptune-graph", "AWS::NeptuneGraph::Graph", &["CancelQuery", "ExecuteQuery", "GetGraphSummary", "GetQuery", "ListQueries"]),
    Row("payment-cryptography-data", "AWS::PaymentCryptography::Key", EVERY),
    Row("pinpoint", "AWS::Pinpoint::App", &["SendMessages", "SendOTPMessage", "SendUsersMessages", "VerifyOTPMessage"]),
    Row("pinpoint-sms-voice-v2", "AWS::SMSVoice::OriginationIdentity", &["SendMediaMessage", "SendTextMessage", "SendVoiceMessage"]),
    Row("pinpoint-sms-voice-v2", "AWS::SMSVoice::Message", &["PutMessageFeedback"]),
    Row("qbusiness", "AWS::QBusiness::Application", &["Chat", "ChatSync", "DeleteConversation", "ListConversations", "ListMessages", "PutFeedback", "SearchRelevantContent"]),
    Row("rds-data", "AWS::RDS::DBCluster", EVERY),
    Row("rum", "AWS::RUM::AppMonitor", &["PutRumEvents"]),
    Row("s3vectors", "AWS::S3Vectors::Index", &["DeleteVectors", "GetVectors", "ListVectors", "PutVectors", "QueryVectors"]),
    Row("sagemaker-featurestore-runtime", "AWS::SageMaker::FeatureGroup", EVERY),
    Row("sagemaker-metrics", "AWS::SageMaker::ExperimentTrialComponent", EVERY),
    Row("sagemaker-runtime", "AWS::SageMaker::Endpoint", EVERY),
    Row("sdb", "AWS::SDB::Domain", &["BatchDeleteAttributes", "BatchPutAttributes", "DeleteAttributes", "GetAttributes", "PutAttributes", "Select"]),
    Row("servicediscovery", "AWS::ServiceDiscovery::Service", &["DiscoverInstances", "DiscoverInstancesRevision"]),
    Row("ses", "AWS::SES::EmailIdentity", &["SendBulkTemplatedEmail", "SendEmail", "SendRawEmail", "SendTemplatedEmail"]),
    Row("sesv2", "AWS::SES::EmailIdentity", &["SendBulkEmail", "SendEmail"]),
    Row("signer", "AWS::Signer::SigningProfile", &["SignPayload"]),
    Row("signer-data", "AWS::Signer::SigningProfile", EVERY),
    Row("sns", "AWS::SNS::Topic", &["Publish", "PublishBatch"]),
    Row("socialmessaging", "AWS::SocialMessaging::PhoneNumberId", &["DeleteWhatsAppMessageMedia", "GetWhatsAppMessageMedia", "PostWhatsAppMessageMedia", "SendWhatsAppMessage"]),
    Row("sqs", "AWS::SQS::Queue", &["ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "ListQueueTags", "ListQueues", "ReceiveMessage", "SendMessage", "SendMessageBatch"]),
    Row("ssm", "AWS::SSM::ExecutionPreview", &["GetExecutionPreview"]),
    Row("stepfunctions", "AWS::StepFunctions::Activity", &["GetActivityTask"]),
    Row("swf", "AWS::SWF::Domain", &["CountClosedWorkflowExecutions", "CountOpenWorkflowExecutions", "CountPendingActivityTasks", "CountPendingDecisionTasks", "DescribeWorkflowExecution", "GetWorkflowExecutionHistory", "ListClosedWorkflowExecutions", "ListOpenWorkflowExecutions", "PollForActivityTask", "PollForDecisionTask", "RecordActivityTaskHeartbeat", "RequestCancelWorkflowExecution", "RespondActivityTaskCanceled", "RespondActivityTaskCompleted", "RespondActivityTaskFailed", "RespondDecisionTaskCompleted", "SignalWorkflowExecution", "StartWorkflowExecution", "TerminateWorkflowExecution"]),
    Row("timestream-query", "AWS::Timestream::Table", &["CancelQuery", "PrepareQuery", "Query"]),
    Row("timestream-write", "AWS::Timestream::Table", &["WriteRecords"]),
    Row("verifiedpermissions", "AWS::VerifiedPermissions::PolicyStore", &["BatchIsAuthorized", "BatchIsAuthorizedWithToken", "IsAuthorized", "IsAuthorizedWithToken"]),
    Row("xray", "AWS::XRay::Trace", &["BatchGetTraces", "GetServiceGraph", "GetTimeSeriesServiceStatistics", "GetTraceGraph", "GetTraceSummaries", "PutTelemetryRecords", "PutTraceSegments"]),
];

/// The type of what a data event is about; `None` for a management event.
pub(super) fn resource_type(service: &str, operation: &str) -> Option<&'static str> {
    let of = |row: &&Row| row.0 == service && (row.2 == EVERY || row.2.contains(&operation));
    ROWS.iter().find(of).map(|row| row.1)
}

/// The version of the API, of the few services whose records show it: real records, and `spec/recorded.md` 10.
pub(super) fn api_version(service: &str, modelled: &str) -> Option<String> {
    match service {
        "appmesh" | "dynamodb" | "efs" | "elb" | "elbv2" | "events" | "route53" => Some(modelled.to_owned()),
        "cloudfront" => Some(modelled.replace('-', "_")),
        "logs" => Some(modelled.replace('-', "")),
        _ => None,
    }
}

/// Services whose data events do not show what was answered: it is their customers' data.
const MUTE: &[&str] =
    &["appconfigdata", "cloudwatch", "dynamodb", "dynamodbstreams", "lambda", "rds-data", "sagemaker-runtime", "sdb"];

/// Whether a record shows what a call was answered: changes do, reads do not, but for credentials handed out (the record
/// names the session), whose secrets the renderer leaves out (`spec/record.md` 1.2).
pub(super) fn shows_answer(service: &str, operation: &OperationModel, category: Category) -> bool {
    match (service, category) {
        ("sts", _) => operation.name.starts_with("AssumeRole") || !operation.read_only,
        (service, Category::Data) => !operation.read_only && !MUTE.contains(&service),
        _ => !operation.read_only,
    }
}

/// The headers that S3's records show of an answer (`spec/s3.md` 16).
const S3_HEADERS: &[&str] = &[
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-context",
    "x-amz-version-id",
    "x-amz-expiration",
];

/// Those of an answer.
pub(super) fn s3_answer(headers: &HeaderMap) -> Vec<(&'static str, String)> {
    let of = |&name: &&'static str| Some((name, headers.get(name)?.to_str().ok()?.to_owned()));
    S3_HEADERS.iter().filter_map(of).collect()
}

/// A flat object.
pub(super) fn write_texts(members: &[(&'static str, String)]) -> RawJson {
    let mut out = vec![b'{'];
    let mut first = true;
    for (name, value) in members {
        separate(&mut out, &mut first);
        write_text(&mut out, name);
        out.push(b':');
        write_text(&mut out, value);
    }
    out.push(b'}');
    RawJson::from_written(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Atlas;

    /// What selectors accept, as the crate that checks them has it.
    const KINDS: &str = include_str!("../../../selector/src/kinds.rs");

    #[test]
    fn every_row_names_a_type_that_selectors_know_and_operations_that_there_are() {
        let atlas = Atlas::builtin();
        for Row(service, kind, operations) in ROWS {
            assert!(KINDS.contains(&format!("\"{kind}\"")), "no selector knows {kind}");
            let model = atlas.service(service).expect(service);
            for operation in operations.iter().filter(|_| *operations != EVERY) {
                assert!(model.operation(operation).is_some(), "{service} has no {operation}");
            }
        }
    }

    #[test]
    fn no_operation_is_of_two_types() {
        for (i, Row(service, kind, operations)) in ROWS.iter().enumerate() {
            for Row(other, of, others) in &ROWS[i + 1..] {
                let shared = operations.iter().find(|operation| others.contains(operation));
                assert!(service != other || shared.is_none(), "{service} {shared:?} is of {kind} and {of}");
            }
        }
    }
}
