//! A proven caller's call: understood, decided, announced to the recorder, run, recorded, and only then answered.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use http::Method;
use opentrail_event::{AccountId, Owner, RawJson, RecordResource, Region};
use opentrail_journal::{Call, Outcome};
use opentrail_policy::{Decision, Question};
use opentrail_protocol::Protocol;

use super::body::{self, Checked};
use super::life::{Hall, Held};
use super::reply::Reply;
use super::transfer::Transfer;
use crate::errors::body::BodyTrouble;
use crate::errors::{self, Tongue};
use crate::{Announced, BodyFault, BodyRule, Cx, Fault, Rejected, RequestBody, RequestHead, Service};

/// Longer parameters of a call that does not run are left out of its record: who may do nothing at all could fill the
/// journal with them else.
const REFUSED_PARAMETERS_BYTES_MAX: usize = 4 * 1024;

/// A call whose caller is proven.
pub(crate) struct ProvenCall {
    pub cx: Cx,
    pub head: RequestHead,
    pub body: Held,
    /// What the call carries has proven the caller.
    pub is_borne: bool,
    /// Bytes of the body that came over the wire so far.
    pub wire_bytes: Arc<AtomicU64>,
    pub service: Arc<dyn Service>,
    pub tongue: Tongue,
}

/// What keeps a call from running that was understood.
struct Stopped {
    fault: Fault,
    /// The decider did not allow it: whether by a statement of the policy of what is touched. `None` where nobody could decide.
    denied: Option<bool>,
}

/// What is needed of a call while it runs.
struct Underway {
    cx: Cx,
    head: RequestHead,
    service: Arc<dyn Service>,
    tongue: Tongue,
    wire_bytes: Arc<AtomicU64>,
}

impl ProvenCall {
    /// To its end.
    pub(crate) async fn run(self, hall: &Hall) -> Reply {
        let Self { cx, mut head, body, is_borne, wire_bytes, service, tongue } = self;
        let protocol = service.protocol();
        let rule = service.body_rule(&head);
        let body = match take_body(body, &mut head, rule, protocol).await {
            Ok(body) => body,
            Err(trouble) => {
                metrics::counter!("opentrail_door_unusable_bodies_total").increment(1);
                let fault = errors::body::fault(&trouble, protocol);
                return Underway { cx, head, service, tongue, wire_bytes }.without_body(hall, fault).await;
            }
        };
        let underway = Underway { cx, head, service, tongue, wire_bytes };
        match (is_borne, &body) {
            (false, RequestBody::Whole(bytes)) if underway.service.may_bear(&underway.head) => {
                let bytes = bytes.clone();
                underway.look_for_bearer(hall, bytes).await
            }
            _ => underway.announce(hall, body).await,
        }
    }
}

/// The body as the service wants it.
async fn take_body(
    held: Held,
    head: &mut RequestHead,
    rule: BodyRule,
    protocol: Protocol,
) -> Result<RequestBody, BodyTrouble> {
    let bytes_max = match rule {
        BodyRule::Whole { bytes_max } => bytes_max as u64,
        BodyRule::Stream { bytes_max } => bytes_max,
    };
    let Checked { length, pieces, trailers } = match held {
        Held::Whole(bytes) => return Ok(RequestBody::Whole(bytes)),
        Held::Coming { pieces, payload, chain } => body::checked(pieces, &payload, &chain, &head.headers, bytes_max)?,
    };
    match rule {
        BodyRule::Whole { .. } => {
            let bytes = body::whole(pieces).await?;
            // A whole body's trailing headers come in time to stand among the others.
            let trailing = trailers.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            for (name, value) in trailing.into_iter().flatten() {
                if let Some(name) = name {
                    head.headers.insert(name, value);
                }
            }
            Ok(RequestBody::Whole(bytes))
        }
        BodyRule::Stream { .. } => {
            let in_words = move |item: Result<Bytes, BodyTrouble>| {
                item.map_err(|trouble| BodyFault(errors::body::fault(&trouble, protocol)))
            };
            Ok(RequestBody::Stream { length, bytes: pieces.map(in_words).boxed(), trailers })
        }
    }
}

impl Underway {
    /// The body is too large, broken off, or not what was signed: recorded where the head alone says which operation it
    /// was for.
    async fn without_body(self, hall: &Hall, fault: Fault) -> Reply {
        let announced = AssertUnwindSafe(self.service.announce(&self.cx, &self.head, None)).catch_unwind().await;
        match announced {
            Ok(Ok(announced)) => self.record_refusal(hall, announced, fault, None).await,
            Ok(Err(Rejected { known: Some(announced), .. })) => {
                self.record_refusal(hall, *announced, fault, None).await
            }
            Ok(Err(Rejected { known: None, .. })) => {
                metrics::counter!("opentrail_door_unknown_calls_total").increment(1);
                Reply::fault(&fault, &self.tongue)
            }
            Err(_) => self.announce_panicked(),
        }
    }

    fn announce_panicked(&self) -> Reply {
        let (request_id, service) = (&self.cx.request_id, self.service.signing_name());
        tracing::error!(request_id, service, "announce panicked");
        Reply::fault(&errors::internal(self.tongue.protocol), &self.tongue)
    }

    /// A signed call whose proof is nevertheless within it is its holder's. Where it proves nobody, the signer tried.
    async fn look_for_bearer(mut self, hall: &Hall, body: Bytes) -> Reply {
        match AssertUnwindSafe(self.service.bearer(&self.head, &body)).catch_unwind().await {
            Ok(None) => {}
            Ok(Some(Ok(principal))) => self.cx.principal = Arc::new(principal),
            Ok(Some(Err(fault))) => {
                let announced = AssertUnwindSafe(self.service.announce(&self.cx, &self.head, Some(&body)));
                return match announced.catch_unwind().await {
                    Ok(Ok(announced)) => self.record_refusal(hall, announced, fault, None).await,
                    Ok(Err(Rejected { known: Some(announced), .. })) => {
                        self.record_refusal(hall, *announced, fault, None).await
                    }
                    Ok(Err(Rejected { known: None, .. })) => Reply::fault(&fault, &self.tongue),
                    Err(_) => self.announce_panicked(),
                };
            }
            Err(_) => return self.announce_panicked(),
        }
        self.announce(hall, RequestBody::Whole(body)).await
    }

    async fn announce(self, hall: &Hall, body: RequestBody) -> Reply {
        let region = if self.service.global() { Region::us_east_1() } else { self.cx.region.clone() };
        hall.used(&self.cx.principal, self.service.signing_name(), region.as_str()).await;
        let whole = match &body {
            RequestBody::Whole(bytes) => Some(bytes),
            RequestBody::Stream { .. } => None,
        };
        let announced = AssertUnwindSafe(self.service.announce(&self.cx, &self.head, whole)).catch_unwind().await;
        match announced {
            Ok(Ok(mut announced)) => match self.decide(hall, &mut announced).await {
                Ok(()) => self.perform(hall, announced, body).await,
                Err(stopped) => self.record_refusal(hall, announced, stopped.fault, stopped.denied).await,
            },
            Ok(Err(Rejected { fault, known: Some(mut announced) })) => {
                // S3 tells anybody that a bucket is not there; elsewhere who may not learns nothing else.
                let asks_first = self.tongue.protocol != Protocol::RestXml;
                match if asks_first { self.decide(hall, &mut announced).await } else { Ok(()) } {
                    Ok(()) => self.record_refusal(hall, *announced, fault, None).await,
                    Err(stopped) => self.record_refusal(hall, *announced, stopped.fault, stopped.denied).await,
                }
            }
            Ok(Err(Rejected { fault, known: None })) => {
                metrics::counter!("opentrail_door_unknown_calls_total").increment(1);
                Reply::fault(&fault, &self.tongue)
            }
            Err(_) => self.announce_panicked(),
        }
    }

    /// `announced` is not changed: a shared reference to it could not cross an await, since a service's input need not be
    /// `Sync`.
    async fn decide(&self, hall: &Hall, announced: &mut Announced) -> Result<(), Stopped> {
        if announced.open {
            return Ok(());
        }
        let mut context = self.cx.context();
        if self.service.global() {
            context.set("aws:RequestedRegion", Region::us_east_1().as_str());
        }
        context.set("aws:ResourceAccount", announced.owner.unwrap_or(self.cx.account()).as_str());
        if let Some(referer) = self.head.headers.get(http::header::REFERER) {
            context.set("aws:Referer", String::from_utf8_lossy(referer.as_bytes()));
        }
        context.merge(std::mem::take(&mut announced.context));
        let question = Question {
            principal: &self.cx.principal,
            action: &announced.action,
            resources: &announced.arns,
            resource_account: announced.owner,
            policy: announced.policy.as_deref(),
            kind: announced.kind,
            context: &context,
        };
        let shown = announced.shown.as_deref().or(announced.arns.first().map(|arn| arn.as_str()));
        self.allowed(hall.decide.decide(question).await, &announced.action, shown, announced.owner)?;
        for need in std::mem::take(&mut announced.also) {
            let mut context = context.clone();
            context.set("aws:ResourceAccount", need.owner.unwrap_or(self.cx.account()).as_str());
            context.merge(need.context);
            let question = Question {
                principal: &self.cx.principal,
                action: &need.action,
                resources: &need.arns,
                resource_account: need.owner,
                policy: need.policy.as_deref(),
                kind: need.kind,
                context: &context,
            };
            let shown = need.arns.first().map(|arn| arn.as_str());
            self.allowed(hall.decide.decide(question).await, &need.action, shown, need.owner)?;
        }
        Ok(())
    }

    /// What follows from a decision. `shown`: what is touched, as a denial names it.
    fn allowed(
        &self,
        decision: Decision,
        action: &str,
        shown: Option<&str>,
        owner: Option<AccountId>,
    ) -> Result<(), Stopped> {
        match decision {
            Decision::Allow => Ok(()),
            Decision::Deny { because, explicit } => {
                Err(Stopped { fault: self.denial(action, shown, owner, &because), denied: Some(explicit) })
            }
            Decision::Unavailable { why } => {
                tracing::error!(request_id = self.cx.request_id, action, why, "decide");
                metrics::counter!("opentrail_door_undecided_total").increment(1);
                Err(Stopped { fault: errors::undecided(self.tongue.protocol), denied: None })
            }
        }
    }

    /// `shown`: what is touched, as the answer names it.
    fn denial(&self, action: &str, shown: Option<&str>, owner: Option<AccountId>, because: &str) -> Fault {
        let protocol = self.tongue.protocol;
        if self.cx.principal.is_foreign() {
            return Fault::new("AccessDenied", 403, format!("Not authorized to perform {action}"));
        }
        let foreign = owner.is_some_and(|owner| owner != self.cx.account());
        if protocol == Protocol::RestXml && foreign {
            return Fault::new("AccessDenied", 403, "Access Denied");
        }
        let mut message = format!("User: {} is not authorized to perform: {action}", self.cx.principal.arn());
        match shown {
            Some(shown) if protocol == Protocol::RestXml => message.push_str(&format!(" on resource: \"{shown}\"")),
            Some(shown) => message.push_str(&format!(" on resource: {shown}")),
            None => {}
        }
        // STS never says why (`spec/policy.md` 5).
        if self.service.signing_name() != "sts" {
            message.push(' ');
            message.push_str(because);
        }
        match protocol {
            Protocol::AwsJson1_0 | Protocol::AwsJson1_1 => Fault::client("AccessDeniedException", message),
            Protocol::RestJson => Fault::new("AccessDeniedException", 403, message),
            _ => Fault::new("AccessDenied", 403, message),
        }
    }

    /// The other account whose policy has spoken about the caller, and which therefore reads of the call as well
    /// (`spec/recorded.md` 11). Where no policy spoke it does not: a stranger would fill another's history.
    fn spoken_for(&self, announced: &Announced) -> Option<AccountId> {
        let owner = announced.owner.filter(|owner| *owner != self.cx.account());
        owner.filter(|_| announced.policy.is_some())
    }

    /// The call as the recorder gets it.
    fn call(&self, announced: &Announced, runs: bool, copy_for: Option<AccountId>) -> Call {
        let s3 = self.tongue.protocol == Protocol::RestXml;
        let user_agent = self.cx.user_agent.clone().map(|agent| if s3 { format!("[{agent}]") } else { agent });
        Call {
            class: announced.class,
            runs,
            user_identity: self.cx.principal.user_identity(),
            account: self.cx.account(),
            region: if self.service.global() { Region::us_east_1() } else { self.cx.region.clone() },
            event_source: self.service.event_source().to_owned(),
            event_name: announced.event_name.clone(),
            api_version: self.service.api_version().map(str::to_owned),
            source_ip_address: self.cx.source_ip.to_string(),
            user_agent,
            request_id: self.cx.request_id.clone(),
            request_parameters: announced.request_parameters.clone(),
            resources: announced.resources.clone(),
            tls: self.cx.tls.clone(),
            copy_for,
            identity_verified: true,
        }
    }

    /// Records a call that does not run, and answers it. `denied`: the decider did not allow it, by a statement of the
    /// resource's policy or not.
    async fn record_refusal(&self, hall: &Hall, announced: Announced, fault: Fault, denied: Option<bool>) -> Reply {
        // Of a role that may not be assumed only the caller's account reads, whatever its trust policy says (IAM User Guide,
        // "Logging IAM and AWS STS API calls with AWS CloudTrail").
        let is_told = denied == Some(true) && self.service.signing_name() != "sts";
        let copy_for = self.spoken_for(&announced).filter(|_| is_told);
        let mut call = self.call(&announced, false, copy_for);
        // Nobody has allowed this caller anything yet.
        if call.request_parameters.as_ref().is_some_and(|p| p.as_bytes().len() > REFUSED_PARAMETERS_BYTES_MAX) {
            metrics::counter!("opentrail_door_refused_parameters_left_out_total").increment(1);
            call.request_parameters = None;
        }
        let mut outcome = Outcome {
            error_code: Some(self.service.recorded_code(&fault.code).to_owned()),
            error_message: Some(fault.message.clone()),
            hide_parameters: fault.hide_parameters,
            copy_for: copy_for.or(fault.copy_for),
            resources: shown_to(copy_for, &announced),
            ..Outcome::default()
        };
        // S3 shows what was asked for; the others hide it from whoever was denied (`spec/recorded.md` 10).
        if denied.is_some() && self.tongue.protocol != Protocol::RestXml {
            outcome.error_code = Some("AccessDenied".into());
            call.api_version = None;
            // What the holder of a foreign token asked for is shown.
            if !self.cx.principal.is_foreign() {
                outcome.hide_parameters = true;
                call.resources.clear();
            }
        }
        // Why it was denied stands in its answer alone, as real records have it.
        if self.cx.principal.is_foreign() && fault.code == "AccessDenied" {
            outcome.error_message = Some("An unknown error occurred".into());
        }
        let ticket = match hall.capture.begin(call).await {
            Ok(ticket) => ticket,
            Err(refused) => return self.not_recorded("begin recording", &refused),
        };
        let reply = Reply::fault(&fault, &self.tongue);
        outcome.additional_event_data = self.additional(hall, &reply, None);
        match hall.capture.finish(ticket, outcome).await {
            Ok(_) => reply,
            Err(refused) => self.not_recorded("record", &refused),
        }
    }

    /// Intent, run, record, answer.
    async fn perform(&self, hall: &Hall, mut announced: Announced, body: RequestBody) -> Reply {
        let spoken_for = self.spoken_for(&announced);
        let ticket = match hall.capture.begin(self.call(&announced, true, spoken_for)).await {
            Ok(ticket) => ticket,
            Err(refused) => return self.not_recorded("begin recording", &refused),
        };
        let ran = AssertUnwindSafe(self.service.run(&self.cx, &self.head, &mut announced, body)).catch_unwind().await;
        let result = ran.unwrap_or_else(|_| {
            let (request_id, operation) = (&self.cx.request_id, &announced.operation);
            tracing::error!(request_id, operation, service = self.service.signing_name(), "call panicked");
            metrics::counter!("opentrail_door_panics_total").increment(1);
            Err(errors::internal(self.tongue.protocol))
        });
        let (reply, outcome) = match result {
            Ok(mut answer) => {
                let copy_for = answer.copy_for.or(spoken_for);
                let outcome = Outcome {
                    response_elements: answer.response_elements.take(),
                    resources: answer.resources.take().or_else(|| shown_to(spoken_for, &announced)),
                    copy_for,
                    ..Outcome::default()
                };
                let extra = answer.additional_event_data.take();
                let reply = Reply::answer(answer);
                let additional_event_data = self.additional(hall, &reply, extra);
                (reply, Outcome { additional_event_data, ..outcome })
            }
            Err(fault) => {
                let reply = Reply::fault(&fault, &self.tongue);
                let outcome = Outcome {
                    error_code: Some(self.service.recorded_code(&fault.code).to_owned()),
                    error_message: Some(fault.message.clone()),
                    hide_parameters: fault.hide_parameters,
                    additional_event_data: self.additional(hall, &reply, None),
                    copy_for: spoken_for.or(fault.copy_for),
                    resources: shown_to(spoken_for, &announced),
                    ..Outcome::default()
                };
                (reply, outcome)
            }
        };
        match hall.capture.finish(ticket, outcome).await {
            Ok(_) => reply,
            // It happened, and its record is not safe: the caller must not build on it.
            Err(refused) => self.not_recorded("record", &refused),
        }
    }

    fn not_recorded(&self, what: &'static str, refused: &opentrail_journal::Refused) -> Reply {
        tracing::error!(request_id = self.cx.request_id, error = %refused, what, "a call cannot be recorded");
        metrics::counter!("opentrail_door_unrecordable_total").increment(1);
        let why = "The call cannot be recorded just now, and so is not answered. Please try again.";
        Reply::fault(&errors::unavailable(self.tongue.protocol, why), &self.tongue)
    }

    /// What records of S3 say about the transfer (`spec/s3.md` 16), with what the service adds in the middle.
    fn additional(&self, hall: &Hall, reply: &Reply, extra: Option<RawJson>) -> Option<RawJson> {
        if self.tongue.protocol != Protocol::RestXml {
            return extra;
        }
        let transfer = Transfer {
            cipher_suite: self.cx.tls.as_ref().map(|tls| tls.cipher_suite.as_str()),
            bytes_in: self.wire_bytes.load(Ordering::Relaxed),
            members: extra.as_ref().map_or(&b""[..], |extra| members(extra.as_bytes())),
            presigned: self.cx.presigned,
            id_2: &self.tongue.host_id,
            bytes_out: reply.body_bytes(self.head.method == Method::HEAD),
            status: reply.status,
            start_ms: self.cx.received_at.as_millisecond(),
            end_ms: hall.world.now().as_millisecond(),
        };
        Some(transfer.written())
    }
}

/// A call's resources as an account reads of them that owns them: capture hides them from the caller again where need be.
fn shown_to(owner: Option<AccountId>, announced: &Announced) -> Option<Vec<RecordResource>> {
    let owner = owner?;
    let mut resources = announced.resources.clone();
    for resource in resources.iter_mut().filter(|resource| resource.owner == Owner::Hidden) {
        resource.owner = Owner::Account(owner);
    }
    Some(resources)
}

/// What stands between the braces of an object.
fn members(object: &[u8]) -> &[u8] {
    let trimmed = object.trim_ascii();
    trimmed.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or_default().trim_ascii()
}
