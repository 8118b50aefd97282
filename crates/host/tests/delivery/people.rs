//! A person who asks, and asks again until the question stands in the room.

use std::time::Duration;

use parlor_client::{ChatSettings, Message, PersistentChatEndpoint, RoomSession, UserEndpoint};
use parlor_xccos::PostKey;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Before a question that could not be posted is asked again.
const AGAIN: Duration = Duration::from_millis(20);

/// Questions that may wait to be asked: more than a story has.
const WAITING: usize = 64;

#[derive(Debug)]
pub(crate) struct Person {
    questions: mpsc::Sender<u32>,
    task: JoinHandle<()>,
}

impl Person {
    pub(crate) async fn join(endpoint: UserEndpoint, room: &str) -> Self {
        endpoint.establish().await.unwrap();
        let chat = PersistentChatEndpoint::establish(&endpoint, ChatSettings::default())
            .await
            .unwrap();
        let (session, mut events) = chat.join(room).await.unwrap();
        let (questions, asked) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            // What is said is read from the store at the end; here it is only taken away.
            let listen = async { while events.next().await.is_some() {} };
            tokio::join!(ask(session, asked), listen);
            drop((endpoint, chat));
        });
        Self { questions, task }
    }

    /// Asks `ping number` some time soon, after the questions before it.
    pub(crate) fn ask(&self, number: u32) {
        self.questions.try_send(number).unwrap();
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask(room: RoomSession, mut questions: mpsc::Receiver<u32>) {
    while let Some(number) = questions.recv().await {
        let key: PostKey = format!("ping-{number}").parse().unwrap();
        let message = Message::text(format!("ping {number}")).with_key(key);
        while room.post(message.clone()).await.is_err() {
            tokio::time::sleep(AGAIN).await;
        }
    }
}
