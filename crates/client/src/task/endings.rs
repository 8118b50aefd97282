//! What becomes of the session's work when the connection is lost, and when the session or the endpoint ends.

use bytes::Bytes;
use parlor_xccos::{Command as ChatCommand, encode};
use tokio::time::Instant;

use crate::command::answer;
use crate::error::{PostError, RequestError};
use crate::events::RoomClosed;
use crate::state::EndpointState;
use crate::task::jobs::{Job, JobId, Work};
use crate::task::line::Line;
use crate::task::session::{Phase, Session};

impl Session {
    /// The connection is gone. Questions are asked again on the next one; posts with a key that the server knows are sent
    /// again, and of others that were on the way nobody knows.
    pub(crate) fn lost(&mut self, now: Instant) {
        if self.phase == Phase::Absent {
            return;
        }
        self.phase = Phase::Down;
        for id in self.jobs.ids() {
            let sent = self.jobs.get(id).is_some_and(|job| job.is_sent());
            let Some(job) = self.jobs.get_mut(id) else {
                continue;
            };
            match &job.work {
                Work::Post { message, .. } if sent && self.info.post_keys && message.key().is_some() => {
                    job.uncertain = true;
                    self.jobs.requeue(id, now);
                }
                Work::Request { .. } | Work::Join { .. } => self.jobs.requeue(id, now),
                Work::Post { .. } if !sent => {}
                Work::Post { .. } | Work::Baseline { .. } | Work::Leave { .. } => self.cut_off(id),
                Work::Rejoin { .. } | Work::CatchUp { .. } => drop(self.jobs.remove(id)),
            }
        }
        self.rooms.values_mut().for_each(|room| room.lost());
    }

    /// The server of the new connection knows no keys: a post that the old one may have taken is not sent again.
    pub(crate) fn forgo_repeats(&mut self) {
        for id in self.jobs.ids() {
            let uncertain = self.jobs.get(id).is_some_and(|job| job.uncertain);
            if uncertain {
                self.cut_off(id);
            }
        }
    }

    fn cut_off(&mut self, id: JobId) {
        let Some(job) = self.jobs.remove(id) else { return };
        match job.work {
            Work::Post { reply, .. } => answer(reply, Err(PostError::OutcomeUnknown)),
            // Without a session one is in no room.
            Work::Leave {
                reply: Some(reply), ..
            } => answer(reply, Ok(())),
            Work::Baseline {
                room, recent, reply, ..
            } => {
                // The reader has not seen this membership; it starts over as a whole, or messages would be missed.
                self.rooms.remove(&room);
                let now = Instant::now();
                self.add(
                    Work::Join {
                        room,
                        after: None,
                        recent,
                        reply,
                    },
                    now,
                    job.deadline.saturating_duration_since(now),
                );
            }
            _ => {}
        }
    }

    /// Ends the session: parts every room, says BYE, and tells everybody who waits. Returns the BYE's transaction.
    pub(crate) fn end(
        &mut self,
        line: Option<&mut Line>,
        state: EndpointState,
    ) -> Option<parlor_sip::ClientTransactionId> {
        let farewell: Vec<Bytes> = self
            .rooms
            .iter()
            .filter(|(_, room)| room.shared.view(|view| view.joined))
            .map(|(uri, _)| encode::command(self.envelopes.next(), &ChatCommand::Part(uri.clone())))
            .collect();
        for id in self.jobs.ids() {
            if let Some(job) = self.jobs.remove(id) {
                tell(job, state);
            }
        }
        while let Some((_, room)) = self.rooms.pop_first() {
            room.close(RoomClosed::Terminated);
        }
        self.phase = Phase::Absent;
        self.settings = None;
        let line = line?;
        for part in farewell {
            line.info(part).ok()?;
        }
        line.bye()
    }
}

/// Tells whoever waits for a job that nothing more comes.
fn tell(job: Job, state: EndpointState) {
    let unposted = job.unposted(PostError::State(state));
    match job.work {
        Work::Request { reply, .. } => answer(reply, Err(RequestError::State(state))),
        Work::Join { reply, .. } | Work::Baseline { reply, .. } => {
            answer(reply, Err(RequestError::State(state).into()));
        }
        Work::Leave {
            reply: Some(reply), ..
        } => answer(reply, Ok(())),
        Work::Post { reply, .. } => answer(reply, Err(unposted)),
        Work::Leave { reply: None, .. } | Work::Rejoin { .. } | Work::CatchUp { .. } => {}
    }
}
