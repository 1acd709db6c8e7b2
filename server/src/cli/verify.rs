//! `opentrail verify`: proves log files, in a bucket or in a copy of one, without trusting who keeps them.
//!
//! [`folder`] and [`bucket`] are where files lie, [`metadata`] brings signatures to a copy, [`progress`] says how far it is, [`answer`] says
//! what was found. The proof itself is `core/digest`'s.

mod answer;
mod bucket;
mod folder;
mod metadata;
mod progress;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use opentrail_digest::verify::{self, Group, GroupReport, Look, PublicKeys, Scope, Source};

use super::connect::{Connect, ROOT};
use super::public_keys;
use super::time::moment;
use super::{Shell, causes, note, print};
use crate::output::Format;
use answer::{Answer, Verdict};
use bucket::Bucket;
use folder::Folder;
use metadata::Metadata;
pub(in crate::cli) use metadata::read as read_file;
use progress::Progress;

/// Groups that are looked at at a time.
const GROUPS_AT_A_TIME: usize = 4;
/// Exit code where nothing could be checked.
const NOT_CHECKED: u8 = 2;

/// Prove that log files and digests are what was delivered
#[derive(Args)]
#[command(after_help = "Examples:
  $ opentrail public-keys > keys.json
  $ opentrail verify s3://my-trail-bucket --keys keys.json
  $ opentrail verify s3://my-trail-bucket/prefix --from 30d \\
      --region eu-west-1

  $ aws s3 sync s3://my-trail-bucket ./copy
  $ opentrail verify ./copy --keys keys.json

  $ opentrail verify s3://my-trail-bucket --save-metadata m.json
  $ opentrail verify ./copy --keys keys.json --metadata m.json
  $ opentrail verify ./copy --keys keys.json --format json

Every chain of digests of every account, region and trail is followed back from its newest digest. Told are: log files that \
were changed, taken away or added; digests that were changed, moved or taken away, one by one; and times that nothing covers.

A copy has no signatures of its own: the next digest repeats that of the one before, so the newest of a chain cannot be \
proven without --metadata.

Exit code: 0 all is proven, 1 something is wrong or not proven, 2 nothing could be checked.")]
pub(crate) struct Verify {
    /// s3://BUCKET[/PREFIX], or the folder of a copy
    #[arg(value_name = "WHERE")]
    place: String,
    /// Public keys that prove, of `opentrail public-keys`; where absent, the server is asked, for a bucket only
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// One account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// One region where events happened
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// One trail, by name; log files that no digest lists are not looked for
    #[arg(long, value_name = "NAME")]
    trail: Option<String>,
    /// What was delivered since: 7d, 2026-11-21 or 2026-11-21T10:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// What was delivered until then
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The bucket that a copy is of; where absent, most digests say it
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// Signatures for a copy, of --save-metadata
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// Write the signatures of a bucket's digests
    #[arg(long, value_name = "FILE", conflicts_with = "metadata")]
    save_metadata: Option<PathBuf>,
    /// Log files that no digest lists are no fault: a trail without validation delivers to the same place
    #[arg(long)]
    allow_unlisted: bool,
    /// What nothing contradicts and nothing proves is no fault
    #[arg(long)]
    allow_unproven: bool,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    connect: Connect,
}

/// Where files lie.
enum Place {
    Bucket(Arc<Bucket>),
    Folder(Arc<Folder>),
}

impl Verify {
    /// Exits with 2 where nothing could be checked: that is neither proof nor fault.
    pub(crate) async fn run(self, shell: &Shell) -> anyhow::Result<ExitCode> {
        match self.check(shell).await {
            Ok(verdict) => Ok(verdict.exit_code()),
            Err(error) => {
                note(&causes(&error));
                Ok(ExitCode::from(NOT_CHECKED))
            }
        }
    }

    async fn check(self, shell: &Shell) -> anyhow::Result<Verdict> {
        let scope = self.scope(shell.world.now())?;
        let keys = self.known_keys(shell).await?;
        let place = self.place(shell)?;
        let (source, shown): (Arc<dyn Source>, _) = match &place {
            Place::Bucket(bucket) => (bucket.clone(), self.place.clone()),
            Place::Folder(folder) => (folder.clone(), format!("{}, a copy of {}", self.place, folder.copy_of())),
        };
        let groups = verify::discover(&*source, &scope).await?;
        let progress = Arc::new(Progress::start());
        let reports = look(source, keys, scope, groups, progress.clone()).await;
        progress.end();
        let reports = reports?;
        if let (Place::Bucket(bucket), Some(file)) = (&place, &self.save_metadata) {
            bucket.saved().write(file)?;
        }
        let answer =
            Answer { place: shown, reports, allow_unlisted: self.allow_unlisted, allow_unproven: self.allow_unproven };
        print(&answer.text(self.format))?;
        Ok(answer.verdict())
    }

    fn scope(&self, now: Timestamp) -> anyhow::Result<Scope> {
        let time = |text: &Option<String>| text.as_deref().map(|text| moment(text, now)).transpose();
        let (from, to) = (time(&self.from).map_err(anyhow::Error::msg)?, time(&self.to).map_err(anyhow::Error::msg)?);
        anyhow::ensure!(from.is_none_or(|from| to.is_none_or(|to| from < to)), "--from is not before --to");
        let prefix = bucket_and_prefix(&self.place).map_or_else(String::new, |(_, prefix)| prefix.to_owned());
        Ok(Scope {
            prefix,
            account: self.account.as_deref().map(str::parse).transpose()?,
            region: self.region.as_deref().map(str::parse).transpose()?,
            trail: self.trail.clone(),
            from,
            to,
        })
    }

    async fn known_keys(&self, shell: &Shell) -> anyhow::Result<PublicKeys> {
        let keys = match &self.keys {
            Some(file) => public_keys::read(file)?,
            None if bucket_and_prefix(&self.place).is_some() => {
                let mut client = self.connect.client(shell, ROOT)?;
                let since = Timestamp::UNIX_EPOCH;
                let listed = public_keys::fetch(&mut client, &[], since, shell.world.now()).await?;
                public_keys::known(&listed)?
            }
            None => anyhow::bail!("a copy proves nothing without --keys FILE; make it with `opentrail public-keys`"),
        };
        anyhow::ensure!(!keys.is_empty(), "there are no public keys, so nothing can be proven");
        Ok(keys)
    }

    fn place(&self, shell: &Shell) -> anyhow::Result<Place> {
        if let Some((bucket, _)) = bucket_and_prefix(&self.place) {
            anyhow::ensure!(!bucket.is_empty(), "{} names no bucket", self.place);
            anyhow::ensure!(
                self.metadata.is_none() && self.bucket.is_none(),
                "--metadata and --bucket are for copies; a bucket has its own"
            );
            let client = self.connect.client(shell, ROOT)?;
            let save = self.save_metadata.is_some();
            return Ok(Place::Bucket(Arc::new(Bucket::new(bucket.to_owned(), client, save))));
        }
        anyhow::ensure!(self.save_metadata.is_none(), "--save-metadata is for buckets; a copy has no metadata");
        let metadata = self.metadata.as_deref().map(Metadata::read).transpose()?.unwrap_or_default();
        let folder = Folder::open(self.place.as_ref(), self.bucket.clone(), Arc::new(metadata))?;
        Ok(Place::Folder(Arc::new(folder)))
    }
}

fn bucket_and_prefix(place: &str) -> Option<(&str, &str)> {
    let rest = place.strip_prefix("s3://")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

/// Looks at groups, a few at a time; the reports are in the groups' order.
async fn look(
    source: Arc<dyn Source>,
    keys: PublicKeys,
    scope: Scope,
    groups: Vec<Group>,
    progress: Arc<Progress>,
) -> anyhow::Result<Vec<GroupReport>> {
    let shared = Arc::new((source, keys, scope, progress));
    let tasks = groups.into_iter().map(|group| {
        let shared = shared.clone();
        let task = async move {
            let (source, keys, scope, progress) = &*shared;
            verify::verify(Look { source: &**source, keys, scope, observer: &**progress }, &group).await
        };
        async { tokio::spawn(task).await.context("look at a group") }
    });
    let reports: Vec<_> = stream::iter(tasks).buffered(GROUPS_AT_A_TIME).try_collect().await?;
    Ok(reports.into_iter().collect::<Result<_, _>>()?)
}
