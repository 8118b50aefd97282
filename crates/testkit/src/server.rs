//! A server that ends as a killed process does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlor_rooms::Store;
use parlor_server::Config;
use tokio::runtime::{Builder, Runtime};

/// What closing the sockets of a killed server may take.
const CLOSING: Duration = Duration::from_secs(10);

/// A running server with a runtime of its own, so that nothing of it is left after [`KillableServer::kill`].
#[derive(Debug)]
pub struct KillableServer {
    runtime: Option<Runtime>,
    address: SocketAddr,
}

impl KillableServer {
    /// Starts a server; `config` has one listener.
    pub fn start(config: Config, store: Arc<dyn Store>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        // A runtime cannot wait inside another one, so the start is awaited on a thread of its own.
        let handle = runtime.handle().clone();
        let started = std::thread::spawn(move || {
            handle
                .block_on(parlor_server::start(config, store))
                .unwrap()
                .addresses()[0]
        });
        let address = started.join().unwrap();
        Self {
            runtime: Some(runtime),
            address,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it as `kill -9` does: no goodbye, no flush. Returns when its sockets are closed: before that the next start
    /// cannot have the port.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for KillableServer {
    /// A runtime may not wait for its end inside another one.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            let ended = std::thread::spawn(move || runtime.shutdown_timeout(CLOSING));
            // A panic in there would hide the one that may be going on here.
            let _ended = ended.join();
        }
    }
}
