//! A call on its way: its sender looked for, what it is understood, its intent made durable, and its answer waited for.

use std::sync::Arc;

use opentrail_delivery::UpstreamPlace;
use opentrail_event::Region;
use opentrail_journal::{Call, Outcome};
use opentrail_policy::Principal;
use opentrail_protocol::Protocol;
use opentrail_protocol::atlas::{Head, Recognised, Scope};

use super::about::{About, about_agent, operation};
use super::body::Passed;
use super::close::Passing;
use super::coding;
use super::guests::Guest;
use super::onto::as_it_came;
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
        let sender = self.sender(claimed, &head, pieces, reading).await?;
        let whole = match &sender.body {
            Body::Whole(bytes) => Some(bytes.clone()),
            Body::Passing { .. } => None,
        };
        let bytes_max = passage.settings.body_bytes_max;
        let readable = whole.as_ref().and_then(|bytes| coding::plain(&head.headers, bytes, bytes_max));
        if let (false, Some(bytes)) = (what.is_known(), &readable) {
            what = passage.atlas.recognise(&asked.head(), bytes);
        }
        let request = what.read_request(&asked.head(), readable.as_deref());
        let operation = operation(&what);
        let Sender { who, soon, account, region, signed, payload, presigned, body } = sender;
        metrics::counter!("opentrail_door_passed_calls_total", "service" => what.event_source.clone()).increment(1);

        let about =
            About { peer, head: &head, tongue: &tongue, what: &what, request: &request, account, region: &region };
        let call = about.call(&who, &service, &operation);
        if let Some(signing) = &passage.settings.signing {
            let Who::Proven { principal, .. } = &who else {
                let bytes_max = bytes_max as u64;
                let bytes = declared_length(&head.headers).unwrap_or(bytes_max);
                let trouble = BodyTrouble::TooLarge { bytes, bytes_max };
                return Err(Stop::Stranger(errors::body::fault(&trouble, tongue.protocol)));
            };
            let names = [principal.arn(), principal.entity_arn()];
            // What nobody here knows, or what says in two ways what it is, may be anything.
            let is_clear = what.is_known() && !names_two_operations(&what, &head, readable.as_deref());
            if !is_clear || !signing.allows(&[names[0].as_str(), names[1].as_str()], &service, &operation) {
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
        let endpoint_prefix =
            if what.endpoint_prefix.is_empty() { service.clone() } else { what.endpoint_prefix.clone() };
        let place = UpstreamPlace { endpoint_prefix, region: region.to_string() };
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
            _guest: guest,
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
            None => Err(Stop::Told(errors::throttled(tongue.protocol))),
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

/// Whether a form's action is not the only word on what is to be done: another parser could heed the other.
fn names_two_operations(what: &Recognised, head: &RequestHead, body: Option<&[u8]>) -> bool {
    let is_action = |pair: &&[u8]| {
        let name = pair.split(|&b| b == b'=').next().unwrap_or_default();
        percent_encoding::percent_decode(name).eq(b"Action".iter().copied())
    };
    let actions = |text: &[u8]| text.split(|&b| b == b'&').filter(is_action).count();
    let in_query = actions(head.raw_query.as_bytes());
    match what.protocol {
        Protocol::Query | Protocol::Ec2Query => {
            in_query + actions(body.unwrap_or_default()) != 1 || head.headers.contains_key("x-amz-target")
        }
        Protocol::AwsJson1_0 | Protocol::AwsJson1_1 | Protocol::RpcV2Cbor => in_query > 0,
        Protocol::RestJson | Protocol::RestXml => false,
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

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};
    use opentrail_protocol::atlas::Atlas;

    use super::*;

    #[test]
    fn an_operation_is_named_once() {
        let region = Region::us_east_1();
        let check = |query: &str, target: Option<&'static str>, body: &str, expect: bool| {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
            headers
                .extend(target.map(|t| (http::HeaderName::from_static("x-amz-target"), HeaderValue::from_static(t))));
            let head = RequestHead { method: Method::POST, raw_path: "/".into(), raw_query: query.into(), headers };
            let asked = Asked { head: &head, service: "iam", region: &region, own_hosts: &[] };
            let what = Atlas::builtin().recognise(&asked.head(), body.as_bytes());
            let clear = what.is_known() && !names_two_operations(&what, &head, Some(body.as_bytes()));
            assert_eq!(clear, expect, "{query} {target:?} {body}");
        };
        check("", None, "Action=ListUsers&Version=2010-05-08", true);
        check("Action=ListUsers&Version=2010-05-08", None, "", true);
        check("Action=ListUsers", None, "Action=CreateAccessKey&Version=2010-05-08", false);
        check("", None, "Action=ListUsers&%41ction=CreateAccessKey&Version=2010-05-08", false);
        check("", Some("Any.ListUsers"), "Action=CreateAccessKey&Version=2010-05-08", false);
        check("", None, "Action=NoSuchThing&Version=2010-05-08", false);
    }
}
