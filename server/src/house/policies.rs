//! The policies of what the services keep, for whoever asks why something is allowed.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_operator::{Known, Policies};
use opentrail_policy::{Directory, Kind, Policy};
use opentrail_s3::S3Service;

pub(super) struct HousePolicies {
    pub(super) directory: Arc<Directory>,
    pub(super) s3: Arc<S3Service>,
}

impl Policies for HousePolicies {
    fn of<'a>(&'a self, arn: &'a str) -> BoxFuture<'a, Result<Known, String>> {
        async move {
            match arn.splitn(6, ':').collect::<Vec<_>>().as_slice() {
                ["arn", "aws", "s3", "", "", resource] => {
                    let bucket = resource.split('/').next().unwrap_or_default();
                    let found = self.s3.policy_of(bucket).await.map_err(|fault| fault.to_string())?;
                    Ok(found.map_or_else(Known::default, |(owner, policy)| Known { owner: Some(owner), policy }))
                }
                ["arn", "aws", "iam", "", account, resource] if resource.starts_with("role/") => {
                    let Ok(account) = account.parse() else { return Ok(Known::default()) };
                    let name = resource.rsplit('/').next().unwrap_or_default();
                    let role = self.directory.role(account, name).await.map_err(|error| error.to_string())?;
                    let role = role.filter(|role| role.arn(account).as_str() == arn);
                    let trust = role.map(|role| {
                        let trust = Policy::reload(role.trust.as_bytes(), &Kind::Trust);
                        trust.map(|trust| Arc::new(trust.bind(&role.trusted)))
                    });
                    let policy = trust.transpose().map_err(|error| error.to_string())?;
                    Ok(Known { owner: Some(account), policy })
                }
                _ => Ok(Known::default()),
            }
        }
        .boxed()
    }
}
