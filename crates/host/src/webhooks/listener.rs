//! Connections: how many, how long, with how much before the body. One request each.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parlor_net::ServerTls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::intake::Intake;
use super::{Hooks, Webhooks};
use crate::ground::{Ground, pause};

/// Connections at once; others wait to be accepted. A request takes milliseconds, unless its sender is slow.
pub(super) const CONNECTIONS: usize = 256;
/// Connections of one address at once, so that one slow sender does not keep the others out. Proxies are not counted:
/// they have limits of their own.
pub(super) const OF_ADDRESS: usize = 32;
/// How long a handshake and the head of a request may take.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection lives: handshake, head, body, and the commit.
pub(super) const CONNECTION_TIME: Duration = Duration::from_secs(45);
/// The longest head of a request. Signatures and traces are some hundred bytes; 8 KiB is the smallest that hyper takes.
pub(super) const HEAD: usize = 16 * 1024;
/// Header lines of a request.
pub(super) const HEADERS: usize = 64;
/// The wait after a connection could not be accepted: out of file descriptors, most likely.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// A bound address where nobody is answered yet.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    tls: Option<ServerTls>,
    config: Arc<Webhooks>,
}

impl Listener {
    /// Takes the address.
    pub(crate) async fn bind(config: Webhooks) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(config.listen).await?,
            tls: config.tls.clone(),
            config: Arc::new(config),
        })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until told to stop, and then those that have asked already.
    pub(crate) async fn serve(self, hooks: Hooks, ground: Ground, stop: CancellationToken) {
        let intake = Arc::new(Intake::new(hooks, ground, self.config.clone()));
        let (places, crowd) = (Arc::new(Semaphore::new(CONNECTIONS)), Crowd::default());
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.accept(&places) => accepted,
            };
            match accepted {
                Ok((stream, from, place)) => {
                    let is_proxy = self.config.proxies.iter().any(|net| net.contains(&from));
                    let seat = if is_proxy { None } else { Some(crowd.enter(from)) };
                    if matches!(seat, Some(None)) {
                        tracing::debug!(%from, "too many connections of one address");
                        continue;
                    }
                    let (intake, tls) = (Arc::clone(&intake), self.tls.clone());
                    connections.spawn(async move {
                        let _seat = (seat, place);
                        let talk = talk(stream, tls, from, intake);
                        if tokio::time::timeout(CONNECTION_TIME, talk).await.is_err() {
                            tracing::debug!(%from, "a webhook's connection took too long");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a webhook's connection could not be accepted");
                    pause(&stop, ACCEPT_AGAIN).await;
                }
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }

    async fn accept(
        &self,
        places: &Arc<Semaphore>,
    ) -> io::Result<(TcpStream, IpAddr, Option<OwnedSemaphorePermit>)> {
        // The semaphore is never closed.
        let place = Arc::clone(places).acquire_owned().await.ok();
        let (stream, from) = self.listener.accept().await?;
        Ok((stream, from.ip().to_canonical(), place))
    }
}

async fn talk(stream: TcpStream, tls: Option<ServerTls>, from: IpAddr, intake: Arc<Intake>) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => answer(stream, from, intake).await,
        Some(tls) => match tls.accept(stream, HEAD_TIME).await {
            Ok(stream) => answer(stream, from, intake).await,
            Err(error) => tracing::debug!(%from, %error, "a webhook's handshake failed"),
        },
    }
}

/// One request, one answer.
pub(super) async fn answer<S>(stream: S, from: IpAddr, intake: Arc<Intake>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let intake = Arc::clone(&intake);
        async move { Ok::<_, Infallible>(intake.answer(request, from).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%from, %error, "a webhook's connection failed");
    }
}

/// How many connections each address has.
#[derive(Debug, Clone, Default)]
struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of them, while it lasts.
#[derive(Debug)]
struct Seat {
    crowd: Crowd,
    of: IpAddr,
}

impl Crowd {
    fn enter(&self, of: IpAddr) -> Option<Seat> {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = seats.entry(of).or_default();
        if *taken >= OF_ADDRESS {
            return None;
        }
        *taken += 1;
        Some(Seat {
            crowd: self.clone(),
            of,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = seats.get_mut(&self.of) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_takes_so_many_places_and_gives_them_back() {
        let (crowd, of) = (Crowd::default(), IpAddr::from([192, 0, 2, 1]));
        let seats: Vec<_> = (0..OF_ADDRESS)
            .map(|_| crowd.enter(of).expect("a seat"))
            .collect();
        assert!(crowd.enter(of).is_none());
        assert!(
            crowd.enter(IpAddr::from([192, 0, 2, 2])).is_some(),
            "others have their own"
        );
        drop(seats);
        assert!(crowd.0.lock().unwrap().is_empty());
        assert!(crowd.enter(of).is_some());
    }
}
