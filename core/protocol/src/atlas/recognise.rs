//! Which operation a request is, in every protocol.
//!
//! The scope of the signature says which services it may be (several share a name), what the protocol puts on the wire says
//! which operation. Where more than one is left, the host decides, then the rules of [`chosen`], then the order of their ids;
//! the others are named as aliases.

use std::sync::Arc;

use http::header;

use super::file::Entry;
use super::known::{BucketInHost, Claim, Recognised};
use super::naming::Naming;
use super::route::Target;
use super::{Atlas, Head, Place, mint};
use crate::{Protocol, s3};

/// A claimed name is believed to be one up to this length.
const NAME_BYTES_MAX: usize = 128;

/// An operation that the request may be, and the service it is of.
struct Candidate<'a> {
    entry: &'a Entry,
    place: Place,
}

pub(super) fn recognise(atlas: &Atlas, head: &Head<'_>, body_start: &[u8]) -> Recognised {
    let entries = of_scope(atlas, head);
    let naming = Naming::of(head, &entries, body_start);
    let named = by_name(atlas, head, &entries, &naming, body_start);
    let mut recognised = named.unwrap_or_else(|| of_rest(atlas, head, entries));
    recognised.contradiction = naming.contradiction;
    recognised
}

/// By what the request names, or by S3's own ways; `None` for what only its path can tell.
fn by_name(
    atlas: &Atlas,
    head: &Head<'_>,
    entries: &[&Entry],
    naming: &Naming<'_>,
    body_start: &[u8],
) -> Option<Recognised> {
    if let Some((service, operation)) = naming.cbor {
        return Some(named(atlas, head, entries, Protocol::RpcV2Cbor, Some(service), operation, body_start));
    }
    if let Some(target) = naming.target {
        let protocol = match text(head, header::CONTENT_TYPE.as_str()) {
            Some(kind) if kind.contains("1.1") => Protocol::AwsJson1_1,
            _ => Protocol::AwsJson1_0,
        };
        let (prefix, operation) = target.rsplit_once('.').unwrap_or(("", target));
        return Some(named(atlas, head, entries, protocol, Some(prefix), operation, body_start));
    }
    if entries.iter().any(|entry| entry.id == "s3") && !is_s3_control(head) {
        return Some(of_s3(atlas, head, entries));
    }
    let action = naming.action.as_deref()?;
    let protocol = match entries.iter().any(|entry| entry.speaks(Protocol::Ec2Query)) {
        true => Protocol::Ec2Query,
        false => Protocol::Query,
    };
    Some(named(atlas, head, entries, protocol, naming.version.as_deref(), action, body_start))
}

/// The services that a request may be for: by the scope of its signature, else by the host.
fn of_scope<'a>(atlas: &'a Atlas, head: &Head<'_>) -> Vec<&'a Entry> {
    let by = |fits: &dyn Fn(&&Entry) -> bool| -> Vec<&'a Entry> { atlas.entries.iter().filter(fits).collect() };
    let Some(scope) = head.scope else {
        let host = name_of(head.host);
        return by(&|entry| is_host_of(entry, host));
    };
    let service = match scope.service {
        // Ways into S3 that sign with a name of their own.
        "s3express" | "s3-object-lambda" => "s3",
        // The endpoints of outposts are a service of their own, whose buckets and objects are S3's.
        "s3-outposts" if !head.path.starts_with("/S3Outposts/") => "s3",
        other => other,
    };
    let signed = by(&|entry| entry.signing_name == service);
    match signed.is_empty() {
        // Emulators and hand-written clients sign with the endpoint's name.
        true => by(&|entry| entry.endpoint_prefix == service || entry.id == service),
        false => signed,
    }
}

/// The host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// `api.ecr.eu-west-1.amazonaws.com`, with or without more labels before it, is a host of `api.ecr`.
fn is_host_of(entry: &Entry, host: &str) -> bool {
    let Some(at) = host.find(entry.endpoint_prefix.as_str()) else { return false };
    let (before, rest) = (&host[..at], &host[at + entry.endpoint_prefix.len()..]);
    (before.is_empty() || before.ends_with(['.', '-'])) && rest.starts_with('.') && rest.contains("amazonaws.")
}

pub(super) fn text<'a>(head: &Head<'a>, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}

/// An operation that the request names. `service` is what it says about the service: the prefix of its target, its name, or
/// the version of its API.
fn named(
    atlas: &Atlas,
    head: &Head<'_>,
    entries: &[&Entry],
    protocol: Protocol,
    service: Option<&str>,
    operation: &str,
    body_start: &[u8],
) -> Recognised {
    let says = |entry: &Entry| match protocol {
        Protocol::Query | Protocol::Ec2Query => service.is_none_or(|version| version == entry.api_version),
        _ => service.is_some_and(|given| {
            let target = entry.target_prefix.as_deref();
            target.is_some_and(|t| t == given || t.rsplit('.').next() == given.rsplit('.').next())
        }),
    };
    let queries = matches!(protocol, Protocol::Query | Protocol::Ec2Query);
    let speaks = |entry: &Entry| match queries {
        true => entry.speaks(Protocol::Query) || entry.speaks(Protocol::Ec2Query),
        false => entry.target_prefix.is_some(),
    };
    // Those whose names fit, else all that the scope allows, else whoever in the atlas says just this.
    let fitting: Vec<&Entry> = entries.iter().copied().filter(|entry| speaks(entry) && says(entry)).collect();
    // An older version of a Query API has the same actions; another target is another operation.
    let rest: Vec<&Entry> = entries.iter().copied().filter(|entry| queries && speaks(entry)).collect();
    // Whoever signs for a service says which; that it is unknown makes it nobody else's.
    let anybody: Vec<&Entry> = match head.scope.is_none() && entries.is_empty() && service.is_some() {
        true => atlas.entries.iter().filter(|entry| speaks(entry) && says(entry)).collect(),
        false => Vec::new(),
    };
    for entries in [fitting, rest, anybody] {
        let candidates: Vec<Candidate<'_>> = entries
            .into_iter()
            .filter_map(|entry| Some(Candidate { entry, place: Place::find(atlas.model(entry)?, operation)? }))
            .collect();
        if let Some(known) = chosen(head, candidates, protocol, body_start) {
            return known;
        }
    }
    let claim = Claim { entry: likeliest(head, entries), head, protocol };
    claim.unknown(is_name(operation).then_some(operation))
}

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whom a call is for that none of them has: of several that share a name in signatures, the one that is called so itself.
fn likeliest<'a>(head: &Head<'_>, entries: &[&'a Entry]) -> Option<&'a Entry> {
    let name = head.scope.map(|scope| scope.service);
    let is_called_so =
        |entry: &&&Entry| Some(entry.id.as_str()) == name || Some(entry.endpoint_prefix.as_str()) == name;
    entries.iter().find(is_called_so).or(entries.first()).copied()
}

fn of_rest(atlas: &Atlas, head: &Head<'_>, entries: Vec<&Entry>) -> Recognised {
    let rest = |entry: &&Entry| entry.speaks(Protocol::RestJson) || entry.speaks(Protocol::RestXml);
    let any = likeliest(head, &entries);
    let entries: Vec<&Entry> = entries.into_iter().filter(rest).collect();
    let first = any.or(entries.first().copied());
    let unknown =
        || Claim { entry: first, head, protocol: first.map_or(Protocol::RestJson, |e| spoken(e, head)) }.unknown(None);
    let Some(target) = Target::new(head.path, head.query) else { return unknown() };
    let mut best = None;
    let mut candidates = Vec::new();
    for entry in entries {
        let Some(model) = atlas.model(entry) else { continue };
        for (number, operation) in model.operations().enumerate() {
            if operation.http_method != head.method.as_str() {
                continue;
            }
            let Some(rank) = target.fit(operation.http_uri) else { continue };
            if best.is_some_and(|best| rank < best) {
                continue;
            }
            if best != Some(rank) {
                candidates.clear();
                best = Some(rank);
            }
            candidates.push(Candidate { entry, place: Place { model: Arc::clone(&model), number } });
        }
    }
    let protocol = candidates.first().map_or(Protocol::RestJson, |candidate| candidate.place.model.protocol);
    chosen(head, candidates, protocol, &[]).unwrap_or_else(unknown)
}

/// How the caller of an unknown operation of a service expects to be answered. A form that has not been read yet is told by its
/// type.
fn spoken(entry: &Entry, head: &Head<'_>) -> Protocol {
    let is_form = text(head, header::CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
    let forms = [Protocol::Ec2Query, Protocol::Query];
    forms.into_iter().find(|form| is_form && entry.speaks(*form)).unwrap_or(entry.protocols[0])
}

/// S3 Control has a version before its paths, and hosts of its own.
fn is_s3_control(head: &Head<'_>) -> bool {
    head.path.starts_with("/v20180820/") || head.host.contains("s3-control")
}

fn of_s3(atlas: &Atlas, head: &Head<'_>, entries: &[&Entry]) -> Recognised {
    let entry = entries.iter().copied().find(|entry| entry.id == "s3");
    let claim = Claim { entry, head, protocol: Protocol::RestXml };
    let bucket_in_host = bucket_of_host(head);
    let path = match &bucket_in_host {
        Some(BucketInHost { bucket, .. }) => format!("/{bucket}{}", head.path),
        None => head.path.to_owned(),
    };
    let mut recognised = match s3::identify(head.method, &path, head.query, head.headers) {
        Ok(call) => {
            // A form upload is an operation of S3, but not one of its model.
            let place = entry.and_then(|entry| Place::find(atlas.model(entry)?, call.operation));
            claim.s3(call, place)
        }
        Err(_) => claim.unknown(None),
    };
    recognised.bucket_in_host = bucket_in_host;
    recognised
}

/// `bucket` of `bucket.s3.eu-west-1.amazonaws.com`, and of `bucket.localhost` where that is a host of ours.
fn bucket_of_host(head: &Head<'_>) -> Option<BucketInHost> {
    let host = name_of(head.host).trim_end_matches('.').to_ascii_lowercase();
    for own in head.own_hosts {
        let own = own.trim_matches('.').to_ascii_lowercase();
        if let Some(before) = host.strip_suffix(own.as_str()).and_then(|rest| rest.strip_suffix('.')) {
            // `bucket.s3.localhost` and `bucket.s3.eu-west-1.localhost` are the same.
            let bucket = match before.rfind(".s3").map(|at| before.split_at(at)) {
                Some((bucket, rest)) if matches!(rest.as_bytes().get(3), None | Some(b'.' | b'-')) => bucket,
                _ => before,
            };
            let is_endpoint = bucket == "s3" || bucket.starts_with("s3.") || bucket.starts_with("s3-");
            let bucket = Some(bucket.to_owned()).filter(|bucket| !bucket.is_empty() && !is_endpoint);
            return bucket.map(|bucket| BucketInHost { bucket, ours: true });
        }
    }
    // A bucket's name may have dots, and be like a service's: the last label that begins S3's own part counts.
    let mut end = host.len();
    while let Some(at) = host[..end].rfind(".s3") {
        let rest = &host[at + ".s3".len()..];
        if rest.starts_with(['.', '-']) && rest.contains('.') {
            let bucket = Some(host[..at].to_owned()).filter(|bucket| !bucket.is_empty());
            return bucket.map(|bucket| BucketInHost { bucket, ours: false });
        }
        end = at;
    }
    None
}

/// One among operations that are all alike on the wire; the others are its aliases. `None` for none.
fn chosen(
    head: &Head<'_>,
    mut candidates: Vec<Candidate<'_>>,
    protocol: Protocol,
    body_start: &[u8],
) -> Option<Recognised> {
    if candidates.len() > 1 {
        let host = name_of(head.host);
        let of_engine = engine(head, body_start);
        // Stable, so that equals stay in the order of their ids.
        candidates.sort_by_key(|candidate| {
            let prefix = candidate.place.operation().host_prefix;
            let preferred = RULES.iter().position(|id| *id == candidate.entry.id).unwrap_or(RULES.len());
            (
                of_engine != Some(candidate.entry.id.as_str()),
                !is_host_of(candidate.entry, host),
                prefix.is_empty() || !host.starts_with(prefix),
                preferred,
            )
        });
    }
    // What may be one of several is what the gravest of them is.
    let read_only = candidates.iter().all(|candidate| candidate.place.operation().read_only);
    let mints_credentials = candidates.iter().any(|one| mint::mints(&one.entry.id, &one.place));
    let mut candidates = candidates.into_iter();
    let first = candidates.next()?;
    let claim = Claim { entry: Some(first.entry), head, protocol };
    let others = candidates.map(|other| (other.entry.id.clone(), other.place.operation().name.to_string()));
    let mut known = claim.known(first.place, others.collect());
    (known.read_only, known.mints_credentials) = (read_only, mints_credentials);
    Some(known)
}

/// Services that are meant where they are alike with others and nothing else tells them apart: the older of two
/// versions is named only where clients of both still use it, the newer where the older has been shut down.
const RULES: &[&str] = &[
    "rds",
    "bedrock",
    "bedrock-agent",
    "chime-sdk-voice",
    "chime-sdk-meetings",
    "greengrassv2",
    "lexv2-models",
    "lambda",
    "ivs",
    "qconnect",
    "signer",
    "timestream-write",
    "pinpoint-sms-voice",
];

/// RDS, DocumentDB and Neptune share names, hosts and actions; where a call names the engine, that is which it is.
fn engine(head: &Head<'_>, body_start: &[u8]) -> Option<&'static str> {
    if head.scope?.service != "rds" {
        return None;
    }
    let mut pairs = head.query.as_bytes().split(|&b| b == b'&').chain(body_start.split(|&b| b == b'&'));
    let engine = pairs.find_map(|pair| pair.strip_prefix(b"Engine="))?;
    match engine {
        b"docdb" => Some("docdb"),
        b"neptune" => Some("neptune"),
        _ => Some("rds"),
    }
}
