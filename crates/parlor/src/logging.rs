//! Log lines: where they go, how they look, which ones appear.

use std::io::IsTerminal as _;

use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::cli::{Color, LogFormat};
use crate::recording::RecordingLayer;

/// Starts logging to standard error, and to a recording if there is one. `filter` has tracing's directive form and
/// does not concern the recording.
///
/// # Errors
/// The filter's own message when it cannot be read.
pub(crate) fn start(
    filter: &str,
    format: LogFormat,
    color: Color,
    recording: Option<RecordingLayer>,
) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("log filter `{filter}`: {error}"))?;
    let colored = match color {
        Color::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        Color::Always => true,
        Color::Never => false,
    };
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colored)
        .with_timer(ChronoUtc::new("%Y-%m-%dT%H:%M:%S%.3fZ".to_owned()));
    let lines = match format {
        LogFormat::Human => lines.with_target(true).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(recording.map(|layer| layer.with_filter(RecordingLayer::filter())))
        .init();
    Ok(())
}
