//! Managed policies and their versions.

use opentrail_policy::rows::{self, PolicyRow, PolicyVersion, Tag};
use opentrail_policy::{MANAGED, ManagedPolicy};
use opentrail_protocol::Document;
use opentrail_wire::Fault;

use super::boundaries;
use super::tagging::Tagged;
use crate::documents::{self, check_managed};
use crate::entity;
use crate::faults::{conflict, constraint, denied, exists, limit, no_such, quota, unavailable, validation};
use crate::page::Page;
use crate::shapes::{self, Uses};
use crate::tags::{self, Case};
use crate::verb::{Answer, Draft};

const POLICIES_MAX: u64 = 1_500;
const VERSIONS_MAX: usize = 5;

/// A managed policy: AWS's, or the account's own.
pub(crate) enum Found {
    Aws(&'static ManagedPolicy),
    Own(PolicyRow),
}

/// An account's own policy by its ARN. The draft goes through only if it is still the same then.
pub(crate) async fn find(d: &mut Draft<'_>, arn: &str) -> Result<Option<PolicyRow>, Fault> {
    let Some(name) = arn.rsplit('/').next().filter(|name| !name.is_empty()) else { return Ok(None) };
    let key = rows::policy_key(d.account, name);
    let row = d.get::<PolicyRow>(&key).await.map_err(unavailable)?;
    Ok(row.filter(|row| row.arn(d.account).as_str() == arn))
}

pub(crate) fn arn_of(input: &Document) -> Result<&str, Fault> {
    let arn = entity::name(input, "PolicyArn");
    let mut parts = arn.splitn(6, ':');
    let shaped = parts.next() == Some("arn") && parts.nth(1) == Some("iam") && parts.nth(2).is_some();
    if shaped { Ok(arn) } else { Err(validation(format!("ARN {arn} is not valid."))) }
}

async fn find_any(d: &mut Draft<'_>, arn: &str) -> Result<Option<Found>, Fault> {
    match ManagedPolicy::find(arn) {
        Some(managed) => Ok(Some(Found::Aws(managed))),
        None => Ok(find(d, arn).await?.map(Found::Own)),
    }
}

fn not_found(arn: &str) -> Fault {
    no_such(format!("Policy {arn} was not found."))
}

fn version_not_found(arn: &str, version: &str) -> Fault {
    no_such(format!("Policy {arn} version {version} does not exist or is not attachable."))
}

/// To be changed: AWS's are not.
async fn own(
    d: &mut Draft<'_>,
    input: &Document,
    foreign: &str,
    missing: impl Fn(&str) -> Fault,
) -> Result<PolicyRow, Fault> {
    let arn = arn_of(input)?;
    if arn.starts_with("arn:aws:iam::aws:") {
        return Err(denied(foreign));
    }
    find(d, arn).await?.ok_or_else(|| missing(arn))
}

fn save(d: &mut Draft<'_>, row: &PolicyRow) {
    d.put(rows::policy_key(d.account, &row.name), row);
}

pub(crate) async fn create(d: &mut Draft<'_>, input: &Document) -> Answer {
    let (name, path) = (entity::name(input, "PolicyName"), entity::path(input, "Path")?);
    let tags = tags::read(input, Case::Kept)?;
    let document = entity::name(input, "PolicyDocument");
    check_managed(document)?;
    let key = rows::policy_key(d.account, name);
    if d.get::<PolicyRow>(&key).await.map_err(unavailable)?.is_some() {
        return Err(exists(format!("A policy called {name} already exists. Duplicate names are not allowed.")));
    }
    let now = d.now_s();
    let row = PolicyRow {
        name: name.to_owned(),
        path,
        unique_id: d.unique_id("ANPA"),
        created_s: now,
        updated_s: now,
        description: input.text("Description").map(str::to_owned),
        versions: vec![PolicyVersion { number: 1, document: document.to_owned(), created_s: now }],
        default: 1,
        next: 2,
        tags,
    };
    d.room(rows::policies(d.account), POLICIES_MAX, quota("PoliciesPerAccount", POLICIES_MAX));
    save(d, &row);
    let shown = shapes::policy(d.account, &row, Uses::default()).with("Tags", tags::shown_if_any(&row.tags));
    Ok(Document::structure().with("Policy", shown))
}

/// How often a policy is in use in this account.
pub(crate) async fn uses(d: &Draft<'_>, arn: &str) -> Result<Uses, Fault> {
    let attached = d.count(&rows::attached(d.account, arn)).await.map_err(unavailable)?;
    Ok(Uses { attached: i64::try_from(attached).unwrap_or(i64::MAX), bounding: boundaries::count(d, arn).await? })
}

pub(crate) async fn get(d: &mut Draft<'_>, input: &Document) -> Answer {
    let arn = arn_of(input)?;
    let uses = uses(d, arn).await?;
    let shown = match find_any(d, arn).await?.ok_or_else(|| not_found(arn))? {
        Found::Aws(managed) => shapes::managed(managed, uses)
            .with("Description", managed.description)
            .with("Tags", Document::List(Vec::new())),
        Found::Own(row) => shapes::policy(d.account, &row, uses)
            .with("Description", row.description.as_deref())
            .with("Tags", tags::shown(&row.tags)),
    };
    Ok(Document::structure().with("Policy", shown))
}

/// The account's own, then AWS's.
pub(crate) async fn list(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListPolicies", input)?;
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let scope = input.text("Scope").unwrap_or("All");
    let only_attached = input.bool("OnlyAttached").unwrap_or(false);
    let wanted = |uses: Uses| match input.text("PolicyUsageFilter") {
        Some("PermissionsPolicy") => uses.attached > 0,
        Some(_) => uses.bounding > 0,
        None => !only_attached || uses.attached > 0,
    };
    let mut shown = Vec::new();
    if let Some(own) = page.segment('0', page.limit()).filter(|_| scope != "AWS") {
        let in_path = |row: &PolicyRow| row.path.starts_with(prefix);
        let (rows, rest) = own.scan(d, &rows::policies(d.account), in_path).await?;
        for row in rows {
            let uses = uses(d, row.arn(d.account).as_str()).await?;
            shown.extend(wanted(uses).then(|| shapes::policy(d.account, &row, uses)));
        }
        if rest.is_more() {
            return Ok(rest.of_segment('0').onto(Document::structure().with("Policies", shown)));
        }
    }
    let Some(aws) = page.segment('1', page.limit() - shown.len()).filter(|_| scope != "Local") else {
        return Ok(page.end().onto(Document::structure().with("Policies", shown)));
    };
    let mut all = Vec::new();
    for managed in MANAGED.iter().filter(|managed| managed.path.starts_with(prefix)) {
        let uses = uses(d, &managed.arn()).await?;
        all.extend(wanted(uses).then_some((managed, uses)));
    }
    let (all, rest) = aws.cut(all, |(managed, _)| managed.name.to_owned());
    shown.extend(all.into_iter().map(|(managed, uses)| shapes::managed(managed, uses)));
    Ok(rest.of_segment('1').onto(Document::structure().with("Policies", shown)))
}

pub(crate) async fn delete(d: &mut Draft<'_>, input: &Document) -> Answer {
    let row = own(d, input, "Cannot delete policies outside your own account.", not_found).await?;
    if row.versions.len() > 1 {
        return Err(conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ));
    }
    let arn = row.arn(d.account);
    for prefix in [rows::attached(d.account, arn.as_str()), rows::bounding(d.account, arn.as_str())] {
        d.empty(prefix, conflict("Cannot delete a policy attached to entities."));
    }
    d.delete(rows::policy_key(d.account, &row.name));
    Ok(Document::structure())
}

pub(crate) async fn create_version(d: &mut Draft<'_>, input: &Document) -> Answer {
    let mut row = own(d, input, "Cannot update policies outside your own account.", not_found).await?;
    let document = entity::name(input, "PolicyDocument");
    check_managed(document)?;
    if row.versions.len() >= VERSIONS_MAX {
        return Err(limit(
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
        ));
    }
    let version = PolicyVersion { number: row.next, document: document.to_owned(), created_s: d.now_s() };
    row.next += 1;
    row.updated_s = version.created_s;
    if input.bool("SetAsDefault").unwrap_or(false) {
        row.default = version.number;
    }
    let shown = shapes::version(&version, row.default);
    row.versions.push(version);
    save(d, &row);
    Ok(Document::structure().with("PolicyVersion", shown))
}

/// `v3`, as a number; `None` for a version that cannot be there.
fn number(input: &Document) -> Result<(&str, Option<u32>), Fault> {
    let text = entity::name(input, "VersionId");
    let digits = text.strip_prefix('v').and_then(|rest| rest.split('.').next()).unwrap_or_default();
    if !digits.starts_with(|c: char| ('1'..='9').contains(&c)) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        let what = r"Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?";
        return Err(constraint("versionId", what));
    }
    Ok((text, digits.parse().ok()))
}

pub(crate) async fn get_version(d: &mut Draft<'_>, input: &Document) -> Answer {
    let ((text, number), arn) = (number(input)?, arn_of(input)?);
    let missing = || version_not_found(arn, text);
    let shown = match find_any(d, arn).await?.ok_or_else(missing)? {
        Found::Aws(managed) if number == Some(1) => {
            let version =
                PolicyVersion { number: 1, document: managed.document.to_owned(), created_s: managed.created_s() };
            with_document(&version, 1)
        }
        Found::Aws(_) => return Err(missing()),
        Found::Own(row) => {
            let version = row.versions.iter().find(|version| Some(version.number) == number);
            with_document(version.ok_or_else(missing)?, row.default)
        }
    };
    Ok(Document::structure().with("PolicyVersion", shown))
}

/// A version in whole.
pub(crate) fn with_document(version: &PolicyVersion, default: u32) -> Document {
    let shown = shapes::version(version, default);
    match shown {
        Document::Map(mut members) => {
            members.insert(0, ("Document".into(), Document::Text(documents::shown(&version.document))));
            Document::Map(members)
        }
        other => other,
    }
}

/// Newest first.
pub(crate) async fn list_versions(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListPolicyVersions", input)?;
    let arn = arn_of(input)?;
    let missing = || no_such(format!("Policy {arn} does not exist or is not attachable."));
    let versions: Vec<(u32, Document)> = match find_any(d, arn).await?.ok_or_else(missing)? {
        Found::Aws(managed) => {
            let version = PolicyVersion { number: 1, document: String::new(), created_s: managed.created_s() };
            vec![(1, shapes::version(&version, 1))]
        }
        Found::Own(row) => {
            row.versions.iter().rev().map(|version| (version.number, shapes::version(version, row.default))).collect()
        }
    };
    // Descending: the keys must order as the entries do.
    let (versions, rest) = page.cut(versions, |(number, _)| format!("{:010}", u32::MAX - number));
    let versions: Vec<Document> = versions.into_iter().map(|(_, shown)| shown).collect();
    Ok(rest.onto(Document::structure().with("Versions", versions)))
}

pub(crate) async fn delete_version(d: &mut Draft<'_>, input: &Document) -> Answer {
    let (text, number) = number(input)?;
    let foreign = "Cannot delete policy versions for policies outside your own account.";
    let mut row = own(d, input, foreign, |arn| version_not_found(arn, text)).await?;
    let place = row.versions.iter().position(|version| Some(version.number) == number);
    let place = place.ok_or_else(|| version_not_found(entity::name(input, "PolicyArn"), text))?;
    if number == Some(row.default) {
        return Err(conflict("Cannot delete the default version of a policy."));
    }
    row.versions.remove(place);
    save(d, &row);
    Ok(Document::structure())
}

pub(crate) async fn set_default_version(d: &mut Draft<'_>, input: &Document) -> Answer {
    let (text, number) = number(input)?;
    let foreign = "Cannot update policies outside your own account.";
    let mut row = own(d, input, foreign, |arn| version_not_found(arn, text)).await?;
    let number = number.filter(|number| row.versions.iter().any(|version| version.number == *number));
    row.default = number.ok_or_else(|| version_not_found(entity::name(input, "PolicyArn"), text))?;
    row.updated_s = d.now_s();
    save(d, &row);
    Ok(Document::structure())
}

impl Tagged for PolicyRow {
    async fn load(d: &mut Draft<'_>, input: &Document) -> Result<Self, Fault> {
        own(d, input, "Cannot update policies outside your own account.", not_found).await
    }

    fn tags_mut(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }

    fn save(&self, d: &mut Draft<'_>) {
        save(d, self);
    }
}

pub(crate) async fn list_tags(d: &mut Draft<'_>, input: &Document) -> Answer {
    let page = Page::read("ListPolicyTags", input)?;
    let mut tags =
        match find_any(d, arn_of(input)?).await?.ok_or_else(|| not_found(entity::name(input, "PolicyArn")))? {
            Found::Aws(_) => Vec::new(),
            Found::Own(row) => row.tags,
        };
    tags.sort_by(|a, b| a.key.cmp(&b.key));
    let (tags, rest) = page.cut(tags, |tag| tag.key.clone());
    Ok(rest.onto(Document::structure().with("Tags", tags::shown(&tags))))
}
