//! What records do not say: by the models, and by lists of what the models forget.

use crate::model::shape::{Kind, Member};
use crate::{OperationModel, ServiceModel};

/// Services whose records leave secrets out altogether, where others show that there is one: real records of IAM's
/// CreateLoginProfile, CreateAccessKey and ChangePassword, and of STS, have no member for them (`spec/sts.md` 4).
const LEAVE_OUT: &[&str] = &["iam", "sts"];

/// The same of services that we do not serve: `environment:{}` and `code:{}` of Lambda, no `secretString`, and of KMS neither
/// what was encrypted nor what came of it.
const LEAVE_OUT_FOREIGN: &[&str] = &["kms", "lambda", "secretsmanager"];

/// Members that real records do not have, though they are no secrets: (signing name, operation, of the answer, members).
const NEVER_SHOWN: &[(&str, &str, bool, &[&str])] = &[
    ("secretsmanager", "CreateSecret", false, &["Tags"]),
    ("secretsmanager", "CreateSecret", true, &["Name", "ReplicationStatus", "VersionId"]),
    ("secretsmanager", "PutSecretValue", true, &["Name", "VersionId", "VersionStages"]),
];

/// Secrets that the models do not mark as such: (signing name, member).
const EXTRA: &[(&str, &str)] = &[
    // One-time codes: absent from real EnableMFADevice records.
    ("iam", "AuthenticationCode1"),
    ("iam", "AuthenticationCode2"),
    // `spec/sts.md` 4: never recorded.
    ("sts", "TokenCode"),
    ("sts", "SAMLAssertion"),
    ("sts", "WebIdentityToken"),
];

/// The same of services that we do not serve.
#[rustfmt::skip]
const EXTRA_FOREIGN: &[(&str, &str)] = &[
    // A session's token is remembered by the recorder, and read by nobody else.
    ("sts", "SessionToken"),
    // Values of API keys; of a patch too, for one may be of a key.
    ("apigateway", "value"),
    // What applications get to know of their surroundings, and what machines run first.
    ("amplify", "environmentVariables"), ("autoscaling", "UserData"), ("batch", "environment"),
    ("elasticbeanstalk", "OptionSettings"), ("lightsail", "userData"), ("sagemaker", "Environment"),
    ("glue", "Arguments"), ("glue", "DefaultArguments"), ("glue", "NonOverridableArguments"), ("glue", "RunArguments"),
    ("amplify", "basicAuthCredentials"), ("dms", "ExtraConnectionAttributes"), ("elasticache", "AccessString"),
    ("firehose", "HECToken"), ("memorydb", "AccessString"),
    ("redshift-data", "Sql"), ("redshift-data", "Sqls"), ("redshift-data", "Parameters"),
    ("rds-data", "sql"), ("rds-data", "sqlStatements"), ("rds-data", "parameters"), ("rds-data", "parameterSets"),
    ("appsync", "requestMappingTemplate"), ("appsync", "responseMappingTemplate"),
    ("cloudformation", "ParameterValue"),
    ("codebuild", "buildspec"), ("codebuild", "environmentVariables"), ("codebuild", "environmentVariablesOverride"),
    ("cognito-idp", "AuthParameters"), ("cognito-idp", "ChallengeResponses"), ("cognito-idp", "ClientMetadata"),
    ("elasticmapreduce", "AdditionalInfo"),
    ("glue", "ConnectionProperties"), ("glue", "PASSWORD"),
    ("iam", "PrivateKey"),
    ("sns", "PlatformCredential"), ("sns", "Token"),
    ("kms", "CiphertextBlob"), ("kms", "EncryptedKeyMaterial"), ("kms", "ImportToken"), ("kms", "Mac"), ("kms", "Signature"),
    ("resource-explorer-2", "QueryString"),
    ("athena", "QueryString"),
    // Contents, which belong to the customer's customers (`spec/recorded.md` 10).
    ("dynamodb", "Item"), ("dynamodb", "ExpressionAttributeValues"), ("dynamodb", "AttributeUpdates"),
    ("dynamodb", "Expected"), ("dynamodb", "RequestItems"), ("dynamodb", "Parameters"), ("dynamodb", "KeyConditions"),
    ("bedrock", "inputText"), ("bedrock", "messages"), ("bedrock", "system"), ("logs", "logEvents"),
    ("events", "Detail"),
    ("firehose", "Data"),
    ("kinesis", "Data"),
    ("monitoring", "DashboardBody"), ("monitoring", "MetricData"), ("monitoring", "EntityMetricData"),
    ("ses", "Content"), ("ses", "Message"), ("ses", "RawMessage"), ("ses", "TemplateData"),
    ("sns", "Message"), ("sns", "Subject"), ("sns", "MessageAttributes"), ("sns", "PhoneNumber"),
    ("sqs", "MessageBody"), ("sqs", "MessageAttributes"), ("sqs", "MessageAttributeNames"),
    ("sqs", "MessageSystemAttributes"),
    ("states", "input"), ("states", "output"),
];

/// Names that mean a secret wherever they end a member's name, case aside: what the models of DocumentDB, Neptune,
/// ElastiCache, Directory Service and many others do not mark.
const ENDINGS: &[&str] = &[
    "password",
    "passphrase",
    "secretkey",
    "secretaccesskey",
    "privatekey",
    "authtoken",
    "bearertoken",
    "hectoken",
    "importtoken",
    "securitytoken",
    "accesstoken",
    "refreshtoken",
    "oauthtoken",
    "sessiontoken",
    "idtoken",
    "clientsecret",
    "sharedsecret",
    "secretstring",
    "secretbinary",
    "apikeyvalue",
    "secrethash",
    "certificateprivatekey",
    "presharedkey",
    "credentialsecret",
    "webhooksecret",
    "authcode",
    "usercode",
];

/// By the model or by our own lists.
pub(crate) fn is_secret(service: &ServiceModel, member: &Member) -> bool {
    let shape = service.shape(member.shape);
    let listed = |list: &[(&str, &str)]| list.contains(&(service.signing_name.as_str(), member.name));
    if shape.sensitive || listed(EXTRA) {
        return true;
    }
    let holds_text = match &shape.kind {
        Kind::List(element) => matches!(service.shape(element.shape).kind, Kind::Text | Kind::Blob),
        kind => matches!(kind, Kind::Text | Kind::Blob),
    };
    service.foreign && (listed(EXTRA_FOREIGN) || (holds_text && sounds(member.name)))
}

/// Whether the value of a key of a map is one: `PlatformCredential` among the attributes of SNS, `DB_PASSWORD` in an
/// environment.
pub(super) fn is_secret_key(service: &ServiceModel, key: &str) -> bool {
    service.foreign && (EXTRA_FOREIGN.contains(&(service.signing_name.as_str(), key)) || sounds(key))
}

/// Whether a text is an address with a password in it: `https://user:password@host`.
pub(super) fn has_password(service: &ServiceModel, text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://").filter(|_| service.foreign) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// What is not shown of a request or an answer.
pub(super) fn never_shown(
    service: &ServiceModel,
    operation: &OperationModel,
    answers: bool,
) -> &'static [&'static str] {
    let listed = NEVER_SHOWN.iter().find(|(of, name, of_answer, _)| {
        *of == service.signing_name && *name == &*operation.name && *of_answer == answers
    });
    listed.filter(|_| service.foreign).map_or(&[], |(.., members)| members)
}

/// Whether the secrets of a service leave no trace.
pub(super) fn are_left_out(service: &ServiceModel) -> bool {
    let named = |list: &[&str]| list.contains(&service.signing_name.as_str());
    named(LEAVE_OUT) || (service.foreign && named(LEAVE_OUT_FOREIGN))
}

/// A member that has its place in records of a service that leaves secrets out.
pub(super) fn is_shown_hidden(service: &ServiceModel, member: &Member) -> bool {
    (service.signing_name.as_str(), member.name) == ("sts", "SessionToken")
}

/// Of one or of several.
fn sounds(name: &str) -> bool {
    let name = name.strip_suffix('s').unwrap_or(name);
    let end = |ending: &&str| {
        let begin = name.len().checked_sub(ending.len());
        begin.and_then(|begin| name.get(begin..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    ENDINGS.iter().any(end)
}

#[cfg(test)]
mod tests {
    use crate::model::shape::Kind;
    use crate::{Atlas, Document};

    use super::is_secret;

    #[test]
    fn keys_of_maps_are_looked_at() {
        let atlas = Atlas::builtin();
        let model = atlas.service("sns").expect("sns");
        let operation = model.operation("CreatePlatformApplication").expect("an operation");
        let attributes = Document::Map(vec![
            ("PlatformCredential".to_owned(), Document::from("hush")),
            ("db_password".to_owned(), Document::from("hush")),
            ("EventEndpointCreated".to_owned(), Document::from("arn")),
        ]);
        let input = Document::structure().with("Attributes", attributes);
        let written = crate::request_parameters(&model, operation, &input).expect("parameters");
        let hidden = crate::HIDDEN;
        assert_eq!(
            String::from_utf8_lossy(written.as_bytes()),
            format!(
                r#"{{"attributes":{{"PlatformCredential":"{hidden}","db_password":"{hidden}","EventEndpointCreated":"arn"}}}}"#
            )
        );
    }

    #[test]
    fn a_password_in_an_address_is_hidden() {
        let atlas = Atlas::builtin();
        let model = atlas.service("sns").expect("sns");
        let operation = model.operation("Subscribe").expect("an operation");
        for (endpoint, hidden) in [
            ("https://ana:hush@example.com/x", true),
            ("https://example.com/ana:hush@x", false),
            ("https://example.com:8443/", false),
            ("ana@example.com", false),
        ] {
            let input = Document::structure().with("Endpoint", endpoint);
            let written = crate::request_parameters(&model, operation, &input).expect("parameters");
            assert_eq!(String::from_utf8_lossy(written.as_bytes()).contains(crate::HIDDEN), hidden, "{endpoint}");
        }
    }

    #[test]
    fn what_models_forget_is_hidden() {
        let atlas = Atlas::builtin();
        let check = |service: &str, operation: &str, name: &str, expect: bool| {
            let model = atlas.service(service).expect("a known service");
            let input = model.operation(operation).expect("a known operation").input.expect("an input");
            let Kind::Structure(members) = &model.shape(input).kind else { panic!("no structure") };
            let member = members.iter().find(|m| m.name == name).expect("a known member");
            assert_eq!(is_secret(&model, member), expect, "{service} {operation} {name}");
        };
        check("docdb", "CreateDBCluster", "MasterUserPassword", true);
        check("neptune", "CreateDBCluster", "MasterUserPassword", true);
        check("rds", "ModifyDBInstance", "MasterUserPassword", true);
        check("rds", "ModifyDBInstance", "ManageMasterUserPassword", false);
        check("elasticache", "CreateReplicationGroup", "AuthToken", true);
        check("apigateway", "CreateApiKey", "value", true);
        check("ds", "CreateDirectory", "Password", true);
        check("kms", "ImportKeyMaterial", "ImportToken", true);
        check("autoscaling", "CreateLaunchConfiguration", "UserData", true);
        check("lightsail", "CreateInstances", "userData", true);
        check("elasticbeanstalk", "CreateEnvironment", "OptionSettings", true);
        check("elasticbeanstalk", "CreateEnvironment", "Tags", false);
        check("dms", "CreateEndpoint", "ExtraConnectionAttributes", true);
        check("elasticache", "CreateUser", "AccessString", true);
        check("redshift-data", "ExecuteStatement", "Sql", true);
        check("bedrock-runtime", "Converse", "messages", true);
        check("logs", "PutLogEvents", "logEvents", true);
        check("glue", "CreateJob", "DefaultArguments", true);
        check("amplify", "CreateApp", "environmentVariables", true);
        check("sagemaker", "CreateTrainingJob", "Environment", true);
        check("sts", "AssumeRole", "TokenCode", true);
        check("elasticache", "CreateUser", "Passwords", true);
        check("ssm", "PutParameter", "Value", true);
        check("iam", "ListUsers", "Marker", false);
        check("ec2", "DescribeInstances", "NextToken", false);
    }
}
