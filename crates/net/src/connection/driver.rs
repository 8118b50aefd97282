//! The loop around a user agent: outbox, events, one write, one read, the timer. A graceful end is `closing`'s.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use parlor_sip::{KeepAlive, UserAgent};

use super::closing::Stage;
use super::deadlines::{Deadlines, Due, Timer};
use super::output::Output;
use super::{ConnectionSettings, Event, KeepAlivePolicy};
use crate::admission::Admitted;
use crate::certificates::PeerIdentity;
use crate::outbox::{Info, release};
use crate::stream::Ends;
use crate::trace::Trace;
use crate::{CloseCause, Outbox, Stream};

/// Above this nothing is read, nothing that was read is handed out and no INFO is taken from the outbox: who does not
/// read is not listened to, so that the answers to its requests do not pile up. Several TLS records, so that a fast peer
/// never waits for us.
const WRITE_AHEAD: usize = 64 << 10;
/// An agent that keeps saying "now" must not make a busy loop.
const LEAST_WAIT: Duration = Duration::from_millis(1);
/// The type of every INFO body (facts, real-client section 2).
const CONTENT_TYPE: &str = "text/plain";

#[derive(Debug)]
pub(super) struct Driver {
    agent: UserAgent,
    /// Gone when the connection is over.
    pub(super) transport: Option<Transport>,
    pub(super) phase: Phase,
    output: Output,
    /// Nothing was read yet.
    fresh: bool,
    pub(super) outbox: Outbox,
    /// Taken from the outbox and not sent yet.
    pub(super) infos: VecDeque<Info>,
    pub(super) signals: VecDeque<u64>,
    deadlines: Deadlines,
    pub(super) timer: Timer,
    close_within: Duration,
    trace: Trace,
    ends: Ends,
    peer: Option<Box<PeerIdentity>>,
}

#[derive(Debug)]
pub(super) struct Transport {
    pub(super) stream: Stream,
    /// Counted until the stream is closed.
    _admitted: Option<Admitted>,
}

#[derive(Debug)]
pub(super) enum Phase {
    Open,
    Closing {
        cause: CloseCause,
        until: Instant,
        stage: Stage,
    },
    Closed(CloseCause),
}

impl Driver {
    pub(super) fn new(
        stream: Stream,
        settings: ConnectionSettings,
        peer: Option<PeerIdentity>,
        admitted: Option<Admitted>,
    ) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let ConnectionSettings {
            mut agent,
            limits,
            keep_alive,
        } = settings;
        let ends = Ends::of(&stream);
        agent.transport = stream.transport();
        if agent.sent_by.is_empty() {
            agent.sent_by = ends.local.to_string();
        }
        let outbox = Outbox::new(&limits);
        if let Some(admitted) = &admitted {
            admitted.reachable_by(outbox.clone());
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(connection = number, peer = %ends.peer, "connection open");
        let trace = Trace::new(number, ends, stream.transport(), admitted.is_some());
        Self {
            agent: UserAgent::new(agent, seed()),
            transport: Some(Transport {
                stream,
                _admitted: admitted,
            }),
            phase: Phase::Open,
            output: Output::default(),
            fresh: true,
            outbox,
            infos: VecDeque::new(),
            signals: VecDeque::new(),
            deadlines: Deadlines::new(&limits, keep_alive, now()),
            timer: Timer::new(),
            close_within: limits.close,
            trace,
            ends,
            peer: peer.map(Box::new),
        }
    }

    pub(super) fn agent(&mut self) -> &mut UserAgent {
        &mut self.agent
    }

    pub(super) fn number(&self) -> u64 {
        self.trace.connection()
    }

    pub(super) fn peer(&self) -> Option<&PeerIdentity> {
        self.peer.as_deref()
    }

    pub(super) fn ends(&self) -> Ends {
        self.ends
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(super) fn set_keep_alive(&mut self, keep_alive: KeepAlivePolicy) {
        self.deadlines.set_keep_alive(keep_alive);
    }

    pub(super) fn begin_close(&mut self, cause: CloseCause) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        if cause.is_graceful() {
            self.outbox.stop();
            self.phase = Phase::Closing {
                cause,
                until: now() + self.close_within,
                stage: Stage::Flush,
            };
        } else {
            self.finish(cause);
        }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            match &self.phase {
                Phase::Closed(cause) => return Poll::Ready(Event::Closed(cause.clone())),
                Phase::Closing { .. } => {
                    if self.poll_closing(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                Phase::Open => match self.poll_open(cx) {
                    Poll::Ready(Some(event)) => return Poll::Ready(event),
                    Poll::Ready(None) => {}
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// One turn. `None` asks for another one.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.take_output();
        let listens = self.output.bytes() <= WRITE_AHEAD;
        let takes_infos = self.infos.is_empty() && listens;
        if let Some(cause) = self.drain_outbox(cx, takes_infos) {
            self.begin_close(cause);
            return Poll::Ready(None);
        }
        if let Some(signal) = self.signals.pop_front() {
            return Poll::Ready(Some(Event::Signal(signal)));
        }
        let now = now();
        if listens && let Some(event) = self.next_of_agent(now) {
            return Poll::Ready(event);
        }
        self.send_infos(now);
        if self.poll_output(cx, now).is_ready() && !(takes_infos && self.infos.is_empty()) {
            // There is room again, and INFOs that were left in the outbox wake nobody.
            return Poll::Ready(None);
        }
        if matches!(self.phase, Phase::Open)
            && self.output.bytes() <= WRITE_AHEAD
            // What was read before comes before what can be read now.
            && (!listens || self.poll_input(cx, now).is_ready())
        {
            return Poll::Ready(None);
        }
        if !matches!(self.phase, Phase::Open) || self.poll_deadline(cx, now).is_ready() {
            return Poll::Ready(None);
        }
        Poll::Pending
    }

    /// The agent's next event; `Some(None)` asks for another turn, `None` says that it has nothing more.
    fn next_of_agent(&mut self, now: Instant) -> Option<Option<Event>> {
        match self.agent.poll_event(now) {
            Ok(Some(parlor_sip::Event::KeepAlive(kind))) => {
                self.keep_alive_came(kind);
                Some(None)
            }
            Ok(Some(event)) => {
                self.deadlines.message_came();
                Some(Some(Event::Sip(event)))
            }
            Ok(None) => {
                if self.agent.has_output() {
                    // What the agent answers by itself came in a message too.
                    self.deadlines.message_came();
                }
                None
            }
            Err(fault) => {
                self.take_output();
                self.trace.sent(fault.response_bytes().into_iter());
                self.output.extend(fault.response_bytes().cloned());
                self.begin_close(CloseCause::Fault(fault));
                Some(None)
            }
        }
    }

    /// Takes signals always, INFOs when those before are gone.
    fn drain_outbox(&mut self, cx: &Context<'_>, takes_infos: bool) -> Option<CloseCause> {
        if takes_infos {
            release(&mut self.infos);
        }
        release(&mut self.signals);
        self.outbox
            .drain(cx, takes_infos.then_some(&mut self.infos), &mut self.signals)
    }

    /// Turns INFOs into output up to what is written at once.
    pub(super) fn send_infos(&mut self, now: Instant) {
        self.take_output();
        while self.output.bytes() <= WRITE_AHEAD
            && let Some(Info { dialog, body }) = self.infos.pop_front()
        {
            if self.agent.info(now, dialog, CONTENT_TYPE, body).is_err() {
                tracing::debug!(
                    connection = self.trace.connection(),
                    ?dialog,
                    "INFO dropped: dialog is gone"
                );
            }
            self.take_output();
        }
    }

    pub(super) fn waiting(&mut self) -> usize {
        self.take_output();
        self.output.bytes()
    }

    fn take_output(&mut self) {
        if self.agent.has_output() {
            let before = self.output.pieces();
            self.agent.take_output(&mut self.output);
            self.trace.sent(self.output.pieces_from(before));
        }
    }

    /// Ready when everything is written.
    pub(super) fn poll_output(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(());
        };
        let taken = transport.stream.written();
        let written = self.output.poll_write(cx, &mut transport.stream);
        let progress = transport.stream.written() > taken;
        self.deadlines.writing(progress, written.is_pending(), now);
        match written {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Ready(Err(error)) => {
                self.lose(error, cx);
                Poll::Ready(())
            }
        }
    }

    /// A failed write says little (broken pipe); what the peer said before it went, such as a TLS alert, says more.
    fn lose(&mut self, error: std::io::Error, cx: &mut Context<'_>) {
        let mut rest = BytesMut::new();
        let said = match &mut self.transport {
            Some(transport) => transport.stream.poll_read(cx, &mut rest),
            None => Poll::Pending,
        };
        self.finish(match (said, CloseCause::from_io(error)) {
            (Poll::Ready(Err(reason)), CloseCause::Lost(error)) => match CloseCause::from_io(reason) {
                CloseCause::Tls(error) => CloseCause::Tls(error),
                _ => CloseCause::Lost(error),
            },
            (_, cause) => cause,
        });
    }

    /// Ready when something was read, or the end.
    fn poll_input(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(());
        };
        let buffer = self.agent.read_buffer();
        let before = buffer.len();
        match transport.stream.poll_read(cx, buffer) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0)) => self.finish(CloseCause::PeerClosed),
            Poll::Ready(Ok(_))
                if is_unexpected_tls(&transport.stream, &mut self.fresh, &buffer[before..]) =>
            {
                self.finish(CloseCause::UnexpectedTls);
            }
            Poll::Ready(Ok(_)) => {
                self.deadlines.heard(now);
                self.trace.received(&buffer[before..]);
            }
            Poll::Ready(Err(error)) => self.finish(CloseCause::from_io(error)),
        }
        Poll::Ready(())
    }

    fn keep_alive_came(&mut self, kind: KeepAlive) {
        if kind == KeepAlive::Ping && self.deadlines.keep_alive() == KeepAlivePolicy::Answer {
            self.agent.send_keep_alive(KeepAlive::Pong);
        }
    }

    /// Ready when something was due.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        match self.deadlines.due(now, self.output.bytes()) {
            Some(Due::Close(cause)) => {
                self.begin_close(cause);
                return Poll::Ready(());
            }
            Some(Due::Ping) => {
                self.agent.send_keep_alive(KeepAlive::Ping);
                self.deadlines.pinged(now);
                return Poll::Ready(());
            }
            None => {}
        }
        let agents = self
            .agent
            .next_deadline()
            // A peer that does not read has the write stall before it; the agent is not asked meanwhile.
            .filter(|_| self.output.bytes() <= WRITE_AHEAD)
            .map(|deadline| deadline.max(now + LEAST_WAIT));
        match [agents, self.deadlines.next()].into_iter().flatten().min() {
            Some(deadline) => self.timer.poll(cx, deadline),
            None => Poll::Pending,
        }
    }

    /// The end: nothing is kept that costs memory or a descriptor.
    pub(super) fn finish(&mut self, cause: CloseCause) {
        tracing::debug!(connection = self.trace.connection(), peer = %self.ends.peer, %cause, "connection closed");
        self.trace.closed(&cause);
        self.outbox.shut();
        self.transport = None;
        self.output = Output::default();
        self.infos = VecDeque::new();
        self.signals = VecDeque::new();
        self.phase = Phase::Closed(cause);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.outbox.shut();
    }
}

/// The mistake opposite to plain SIP at a TLS port, which as SIP would only be strange bytes.
fn is_unexpected_tls(stream: &Stream, fresh: &mut bool, bytes: &[u8]) -> bool {
    /// The start of a handshake record (RFC 8446 section 5.1).
    const HANDSHAKE: [u8; 2] = [22, 3];
    std::mem::take(fresh) && stream.transport() == parlor_sip::Transport::Tcp && bytes.starts_with(&HANDSHAKE)
}

pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// For tags, branches and Call-IDs, which nobody may guess.
fn seed() -> u64 {
    getrandom::u64().expect("the system has random numbers once it is up")
}
