//! The `[metrics]` table: where a running process tells how it is, and when its bots count as ready.

use std::net::SocketAddr;
use std::time::Duration;

use parlor_host::Thresholds;

use super::document::Section;
use super::form::Address;

/// Where and by what measure health is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MetricsSettings {
    /// Where; nowhere when it is none.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) thresholds: Thresholds,
}

pub(super) fn read(root: &Section<'_, '_>) -> MetricsSettings {
    let mut settings = MetricsSettings::default();
    let Some(section) = root.section("metrics") else {
        return settings;
    };
    settings.listen = section.required::<Address>("listen").map(|address| address.0);
    let thresholds = &mut settings.thresholds;
    for (key, threshold) in [
        ("inbound_fresh", &mut thresholds.inbound_fresh),
        ("outbox_young", &mut thresholds.outbox_young),
        ("mail_young", &mut thresholds.mail_young),
    ] {
        *threshold = section.or(key, *threshold);
        if *threshold < Duration::from_secs(1) {
            // A post takes its time over the network; below this a healthy bot would flap.
            section.problem(key, "must be at least 1s", None);
        }
    }
    section.finish();
    settings
}
