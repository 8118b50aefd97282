//! Takes the messages out of the log stream.

use std::fmt;
use std::net::SocketAddr;

use chrono::Utc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;

use super::recorder::Sink;
use super::{Record, Recorder, What};

/// Writes what is logged about messages to a recording.
#[derive(Debug)]
pub(crate) struct RecordingLayer {
    sink: Sink,
}

impl RecordingLayer {
    pub(crate) fn new(recorder: &Recorder) -> Self {
        Self {
            sink: recorder.sink(),
        }
    }

    /// What the layer must get, whatever the log shows.
    pub(crate) fn filter() -> Targets {
        Targets::new().with_target(parlor_net::TRACE_TARGET, Level::TRACE)
    }
}

impl<S: Subscriber> Layer<S> for RecordingLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(record) = fields.record() {
            self.sink.write(record);
        }
    }
}

/// The fields of one event.
#[derive(Debug, Default)]
struct Fields {
    connection: Option<u64>,
    transport: String,
    accepted: bool,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    direction: String,
    cause: String,
    message: String,
}

impl Fields {
    fn record(self) -> Option<Record> {
        Some(Record {
            time: Utc::now(),
            connection: self.connection?,
            transport: self.transport,
            accepted: self.accepted,
            local: self.local?,
            peer: self.peer?,
            what: match self.direction.as_str() {
                "opened" => What::Opened,
                "received" => What::Received {
                    message: self.message,
                },
                "sent" => What::Sent {
                    message: self.message,
                },
                "closed" => What::Closed { cause: self.cause },
                _ => return None,
            },
        })
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "connection" {
            self.connection = Some(value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "accepted" {
            self.accepted = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "transport" => self.transport = value.to_owned(),
            "direction" => self.direction = value.to_owned(),
            "message" => self.message = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "local" => self.local = format!("{value:?}").parse().ok(),
            "peer" => self.peer = format!("{value:?}").parse().ok(),
            "cause" => self.cause = format!("{value:?}"),
            _ => {}
        }
    }
}
