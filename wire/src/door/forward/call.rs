//! A call on its way: its sender looked for, what it is understood, its intent made durable, and its answer waited for.

use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use opentrail_delivery::{UpstreamBody, UpstreamCall, UpstreamPlace};
use opentrail_event::{AccountId, RawJson, Region, TlsDetails};
use opentrail_journal::{Call, CallClass, Outcome};
use opentrail_policy::Principal;
use opentrail_protocol::atlas::{Head, Recognised, Request, Scope};

use super::body::{self, Check, Passed, Read};
use super::clear;
use super::close::Passing;
use super::guests::Guest;
use super::pace::{self, Pace};
use super::who::{self, Claimed, Who};
use super::{Going, Leaving, Onward, Stop};
use crate::door::body::{Pieces, declared_length};
use crate::door::life::{Hall, seen, text};
use crate::door::listen::Peer;
use crate::errors::body::BodyTrouble;
use crate::errors::{self, Tongue};
use crate::sigv4::canonical::Seen;
use crate::sigv4::key::hex;
use crate::sigv4::payload::Payload;
use crate::sigv4::query::Query;
use crate::sigv4::verify::Plausible;
use crate::{Fault, OnFailure, Passage, RequestHead};

/// Headers that are about one connection.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// A request's body once it is known what becomes of it.
pub(super) enum Body {
    Whole(Bytes),
    Passing { length: Option<u64>, pieces: Pieces, check: Check },
}

/// A sender, and the body that came with the proof or is still to come.
struct Sender {
    who: Who,
    /// Who it will have been once the body has gone by, where that is what the signature is over.
    soon: Option<Who>,
    account: AccountId,
    region: Region,
    /// Names of headers that may not be touched.
    signed: Vec<String>,
    payload: Payload,
    presigned: bool,
    body: Body,
}

impl Hall {
    pub(super) async fn pass_on(
        self: &Arc<Self>,
        onward: Onward,
        peer: &Peer,
        leaving: Leaving,
    ) -> Result<Going, Stop> {
        let Leaving { head, query, pieces, wire_bytes, tongue, alive } = leaving;
        let Onward { passage, upstream } = onward;
        let received_at = self.world.now();
        let claimed = self.claimed(&passage, &seen(&head, &query), &tongue).await?;
        let guest = self.guest(&claimed, peer, &tongue)?;
        let (service, region) = match &claimed {
            Claimed::Known(plausible, _) => (plausible.claim.scope.service.clone(), plausible.region.clone()),
            Claimed::Unknown(claim, region) => (claim.scope.service.clone(), region.clone()),
            Claimed::Nobody(region) => {
                (who::looks_like(tongue.protocol).unwrap_or_default().to_owned(), region.clone())
            }
        };
        let asked = Asked { head: &head, service: &service, region: &region, own_hosts: &self.settings.host_names };
        let mut what = passage.atlas.recognise(&asked.head(), b"");
        let reading =
            Reading { passage: &passage, peer, query: &query, tongue: &tongue, streams: what.streams_request };
        let mut sender = self.sender(claimed, &head, pieces, reading).await?;
        let whole = match &sender.body {
            Body::Whole(bytes) => Some(bytes.clone()),
            Body::Passing { .. } => None,
        };
        // A form names its operation in its body, and may name another one there than in the query. What is too long to be
        // read to its end says the one, but not that there is no other.
        let start = match &whole {
            Some(bytes) => bytes.clone(),
            None if what.is_settled_by_head() => Bytes::new(),
            None => body::begin(&mut sender.body).await,
        };
        let is_plain = start.is_empty() || !is_encoded(&head.headers);
        if !start.is_empty() && is_plain && !what.streams_request {
            what = passage.atlas.recognise(&asked.head(), &start);
        }
        let all_read = what.is_settled_by_head() || (whole.is_some() && is_plain);
        what.read_only &= all_read;
        // What is compressed is recorded with what is known without it.
        let readable = whole.as_ref().filter(|_| !is_encoded(&head.headers));
        let request = what.read_request(&asked.head(), readable.map(|bytes| &bytes[..]));
        let operation = operation(&what);
        let Sender { who, soon, account, region, signed, payload, presigned, mut body } = sender;
        // Who is not proven may not keep a connection of the upstream's for as long as they like.
        if let (true, Body::Passing { pieces, .. }) = (guest.is_some(), &mut body) {
            pace::keep(Pace::new(self.world.clone()), pieces);
        }
        // Whatever callers make up must not become a series each.
        let counted = if what.is_of_known_service() { what.event_source.clone() } else { "other".to_owned() };
        metrics::counter!("opentrail_door_passed_calls_total", "service" => counted).increment(1);
        let endpoint_prefix =
            if what.endpoint_prefix.is_empty() { service.clone() } else { what.endpoint_prefix.clone() };
        let place = UpstreamPlace { endpoint_prefix, region: region.to_string() };
        if let Some(why) = self.unclear(&what, &head, &*upstream, &place, passage.settings.signing.is_some()) {
            metrics::counter!("opentrail_door_unclear_calls_total").increment(1);
            let fault = clear::fault(why, &tongue);
            return Err(if who.is_proven() { Stop::Told(fault) } else { Stop::Stranger(fault) });
        }

        let about =
            About { peer, head: &head, tongue: &tongue, what: &what, request: &request, account, region: &region };
        let call = about.call(&who);
        if let Some(signing) = &passage.settings.signing {
            let Who::Proven { principal, .. } = &who else {
                let bytes_max = passage.settings.body_bytes_max as u64;
                let trouble =
                    BodyTrouble::TooLarge { bytes: declared_length(&head.headers).unwrap_or(bytes_max), bytes_max };
                return Err(Stop::Stranger(errors::body::fault(&trouble, tongue.protocol)));
            };
            if !clear::is_allowed(signing, principal, &what, all_read, (&service, &operation)) {
                let fault = not_allowed(principal, &service, &operation, &tongue);
                return Err(self.refuse_onward(call, fault, &tongue).await);
            }
        }
        if let Who::Proven { principal, ours: true } = &who {
            self.used(principal, &service, region.as_str()).await;
        }
        let parameters = what.request_parameters(&request);
        let ticket = match self.capture.begin(call).await {
            Ok(ticket) => Some(ticket),
            Err(refused) => match passage.settings.on_failure {
                OnFailure::Refuse => return Err(self.unrecordable("begin recording", &refused, &tongue)),
                OnFailure::Pass => None,
            },
        };
        let passed = Passed::default();
        let made = match &passage.settings.signing {
            Some(signing) => {
                let authority = upstream.authority(&place);
                let scope = Scope { service: &service, region: region.as_str() };
                self.sign_anew(signing, scope, &authority, &head, &payload, body, &passed)
            }
            None => Ok(as_it_came(&head, &signed, body, &passed)),
        };
        let passing = Passing {
            hall: self.clone(),
            passage: passage.clone(),
            ticket,
            given_up: None,
            who,
            soon,
            account,
            service,
            operation,
            what,
            request,
            parameters,
            user_agent: about_agent(&head),
            tongue: tongue.clone(),
            cipher_suite: peer.tls.as_ref().map(|tls| tls.cipher_suite.clone()),
            wire_bytes,
            passed,
            presigned,
            head_only: head.method == http::Method::HEAD,
            received_at,
            ip: peer.ip,
            guest,
            _alive: alive,
        };
        let answer = match made {
            Ok(call) => upstream.send(place, call).await,
            Err(fault) => return Err(passing.fail(fault, None).await),
        };
        passing.answered(answer).await
    }

    /// A place for somebody whose key is not known.
    fn guest(&self, claimed: &Claimed, peer: &Peer, tongue: &Tongue) -> Result<Option<Guest>, Stop> {
        if matches!(claimed, Claimed::Known(..)) {
            return Ok(None);
        }
        if self.strangers.is_throttled(peer.ip, self.world.monotonic()) {
            return Err(Stop::Stranger(errors::throttled(tongue.protocol)));
        }
        match self.guests.admit(peer.ip) {
            Some(guest) => Ok(Some(guest)),
            None => {
                metrics::counter!("opentrail_door_guests_full_total").increment(1);
                let why = "Too many calls by keys that are not known here are under way. Please try again.";
                Err(Stop::Told(errors::unavailable(tongue.protocol, why)))
            }
        }
    }

    /// Proves the sender as far as can be, and reads the body as far as is to be.
    async fn sender(
        self: &Arc<Self>,
        claimed: Claimed,
        head: &RequestHead,
        pieces: Pieces,
        reading: Reading<'_>,
    ) -> Result<Sender, Stop> {
        let length = declared_length(&head.headers);
        let (plausible, ours) = match claimed {
            Claimed::Known(plausible, ours) => (*plausible, ours),
            Claimed::Unknown(claim, region) => {
                let body = self.unproven(pieces, head, &reading).await?;
                let account = who::account_in(&claim.access_key_id).unwrap_or(reading.passage.settings.account);
                return Ok(Sender {
                    who: Who::Unproven { access_key_id: claim.access_key_id },
                    soon: None,
                    account,
                    region,
                    signed: claim.signed_headers,
                    payload: Payload::Unsigned,
                    presigned: claim.expires_s.is_some(),
                    body: unchecked(body, length),
                });
            }
            Claimed::Nobody(region) => {
                let body = self.unproven(pieces, head, &reading).await?;
                return Ok(Sender {
                    who: Who::Anonymous,
                    soon: None,
                    account: reading.passage.settings.account,
                    region,
                    signed: Vec::new(),
                    payload: Payload::Unsigned,
                    presigned: false,
                    body: unchecked(body, length),
                });
            }
        };
        let refused = |refusal| self.not_proven(&refusal, reading.tongue);
        let unusable = |trouble| Stop::Stranger(errors::body::fault(&trouble, reading.tongue.protocol));
        let seen = seen(head, reading.query);
        let signed = plausible.claim.signed_headers.clone();
        let account = plausible.principal().account;
        let presigned = plausible.claim.expires_s.is_some();
        let (region, payload) = (plausible.region.clone(), plausible.payload.clone());
        let of = |who: Who, soon: Option<Who>, body: Body| Sender {
            who,
            soon,
            account,
            region: region.clone(),
            signed: signed.clone(),
            payload: payload.clone(),
            presigned,
            body,
        };
        if payload == Payload::FromBody {
            return match self.unproven(pieces, head, &reading).await? {
                Read::Whole(bytes) => {
                    let hash = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
                    let proven = self.verifier.prove(&seen, plausible, Some(&hash)).map_err(refused)?;
                    Ok(of(who::proven(&proven, ours), None, Body::Whole(bytes)))
                }
                // Too long to be held for its hash: it goes on while it is hashed, and its sender is proven, or not, by the end.
                Read::Longer(read, rest) => {
                    let principal = Arc::new(plausible.principal().clone());
                    let unproven = Who::Unproven { access_key_id: principal.access_key_id.clone() };
                    let check = Check::Signature(self.prove_later(head, reading.query, plausible));
                    let pieces = body::rejoined(read, rest);
                    let soon = Some(Who::Proven { principal, ours });
                    Ok(of(unproven, soon, Body::Passing { length, pieces, check }))
                }
            };
        }
        let proven = self.verifier.prove(&seen, plausible, None).map_err(refused)?;
        let check = Check::of(&proven.payload, &proven.chain, &head.headers).map_err(unusable)?;
        let who = who::proven(&proven, ours);
        if reading.streams || matches!(check, Check::Chunks(_)) {
            return Ok(of(who, None, Body::Passing { length, pieces, check }));
        }
        // A body that cannot be read to its end is nobody's call yet: nothing of it went on.
        match body::read(pieces, reading.passage.settings.body_bytes_max).await.map_err(unusable)? {
            Read::Whole(bytes) => {
                if let Check::Hash(claimed) = check {
                    let computed = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
                    if computed != claimed {
                        return Err(unusable(BodyTrouble::Hash { claimed, computed }));
                    }
                }
                Ok(of(who, None, Body::Whole(bytes)))
            }
            Read::Longer(read, rest) => {
                let pieces = body::rejoined(read, rest);
                Ok(of(who, None, Body::Passing { length, pieces, check }))
            }
        }
    }

    /// The body of somebody who is not proven: a stream is not read at all.
    async fn unproven(&self, pieces: Pieces, head: &RequestHead, reading: &Reading<'_>) -> Result<Read, Stop> {
        if reading.streams {
            return Ok(Read::Longer(Bytes::new(), pieces));
        }
        let bytes_max = reading.passage.settings.body_bytes_max;
        self.unproven_start(reading.peer, pieces, &head.headers, bytes_max, reading.tongue).await
    }

    fn prove_later(self: &Arc<Self>, head: &RequestHead, query: &Query, plausible: Plausible) -> body::ProveByHash {
        let (hall, query) = (self.clone(), query.clone());
        let (method, raw_path, headers) = (head.method.clone(), head.raw_path.clone(), head.headers.clone());
        Box::new(move |hash| {
            let seen = Seen { method: method.as_str(), raw_path: &raw_path, query: &query, headers: &headers };
            hall.verifier.prove(&seen, plausible, Some(hash)).map(drop)
        })
    }

    /// Records a call that does not go on, and says so.
    async fn refuse_onward(&self, call: Call, fault: Fault, tongue: &Tongue) -> Stop {
        let outcome = Outcome {
            error_code: Some("AccessDenied".into()),
            error_message: Some(fault.message.clone()),
            hide_parameters: true,
            ..Outcome::default()
        };
        let call = Call { runs: false, request_parameters: None, resources: Vec::new(), ..call };
        let recorded = async {
            let ticket = self.capture.begin(call).await?;
            self.capture.finish(ticket, outcome).await
        };
        match recorded.await {
            Ok(_) => Stop::Told(fault),
            Err(refused) => self.unrecordable("record", &refused, tongue),
        }
    }

    pub(super) fn unrecordable(
        &self,
        what: &'static str,
        refused: &opentrail_journal::Refused,
        tongue: &Tongue,
    ) -> Stop {
        tracing::error!(request_id = tongue.request_id, error = %refused, what, "a call cannot be recorded");
        metrics::counter!("opentrail_door_unrecordable_total").increment(1);
        let why = "The call cannot be recorded just now, and so is not passed on or answered. Please try again.";
        Stop::Told(errors::unavailable(tongue.protocol, why))
    }
}

/// What is needed to read a body.
struct Reading<'a> {
    passage: &'a Passage,
    peer: &'a Peer,
    query: &'a Query,
    tongue: &'a Tongue,
    /// The operation's body is a stream: nothing of it is held.
    streams: bool,
}

/// What a request is recognised by.
struct Asked<'a> {
    head: &'a RequestHead,
    service: &'a str,
    region: &'a Region,
    own_hosts: &'a [String],
}

impl<'a> Asked<'a> {
    fn head(&self) -> Head<'a> {
        let host = self.head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        Head {
            method: &self.head.method,
            host: host.unwrap_or_default(),
            own_hosts: self.own_hosts,
            path: &self.head.raw_path,
            query: &self.head.raw_query,
            headers: &self.head.headers,
            scope: (!self.service.is_empty()).then(|| Scope { service: self.service, region: self.region.as_str() }),
        }
    }
}

/// What a record says of a call before it is answered.
struct About<'a> {
    peer: &'a Peer,
    head: &'a RequestHead,
    tongue: &'a Tongue,
    what: &'a Recognised,
    request: &'a Request,
    account: AccountId,
    region: &'a Region,
}

impl About<'_> {
    /// The call as the recorder gets it. Of somebody who is not proven it says next to nothing: that is for when the
    /// upstream has taken them in.
    fn call(&self, who: &Who) -> Call {
        let what = self.what;
        let mints_credentials = what.mints_credentials;
        let class = CallClass { category: what.category, read_only: what.read_only, mints_credentials };
        let proven = who.is_proven();
        let parameters = || -> Option<RawJson> { what.request_parameters(self.request) };
        let host = self.head.headers.get(http::header::HOST).map(|host| text(host.as_bytes())).unwrap_or_default();
        let shows_key_exchange = matches!(what.event_source.as_str(), "sts.amazonaws.com" | "kms.amazonaws.com");
        let tls = self.peer.tls.as_ref().map(|tls| TlsDetails {
            tls_version: tls.version.clone(),
            cipher_suite: tls.cipher_suite.clone(),
            client_provided_host_header: host,
            key_exchange: tls.key_exchange.clone().filter(|_| shows_key_exchange),
        });
        Call {
            class,
            runs: true,
            user_identity: if proven { who.identity(self.account) } else { who::unattributed(self.account) },
            account: self.account,
            region: self.region.clone(),
            event_source: what.event_source.clone(),
            event_name: what.event_name.clone(),
            api_version: what.api_version.clone().filter(|_| what.s3().is_none() && what.signing_name != "iam"),
            source_ip_address: self.peer.ip.to_string(),
            user_agent: about_agent(self.head).filter(|_| proven).map(|agent| shown_agent(agent, what)),
            request_id: self.tongue.request_id.clone(),
            request_parameters: if proven { parameters() } else { None },
            resources: what.resources(self.request, None, self.account, self.region),
            tls,
            copy_for: None,
            identity_verified: who.is_verified(),
        }
    }
}

/// As records spell it: S3 has it in brackets.
pub(super) fn shown_agent(agent: String, what: &Recognised) -> String {
    if what.s3().is_some() { format!("[{agent}]") } else { agent }
}

fn about_agent(head: &RequestHead) -> Option<String> {
    head.headers.get(http::header::USER_AGENT).map(|agent| text(agent.as_bytes()))
}

/// An operation as its API names it.
fn operation(what: &Recognised) -> String {
    match (what.s3(), what.model()) {
        (Some(call), _) => call.operation.to_owned(),
        (None, Some((_, operation))) => operation.name.to_string(),
        (None, None) => what.event_name.clone(),
    }
}

fn unchecked(read: Read, length: Option<u64>) -> Body {
    match read {
        Read::Whole(bytes) => Body::Whole(bytes),
        Read::Longer(read, rest) => {
            let pieces = if read.is_empty() { rest } else { body::rejoined(read, rest) };
            Body::Passing { length, pieces, check: Check::Nothing }
        }
    }
}

/// Whether the body is compressed. Framing is not compression.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(http::header::CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| !matches!(coding.trim(), "" | "identity" | "aws-chunked"))
}

fn not_allowed(principal: &Principal, service: &str, operation: &str, tongue: &Tongue) -> Fault {
    let message = format!(
        "User: {} is not authorized to perform: {service}:{operation} because no entry of upstream.allow allows it",
        principal.arn()
    );
    match tongue.protocol {
        opentrail_protocol::Protocol::AwsJson1_0 | opentrail_protocol::Protocol::AwsJson1_1 => {
            Fault::client("AccessDeniedException", message)
        }
        opentrail_protocol::Protocol::RestJson => Fault::new("AccessDeniedException", 403, message),
        _ => Fault::new("AccessDenied", 403, message),
    }
}

/// The call as its sender made it, signature and all.
fn as_it_came(head: &RequestHead, signed: &[String], body: Body, passed: &Passed) -> UpstreamCall {
    let mut headers = without_hop_by_hop(&head.headers, signed);
    // Its waiting for us is over once we read on; whether it waited is part of the signature only where somebody made it so.
    if !signed.iter().any(|name| name == "expect") {
        headers.remove(http::header::EXPECT);
    }
    UpstreamCall {
        method: head.method.clone(),
        target: target(&head.raw_path, &head.raw_query),
        headers,
        body: outgoing(body, passed),
    }
}

pub(super) fn target(raw_path: &str, raw_query: &str) -> String {
    let path = if raw_path.is_empty() { "/" } else { raw_path };
    if raw_query.is_empty() { path.to_owned() } else { format!("{path}?{raw_query}") }
}

fn outgoing(body: Body, passed: &Passed) -> UpstreamBody {
    match body {
        Body::Whole(bytes) => UpstreamBody::Whole(bytes),
        Body::Passing { length, pieces, check } => {
            UpstreamBody::Stream { length, bytes: body::checked(pieces, check, passed.clone(), false) }
        }
    }
}

/// Headers as they go on: those about the connection are left out, and those that Connection names, unless they are signed.
pub(super) fn without_hop_by_hop(headers: &HeaderMap, signed: &[String]) -> HeaderMap {
    let mut out = headers.clone();
    let named = headers.get_all(http::header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> =
        named.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect();
    for name in named.iter().filter(|name| !signed.contains(name) && *name != "host") {
        if let Ok(name) = HeaderName::try_from(name.as_str()) {
            out.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        out.remove(name);
    }
    out
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_about_the_connection_stays_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "h"),
            ("connection", "close, X-Odd, x-amz-date, host"),
            ("x-odd", "1"),
            ("x-amz-date", "2"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("x-kept", "3"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let out = without_hop_by_hop(&headers, &["host".into(), "x-amz-date".into()]);
        let mut names: Vec<&str> = out.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["host", "x-amz-date", "x-kept"]);
    }

    #[test]
    fn framing_is_not_compression() {
        let encoded = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-encoding", HeaderValue::from_static(value));
            is_encoded(&headers)
        };
        assert!(encoded("gzip") && encoded("aws-chunked, br") && !encoded("aws-chunked") && !encoded("identity"));
    }
}
