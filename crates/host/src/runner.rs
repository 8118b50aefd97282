//! The task that a bot lives in, so that a panic or an endless wait ends this task and nothing else.

use std::sync::Arc;
use std::time::Duration;

use parlor_bot::{BotError, Context, DynBot, Effects, Event};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The handler returned.
    Returned(Effects, Result<(), BotError>),
    /// It did not; the bot's memory is lost and it must be made anew.
    Broken(Broken),
}

/// Why a handler did not return.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the handler panicked: {0}")]
    Panicked(String),
    #[error("the handler took longer than {} s", .0.as_secs_f64())]
    Deadline(Duration),
    #[error("{0}")]
    Lost(String),
}

/// A bot in its task. Ends with this value, in the middle of a handler if need be.
#[derive(Debug)]
pub(crate) struct Runner {
    calls: mpsc::Sender<Call>,
    task: JoinHandle<()>,
}

struct Call {
    event: Arc<Event>,
    context: Context,
    answer: oneshot::Sender<(Effects, Result<(), BotError>)>,
}

impl Runner {
    /// Gives a bot its task.
    pub(crate) fn start(bot: Box<dyn DynBot>) -> Self {
        // One call at a time: the worker waits for each answer.
        let (calls, queue) = mpsc::channel(1);
        Self {
            calls,
            task: tokio::spawn(serve(bot, queue)),
        }
    }

    /// Hands over one event. After [`Answer::Broken`] this value is of no more use.
    pub(crate) async fn handle(&mut self, event: Arc<Event>, context: Context, deadline: Duration) -> Answer {
        let (answer, receiver) = oneshot::channel();
        // When the task has gone the receiver notices.
        let _gone = self
            .calls
            .send(Call {
                event,
                context,
                answer,
            })
            .await;
        match tokio::time::timeout(deadline, receiver).await {
            Ok(Ok((_, Err(BotError::Broken(reason))))) => {
                Answer::Broken(Broken::Lost(crate::ground::reason(&*reason)))
            }
            Ok(Ok((effects, result))) => Answer::Returned(effects, result),
            Ok(Err(_)) => Answer::Broken(Broken::Panicked(self.last_words().await)),
            Err(_) => {
                // A handler that never awaits keeps its thread; one that does ends here.
                self.task.abort();
                Answer::Broken(Broken::Deadline(deadline))
            }
        }
    }

    async fn last_words(&mut self) -> String {
        let Err(error) = (&mut self.task).await else {
            return "its task ended".to_owned();
        };
        match error.try_into_panic() {
            Ok(panic) => panic_text(&*panic),
            Err(_) => "its task was aborted".to_owned(),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut bot: Box<dyn DynBot>, mut queue: mpsc::Receiver<Call>) {
    while let Some(Call {
        event,
        mut context,
        answer,
    }) = queue.recv().await
    {
        let result = bot.handle(&event, &mut context).await;
        // A worker that stopped waiting does not want the answer.
        let _unheard = answer.send((context.into_effects(), result));
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
        .to_owned()
}
