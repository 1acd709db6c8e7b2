//! A call on its way: its sender looked for, what it is understood, its intent made durable, and its answer waited for.

use std::sync::Arc;

use bytes::Bytes;
use opentrail_delivery::UpstreamPlace;
use opentrail_event::Region;
use opentrail_journal::{Call, Outcome};
use opentrail_policy::Principal;
use opentrail_protocol::Protocol;
use opentrail_protocol::atlas::{Head, Scope};

use super::about::{About, about_agent, operation};
use super::body::{self, Passed};
use super::clear;
use super::close::Passing;
use super::coding;
use super::guests::Guest;
use super::onto::as_it_came;
use super::pace::{self, Pace};
use super::sender::{Body, Reading, Sender};
use super::who::{self, Claimed, Who};
use super::{Going, Leaving, Onward, Stop};
use crate::door::body::declared_length;
use crate::door::life::{Hall, seen};
use crate::door::listen::Peer;
use crate::errors::body::BodyTrouble;
use crate::errors::{self, Tongue};
use crate::{Fault, OnFailure, RequestHead};

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
        let bytes_max = passage.settings.body_bytes_max;
        let readable = whole.as_ref().and_then(|bytes| coding::plain(&head.headers, bytes, bytes_max));
        // A form names its operation in its body, and may name another one there than in the query. What is too long to be
        // read to its end says the one, but not that there is no other.
        let start = match &readable {
            Some(_) => Bytes::new(),
            None if whole.is_some() || what.is_settled_by_head() => Bytes::new(),
            None => body::begin(&mut sender.body).await,
        };
        let start = readable.as_deref().unwrap_or(&start);
        if !start.is_empty() && !what.streams_request {
            what = passage.atlas.recognise(&asked.head(), start);
        }
        let all_read = what.is_settled_by_head() || readable.is_some();
        what.read_only &= all_read;
        let request = what.read_request(&asked.head(), readable.as_deref());
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
                let bytes_max = bytes_max as u64;
                let bytes = declared_length(&head.headers).unwrap_or(bytes_max);
                let trouble = BodyTrouble::TooLarge { bytes, bytes_max };
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

fn not_allowed(principal: &Principal, service: &str, operation: &str, tongue: &Tongue) -> Fault {
    let message = format!(
        "User: {} is not authorized to perform: {service}:{operation} because no entry of upstream.allow allows it",
        principal.arn()
    );
    match tongue.protocol {
        Protocol::AwsJson1_0 | Protocol::AwsJson1_1 => Fault::client("AccessDeniedException", message),
        Protocol::RestJson => Fault::new("AccessDeniedException", 403, message),
        _ => Fault::new("AccessDenied", 403, message),
    }
}
