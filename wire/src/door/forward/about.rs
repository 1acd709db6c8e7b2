//! What a record says of a call before it is answered.

use opentrail_event::{AccountId, RawJson, Region, TlsDetails};
use opentrail_journal::{Call, CallClass};
use opentrail_protocol::atlas::{Recognised, Request};

use super::who::{self, Who};
use crate::RequestHead;
use crate::door::life::text;
use crate::door::listen::Peer;
use crate::errors::Tongue;

/// What a record says of a call before it is answered.
pub(super) struct About<'a> {
    pub(super) peer: &'a Peer,
    pub(super) head: &'a RequestHead,
    pub(super) tongue: &'a Tongue,
    pub(super) what: &'a Recognised,
    pub(super) request: &'a Request,
    pub(super) account: AccountId,
    pub(super) region: &'a Region,
}

impl About<'_> {
    /// The call as the recorder gets it. Of somebody who is not proven it says next to nothing: that is for when the
    /// upstream has taken them in.
    pub(super) fn call(&self, who: &Who) -> Call {
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

pub(super) fn about_agent(head: &RequestHead) -> Option<String> {
    head.headers.get(http::header::USER_AGENT).map(|agent| text(agent.as_bytes()))
}

/// An operation as its API names it.
pub(super) fn operation(what: &Recognised) -> String {
    match (what.s3(), what.model()) {
        (Some(call), _) => call.operation.to_owned(),
        (None, Some((_, operation))) => operation.name.to_string(),
        (None, None) => what.event_name.clone(),
    }
}
