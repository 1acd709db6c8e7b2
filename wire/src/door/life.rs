//! The life of a request up to the point where its caller is proven, and of those that do not come so far.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use opentrail_event::{Region, TlsDetails};
use opentrail_journal::Capture;
use opentrail_policy::{Decide, Principal};
use opentrail_protocol::Protocol;
use opentrail_world::World;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::body::{self, Pieces};
use super::call::ProvenCall;
use super::forward::{self, Guests, Leaving, Read, Stop, looks_like};
use super::guard::{HEAD_BYTES_MAX, Verdict};
use super::host::{self, Hosts};
use super::listen::Peer;
use super::proxies;
use super::reply::{OutBody, Reply};
use super::shares::{Share, Shares};
use super::strangers::Strangers;
use super::{Door, DoorSettings, Pages};
use crate::errors::body::BodyTrouble;
use crate::errors::{self, Tongue};
use crate::sigv4::canonical::Seen;
use crate::sigv4::claim;
use crate::sigv4::key::{KeyCache, hex};
use crate::sigv4::query::Query;
use crate::sigv4::refusal::Refusal;
use crate::sigv4::verify::{Chain, Proven, Verifier};
use crate::sigv4::{Dialect, payload::Payload};
use crate::{BodyRule, Cx, Fault, Passage, RequestHead, Service};

/// The signing name of our own operations, and of the pages that only a signed caller sees.
const OPERATOR_SERVICE: &str = "opentrail";
/// S3's limit of a request's header section (`spec/s3.md` 2).
const S3_HEADER_BYTES_MAX: usize = 8 * 1024;

/// Parameters in a query. No operation takes nearly as many, and the proof looks at each.
const QUERY_PAIRS_MAX: usize = 256;
/// A longer query of a presigned request is not looked into for an address that proved nobody too often.
const THROTTLED_QUERY_BYTES_MAX: usize = 4 * 1024;

/// A body of at most so many bytes is read for its hash without asking for a place.
const UNPROVEN_SMALL_BYTES_MAX: u64 = 64 * 1024;
/// Larger ones that may be in memory at once: who knows a key's id, but not its secret, could fill it else.
const UNPROVEN_LARGE_BODIES_MAX: usize = 32;
/// And of one address: others need places too.
const UNPROVEN_LARGE_BODIES_PER_ADDRESS_MAX: usize = 4;
/// Of a call that is not signed: an assertion of 100,000 characters, each of which may take three, has room in it.
const BORNE_BODY_BYTES_MAX: usize = 384 * 1024;
/// How long a body may take whose sender is not proven yet.
const UNPROVEN_BODY_TIME_MAX: Duration = Duration::from_secs(60);

/// Everything behind the door.
pub(crate) struct Hall {
    pub settings: DoorSettings,
    pub world: World,
    pub decide: Arc<dyn Decide>,
    pub capture: Arc<dyn Capture>,
    services: Vec<Arc<dyn Service>>,
    pages: Arc<dyn Pages>,
    pub passage: Option<Arc<Passage>>,
    pub verifier: Verifier,
    pub strangers: Strangers,
    /// Places for calls that go on and whose sender is not known.
    pub guests: Guests,
    /// Places for large bodies whose sender is not proven yet.
    large_bodies: Semaphore,
    large_body_shares: Arc<Shares>,
    pub hosts: Hosts,
}

/// A request whose body is still to come.
struct Arrived {
    head: RequestHead,
    query: Query,
    pieces: Pieces,
    wire_bytes: Arc<AtomicU64>,
}

/// A place among those for large bodies, and the address's share of them.
type LargeBody<'a> = (Share, SemaphorePermit<'a>);

/// Why a request ends before its caller is proven.
enum End {
    Page(Reply),
    /// Counted, rate-limited, not recorded.
    Stranger(Fault),
    /// Our own trouble.
    Trouble(Fault),
}

impl Hall {
    pub(crate) fn new(door: Door) -> Self {
        let Door { settings, world, identities, decide, capture, services, pages, passage } = door;
        let verifier = Verifier { identities, regions: settings.regions.clone(), keys: KeyCache::default() };
        let hosts = Hosts::new(&settings.host_names, &settings.regions);
        let guests_max = passage.as_ref().map_or(0, |passage| passage.settings.guests_max);
        Self {
            settings,
            world,
            decide,
            capture,
            services,
            pages,
            passage: passage.map(Arc::new),
            verifier,
            strangers: Strangers::default(),
            guests: Guests::new(guests_max),
            large_bodies: Semaphore::new(UNPROVEN_LARGE_BODIES_MAX),
            large_body_shares: Shares::new(UNPROVEN_LARGE_BODIES_PER_ADDRESS_MAX),
            hosts,
        }
    }

    /// Tells whoever keeps keys that a caller used one.
    pub(crate) async fn used(&self, principal: &Principal, service: &str, region: &str) {
        self.verifier.identities.used(principal, service, region).await;
    }

    /// Whether we have this service at all.
    pub(crate) fn is_ours(&self, signing_name: &str) -> bool {
        signing_name == OPERATOR_SERVICE || self.service(signing_name).is_some()
    }

    fn service(&self, signing_name: &str) -> Option<&Arc<dyn Service>> {
        self.services.iter().find(|service| service.signing_name() == signing_name)
    }

    /// Answers one request.
    pub(crate) async fn receive(
        self: &Arc<Self>,
        peer: &Peer,
        verdict: Verdict,
        request: Request<Incoming>,
        alive: mpsc::Sender<Infallible>,
    ) -> Response<OutBody> {
        let (parts, incoming) = request.into_parts();
        let head = RequestHead {
            method: parts.method,
            raw_path: parts.uri.path().to_owned(),
            raw_query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
        };
        let told = proxies::sender(&self.settings.trusted_proxies, peer, &head.headers);
        let peer = told.as_ref().unwrap_or(peer);
        let verdict = with_query(verdict, &head);
        // One that is refused is not looked into.
        let clean = matches!(verdict, Verdict::Clean { .. });
        let query = if clean { Query::parse(&head.raw_query) } else { Query::default() };
        let head_only = head.method == Method::HEAD;
        let wire_bytes = Arc::new(AtomicU64::new(0));
        let idle = self.settings.body_idle_timeout;
        let pieces = body::incoming(incoming, self.world.clone(), idle, wire_bytes.clone());
        let tongue = self.tongue(&head, &query, &verdict);
        let claimed = claim::claimed_service(&seen(&head, &query));
        // Our own pages are nobody else's.
        let is_own = claimed.as_deref() == Some(OPERATOR_SERVICE) || (claimed.is_none() && is_health(&head));
        if clean
            && !is_own
            && let Some(onward) = self.onward(claimed.as_deref(), looks_like(tongue.protocol))
        {
            let leaving = Leaving { head, query, pieces, wire_bytes, tongue, alive };
            return Box::pin(self.forward(onward, peer, leaving, head_only)).await;
        }
        let refused = matches!(verdict, Verdict::Refused { .. });
        let arrived = Arrived { head, query, pieces, wire_bytes };
        let reply = match self.prove(peer, &verdict, arrived, &tongue).await {
            Ok(call) => Box::pin(call.run(self)).await,
            Err(End::Page(reply)) => reply,
            Err(End::Trouble(fault)) => Reply::fault(&fault, &tongue),
            Err(End::Stranger(fault)) => self.stranger(peer, &fault, &tongue),
        };
        reply.into_response(&tongue, self.world.now(), head_only, refused)
    }

    /// Answers a request whose own task was lost to a mistake of ours.
    pub(crate) fn lost(&self) -> Response<OutBody> {
        tracing::error!("a request's task was lost");
        metrics::counter!("opentrail_door_panics_total").increment(1);
        let protocol = Protocol::RestXml;
        let (request_id, host_id) = (self.s3_request_id(), self.s3_host_id());
        let tongue = Tongue { protocol, xml_namespace: String::new(), request_id, host_id };
        Reply::fault(&errors::internal(protocol), &tongue).into_response(&tongue, self.world.now(), false, true)
    }

    /// In which protocol and under which ids this request is answered, whatever becomes of it.
    fn tongue(&self, head: &RequestHead, query: &Query, verdict: &Verdict) -> Tongue {
        let claimed = claim::claimed_service(&seen(head, query));
        let service = match &claimed {
            Some(name) => self.service(name),
            None => self.bearing(head, query),
        };
        let (protocol, xml_namespace) = match (verdict, service) {
            (Verdict::Refused { protocol, .. }, _) => (*protocol, ""),
            (_, Some(service)) => (service.protocol(), service.xml_namespace()),
            (_, None) if self.passage.is_some() && claimed.is_some() => (self.understood(head, claimed.as_deref()), ""),
            (_, None) if claimed.as_deref() == Some(OPERATOR_SERVICE) => (Protocol::AwsJson1_1, ""),
            (_, None) => (guess_protocol(head), ""),
        };
        let (request_id, host_id) = match protocol {
            Protocol::RestXml => (self.s3_request_id(), self.s3_host_id()),
            _ => (self.uuid(), String::new()),
        };
        Tongue { protocol, xml_namespace: xml_namespace.to_owned(), request_id, host_id }
    }

    /// The service that a request without a signature may be for, since some of its calls carry their proof.
    fn bearing(&self, head: &RequestHead, query: &Query) -> Option<&Arc<dyn Service>> {
        let is_unsigned = claim::is_unsigned(&seen(head, query));
        self.services.iter().find(|service| is_unsigned && service.may_bear(head))
    }

    /// How a service speaks that is not ours.
    fn understood(&self, head: &RequestHead, service: Option<&str>) -> Protocol {
        let guess = guess_protocol(head);
        let (Some(passage), Some(service)) = (&self.passage, service) else { return guess };
        let asked = opentrail_protocol::atlas::Head {
            method: &head.method,
            host: "",
            own_hosts: &[],
            path: &head.raw_path,
            query: &head.raw_query,
            headers: &head.headers,
            scope: Some(opentrail_protocol::atlas::Scope { service, region: "us-east-1" }),
        };
        passage.atlas.recognise(&asked, b"").protocol
    }

    fn uuid(&self) -> String {
        opentrail_event::EventId::from_bytes(self.world.uuid_v4()).to_string()
    }

    /// 16 of `[0-9A-Z]`, from one draw: 36^16 is far below 2^128, so the remainders are as good as uniform.
    fn s3_request_id(&self) -> String {
        const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut n = u128::from_le_bytes(self.world.bytes());
        let mut digit = || {
            let rest = usize::try_from(n % 36).unwrap_or(0);
            n /= 36;
            char::from(DIGITS[rest])
        };
        (0..16).map(|_| digit()).collect()
    }

    /// 57 bytes are 76 characters.
    fn s3_host_id(&self) -> String {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(self.world.bytes::<57>())
    }

    /// Finds out who calls.
    async fn prove(
        &self,
        peer: &Peer,
        verdict: &Verdict,
        arrived: Arrived,
        tongue: &Tongue,
    ) -> Result<ProvenCall, End> {
        let Arrived { head, query, pieces, wire_bytes } = arrived;
        if let Some(fault) = refused_head(verdict, tongue.protocol) {
            return Err(End::Stranger(fault));
        }
        if is_health(&head) && claim::is_unsigned(&seen(&head, &query)) {
            return Err(End::Page(self.readiness()));
        }
        if is_cheaply_unproven(&head) && self.strangers.is_throttled(peer.ip, self.world.monotonic()) {
            return Err(End::Stranger(errors::throttled(tongue.protocol)));
        }
        if let Some(service) = self.bearing(&head, &query) {
            let arrived = Arrived { head, query, pieces, wire_bytes };
            return self.prove_borne(peer, service.clone(), arrived, tongue).await;
        }
        let now = self.world.now();
        let checked = self.verifier.check(&seen(&head, &query), now, |name| self.dialect(name)).await;
        let plausible = match checked {
            Ok(plausible) => plausible,
            Err(refusal) => return Err(self.refused(&refusal, tongue)),
        };
        let service = self.service(&plausible.claim.scope.service).cloned();
        let (body, proven) = if plausible.payload == Payload::FromBody {
            let rule = service.as_ref().map_or(BodyRule::Whole { bytes_max: 0 }, |service| service.body_rule(&head));
            let BodyRule::Whole { bytes_max } = rule else {
                return Err(self.refused(&Refusal::ContentHashMissing, tongue));
            };
            let body = self.unproven_body(peer, pieces, &head.headers, bytes_max, tongue).await?;
            let hash = hex(digest::digest(&digest::SHA256, &body).as_ref());
            (Arriving::Whole(body), self.verifier.prove(&seen(&head, &query), plausible, Some(&hash)))
        } else {
            (Arriving::Coming(pieces), self.verifier.prove(&seen(&head, &query), plausible, None))
        };
        let proven = match proven {
            Ok(proven) => proven,
            Err(refusal) => return Err(self.refused(&refusal, tongue)),
        };
        match service {
            Some(service) if !service.knows(&proven.credential.principal) => {
                let token = header_text(&head.headers, "x-amz-security-token").unwrap_or_default();
                Err(self.refused(&Refusal::Token(token), tongue))
            }
            Some(service) if !self.is_page(&head, &service) => {
                let Proven { credential, region, payload, presigned, chain } = proven;
                let body = match body {
                    Arriving::Whole(body) => Held::Whole(body),
                    Arriving::Coming(pieces) => Held::Coming { pieces, payload, chain },
                };
                let caller = Caller { principal: credential.principal.clone(), region, presigned, is_borne: false };
                Ok(self.proven_call(peer, head, body, wire_bytes, service, caller, tongue))
            }
            _ => Err(self.page(&head, &proven, tongue).await),
        }
    }

    /// The same for a call that is not signed: what it carries proves its caller, or nobody.
    async fn prove_borne(
        &self,
        peer: &Peer,
        service: Arc<dyn Service>,
        arrived: Arrived,
        tongue: &Tongue,
    ) -> Result<ProvenCall, End> {
        let Arrived { head, query: _, pieces, wire_bytes } = arrived;
        let body = self.unproven_body(peer, pieces, &head.headers, BORNE_BODY_BYTES_MAX, tongue).await?;
        let principal = match service.bearer(&head, &body).await {
            None => return Err(self.refused(&Refusal::Absent, tongue)),
            Some(Err(fault)) if fault.status >= 500 => return Err(End::Trouble(fault)),
            Some(Err(fault)) => return Err(End::Stranger(fault)),
            Some(Ok(principal)) => principal,
        };
        let host = header_text(&head.headers, "host").unwrap_or_default();
        let region = host::region(&host, service.signing_name(), &self.settings.regions);
        let caller = Caller { principal, region, presigned: false, is_borne: true };
        Ok(self.proven_call(peer, head, Held::Whole(body), wire_bytes, service, caller, tongue))
    }

    /// The whole of a body that is needed to prove its sender.
    async fn unproven_body(
        &self,
        peer: &Peer,
        pieces: Pieces,
        headers: &HeaderMap,
        bytes_max: usize,
        tongue: &Tongue,
    ) -> Result<Bytes, End> {
        let stranger = |trouble| End::Stranger(errors::body::fault(&trouble, tongue.protocol));
        let _place = self.large_body(peer, headers, tongue).map_err(End::Trouble)?;
        tokio::select! {
            body = body::whole_unproven(pieces, body::declared_length(headers), bytes_max) => body.map_err(stranger),
            () = self.world.sleep(UNPROVEN_BODY_TIME_MAX) => Err(stranger(BodyTrouble::Idle)),
        }
    }

    /// As much of a body as is held of a call that goes on.
    pub(crate) async fn unproven_start(
        &self,
        peer: &Peer,
        pieces: Pieces,
        headers: &HeaderMap,
        bytes_max: usize,
        tongue: &Tongue,
    ) -> Result<Read, Stop> {
        let stranger = |trouble| Stop::Stranger(errors::body::fault(&trouble, tongue.protocol));
        let _place = self.large_body(peer, headers, tongue).map_err(Stop::Told)?;
        tokio::select! {
            body = forward::read(pieces, bytes_max) => body.map_err(stranger),
            () = self.world.sleep(UNPROVEN_BODY_TIME_MAX) => Err(stranger(BodyTrouble::Idle)),
        }
    }

    /// A place for a body that is not surely small.
    fn large_body(&self, peer: &Peer, headers: &HeaderMap, tongue: &Tongue) -> Result<Option<LargeBody<'_>>, Fault> {
        let small = body::declared_length(headers).is_some_and(|bytes| bytes <= UNPROVEN_SMALL_BYTES_MAX);
        if small || is_bodiless(headers) {
            return Ok(None);
        }
        match (self.large_body_shares.take(peer.ip), self.large_bodies.try_acquire()) {
            (Some(share), Ok(place)) => Ok(Some((share, place))),
            _ => {
                let why = "Too many large requests are being read just now. Please try again.";
                Err(errors::unavailable(tongue.protocol, why))
            }
        }
    }

    fn dialect(&self, signing_name: &str) -> Option<Dialect> {
        let known = self.service(signing_name).map(|service| match service.protocol() {
            Protocol::RestXml => Dialect::S3,
            _ => Dialect::Other,
        });
        known.or_else(|| (signing_name == OPERATOR_SERVICE).then_some(Dialect::Other))
    }

    fn refused(&self, refusal: &Refusal, tongue: &Tongue) -> End {
        let fault = errors::auth::fault(refusal, tongue.protocol);
        if let Refusal::Unavailable(error) = refusal {
            tracing::error!(%error, "find access key");
            return End::Trouble(fault);
        }
        End::Stranger(fault)
    }

    /// What a stranger is told, and what is remembered of it: a number.
    pub(crate) fn stranger(&self, peer: &Peer, fault: &Fault, tongue: &Tongue) -> Reply {
        metrics::counter!("opentrail_door_unproven_total", "code" => fault.code.clone()).increment(1);
        let reception = self.strangers.receive(peer.ip, self.world.monotonic());
        if let Some(requests) = reception.log {
            tracing::info!(requests, "requests that proved nobody since the last such line");
        }
        if !reception.in_full {
            metrics::counter!("opentrail_door_throttled_total").increment(1);
            return Reply::fault(&errors::throttled(tongue.protocol), tongue);
        }
        Reply::fault(fault, tongue)
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where a call is put together")]
    fn proven_call(
        &self,
        peer: &Peer,
        mut head: RequestHead,
        body: Held,
        wire_bytes: Arc<AtomicU64>,
        service: Arc<dyn Service>,
        caller: Caller,
        tongue: &Tongue,
    ) -> ProvenCall {
        let Caller { principal, region, presigned, is_borne } = caller;
        let header = |name| {
            let value: Option<&http::HeaderValue> = head.headers.get(name);
            value.map(|v| text(v.as_bytes()))
        };
        let host_header = header(http::header::HOST).unwrap_or_default();
        let shows_key_exchange = matches!(service.event_source(), "sts.amazonaws.com" | "kms.amazonaws.com");
        let tls = peer.tls.as_ref().map(|tls| TlsDetails {
            tls_version: tls.version.clone(),
            cipher_suite: tls.cipher_suite.clone(),
            client_provided_host_header: host_header.clone(),
            key_exchange: tls.key_exchange.clone().filter(|_| shows_key_exchange),
        });
        let cx = Cx {
            principal: Arc::new(principal),
            region,
            request_id: tongue.request_id.clone(),
            received_at: self.world.now(),
            source_ip: peer.ip,
            user_agent: header(http::header::USER_AGENT),
            tls,
            presigned,
        };
        // Only now: the signature is over what the client sent.
        if service.protocol() == Protocol::RestXml
            && let Some(bucket) = self.hosts.bucket(&host_header)
        {
            head.raw_path = host::path_style(&bucket, &head.raw_path);
        }
        metrics::counter!("opentrail_door_calls_total", "service" => service.signing_name().to_owned()).increment(1);
        ProvenCall { cx, head, body, is_borne, wire_bytes, service, tongue: tongue.clone() }
    }

    fn is_page(&self, head: &RequestHead, service: &Arc<dyn Service>) -> bool {
        let page = is_health(head) || (head.method == Method::GET && head.raw_path == "/metrics");
        page && service.signing_name() == OPERATOR_SERVICE
    }

    async fn page(&self, head: &RequestHead, proven: &Proven, tongue: &Tongue) -> End {
        let caller = &proven.credential.principal;
        if is_health(head) {
            return End::Page(match caller.is_operator() {
                true => Reply::page(self.ready_status(), "application/json", self.pages.health().await),
                false => self.readiness(),
            });
        }
        if head.method == Method::GET && head.raw_path == "/metrics" {
            return End::Page(match self.pages.metrics(caller) {
                Some(text) => Reply::page(200, "text/plain; version=0.0.4", text),
                None => {
                    let message =
                        format!("User: {} is not authorized to read the metrics of this server", caller.arn());
                    Reply::fault(&Fault::new("AccessDeniedException", 403, message), tongue)
                }
            });
        }
        End::Trouble(Fault::new("UnknownOperationException", 404, "There is no such page."))
    }

    fn ready_status(&self) -> u16 {
        if self.pages.ready() { 200 } else { 503 }
    }

    fn readiness(&self) -> Reply {
        let status = self.ready_status();
        Reply::page(status, "text/plain", if status == 200 { "ready\n".into() } else { "not ready\n".into() })
    }
}

/// A body that is here already, or not yet.
#[expect(clippy::large_enum_variant, reason = "one for each call, and moved once")]
pub(crate) enum Held {
    /// It is part of what proved the caller.
    Whole(Bytes),
    /// With what the signature says of it.
    Coming { pieces: Pieces, payload: Payload, chain: Chain },
}

/// The same before anybody is proven.
enum Arriving {
    Whole(Bytes),
    Coming(Pieces),
}

/// Who calls, and how that is known.
struct Caller {
    principal: Principal,
    region: Region,
    presigned: bool,
    /// By what the call carries, and not by a signature.
    is_borne: bool,
}

pub(crate) fn seen<'a>(head: &'a RequestHead, query: &'a Query) -> Seen<'a> {
    Seen { method: head.method.as_str(), raw_path: &head.raw_path, query, headers: &head.headers }
}

/// A header's value as records spell it. One that is not UTF-8 (as where a client writes Latin-1) has every byte beyond ASCII, and
/// every percent sign, percent-encoded: nothing of it is lost.
pub(crate) fn text(value: &[u8]) -> String {
    const NOT_ASCII: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b'%');
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => percent_encoding::percent_encode(value, NOT_ASCII).to_string(),
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| text(value.as_bytes()))
}

/// Neither a length nor a framing: there is no body.
fn is_bodiless(headers: &HeaderMap) -> bool {
    !headers.contains_key(http::header::CONTENT_LENGTH) && !headers.contains_key(http::header::TRANSFER_ENCODING)
}

fn is_health(head: &RequestHead) -> bool {
    head.method == Method::GET && head.raw_path == "/health" && head.raw_query.is_empty()
}

/// Refuses what has more parameters than are looked at.
fn with_query(verdict: Verdict, head: &RequestHead) -> Verdict {
    match verdict {
        Verdict::Clean { .. } if head.raw_query.split('&').nth(QUERY_PAIRS_MAX).is_some() => {
            Verdict::Refused { status: 400, why: "The query has too many parameters.", protocol: guess_protocol(head) }
        }
        verdict => verdict,
    }
}

/// Unsigned, or presigned at a length that costs more to look into than to send.
fn is_cheaply_unproven(head: &RequestHead) -> bool {
    !head.headers.contains_key(http::header::AUTHORIZATION)
        && (!head.raw_query.contains("X-Amz-") || head.raw_query.len() > THROTTLED_QUERY_BYTES_MAX)
}

fn refused_head(verdict: &Verdict, protocol: Protocol) -> Option<Fault> {
    match verdict {
        Verdict::Refused { status, why, .. } => Some(errors::bad_request(protocol, *status, *why)),
        // Only what goes on to others may be longer.
        Verdict::Clean { header_bytes } if *header_bytes > HEAD_BYTES_MAX => {
            Some(errors::bad_request(protocol, 431, "Your request header section exceeds the maximum allowed size."))
        }
        Verdict::Clean { header_bytes } if protocol == Protocol::RestXml && *header_bytes > S3_HEADER_BYTES_MAX => {
            Some(
                Fault::client(
                    "RequestHeaderSectionTooLarge",
                    "Your request header section exceeds the maximum allowed size.",
                )
                .with("MaxSizeAllowed", S3_HEADER_BYTES_MAX.to_string()),
            )
        }
        Verdict::Clean { .. } => None,
    }
}

/// Of a request that does not say whom it is for: what it looks like.
fn guess_protocol(head: &RequestHead) -> Protocol {
    let content_type = head.headers.get(http::header::CONTENT_TYPE).map_or(&b""[..], http::HeaderValue::as_bytes);
    if content_type.starts_with(b"application/x-amz-json-1.0") {
        Protocol::AwsJson1_0
    } else if head.headers.contains_key("x-amz-target") || content_type.starts_with(b"application/x-amz-json") {
        Protocol::AwsJson1_1
    } else if content_type.starts_with(b"application/x-www-form-urlencoded") && head.method == Method::POST
        || head.raw_path == "/" && head.raw_query.split('&').any(|pair| pair.starts_with("Action="))
    {
        Protocol::Query
    } else {
        Protocol::RestXml
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn nothing_of_a_header_is_lost() {
        let check = |value: &[u8], expect: &str| assert_eq!(text(value), expect);
        check(b"aws-cli/2 50% off", "aws-cli/2 50% off");
        check("caf\u{e9}/1".as_bytes(), "caf\u{e9}/1");
        check(b"caf\xe9/1 100%", "caf%E9/1 100%25");
    }
}
