//! Which accounts, regions and trails there are.

use std::collections::{BTreeMap, BTreeSet};

use opentrail_event::{AccountId, Region};

use super::{GroupReport, Listed, Look, Scope, Source, SourceError, What};
use crate::{DigestKey, Folder};

/// Most digests of one group.
pub const DIGESTS_MAX: usize = 10_000_000;
/// Most folders that are looked into for accounts and regions.
pub const FOLDERS_MAX: usize = 20_000;
const DAY_S: i64 = 86_400;
const DIGESTS: &str = "CloudTrail-Digest";
/// Folders of an account: digests and log files.
const KINDS: [&str; 5] = [
    DIGESTS,
    Folder::CloudTrail.as_str(),
    Folder::Insight.as_str(),
    Folder::NetworkActivity.as_str(),
    Folder::Aggregated.as_str(),
];

/// One account in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `[prefix/]AWSLogs/[o-…/]<account>/`
    pub folder: String,
    pub account: AccountId,
    pub region: Region,
}

impl Group {
    /// The folder of one kind of files.
    pub(super) fn of(&self, kind: &str) -> String {
        format!("{}{kind}/{}/", self.folder, self.region)
    }
}

/// One trail's digests in a group.
#[derive(Debug)]
pub(super) struct Chain {
    /// Of any of them.
    pub(super) name: DigestKey,
    /// When those that are there end: seconds, the newest last.
    pub(super) ends: Vec<i64>,
}

/// All groups in the scope, in the order of their folders.
pub async fn discover(source: &dyn Source, scope: &Scope) -> Result<Vec<Group>, SourceError> {
    let mut groups = Vec::new();
    let mut looked_into = 0;
    // A prefix may reach into the folders of one account: the search begins above them.
    let above = scope.prefix.find("AWSLogs/").filter(|at| *at == 0 || scope.prefix[..*at].ends_with('/'));
    let start = match above {
        Some(at) => &scope.prefix[..at],
        None => scope.prefix.rsplit_once('/').map_or("", |(folders, _)| &scope.prefix[..folders.len() + 1]),
    };
    let mut open = vec![start.to_owned()];
    while let Some(folder) = open.pop() {
        looked_into += 1;
        if looked_into > FOLDERS_MAX {
            return Err(SourceError(format!("more than {FOLDERS_MAX} folders; name a longer prefix")));
        }
        if let Some(account) = account(&folder) {
            let mut regions = BTreeSet::new();
            for kind in KINDS {
                for region in source.folders(&format!("{folder}{kind}/")).await? {
                    let name = region.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                    regions.extend(name.parse::<Region>());
                }
            }
            groups.extend(regions.into_iter().map(|region| Group { folder: folder.clone(), account, region }));
            continue;
        }
        let mut inside = source.folders(&folder).await?;
        inside.retain(|inside| inside.starts_with(&scope.prefix) || scope.prefix.starts_with(inside.as_str()));
        open.extend(inside.into_iter().rev());
    }
    groups.retain(|group| {
        let folders = KINDS.map(|kind| group.of(kind));
        folders.iter().any(|folder| folder.starts_with(&scope.prefix) || scope.prefix.starts_with(folder))
            && scope.account.is_none_or(|account| group.account == account)
            && scope.region.as_ref().is_none_or(|region| group.region == *region)
    });
    groups.sort_by_key(|group| group.of(DIGESTS));
    Ok(groups)
}

/// Whose folder it is: `…AWSLogs/[o-…/]<account>/`.
fn account(folder: &str) -> Option<AccountId> {
    let mut parts = folder.trim_end_matches('/').rsplit('/');
    let account = parts.next()?.parse().ok()?;
    let above = parts.next()?;
    let above = if above.starts_with("o-") { parts.next()? } else { above };
    (above == "AWSLogs").then_some(account)
}

/// All chains of a group, as its listing has them.
pub(super) async fn chains(look: Look<'_>, group: &Group, report: &mut GroupReport) -> Result<Vec<Chain>, SourceError> {
    let folder = group.of(DIGESTS);
    let mut chains = BTreeMap::<_, Chain>::new();
    let mut digests = 0;
    let mut after = first_day(look.scope, &folder);
    'pages: loop {
        let page = look.page(&folder, &mut after).await?;
        if page.is_empty() {
            break;
        }
        for Listed { key, .. } in page {
            let Some(name) = DigestKey::parse(&key).filter(|name| name.account == group.account) else {
                if !key.ends_with('/') {
                    report.find(look.source.bucket(), &key, What::StrangeName);
                }
                continue;
            };
            if past_last_day(look.scope, name.end.as_second()) {
                break 'pages;
            }
            if look.scope.trail.as_ref().is_some_and(|trail| *trail != name.trail) {
                continue;
            }
            digests += 1;
            if digests > DIGESTS_MAX {
                return Err(SourceError(format!("more than {DIGESTS_MAX} digests in {folder}; name --from and --to")));
            }
            let of = (name.prefix.clone(), name.trail.clone(), name.home.clone(), name.backfill);
            let end = name.end.as_second();
            chains.entry(of).or_insert_with(|| Chain { name, ends: Vec::new() }).ends.push(end);
        }
    }
    let mut chains: Vec<_> = chains.into_values().collect();
    for chain in &mut chains {
        chain.ends.sort_unstable();
        if let Some(to) = look.scope.to.map(|to| to.as_second()) {
            // The digest that covers the end is the first that ends at it or later.
            let covered = chain.ends.partition_point(|end| *end < to);
            chain.ends.truncate(covered + 1);
        }
        if let Some(from) = look.scope.from.map(|from| from.as_second()) {
            chain.ends.drain(..chain.ends.partition_point(|end| *end <= from));
        }
        look.observer.digests_found(chain.ends.len() as u64);
    }
    Ok(chains)
}

/// Behind which key a listing of day folders begins: a day early, because a day's last files may lie in the next one's digests.
pub(super) fn first_day(scope: &Scope, folder: &str) -> String {
    let from = scope.from.and_then(|from| jiff::Timestamp::from_second(from.as_second() - DAY_S).ok());
    from.map_or_else(String::new, |from| format!("{folder}{}", from.strftime("%Y/%m/%d")))
}

/// Whether it lies so far behind the scope that what comes after it in a listing does so too.
pub(super) fn past_last_day(scope: &Scope, second: i64) -> bool {
    scope.to.is_some_and(|to| second > to.as_second() + 2 * DAY_S)
}
