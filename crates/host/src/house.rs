//! Removes what is no longer needed from the state, now and then.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ground::{Ground, pause};

/// How often.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

/// Does it until told to stop.
pub(crate) async fn keep_house(ground: Ground, stop: CancellationToken) {
    let before = |keep: Duration| ground.clock.millis() - i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    loop {
        let delivered = ground
            .state
            .forget_delivered(before(ground.tuning.keep_delivered))
            .await;
        let items = ground
            .state
            .forget_unlisted(before(ground.tuning.keep_unlisted))
            .await;
        let entries = ground
            .state
            .forget_ledger(before(ground.tuning.keep_ledger), ground.tuning.ledger_entries)
            .await;
        match (delivered, items, entries) {
            (Ok(posts), Ok(items), Ok(entries)) => tracing::debug!(posts, items, entries, "forgotten"),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                tracing::warn!(%error, "old rows could not be removed");
            }
        }
        if !pause(&stop, HOUSEKEEPING).await {
            return;
        }
    }
}
