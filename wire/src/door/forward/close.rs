//! The record of a call that went on: what became of it, who it was in the end, and what its answer says.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use jiff::Timestamp;
use opentrail_delivery::UpstreamError;
use opentrail_event::{AccountId, RawJson, write_text};
use opentrail_journal::{Call, Outcome, Ticket};
use opentrail_protocol::atlas::{Failure, Recognised, Request};
use tokio::sync::mpsc;

use super::Stop;
use super::about::shown_agent;
use super::body::{Passed, Trouble};
use super::coding;
use super::guests::Guest;
use super::who::{Taken, Who, taken, unattributed};
use crate::door::life::Hall;
use crate::door::transfer::Transfer;
use crate::errors::{self, Tongue};
use crate::{Fault, OnFailure, Passage};

/// A call that went on, until its record is made.
pub(super) struct Passing {
    pub(super) hall: Arc<Hall>,
    pub(super) passage: Arc<Passage>,
    /// `None` where nothing could be recorded and calls go on all the same.
    pub(super) ticket: Option<Ticket>,
    /// An intent that another record has taken the place of.
    pub(super) given_up: Option<Ticket>,
    pub(super) who: Who,
    /// Who it is if the body proves it.
    pub(super) soon: Option<Who>,
    pub(super) account: AccountId,
    /// In the scope of the signature.
    pub(super) service: String,
    /// As the API names it.
    pub(super) operation: String,
    pub(super) what: Recognised,
    pub(super) request: Request,
    /// As the record will show them.
    pub(super) parameters: Option<RawJson>,
    pub(super) user_agent: Option<String>,
    pub(super) tongue: Tongue,
    pub(super) cipher_suite: Option<String>,
    /// Bytes of the request's body that came.
    pub(super) wire_bytes: Arc<AtomicU64>,
    pub(super) passed: Passed,
    pub(super) presigned: bool,
    pub(super) head_only: bool,
    pub(super) received_at: Timestamp,
    pub(super) ip: IpAddr,
    /// Its place, until the record is made.
    pub(super) guest: Option<Guest>,
    /// A stop waits for it.
    pub(super) _alive: mpsc::Sender<Infallible>,
}

/// How a call ended.
pub(super) struct End<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    /// Where all of it is here.
    pub(super) body: Option<&'a [u8]>,
    /// Bytes of the answer's body that went to the client, or will.
    pub(super) bytes_out: u64,
    /// Why the client has no answer of the upstream's, or not all of it.
    pub(super) broken: Option<Broken>,
    /// The client did not wait for the end.
    pub(super) client_gone: bool,
}

/// Why there is no answer, or no more of it.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) fault: Fault,
    /// The upstream's part in it.
    pub(super) upstream: Option<UpstreamError>,
}

impl Broken {
    pub(super) fn by_upstream(error: UpstreamError) -> Self {
        let (code, status) = match error {
            UpstreamError::Late { .. } => ("GatewayTimeout", 504),
            UpstreamError::Unreachable(_) | UpstreamError::Broken(_) => ("BadGateway", 502),
        };
        Self { fault: Fault::new(code, status, error.to_string()), upstream: Some(error) }
    }
}

impl Passing {
    /// What became of the request's body where it did not go on as it should have: that is why there is no answer.
    pub(super) fn troubled(&self) -> Option<Broken> {
        let fault = match self.passed.trouble()? {
            Trouble::Body(trouble) => errors::body::fault(&trouble, self.tongue.protocol),
            Trouble::Sender(refusal) => errors::auth::fault(&refusal, self.tongue.protocol),
        };
        Some(Broken { fault, upstream: None })
    }

    /// Records a call that has no answer, and says what its client is told.
    pub(super) async fn fail(self, fault: Fault, upstream: Option<UpstreamError>) -> Stop {
        let stranger = matches!(self.passed.trouble(), Some(Trouble::Sender(_)));
        let headers = HeaderMap::new();
        let bytes_out = errors::write(&fault, &self.tongue).body.len() as u64;
        let broken = Some(Broken { fault: fault.clone(), upstream });
        let end = End { status: fault.status, headers: &headers, body: None, bytes_out, broken, client_gone: false };
        match self.close(end).await {
            Ok(()) if stranger => Stop::Stranger(fault),
            Ok(()) => Stop::Told(fault),
            Err(stop) => stop,
        }
    }

    /// Makes the record. When this returns well it is durable, or there is none to be.
    ///
    /// # Errors
    /// It is not: the client must not get the end of its answer.
    pub(super) async fn close(mut self, end: End<'_>) -> Result<(), Stop> {
        if self.passed.is_proven()
            && let Some(soon) = self.soon.take()
        {
            self.who = soon;
        }
        let bytes_max = self.passage.settings.body_bytes_max;
        let readable = end.body.and_then(|body| coding::plain(end.headers, body, bytes_max));
        let readable = readable.as_deref();
        let failure =
            (end.status >= 300 && end.broken.is_none()).then(|| failure(&self.what, end.status, end.headers, readable));
        let taken = match (&self.who, &end.broken) {
            (Who::Proven { .. }, _) => Taken::In,
            (_, Some(broken)) => self.untold(broken, end.status),
            (who, None) => {
                let said = failure.as_ref().and_then(|failure| failure.said.as_deref());
                taken(end.status, said, matches!(who, Who::Anonymous))
            }
        };
        if taken != Taken::In && end.broken.is_none() {
            self.count_stranger();
        }
        match taken {
            Taken::In => {}
            Taken::Out => return self.turned_away().await,
            // Nobody is named, and nothing was changed: there is nothing to tell.
            Taken::Unclear if self.ticket.as_ref().is_none_or(|ticket| !ticket.call.needs_intent()) => {
                metrics::counter!("opentrail_door_unattributed_reads_total").increment(1);
                return Ok(());
            }
            Taken::Unclear => self.disown().await,
        }
        let answer = (end.status < 300 && end.broken.is_none())
            .then(|| self.what.read_answer(end.status, end.headers, readable));
        if let Some(answer) = &answer {
            self.learn(answer).await;
        }
        let additional_event_data = self.additional(&end);
        let Some(mut ticket) = self.ticket.take() else {
            self.hall.capture.missed(self.account);
            return Ok(());
        };
        if !self.who.is_proven() {
            let call = &mut ticket.call;
            if taken == Taken::In {
                call.user_identity = self.who.identity(self.account);
                call.request_parameters = self.parameters.take();
            }
            call.user_agent = self.user_agent.take().map(|agent| shown_agent(agent, &self.what));
        } else if !ticket.call.identity_verified {
            ticket.call.identity_verified = self.who.is_verified();
            ticket.call.user_identity = self.who.identity(self.account);
            ticket.call.user_agent = self.user_agent.take().map(|agent| shown_agent(agent, &self.what));
            ticket.call.request_parameters = self.parameters.take();
        }
        if let Some(id) = request_id(end.headers) {
            ticket.call.request_id = id;
        }
        let region = ticket.call.region.clone();
        let resources = match taken {
            Taken::In => self.what.resources(&self.request, answer.as_ref(), self.account, &region),
            Taken::Out | Taken::Unclear => Vec::new(),
        };
        let mut outcome = Outcome {
            response_elements: answer.as_ref().and_then(|answer| self.what.response_elements(answer)),
            additional_event_data,
            resources: Some(resources),
            ..Outcome::default()
        };
        if let Some(broken) = &end.broken {
            outcome.error_code = Some(broken.fault.code.to_string());
            outcome.error_message = Some(broken.fault.message.clone());
        } else if let Some(failure) = failure {
            if self.what.hides_resources(&failure) {
                outcome.resources = Some(Vec::new());
            }
            if self.what.hides_parameters(&failure) {
                outcome.hide_parameters = true;
                ticket.call.api_version = None;
            }
            outcome.error_code = Some(failure.code);
            outcome.error_message = failure.message;
        }
        let refused = match self.hall.capture.finish(ticket, outcome).await {
            Ok(_) => {
                self.ticket = self.given_up.take();
                return self.turned_away().await;
            }
            Err(refused) => refused,
        };
        if self.passage.settings.on_failure == OnFailure::Pass {
            self.hall.capture.missed(self.account);
            return Ok(());
        }
        // It happened, and its record is not safe: the caller must not build on it.
        Err(self.hall.unrecordable("record", &refused, &self.tongue))
    }

    /// What an answer that is not there, or not all there, says of somebody who is not proven.
    fn untold(&self, broken: &Broken, status: u16) -> Taken {
        match &broken.upstream {
            // The head of the answer had come: the upstream had taken them in, or not.
            Some(_) if status < 400 => Taken::In,
            Some(error) if error.may_have_run() => Taken::Unclear,
            Some(_) => Taken::Out,
            None => match self.passed.trouble() {
                Some(Trouble::Sender(_)) => Taken::Out,
                _ => Taken::Unclear,
            },
        }
    }

    /// Who was not taken in is slowed down where they come too often.
    fn count_stranger(&self) {
        metrics::counter!("opentrail_door_unproven_total", "code" => "Upstream").increment(1);
        let reception = self.hall.strangers.receive(self.ip, self.hall.world.monotonic());
        if let Some(requests) = reception.log {
            tracing::info!(requests, "requests that proved nobody since the last such line");
        }
    }

    /// Nobody knows whether it was the claimed key's owner: it is no business of that account's, and the record goes to the
    /// account of those of whom nothing is known. The intent, which is found by its account, gives way to it.
    async fn disown(&mut self) {
        let theirs = self.passage.settings.account;
        if self.account == theirs {
            return;
        }
        let Some(intent) = self.ticket.take() else {
            self.account = theirs;
            return;
        };
        let call = Call {
            runs: false,
            account: theirs,
            user_identity: unattributed(theirs),
            resources: Vec::new(),
            ..intent.call.clone()
        };
        match self.hall.capture.begin(call).await {
            Ok(ticket) => {
                self.ticket = Some(ticket);
                self.account = theirs;
                self.given_up = Some(intent);
            }
            Err(error) => {
                // The intent's own record stands for it, and names nobody either.
                tracing::warn!(request_id = self.tongue.request_id, %error, "record a call of nobody known");
                self.ticket = Some(intent);
            }
        }
    }

    /// The upstream does not know them.
    async fn turned_away(&mut self) -> Result<(), Stop> {
        let Some(ticket) = self.ticket.take() else { return Ok(()) };
        if let Err(error) = self.hall.capture.withdraw(ticket).await {
            // It is tried again; until then the record that stands for it names nobody.
            tracing::warn!(request_id = self.tongue.request_id, %error, "withdraw an announcement");
        }
        Ok(())
    }

    /// What the record says beside: of S3 about the transfer, of all about what went wrong.
    fn additional(&self, end: &End<'_>) -> Option<RawJson> {
        let mut extra = Vec::new();
        let mut member = |name: &str, write: &dyn Fn(&mut Vec<u8>)| {
            if !extra.is_empty() {
                extra.push(b',');
            }
            write_text(&mut extra, name);
            extra.push(b':');
            write(&mut extra);
        };
        if end.client_gone {
            member("clientDisconnected", &|out| out.extend_from_slice(b"true"));
        }
        if let Some(error) = end.broken.as_ref().and_then(|broken| broken.upstream.as_ref()) {
            member("upstreamError", &|out| write_text(out, &error.to_string()));
            if error.may_have_run() && !self.what.read_only {
                member("outcome", &|out| write_text(out, "unknown"));
            }
        }
        let came = self.wire_bytes.load(Ordering::Relaxed);
        if self.what.s3().is_none() {
            // Of a body that nobody looked into, how much there was is all that can be said.
            if self.parameters.is_none() && came > self.passage.settings.body_bytes_max as u64 {
                member("bytesTransferredIn", &|out| out.extend_from_slice(came.to_string().as_bytes()));
            }
            return (!extra.is_empty()).then(|| RawJson::from_written([b"{", extra.as_slice(), b"}"].concat()));
        }
        let text = |name: &str| end.headers.get(name).and_then(|value| value.to_str().ok());
        let transfer = Transfer {
            cipher_suite: self.cipher_suite.as_deref(),
            bytes_in: came,
            members: &extra,
            presigned: self.presigned,
            id_2: text("x-amz-id-2").unwrap_or_default(),
            bytes_out: if self.head_only { 0 } else { end.bytes_out },
            status: end.status,
            start_ms: self.received_at.as_millisecond(),
            end_ms: self.hall.world.now().as_millisecond(),
        };
        Some(transfer.written())
    }
}

/// Why a call failed. Not modified is no failure to S3's records, but it has a code there.
fn failure(what: &Recognised, status: u16, headers: &HeaderMap, body: Option<&[u8]>) -> Failure {
    let mut failure = what.failure(status, headers, body);
    if status == 304 {
        failure.code = "NotModified".into();
    }
    failure
}

/// Under which id the upstream answered.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"];
    let found = names.into_iter().find_map(|name| headers.get(name))?;
    found.to_str().ok().filter(|id| !id.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstreams_failure_has_a_code_and_a_status() {
        let check = |error: UpstreamError, expect: (&str, u16)| {
            let broken = Broken::by_upstream(error);
            assert_eq!((broken.fault.code.as_ref(), broken.fault.status), expect);
        };
        check(UpstreamError::Unreachable("no".into()), ("BadGateway", 502));
        check(UpstreamError::Broken("no".into()), ("BadGateway", 502));
        check(UpstreamError::Late { what: "answer", seconds: 1 }, ("GatewayTimeout", 504));
    }
}
