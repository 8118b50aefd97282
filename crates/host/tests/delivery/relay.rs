//! A relay between clients and the server that breaks every connection after so many bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// A piece that is passed on at once; small, so that a break lies anywhere in a message.
const PIECE: usize = 512;

#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    fuse: Mutex<Fuse>,
}

/// The connections of now; all of them break together.
#[derive(Debug, Default)]
struct Fuse {
    bytes_left: Option<usize>,
    broken: CancellationToken,
}

impl Relay {
    pub(crate) async fn new(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            fuse: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            task,
        }
    }

    /// Where connections go from now on.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap() = target;
    }

    /// Breaks all connections after `bytes` more, in both directions together; the token tells when.
    pub(crate) fn break_after(&self, bytes: usize) -> CancellationToken {
        let mut fuse = self.shared.fuse.lock().unwrap();
        fuse.bytes_left = Some(bytes);
        fuse.broken.clone()
    }

    /// Nothing breaks any more.
    pub(crate) fn hold(&self) {
        self.shared.fuse.lock().unwrap().bytes_left = None;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// How much of `wanted` may pass; less means that this was the end of all connections.
    fn pass(&self, wanted: usize) -> usize {
        let mut fuse = self.fuse.lock().unwrap();
        let Some(left) = fuse.bytes_left else {
            return wanted;
        };
        if left > wanted {
            fuse.bytes_left = Some(left - wanted);
            return wanted;
        }
        std::mem::take(&mut *fuse).broken.cancel();
        left.min(wanted.saturating_sub(1))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted.unwrap();
                connections.spawn(connection(client, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(client: TcpStream, shared: Arc<Shared>) {
    let target = *shared.target.lock().unwrap();
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let broken = shared.fuse.lock().unwrap().broken.clone();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = broken.cancelled() => {}
        () = copy(from_client, to_server, &shared) => {}
        () = copy(from_server, to_client, &shared) => {}
    }
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    shared: &Shared,
) {
    let mut piece = [0; PIECE];
    loop {
        let Ok(read @ 1..) = from.read(&mut piece).await else {
            return;
        };
        let passed = shared.pass(read);
        if to.write_all(&piece[..passed]).await.is_err() || passed < read {
            return;
        }
    }
}
