//! Calls that somebody else answers: passed on as they came, and recorded as if the service reported them.
//!
//! The cast: [`route`] says who answers; [`call`] takes the call through intent, upstream and answer; [`who`] finds out who
//! calls, or that nobody here can tell, and [`sender`] what comes of it with the body; [`body`] lets the request's bytes go by,
//! counts them and checks them against what was signed; [`about`] says what the record says before there is an answer;
//! [`coding`] reads what was compressed; [`onto`] makes the call that goes on, [`sign`] the one for upstreams that have keys of
//! their own; [`answer`] lets the answer's bytes go by, the last of them
//! only when the record is durable; [`close`] makes the record; [`learn`] remembers sessions whose credentials went by;
//! [`guests`] and [`pace`] bound those who are not proven; [`clear`] stops what could be read in two ways.

mod about;
mod answer;
mod body;
mod call;
mod clear;
mod close;
mod coding;
mod guests;
mod learn;
mod onto;
mod pace;
mod route;
mod sender;
mod sign;
mod who;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use http::Response;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::body::Pieces;
use super::life::Hall;
use super::listen::Peer;
use super::reply::{OutBody, Reply};
use crate::errors::Tongue;
use crate::sigv4::query::Query;
use crate::{Fault, RequestHead};

pub(crate) use body::{Read, read};
pub(crate) use guests::Guests;
pub(crate) use route::Onward;
pub(crate) use who::looks_like;

/// A request that goes on.
pub(crate) struct Leaving {
    pub(crate) head: RequestHead,
    pub(crate) query: Query,
    pub(crate) pieces: Pieces,
    /// Bytes of the body that came over the wire so far.
    pub(crate) wire_bytes: Arc<AtomicU64>,
    pub(crate) tongue: Tongue,
    /// Held until the call is over: a stop waits for it.
    pub(crate) alive: mpsc::Sender<Infallible>,
}

/// Why a request does not go on, and what its client is told.
pub(crate) enum Stop {
    /// Counted, rate-limited, not recorded.
    Stranger(Fault),
    /// Our own trouble, or one that is on record already.
    Told(Fault),
}

/// What goes back to the client.
struct Going {
    status: u16,
    headers: http::HeaderMap,
    body: OutBody,
}

impl Hall {
    /// Passes a request on and answers it.
    pub(crate) async fn forward(
        self: &Arc<Self>,
        onward: Onward,
        peer: &Peer,
        leaving: Leaving,
        head_only: bool,
    ) -> Response<OutBody> {
        let tongue = leaving.tongue.clone();
        match self.pass_on(onward, peer, leaving).await {
            Ok(Going { status, headers, body }) => {
                let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
                let bodiless = head_only || matches!(status.as_u16(), 204 | 304);
                let mut response = Response::new(if bodiless { empty() } else { body });
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                response
            }
            Err(stop) => {
                let reply = match stop {
                    Stop::Stranger(fault) => self.stranger(peer, &fault, &tongue),
                    Stop::Told(fault) => Reply::fault(&fault, &tongue),
                };
                reply.into_response(&tongue, self.world.now(), head_only, false)
            }
        }
    }
}

fn empty() -> OutBody {
    http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()
}
