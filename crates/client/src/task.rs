//! The endpoint task: it owns the connection, drives the session with it, and rebuilds both when they are lost.
//!
//! ```text
//!  idle --establish--> online --lost--> waiting (back-off) --> signing in --> online ...
//!                        |                 \__ commands are taken and deadlines kept meanwhile
//!                        +--terminate, or the last handle dropped--> goodbye
//! ```

mod answers;
mod asking;
mod endings;
mod jobs;
mod line;
mod online;
mod private;
mod registration;
mod rooms;
mod session;
mod sign_in;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parlor_sip::Event;
use parlor_xccos::ServerInfo;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::Instrument;

use crate::backoff::Backoff;
use crate::chat::ChatSettings;
use crate::command::{Command, Handle, Reply, answer};
use crate::endpoint::Account;
use crate::error::{EstablishError, JoinError, PostError, PrivateError, RequestError};
use crate::platform::PlatformShared;
use crate::state::{EndpointState, EndpointStatus};
use crate::tuning::COMMAND_QUEUE;

use line::Line;
use private::Conversations;
use session::Session;

/// Starts the task of one endpoint. It stops when the last handle is dropped.
pub(crate) fn start(platform: &Arc<PlatformShared>, account: Account) -> Handle {
    let (commands, inbox) = mpsc::channel(COMMAND_QUEUE);
    let (publish, status) = watch::channel(EndpointStatus::default());
    let mut random = fastrand::Rng::with_seed(account.seed);
    let tuning = &platform.tuning;
    let backoff = Backoff::new(tuning.reconnect_base, tuning.reconnect_cap, random.u64(..));
    let session = Session::new(account.owner.clone(), tuning.clone(), random);
    let owner = account.owner.clone();
    let task = EndpointTask {
        platform: Arc::clone(platform),
        account,
        inbox,
        publish,
        backoff,
        session,
        private: Conversations::new(),
        drains: Vec::new(),
        goodbyes: Vec::new(),
    };
    tokio::spawn(task.run().instrument(tracing::info_span!("endpoint", %owner)));
    Handle {
        commands,
        status,
        owner,
    }
}

struct EndpointTask {
    platform: Arc<PlatformShared>,
    account: Account,
    inbox: mpsc::Receiver<Command>,
    publish: watch::Sender<EndpointStatus>,
    backoff: Backoff,
    session: Session,
    private: Conversations,
    /// Who waits for the drain.
    drains: Vec<Reply<()>>,
    /// Who waits for the end.
    goodbyes: Vec<Reply<()>>,
}

/// Termination was asked for, or nobody holds the endpoint any more.
struct Stop;

/// Why a connection is left.
enum End {
    Stop,
    Lost(EstablishError),
}

impl From<EstablishError> for End {
    fn from(error: EstablishError) -> Self {
        Self::Lost(error)
    }
}

impl From<Stop> for End {
    fn from(Stop: Stop) -> Self {
        Self::Stop
    }
}

impl EndpointTask {
    async fn run(mut self) {
        if let Some(line) = self.establish().await {
            self.stay(line).await;
        }
        self.session.end(None, EndpointState::Terminated);
        self.private.end(None, EndpointState::Terminated);
        self.state(EndpointState::Terminated);
        // Commands still queued find their answer channel closed and read the state above.
        self.drains
            .drain(..)
            .chain(self.goodbyes.drain(..))
            .for_each(|reply| answer(reply, ()));
    }

    /// Waits for the word and gets the first connection; `None` when it is not wanted any more.
    async fn establish(&mut self) -> Option<Line> {
        loop {
            let reply = match self.inbox.recv().await? {
                Command::Establish { reply } => reply,
                Command::Terminate { reply } => {
                    self.goodbyes.push(reply);
                    return None;
                }
                Command::Listen { reader, reply } => {
                    self.private.listen(reader);
                    answer(reply, ());
                    continue;
                }
                other => {
                    refuse(other, EndpointState::Idle);
                    continue;
                }
            };
            self.state(EndpointState::Establishing);
            match self.signing_in(None).await {
                Ok(Ok((line, _))) => {
                    self.state(EndpointState::Established);
                    answer(reply, Ok(()));
                    return Some(line);
                }
                Ok(Err(error)) => {
                    self.failed(EndpointState::Idle, &error);
                    answer(reply, Err(error));
                }
                Err(Stop) => {
                    answer(reply, Err(EstablishError::State(EndpointState::Terminating)));
                    return None;
                }
            }
        }
    }

    /// Keeps the endpoint up until it is no longer wanted.
    async fn stay(&mut self, mut line: Line) {
        loop {
            let end = match self.online(&mut line).await {
                Ok(never) => match never {},
                Err(end) => end,
            };
            let cause = match end {
                End::Stop => return self.goodbye(line).await,
                End::Lost(cause) => cause,
            };
            tracing::warn!(%cause, "connection lost");
            self.session.lost(Instant::now());
            self.private.lost();
            // What refuses a refresh may let a new registration in; if it does not, `recover` ends.
            let refresh_refused = matches!(cause, EstablishError::Refused(_));
            if cause.is_permanent() && !refresh_refused {
                self.failed(EndpointState::Terminating, &cause);
                return line.close("refused").await;
            }
            self.failed(EndpointState::Recovering, &cause);
            line.close("recovering").await;
            match self.recover().await {
                Ok(new) => line = new,
                Err(Stop) => return self.state(EndpointState::Terminating),
            }
        }
    }

    /// Tries until there is a connection with a session again, or the server does not let the user in any more.
    async fn recover(&mut self) -> Result<Line, Stop> {
        loop {
            let wait = self.backoff.wait();
            self.publish
                .send_modify(|status| status.attempts = self.backoff.attempts());
            tracing::info!(
                attempt = self.backoff.attempts(),
                ?wait,
                "next attempt to connect"
            );
            self.meanwhile(sleep(wait)).await?;
            let settings = self.session.settings.clone();
            match self.signing_in(settings).await? {
                Ok((line, info)) => {
                    if let Some(info) = info {
                        self.session.opened(info, Instant::now());
                    }
                    return Ok(line);
                }
                Err(error) if error.is_permanent() => {
                    tracing::error!(%error, "not signed in again");
                    self.failed(EndpointState::Terminating, &error);
                    return Err(Stop);
                }
                Err(error) => {
                    tracing::warn!(%error, "attempt to connect failed");
                    self.failed(EndpointState::Recovering, &error);
                }
            }
        }
    }

    /// One attempt at a connection, while commands are taken.
    async fn signing_in(
        &mut self,
        chat: Option<ChatSettings>,
    ) -> Result<Result<(Line, Option<ServerInfo>), EstablishError>, Stop> {
        let (platform, account) = (Arc::clone(&self.platform), self.account.clone());
        let mut envelopes = self.session.envelopes.fork();
        self.meanwhile(
            async move { sign_in::sign_in(&platform, &account, chat.as_ref(), &mut envelopes).await },
        )
        .await
    }

    /// Runs `work` while commands are taken and deadlines kept.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let mut work = pin!(work);
        loop {
            let deadline = earlier(
                self.session.next_deadline(Instant::now()),
                self.private.next_deadline(),
            );
            tokio::select! {
                done = &mut work => return Ok(done),
                command = self.inbox.recv() => self.offline_command(command.ok_or(Stop)?)?,
                () = self.session.wake.notified() => self.session.tend(Instant::now()),
                () = until(deadline) => {
                    // Nothing of the session's own is under way without a connection.
                    let _never = self.session.expire(Instant::now());
                    self.private.offline(Instant::now());
                    self.settle_drains(None);
                }
            }
        }
    }

    fn offline_command(&mut self, command: Command) -> Result<(), Stop> {
        match command {
            Command::EstablishChat { reply, .. } => {
                answer(reply, Err(EstablishError::State(self.publish.borrow().state)));
            }
            Command::CloseChat { reply } => {
                self.session.end(None, EndpointState::Terminating);
                answer(reply, ());
            }
            other => self.command(other)?,
        }
        self.settle_drains(None);
        Ok(())
    }

    /// What needs no connection at once.
    fn command(&mut self, command: Command) -> Result<(), Stop> {
        let state = self.publish.borrow().state;
        match command {
            Command::Establish { reply } => answer(reply, Err(EstablishError::State(state))),
            Command::Drain { reply } => {
                self.session.draining = true;
                self.drains.push(reply);
                self.state(EndpointState::Draining);
            }
            Command::Terminate { reply } => {
                self.goodbyes.push(reply);
                return Err(Stop);
            }
            Command::Listen { reader, reply } => {
                self.private.listen(reader);
                answer(reply, ());
            }
            other if matches!(state, EndpointState::Establishing) => refuse(other, state),
            Command::SendPrivate { reply, .. } if state == EndpointState::Draining => {
                answer(reply, Err(PrivateError::State(state)));
            }
            Command::SendPrivate { to, text, reply } => {
                let deadline = Instant::now() + self.platform.tuning.request;
                self.private.send(to, text, reply, deadline);
            }
            other => self.session.command(other, Instant::now()),
        }
        Ok(())
    }

    /// Leaves in good order, within the time for it.
    async fn goodbye(&mut self, mut line: Line) {
        self.state(EndpointState::Terminating);
        self.private.end(Some(&mut line), EndpointState::Terminating);
        let mut open: Vec<_> = self
            .session
            .end(Some(&mut line), EndpointState::Terminating)
            .into_iter()
            .collect();
        if line.registration.is_some() {
            let asked = registration::send(&mut line, &self.account, Duration::ZERO);
            open.extend(asked.map(|asked| asked.transaction).ok());
        }
        let answers = async {
            while !open.is_empty() {
                match line.event().await {
                    Ok(Event::Response {
                        transaction,
                        response,
                        ..
                    }) if response.status().is_final() => {
                        open.retain(|awaited| *awaited != transaction);
                    }
                    Ok(Event::Request {
                        transaction, request, ..
                    }) => line.refuse(transaction, &request),
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        };
        if timeout(self.platform.tuning.goodbye, answers).await.is_err() {
            tracing::info!("the server did not answer the goodbye");
        }
        line.close("terminated").await;
    }

    fn state(&self, state: EndpointState) {
        self.publish.send_modify(|status| status.state = state);
    }

    fn failed(&self, state: EndpointState, error: &EstablishError) {
        self.publish.send_modify(|status| {
            status.state = state;
            status.cause = Some(Arc::new(error.clone()));
        });
    }
}

/// Answers what cannot be served in this state.
fn refuse(command: Command, state: EndpointState) {
    match command {
        Command::Establish { reply } => answer(reply, Err(EstablishError::State(state))),
        Command::EstablishChat { reply, .. } => answer(reply, Err(EstablishError::State(state))),
        Command::Request { reply, .. } => answer(reply, Err(RequestError::State(state))),
        Command::Join { reply, .. } => answer(reply, Err(JoinError::Request(RequestError::State(state)))),
        Command::Leave { reply, .. } => answer(reply, Err(RequestError::State(state))),
        Command::Post { reply, .. } => answer(reply, Err(PostError::State(state))),
        Command::SendPrivate { reply, .. } => answer(reply, Err(PrivateError::State(state))),
        // Taken in every state before it comes here.
        Command::Listen { .. } => {}
        Command::CloseChat { reply } | Command::Drain { reply } | Command::Terminate { reply } => {
            answer(reply, ());
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
