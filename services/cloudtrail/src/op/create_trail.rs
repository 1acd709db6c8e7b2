//! `CreateTrail`: a trail that does not log yet. Its bucket is tried first.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_trail::{Config, NewTrail};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::desk::{Desk, arns, refused};
use crate::names::{check_name, trail_arn};
use crate::shapes::changed_trail;
use crate::{admission, tags};

pub(crate) struct CreateTrail(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "CreateTrail",
    action: "cloudtrail:CreateTrail",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "TrailAlreadyExistsException",
        "MaximumNumberOfTrailsExceededException",
        "InvalidTrailNameException",
        "InvalidTagParameterException",
        "TagsLimitExceededException",
        "S3BucketDoesNotExistException",
        "InsufficientS3BucketPolicyException",
        "InsufficientSnsTopicPolicyException",
        "InsufficientEncryptionPolicyException",
        "InvalidS3BucketNameException",
        "InvalidS3PrefixException",
        "InvalidSnsTopicNameException",
        "KmsKeyNotFoundException",
        "InvalidCloudWatchLogsLogGroupArnException",
        "InvalidCloudWatchLogsRoleArnException",
        "CloudWatchLogsDeliveryUnavailableException",
        "InvalidParameterCombinationException",
        "OrganizationsNotInUseException",
        "ConflictException",
        "ThrottlingException",
        "ServiceUnavailableException",
    ],
};

impl Operation for CreateTrail {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        arns(cx, input, "Name")
    }

    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        admission::refuse(violation)
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        self.create(cx, input).boxed()
    }
}

impl CreateTrail {
    async fn create(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let name = input.text("Name").unwrap_or_default();
        check_name(name)?;
        admission::check_input(input)?;
        let multi_region = input.bool("IsMultiRegionTrail").unwrap_or(false);
        let config = Config {
            bucket: input.text("S3BucketName").unwrap_or_default().to_owned(),
            prefix: admission::prefix(input, None),
            include_global_service_events: admission::global_events(
                input.bool("IncludeGlobalServiceEvents"),
                true,
                false,
                multi_region,
            )?,
            multi_region,
            log_file_validation: input.bool("EnableLogFileValidation").unwrap_or(false),
            recursive_logging: input.bool("RecursiveLogging").unwrap_or(true),
        };
        let tags = tags::read(input)?;
        let (account, home) = (cx.account(), cx.region.clone());
        let refused = |error| refused(cx, name, error);
        self.0.trails.check_new(account, &home, name, multi_region).map_err(refused)?;
        admission::preflight(&self.0, cx, trail_arn(&home, account, name), &config, input).await?;
        let new = NewTrail { account, home, name: name.to_owned(), config, tags };
        let trail = self.0.trails.create(new).await.map_err(refused)?;
        Ok(changed_trail(&trail).into())
    }
}
