//! The endpoint while it is connected: one loop over the connection, the handles, and the clock.

use std::convert::Infallible;

use parlor_net::Event as NetEvent;
use parlor_sip::{DialogEnd, Event, Method, Request, ServerTransactionId, StatusCode};
use parlor_xccos::ServerInfo;
use tokio::time::{Instant, timeout};

use super::line::Line;
use super::session::Phase;
use super::{End, EndpointTask, Stop, earlier, registration, sign_in, until};
use crate::chat::ChatSettings;
use crate::command::{Command, Reply, answer};
use crate::error::EstablishError;
use crate::state::{EndpointState, EndpointStatus};

impl EndpointTask {
    /// Serves one connection until it ends.
    pub(super) async fn online(&mut self, line: &mut Line) -> Result<Infallible, End> {
        loop {
            self.advance(line)?;
            let due = earlier(self.session.next_deadline(Instant::now()), line.next_refresh());
            let deadline = earlier(due, self.private.next_deadline());
            tokio::select! {
                event = line.connection.next() => match event {
                    NetEvent::Sip(event) => self.event(line, event)?,
                    NetEvent::Closed(cause) => return Err(EstablishError::ConnectionLost(cause).into()),
                    _ => {}
                },
                command = self.inbox.recv() => match command.ok_or(Stop)? {
                    Command::EstablishChat { settings, reply } => self.establish_chat(line, settings, reply).await?,
                    Command::CloseChat { reply } => {
                        self.session.end(Some(line), EndpointState::Terminating);
                        answer(reply, ());
                    }
                    other => self.command(other)?,
                },
                () = self.session.wake.notified() => self.session.tend(Instant::now()),
                () = self.private.verdicts().wake.notified() => {}
                () = until(deadline) => {}
            }
        }
    }

    /// Does what is due: deadlines, refreshes, sending, the end of a drain, and the state that results.
    fn advance(&mut self, line: &mut Line) -> Result<(), End> {
        let now = Instant::now();
        self.session.expire(now)?;
        if line.next_refresh().is_some_and(|at| at <= now) {
            line.refresh(&self.account)?;
        }
        if self.session.pump(line, now).is_err() {
            // The event that says why is on its way, but there is nothing left to wait for.
            return Err(EstablishError::SessionEnded(DialogEnd::Gone(481)).into());
        }
        self.private.pump(line, now);
        self.settle_drains(Some(line));
        if matches!(self.session.phase, Phase::Up | Phase::Absent) {
            self.up();
        }
        Ok(())
    }

    fn event(&mut self, line: &mut Line, event: Event) -> Result<(), End> {
        let now = Instant::now();
        match event {
            Event::Request {
                transaction,
                dialog,
                request,
            } => {
                let of_session = dialog.is_some() && dialog == line.dialog;
                if of_session && *request.method() == Method::INFO {
                    self.info(line, transaction, &request, now)?;
                } else if *request.method() == Method::INVITE && self.session.draining {
                    line.respond(transaction, StatusCode::TEMPORARILY_UNAVAILABLE);
                } else if !self.private.request(line, transaction, dialog, &request, now) {
                    line.refuse(transaction, &request);
                }
            }
            Event::Response {
                transaction,
                response,
                ..
            } => {
                let was_refresh = registration::refreshed(line, &self.account, transaction, &response)?;
                if !was_refresh && !self.private.responded(line, transaction, &response, now) {
                    self.session.responded(transaction, &response, now)?;
                }
            }
            // A server that leaves the session or the registration unanswered is gone; another user may be silent.
            Event::TimedOut { transaction, dialog } => {
                let of_session = dialog.is_some() && dialog == line.dialog;
                if of_session || line.is_refresh(transaction) {
                    return Err(EstablishError::Deadline.into());
                }
                self.private.timed_out(transaction);
            }
            Event::DialogEnded { dialog, cause } if line.dialog == Some(dialog) => {
                line.dialog = None;
                return Err(EstablishError::SessionEnded(cause).into());
            }
            Event::DialogEnded { dialog, .. } => self.private.ended(dialog),
            _ => {}
        }
        Ok(())
    }

    /// A document of the chat session. It is answered before it is acted on; the answer only says "received".
    fn info(
        &mut self,
        line: &mut Line,
        transaction: Option<ServerTransactionId>,
        request: &Request,
        now: Instant,
    ) -> Result<(), End> {
        match parlor_xccos::decode(request.body()) {
            Ok(envelope) => {
                line.respond(transaction, StatusCode::OK);
                self.session.received(envelope, now)?;
            }
            Err(error) => {
                tracing::warn!(%error, "the server sent an unreadable document");
                line.respond(transaction, StatusCode::BAD_REQUEST);
            }
        }
        Ok(())
    }

    async fn establish_chat(
        &mut self,
        line: &mut Line,
        settings: ChatSettings,
        reply: Reply<Result<ServerInfo, EstablishError>>,
    ) -> Result<(), End> {
        let state = self.publish.borrow().state;
        if self.session.phase != Phase::Absent || state != EndpointState::Established {
            answer(reply, Err(EstablishError::State(state)));
            return Ok(());
        }
        let account = self.account.clone();
        let mut envelopes = self.session.envelopes.fork();
        let deadline = self.platform.tuning.establish;
        let opening = timeout(
            deadline,
            sign_in::open_chat(line, &account, &settings, &mut envelopes),
        );
        let opened = self
            .meanwhile(opening)
            .await?
            .unwrap_or(Err(EstablishError::Deadline));
        match opened {
            Ok(info) => {
                self.session.settings = Some(settings);
                self.session.opened(info.clone(), Instant::now());
                answer(reply, Ok(info));
                Ok(())
            }
            Err(error) => {
                line.bye();
                let lost =
                    matches!(error, EstablishError::ConnectionLost(_)).then(|| End::Lost(error.clone()));
                answer(reply, Err(error));
                lost.map_or(Ok(()), Err)
            }
        }
    }

    /// Ends a drain when nothing is on the way any more.
    pub(super) fn settle_drains(&mut self, line: Option<&mut Line>) {
        if !self.drains.is_empty() && self.session.posts_waiting() == 0 && self.private.waiting() == 0 {
            self.session.end(line, EndpointState::Draining);
            self.drains.drain(..).for_each(|reply| answer(reply, ()));
        }
    }

    /// Everything is up: the next loss starts with the shortest wait again.
    fn up(&mut self) {
        let state = if self.session.draining {
            EndpointState::Draining
        } else {
            EndpointState::Established
        };
        let current = self.publish.borrow().state;
        if current != state {
            tracing::info!(%state, "endpoint");
            self.backoff.reset();
            self.publish.send_replace(EndpointStatus {
                state,
                attempts: 0,
                cause: None,
            });
        }
    }
}
