//! `UpdateTrail`: changes what is given and keeps the rest; the bucket is tried even where nothing changes.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_protocol::{Document, Violation};
use opentrail_trail::{Config, RegistryError};
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use crate::admission;
use crate::desk::{Desk, arns, refused};
use crate::shapes::changed_trail;

pub(crate) struct UpdateTrail(pub(crate) Arc<Desk>);

static FACTS: Facts = Facts {
    name: "UpdateTrail",
    action: "cloudtrail:UpdateTrail",
    read_only: false,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &[
        "TrailNotFoundException",
        "InvalidTrailNameException",
        "CloudTrailARNInvalidException",
        "InvalidHomeRegionException",
        "MaximumNumberOfTrailsExceededException",
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

impl Operation for UpdateTrail {
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
        self.update(cx, input).boxed()
    }
}

/// An update whose trail was changed meanwhile starts over so many times.
const TRIES_MAX: usize = 3;

impl UpdateTrail {
    async fn update(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let name = input.text("Name").unwrap_or_default();
        let mut tries = 0;
        loop {
            tries += 1;
            let seen = self.0.at_home(cx, name)?;
            admission::check_input(input)?;
            let config = changed(&seen.config, input)?;
            admission::preflight(&self.0, cx, seen.arn(), &config, input).await?;
            match self.0.trails.update(&seen, config, Some(&cx.request_id)).await {
                Ok(trail) => return Ok(changed_trail(&trail).into()),
                Err(RegistryError::Conflict) if tries < TRIES_MAX => {}
                Err(error) => return Err(refused(cx, &seen.name, error)),
            }
        }
    }
}

/// The settings after the update.
fn changed(now: &Config, input: &Document) -> Result<Config, Fault> {
    let multi_region = input.bool("IsMultiRegionTrail").unwrap_or(now.multi_region);
    Ok(Config {
        bucket: input.text("S3BucketName").unwrap_or(&now.bucket).to_owned(),
        prefix: admission::prefix(input, now.prefix.as_ref()),
        include_global_service_events: admission::global_events(
            input.bool("IncludeGlobalServiceEvents"),
            now.include_global_service_events,
            now.multi_region,
            multi_region,
        )?,
        multi_region,
        log_file_validation: input.bool("EnableLogFileValidation").unwrap_or(now.log_file_validation),
        recursive_logging: input.bool("RecursiveLogging").unwrap_or(now.recursive_logging),
    })
}
