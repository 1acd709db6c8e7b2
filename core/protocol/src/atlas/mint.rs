//! Operations whose answers are credentials: keys, tokens, passwords that let somebody in.
//!
//! Those that hand out keys of AWS are found in the models: somewhere in their answer stand the id of an access key and its
//! secret together. What hands out anything else that lets somebody in stands in a list, by botocore's names.

use super::Place;
use crate::ServiceModel;
use crate::model::shape::{Kind, ShapeId};

#[rustfmt::skip]
const LISTED: &[(&str, &[&str])] = &[
    ("acm", &["ExportCertificate"]),
    ("amplifyuibuilder", &["ExchangeCodeForToken", "RefreshToken"]),
    ("athena", &["CreatePresignedNotebookUrl", "GetSessionEndpoint"]),
    ("bedrock-agentcore", &["GetResourceApiKey", "GetResourceOauth2Token", "GetResourcePaymentToken", "GetWorkloadAccessToken", "GetWorkloadAccessTokenForJWT", "GetWorkloadAccessTokenForUserId"]),
    ("cloudfront", &["CreatePublicKey"]),
    ("codeartifact", &["GetAuthorizationToken"]),
    ("cognito-identity", &["GetOpenIdToken", "GetOpenIdTokenForDeveloperIdentity"]),
    ("cognito-idp", &["AdminInitiateAuth", "AdminRespondToAuthChallenge", "GetClientToken", "GetTokensFromRefreshToken", "InitiateAuth", "RespondToAuthChallenge"]),
    ("connect", &["GetFederationToken"]),
    ("ec2", &["CreateKeyPair", "GetPasswordData"]),
    ("ecr", &["GetAuthorizationToken"]),
    ("ecr-public", &["GetAuthorizationToken"]),
    ("emr", &["GetClusterSessionCredentials", "GetSessionEndpoint"]),
    ("emr-containers", &["GetManagedEndpointSessionCredentials"]),
    ("emr-serverless", &["GetSessionEndpoint"]),
    ("gamelift", &["GetComputeAuthToken", "GetInstanceAccess"]),
    ("glue", &["GetSessionEndpoint"]),
    ("iam", &["CreateLoginProfile", "CreateServiceSpecificCredential", "CreateVirtualMFADevice", "ResetServiceSpecificCredential", "UpdateLoginProfile"]),
    ("iot", &["CreateKeysAndCertificate", "CreateProvisioningClaim"]),
    ("iotsecuretunneling", &["OpenTunnel", "RotateTunnelAccessToken"]),
    ("license-manager", &["CreateToken", "GetAccessToken"]),
    ("lightsail", &["CreateContainerServiceRegistryLogin", "CreateKeyPair", "DownloadDefaultKeyPair", "GetInstanceAccessDetails", "GetRelationalDatabaseMasterUserPassword"]),
    ("mwaa", &["CreateCliToken", "CreateWebLoginToken"]),
    ("redshift", &["GetClusterCredentials", "GetClusterCredentialsWithIAM", "GetIdentityCenterAuthToken"]),
    ("redshift-serverless", &["GetCredentials", "GetIdentityCenterAuthToken"]),
    ("signin", &["CreateBearerToken", "CreateOAuth2TokenWithIAM", "CreateOAuth2TokenWithTokenExchange"]),
    ("sso-oidc", &["CreateToken", "CreateTokenWithIAM"]),
    ("sts", &["GetWebIdentityToken"]),
];

/// Whether the answer to an operation is credentials. `service` is botocore's name.
pub(super) fn mints(service: &str, place: &Place) -> bool {
    let operation = place.operation();
    let listed = LISTED.iter().any(|(of, names)| *of == service && names.contains(&operation.name.as_str()));
    listed || *operation.mints.get_or_init(|| operation.output.is_some_and(|shape| holds_keys(&place.model, shape)))
}

/// Whether keys stand anywhere in a shape.
fn holds_keys(model: &ServiceModel, shape: ShapeId) -> bool {
    let (mut seen, mut open) = (Vec::new(), vec![shape]);
    while let Some(id) = open.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        match &model.shape(id).kind {
            Kind::Structure(members) => {
                let has = |names: &[&str]| {
                    members.iter().any(|member| names.iter().any(|name| member.name.eq_ignore_ascii_case(name)))
                };
                if has(&["AccessKeyId"]) && has(&["SecretAccessKey", "SecretKey"]) {
                    return true;
                }
                open.extend(members.iter().map(|member| member.shape));
            }
            Kind::List(element) => open.push(element.shape),
            Kind::Map(pair) => open.push(pair[1].shape),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Atlas;

    fn all() -> Vec<String> {
        let atlas = Atlas::builtin();
        let mut found = Vec::new();
        for id in atlas.services() {
            let model = atlas.service(id).expect("a table");
            for (number, operation) in model.operations().enumerate() {
                if mints(id, &Place { model: model.clone(), number }) {
                    found.push(format!("{id}:{}", operation.name));
                }
            }
        }
        found
    }

    #[test]
    fn what_hands_out_keys_is_found_in_every_model() {
        let all = all();
        #[rustfmt::skip]
        let derived = [
            "account-access-runtime:GetRoleCredentials", "codepipeline:GetJobDetails", "codepipeline:GetThirdPartyJobDetails",
            "codepipeline:PollForJobs", "cognito-identity:GetCredentialsForIdentity", "datazone:GetConnection",
            "datazone:GetEnvironmentCredentials", "deadline:AssumeFleetRoleForRead", "deadline:AssumeFleetRoleForWorker",
            "deadline:AssumeQueueRoleForRead", "deadline:AssumeQueueRoleForUser", "deadline:AssumeQueueRoleForWorker",
            "eks-auth:AssumeRoleForPodIdentity", "gamelift:GetComputeAccess", "gamelift:RequestUploadCredentials",
            "iam:CreateAccessKey", "lakeformation:AssumeDecoratedRoleWithSAML",
            "lakeformation:GetTemporaryGlueFunctionCredentials", "lakeformation:GetTemporaryGlueTableCredentials",
            "lightsail:CreateBucketAccessKey", "lightsail:GetBucketAccessKeys", "s3:CreateSession", "s3control:GetDataAccess",
            "signin:CreateOAuth2Token", "ssm:GetAccessToken", "sso:GetRoleCredentials", "sts:AssumeRole", "sts:AssumeRoot",
            "sts:GetFederationToken", "sts:GetSessionToken",
        ];
        for name in derived {
            assert!(all.iter().any(|found| found == name), "{name}");
        }
        for name in
            ["iam:ListAccessKeys", "sts:GetCallerIdentity", "iot:GetTopicRuleDestination", "ec2:DescribeKeyPairs"]
        {
            assert!(!all.iter().any(|found| found == name), "{name}");
        }
    }

    #[test]
    fn every_name_of_the_list_is_an_operation_and_few_mint() {
        let atlas = Atlas::builtin();
        for (service, names) in LISTED {
            let model = atlas.service(service).expect("a known service");
            for name in *names {
                assert!(model.operation(name).is_some(), "{service}:{name}");
            }
        }
        let count = all().len();
        assert!((80..140).contains(&count), "{count}");
    }
}
