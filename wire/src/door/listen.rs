//! Accepts connections and hands their requests on, each in a task of its own; and stops gently.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::guard::{Guarded, Heads, ONWARD_HEADERS_MAX};
use super::life::Hall;
use super::proxies;
use super::reply::OutBody;
use super::shares::Shares;
use super::tls::{self, TlsFacts};
use super::{Door, DoorSettings};

/// Of bytes that hyper reads ahead on one connection.
const READ_BUFFER_BYTES_MAX: usize = 128 * 1024;
/// One address may hold a quarter of all connections,
const ADDRESS_SHARE: usize = 4;
/// or so many if that is more: a few busy clients behind one address are no attack.
const ADDRESS_CONNECTIONS_MIN: usize = 64;
/// After the system refused to give a connection (no file descriptors left, for one).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An open door.
pub struct Running {
    /// The address, its port picked if it was 0.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<JoinSet<()>>,
    /// Shows nothing; ends when the last call has ended.
    calls: mpsc::Receiver<Infallible>,
    hall: Arc<Hall>,
}

/// The other end of a connection.
pub(crate) struct Peer {
    pub ip: IpAddr,
    pub tls: Option<TlsFacts>,
}

/// An address that is ours, at which nobody is let in yet: who connects waits.
pub struct Bound {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    address: SocketAddr,
}

pub(super) async fn bind(settings: &DoorSettings) -> io::Result<Bound> {
    let acceptor = match &settings.tls {
        Some((certificate, key)) => Some(TlsAcceptor::from(tls::config(certificate, key)?)),
        None => None,
    };
    let listener = TcpListener::bind(settings.listen).await?;
    let address = listener.local_addr()?;
    Ok(Bound { listener, acceptor, address })
}

pub(super) fn open(door: Door, bound: Bound) -> Running {
    let Bound { listener, acceptor, address } = bound;
    let hall = Arc::new(Hall::new(door));
    let (stop, stopped) = watch::channel(false);
    let (alive, calls) = mpsc::channel(1);
    let accepting = tokio::spawn(accept(listener, acceptor, hall.clone(), stopped, alive));
    Running { address, stop, accepting, calls, hall }
}

impl Running {
    /// Takes no more connections, lets running calls end, and returns when they have (or the drain timeout has passed).
    pub async fn stop(self) {
        let Self { stop, accepting, mut calls, hall, .. } = self;
        // Nobody listens any more only when accepting has ended already.
        let _ = stop.send(true);
        let drain = hall.settings.drain_timeout;
        let mut connections = accepting.await.unwrap_or_default();
        let ended = async {
            while connections.join_next().await.is_some() {}
            while calls.recv().await.is_some() {}
        };
        tokio::select! {
            () = ended => {}
            () = hall.world.sleep(drain) => tracing::warn!(drain_s = drain.as_secs(), "calls still run after the drain timeout"),
        }
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    hall: Arc<Hall>,
    mut stopped: watch::Receiver<bool>,
    alive: mpsc::Sender<Infallible>,
) -> JoinSet<()> {
    let places = Arc::new(Semaphore::new(hall.settings.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
    let shares = Shares::new((hall.settings.connections_max / ADDRESS_SHARE).max(ADDRESS_CONNECTIONS_MIN));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => return connections,
            next = next => next,
        };
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept connection");
                hall.world.sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        metrics::counter!("opentrail_door_connections_total").increment(1);
        // Closed without a word: an answer would keep the place that is refused.
        let share = match proxies::is_trusted(&hall.settings.trusted_proxies, peer.ip().to_canonical()) {
            // Many stand behind it.
            true => None,
            false => match shares.take(peer.ip()) {
                Some(share) => Some(share),
                None => {
                    metrics::counter!("opentrail_door_connections_refused_total").increment(1);
                    continue;
                }
            },
        };
        let (acceptor, hall, stopped, alive) = (acceptor.clone(), hall.clone(), stopped.clone(), alive.clone());
        connections.spawn(async move {
            connect(stream, peer.ip().to_canonical(), acceptor, hall, stopped, alive).await;
            drop((share, place));
        });
    }
}

async fn connect(
    stream: TcpStream,
    ip: IpAddr,
    acceptor: Option<TlsAcceptor>,
    hall: Arc<Hall>,
    stopped: watch::Receiver<bool>,
    alive: mpsc::Sender<Infallible>,
) {
    // Without it small answers wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = acceptor else {
        return serve(stream, Peer { ip, tls: None }, hall, stopped, alive).await;
    };
    let head_timeout = hall.settings.head_timeout;
    let shaken = tokio::select! {
        shaken = acceptor.accept(stream) => shaken,
        () = hall.world.sleep(head_timeout) => Err(io::ErrorKind::TimedOut.into()),
    };
    match shaken {
        Ok(stream) => {
            let tls = Some(tls::facts(stream.get_ref().1));
            serve(stream, Peer { ip, tls }, hall, stopped, alive).await;
        }
        Err(_) => metrics::counter!("opentrail_door_tls_failures_total").increment(1),
    }
}

async fn serve<S>(
    stream: S,
    peer: Peer,
    hall: Arc<Hall>,
    mut stopped: watch::Receiver<bool>,
    alive: mpsc::Sender<Infallible>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let heads = if hall.passage.is_some() { Heads::ONWARD } else { Heads::OWN };
    let guarded = Guarded::new(stream, hall.world.clone(), hall.settings.body_idle_timeout).with_heads(heads);
    let verdicts = guarded.verdicts();
    let peer = Arc::new(peer);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(hall.settings.head_timeout)
        .max_buf_size(READ_BUFFER_BYTES_MAX)
        // The guard counts them before; this only must not be less.
        .max_headers(ONWARD_HEADERS_MAX + 1)
        // The date is the world's, not the machine's.
        .auto_date_header(false);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let verdict = verdicts.take();
        let (hall, peer, alive) = (hall.clone(), peer.clone(), alive.clone());
        let porter = hall.clone();
        // In a task of its own: a client that hangs up does not take back what was begun.
        let call = tokio::spawn(async move {
            let answer = hall.receive(&peer, verdict, request, alive.clone()).await;
            drop(alive);
            answer
        });
        async move {
            match call.await {
                Ok(answer) => Ok::<Response<OutBody>, Infallible>(answer),
                Err(_) => Ok(porter.lost()),
            }
        }
    });
    let connection = http.serve_connection(TokioIo::new(guarded), service);
    tokio::pin!(connection);
    tokio::select! {
        // How a connection ends is its client's affair.
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
