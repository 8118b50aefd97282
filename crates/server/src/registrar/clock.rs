//! The task that ends bindings when their time is over.

use std::sync::Arc;

use crate::service::Service;

/// Runs until the server stops.
pub(crate) async fn end_in_time(service: Arc<Service>) {
    loop {
        let next = service.end_due();
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(next.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = service.stopping.cancelled() => return,
            () = service.registrar.sooner.notified() => {}
            () = due => {}
        }
    }
}
