//! The thread that attends to one process: starts it, speaks with it, ends it.
//!
//! It is a thread with a small runtime of its own because bots are made in places that cannot wait for anything else (a
//! check of the configuration without any runtime, tests whose clock stands still).

use std::sync::mpsc as handover;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parlor_bot::Description;
use parlor_bot::process::{Configure, FromBot, ReadBy, Refusal, ToBot, VERSION, Wanted};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::child::{Child, GRACE};
use crate::failure::{Failure, Fault};
use crate::program::Program;
use crate::running::Counted;

/// A program that waits for events. Dropping it ends the program.
#[derive(Debug)]
pub(crate) struct Keeper {
    requests: mpsc::Sender<Request>,
    fate: Arc<OnceLock<String>>,
}

/// An event on its way to the program. Dropping the receiver of its answer kills the program: nobody waits for an event
/// that took too long.
#[derive(Debug)]
struct Request {
    id: u64,
    line: Vec<u8>,
    answer: oneshot::Sender<Result<FromBot, String>>,
}

/// What a program said of itself.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) description: Description,
    pub(crate) commands: ReadBy,
    /// What it said of the instance, when it was asked.
    pub(crate) instance: Option<Result<Wanted, Vec<Refusal>>>,
}

/// Starts a program and asks it what it is, and to become an instance; it goes on if it did. It blocks for as long as the
/// program takes, at most [`Program::start`] and the time to kill it.
pub(crate) fn start(program: &Program, configure: Option<Configure>) -> Result<(Keeper, Met), Failure> {
    let (requests, queue) = mpsc::channel(1);
    let (told, meeting) = handover::sync_channel(1);
    let fate = Arc::<OnceLock<String>>::default();
    let task = Task {
        program: program.clone(),
        queue,
        fate: Arc::clone(&fate),
    };
    let counted = Counted::one();
    std::thread::Builder::new()
        .name(format!("bot {}", program.name))
        .spawn(move || task.run(configure, &told, counted))
        .map_err(|error| task_failure(program, Fault::Io(error)))?;
    let met = meeting.recv().unwrap_or_else(|_| {
        let gone = std::io::Error::other("its thread is gone");
        Err(task_failure(program, Fault::Io(gone)))
    })?;
    Ok((Keeper { requests, fate }, met))
}

fn task_failure(program: &Program, fault: Fault) -> Failure {
    Failure {
        program: program.name.clone(),
        fault,
        last_words: None,
    }
}

impl Keeper {
    /// Hands over an event, as a line with its end, and waits for the answer to it.
    pub(crate) async fn ask(&self, id: u64, line: Vec<u8>) -> Result<FromBot, String> {
        let (answer, receiver) = oneshot::channel();
        // What could not be sent holds the other end of the answer: it is dropped before that is waited for.
        drop(self.requests.send(Request { id, line, answer }).await);
        let answered = receiver.await;
        answered.unwrap_or_else(|_| {
            Err(self
                .fate
                .get()
                .cloned()
                .unwrap_or_else(|| "it is gone".to_owned()))
        })
    }
}

/// What the thread works with.
#[derive(Debug)]
struct Task {
    program: Program,
    queue: mpsc::Receiver<Request>,
    fate: Arc<OnceLock<String>>,
}

type Told = handover::SyncSender<Result<Met, Failure>>;

impl Task {
    fn run(self, configure: Option<Configure>, told: &Told, _counted: Counted) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Whoever started this has waited for an answer all the time.
        match runtime {
            Ok(runtime) => runtime.block_on(self.attend(configure, told)),
            Err(error) => {
                let _heard = told.send(Err(task_failure(&self.program, Fault::Io(error))));
            }
        }
    }

    async fn attend(self, configure: Option<Configure>, told: &Told) {
        let instance = configure.as_ref().map_or("", |configure| &configure.instance);
        let mut child = match Child::start(&self.program, instance) {
            Ok(child) => child,
            Err(fault) => {
                let _heard = told.send(Err(task_failure(&self.program, fault)));
                return;
            }
        };
        let limit = self.program.start;
        let met = timeout(limit, meet(&mut child, configure)).await;
        match met.unwrap_or(Err(Fault::Slow(limit))) {
            Ok(met) => {
                let stays = matches!(met.instance, Some(Ok(_)));
                let _heard = told.send(Ok(met));
                if stays {
                    self.serve(child).await;
                } else {
                    child.end(GRACE).await;
                }
            }
            Err(fault) => {
                let _heard = told.send(Err(child.fail(fault).await));
            }
        }
    }

    /// Event after event, until nobody has any more or the program fails.
    async fn serve(mut self, mut child: Child) {
        loop {
            let request = tokio::select! {
                request = self.queue.recv() => request,
                line = child.read() => {
                    let fault = line.err().unwrap_or(Fault::Turn("a line that nobody asked for"));
                    return self.end(child.fail(fault).await);
                }
            };
            let Some(Request { id, line, mut answer }) = request else {
                return child.end(GRACE).await;
            };
            let answered = tokio::select! {
                answered = child.ask(&line) => answered,
                () = answer.closed() => {
                    let _settled = self.fate.set("it was ended in the middle of an event".to_owned());
                    return child.end(Duration::ZERO).await;
                }
            };
            let answered = match answered {
                Ok(said) if said.id() == Some(id) => Ok(said),
                Ok(_) => Err(Fault::Turn("no answer to the event that it was told of")),
                Err(fault) => Err(fault),
            };
            match answered {
                Ok(said) => {
                    // Who stopped waiting just now does not want it.
                    let _unheard = answer.send(Ok(said));
                }
                Err(fault) => {
                    let failure = child.fail(fault).await;
                    let _unheard = answer.send(Err(failure.to_string()));
                    return self.end(failure);
                }
            }
        }
    }

    /// Before the queue is closed, so that whoever finds it closed finds the reason.
    fn end(self, failure: Failure) {
        let reason = failure.to_string();
        tracing::warn!(%reason, "a bot's program is gone");
        let _settled = self.fate.set(reason);
    }
}

/// The first lines.
async fn meet(child: &mut Child, configure: Option<Configure>) -> Result<Met, Fault> {
    let hello = line(&ToBot::Hello { protocol: VERSION })?;
    let mut met = match child.ask(&hello).await? {
        FromBot::Hello { protocol, .. } if protocol != VERSION => return Err(Fault::Version(protocol)),
        FromBot::Hello {
            description,
            commands,
            ..
        } => Met {
            description,
            commands,
            instance: None,
        },
        _ => return Err(Fault::Turn("no answer to `hello`")),
    };
    if let Some(configure) = configure {
        let configure = line(&ToBot::Configure(Box::new(configure)))?;
        met.instance = Some(match child.ask(&configure).await? {
            FromBot::Ready(wanted) => Ok(wanted),
            FromBot::Refused { problems } => Err(problems),
            _ => return Err(Fault::Turn("no answer to `configure`")),
        });
    }
    Ok(met)
}

/// A line with its end.
pub(crate) fn line(said: &ToBot) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    Ok(line)
}
