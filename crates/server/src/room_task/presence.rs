//! Who comes and goes: joins, departures, lost rights, and who is told.

use std::sync::Arc;

use parlor_rooms::{Access, EndpointId, Parted, Present, Refusal, Tell};
use parlor_xccos::{Arrival, ErrorCode, JoinedRoom, Notice, Participant, ReplyData, SipUri};

use super::{JoinAnswer, RoomTask, Seated};
use crate::room_info::room_info;
use crate::ticket::Ticket;

impl RoomTask {
    pub(super) fn join(&mut self, seated: Seated, endpoint: EndpointId, answer: JoinAnswer) {
        let service = Arc::clone(&self.service);
        let directory = service.directory.read();
        let found = directory
            .room(self.id)
            .and_then(|room| Some((room, directory.category_of(room)?)));
        let Some((room, category)) = found else {
            seated.lose();
            return answer.refuse(ErrorCode::NoSuchNode, &Refusal::NoSuchRoom(self.id));
        };
        let user = directory.standing(&seated.user);
        let access = parlor_rooms::access(category, room, &user);
        let joined = match self.live.join(room, &user, access, endpoint) {
            Ok(joined) => joined,
            Err(refusal) => {
                seated.lose();
                return answer.refuse(refusal.code(), &refusal);
            }
        };
        let info = room_info(self.uri.clone(), category, room, self.live.participants());
        drop(directory);

        let user = seated.user.clone();
        let batch = answer.is_batch();
        seated.seat.seat();
        self.seated.insert(endpoint, seated);
        self.count_participants();
        answer.accept(JoinedRoom {
            info,
            participants: self.announced_roster(),
        });
        if joined.again {
            return;
        }
        tracing::debug!(%user, participants = self.live.participants(), "joined");
        if joined.tell == Tell::Others
            && let Some(present) = self.live.find(&user)
        {
            let arrivals = vec![Arrival {
                room: self.uri.clone(),
                participant: participant(&user, present),
            }];
            let body = self.service.wire.notice(&Notice::Joined { batch, arrivals });
            self.tell(self.live.others(&user), &body);
        }
        self.watch_join(&user);
    }

    pub(super) fn leave(&mut self, endpoint: EndpointId, ticket: Option<Ticket>) {
        let parted = self.seated.remove(&endpoint).and_then(|seated| {
            let parted = self.live.part(&seated.user, endpoint).ok()?;
            Some((seated.user, parted))
        });
        let Some((user, parted)) = parted else {
            // Refused or put out before.
            if let Some(ticket) = ticket {
                ticket.fail(ErrorCode::UserNotJoined, None);
            }
            return;
        };
        self.count_participants();
        if let Some(ticket) = ticket {
            ticket.reply(ReplyData::Parted(self.uri.clone()));
        }
        tracing::debug!(%user, participants = self.live.participants(), "parted");
        self.announce_departure(&user, parted);
        if self.live.find(&user).is_none() {
            self.watch_part(&user);
        }
    }

    fn announce_departure(&self, user: &SipUri, parted: Parted) {
        if parted.tell == Tell::Others {
            let notice = Notice::Parted {
                room: self.uri.clone(),
                users: vec![user.clone()],
            };
            self.tell_everybody(&self.service.wire.notice(&notice));
        }
        if parted.roster_resumed {
            self.announce_everybody();
        }
    }

    /// Looks at the directory again: tells what changed, puts out who may no longer be here.
    pub(super) fn refresh(&mut self) {
        let service = Arc::clone(&self.service);
        let refreshed = {
            let directory = service.directory.read();
            let room = directory.room(self.id);
            self.live
                .refresh(|user| room.map_or(Access::NONE, |room| directory.access(room, user)))
        };
        self.show_changes();
        for (user, endpoints) in &refreshed.kicked {
            tracing::info!(%user, "put out");
            self.put_out(user, endpoints);
        }
        self.count_participants();
        if refreshed.tell {
            let users = refreshed.kicked.into_iter().map(|(user, _)| user).collect();
            self.tell_everybody(&self.service.wire.notice(&Notice::Parted {
                room: self.uri.clone(),
                users,
            }));
        }
        let arrivals: Vec<Arrival> = refreshed
            .changed
            .iter()
            .filter_map(|user| {
                let present = self.live.find(user)?;
                Some(Arrival {
                    room: self.uri.clone(),
                    participant: participant(user, present),
                })
            })
            .collect();
        if !arrivals.is_empty() {
            self.tell_everybody(&self.service.wire.notice(&Notice::RightsChanged(arrivals)));
        }
        if refreshed.roster_resumed {
            self.announce_everybody();
        }
    }

    fn show_changes(&mut self) {
        let mut info = self.info();
        if let (Some(info), Some(shown)) = (&mut info, &self.shown) {
            // How many are here is told by who comes and goes.
            info.participants = shown.participants;
        }
        if info == self.shown {
            return;
        }
        if let Some(info) = &info {
            self.tell_everybody(&self.service.wire.notice(&Notice::RoomChanged(info.clone())));
        }
        self.shown = info;
    }

    fn put_out(&mut self, user: &SipUri, endpoints: &[EndpointId]) {
        let notice = Notice::Kicked {
            room: self.uri.clone(),
            user: user.clone(),
        };
        let body = self.service.wire.notice(&notice);
        for endpoint in endpoints {
            if let Some(seated) = self.seated.remove(endpoint) {
                seated.at.deliver(body.clone());
                seated.lose();
            }
        }
        self.watch_part(user);
    }

    /// The room is small again: everybody learns who is here.
    fn announce_everybody(&self) {
        let arrivals: Vec<Arrival> = self
            .live
            .roster()
            .map(|(user, present)| Arrival {
                room: self.uri.clone(),
                participant: participant(user, present),
            })
            .collect();
        self.tell_everybody(&self.service.wire.notice(&Notice::Joined {
            batch: false,
            arrivals,
        }));
    }

    /// Who is here, as a join reply says it: nobody in a large room.
    fn announced_roster(&self) -> Vec<Participant> {
        if self.live.is_large() {
            return Vec::new();
        }
        self.live
            .roster()
            .map(|(user, present)| participant(user, present))
            .collect()
    }

    pub(super) fn hidden_roster(&self, user: &SipUri, ticket: Ticket) {
        let Some(info) = self.info() else {
            return ticket.fail(ErrorCode::NoSuchNode, None);
        };
        let roster = self.live.hidden_roster(user).map(|roster| {
            roster
                .map(|(user, present)| participant(user, present))
                .collect::<Vec<_>>()
        });
        match roster {
            Ok(participants) => ticket.reply(ReplyData::Joined {
                rooms: vec![JoinedRoom { info, participants }],
                failed: Vec::new(),
            }),
            Err(refusal) => ticket.fail(refusal.code(), Some(&refusal)),
        }
    }
}

fn participant(user: &SipUri, present: &Present) -> Participant {
    Participant {
        user: user.clone(),
        display: present.display_name.clone(),
        rights: present.access.rights(),
    }
}
