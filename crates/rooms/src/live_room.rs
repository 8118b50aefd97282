//! A room while people are in it: who is present at which endpoint, who must be told when that changes, and
//! when. Sending is left to the server; what the room is, to [`crate::Room`].

use std::collections::BTreeMap;

use parlor_xccos::{Behavior, SipUri, Timestamp};

use crate::{Access, Draft, Head, Refusal, Room, User, check_join};

/// One signed-in endpoint of a user: the server's number for the dialog it joined by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u64);

/// Above how many participants a room stops announcing who comes and goes (`ParticipantUpdateLimit`, product 1.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParticipantUpdateLimit(pub usize);

impl Default for ParticipantUpdateLimit {
    /// 75, the original's default.
    fn default() -> Self {
        Self(75)
    }
}

impl ParticipantUpdateLimit {
    fn exceeded_by(self, participants: usize) -> bool {
        participants > self.0
    }

    /// Announcing comes back below 80 %: with 75 at 59. The gap keeps a room at the limit from flapping.
    fn left_by(self, participants: usize) -> bool {
        participants.saturating_mul(100) < self.0.saturating_mul(80)
    }
}

/// A user who is in the room, at one or more endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Shown to others.
    pub display_name: String,
    /// What the user may do here, as of the last join or refresh.
    pub access: Access,
    endpoints: Vec<EndpointId>,
}

impl Present {
    /// Where the user is signed in; never empty.
    pub fn endpoints(&self) -> &[EndpointId] {
        &self.endpoints
    }
}

/// Who must be told that somebody came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Nobody: the user is present elsewhere too, or the room is large.
    Nobody,
    /// Every endpoint of the other users, see [`LiveRoom::others`].
    Others,
}

/// What a join did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// Who must be told.
    pub tell: Tell,
    /// This endpoint was in already: answer as for a first join, add nothing.
    pub again: bool,
}

/// What a part did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parted {
    /// Who must be told.
    pub tell: Tell,
    /// The room is announced again from now on: those present have not heard of changes for a while and may be
    /// told who is here.
    pub roster_resumed: bool,
}

/// What a change of the directory means for those present.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refreshed {
    /// Who lost the right to be here and has been removed; the rest has to be told unless [`LiveRoom::is_large`].
    pub kicked: Vec<(SipUri, Vec<EndpointId>)>,
    /// Who stays with other rights.
    pub changed: Vec<SipUri>,
    /// As in [`Parted`].
    pub roster_resumed: bool,
    /// Whether the kicked are announced to those who stay.
    pub tell: bool,
}

/// A room with people in it. One owner; its order of calls is everybody's order.
#[derive(Debug)]
pub struct LiveRoom {
    limit: ParticipantUpdateLimit,
    present: BTreeMap<SipUri, Present>,
    large: bool,
    stamped: Option<Timestamp>,
}

impl LiveRoom {
    /// An empty room whose history ends at `head`.
    pub fn new(head: Head, limit: ParticipantUpdateLimit) -> Self {
        Self {
            limit,
            present: BTreeMap::new(),
            large: false,
            stamped: head.last.map(|(_, time)| time),
        }
    }

    /// Lets `user` in at `endpoint`.
    ///
    /// # Errors
    /// [`Refusal::RoomDisabled`]; [`Refusal::NoSuchRoom`] when the user may not even see the room, so that a secret
    /// stays one; [`Refusal::NotAuthorized`].
    pub fn join(
        &mut self,
        room: &Room,
        user: &User,
        access: Access,
        endpoint: EndpointId,
    ) -> Result<Joined, Refusal> {
        check_join(room, access)?;
        if let Some(present) = self.present.get_mut(&user.uri) {
            present.access = access;
            let again = present.endpoints.contains(&endpoint);
            if !again {
                present.endpoints.push(endpoint);
            }
            return Ok(Joined {
                tell: Tell::Nobody,
                again,
            });
        }
        let present = Present {
            display_name: user.display_name.clone(),
            access,
            endpoints: vec![endpoint],
        };
        self.present.insert(user.uri.clone(), present);
        self.large |= self.limit.exceeded_by(self.present.len());
        Ok(Joined {
            tell: self.tell(),
            again: false,
        })
    }

    /// Takes `user` out at `endpoint`, on request or because the dialog is gone.
    ///
    /// # Errors
    /// [`Refusal::NotJoined`].
    pub fn part(&mut self, user: &SipUri, endpoint: EndpointId) -> Result<Parted, Refusal> {
        let present = self.present.get_mut(user).ok_or(Refusal::NotJoined)?;
        let at = present
            .endpoints
            .iter()
            .position(|&e| e == endpoint)
            .ok_or(Refusal::NotJoined)?;
        present.endpoints.swap_remove(at);
        if !present.endpoints.is_empty() {
            return Ok(Parted {
                tell: Tell::Nobody,
                roster_resumed: false,
            });
        }
        self.present.remove(user);
        let roster_resumed = self.shrink();
        // The list that follows a resumption says it all.
        let tell = if roster_resumed { Tell::Nobody } else { self.tell() };
        Ok(Parted { tell, roster_resumed })
    }

    /// Looks at everybody's rights again after the directory changed, and removes those who may no longer be here.
    pub fn refresh(&mut self, access: impl Fn(&SipUri) -> Access) -> Refreshed {
        let mut refreshed = Refreshed::default();
        self.present.retain(|user, present| {
            let now = access(user);
            if !now.join {
                refreshed
                    .kicked
                    .push((user.clone(), std::mem::take(&mut present.endpoints)));
                return false;
            }
            if now != present.access {
                present.access = now;
                refreshed.changed.push(user.clone());
            }
            true
        });
        refreshed.roster_resumed = self.shrink();
        refreshed.tell = !refreshed.kicked.is_empty() && !refreshed.roster_resumed && !self.large;
        refreshed
    }

    /// Whether the author of `draft` may say it here, from `endpoint`, now.
    ///
    /// # Errors
    /// [`Refusal::NotJoined`], [`Refusal::MayNotPost`].
    pub fn check_post(&self, room: &Room, endpoint: EndpointId, draft: &Draft) -> Result<(), Refusal> {
        let present = self.present.get(draft.author()).ok_or(Refusal::NotJoined)?;
        if !present.endpoints.contains(&endpoint) {
            return Err(Refusal::NotJoined);
        }
        if !present.access.post {
            let auditorium = room.settings.behavior == Behavior::Auditorium;
            return Err(Refusal::MayNotPost { auditorium });
        }
        Ok(())
    }

    /// The time of the next post: `now`, but never before the post before it, whatever the clock does.
    pub fn stamp(&mut self, now: Timestamp) -> Timestamp {
        let time = self.stamped.map_or(now, |last| last.max(now));
        self.stamped = Some(time);
        time
    }

    /// Whether comings and goings are not announced and the join answer carries no list.
    pub fn is_large(&self) -> bool {
        self.large
    }

    /// How many users are present.
    pub fn participants(&self) -> usize {
        self.present.len()
    }

    /// Whether nobody is present.
    pub fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// Who is present, in the order of their addresses.
    pub fn roster(&self) -> impl Iterator<Item = (&SipUri, &Present)> {
        self.present.iter()
    }

    /// The list a client asks for in a large room.
    ///
    /// # Errors
    /// [`Refusal::NotJoined`]; [`Refusal::RosterIsAnnounced`] when the room is not large.
    pub fn hidden_roster(
        &self,
        asker: &SipUri,
    ) -> Result<impl Iterator<Item = (&SipUri, &Present)>, Refusal> {
        if !self.present.contains_key(asker) {
            return Err(Refusal::NotJoined);
        }
        if !self.large {
            return Err(Refusal::RosterIsAnnounced);
        }
        Ok(self.roster())
    }

    /// One user who is present.
    pub fn find(&self, user: &SipUri) -> Option<&Present> {
        self.present.get(user)
    }

    /// Whether `user` is here at `endpoint`.
    pub fn has_joined(&self, user: &SipUri, endpoint: EndpointId) -> bool {
        self.present
            .get(user)
            .is_some_and(|present| present.endpoints.contains(&endpoint))
    }

    /// Every endpoint: who hears a post, its author included.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointId> {
        self.present
            .values()
            .flat_map(|present| present.endpoints.iter().copied())
    }

    /// Every endpoint of the users other than `user`: who hears that `user` came or went.
    pub fn others<'a>(&'a self, user: &'a SipUri) -> impl Iterator<Item = EndpointId> + 'a {
        self.present
            .iter()
            .filter(move |(uri, _)| *uri != user)
            .flat_map(|(_, present)| present.endpoints.iter().copied())
    }

    fn tell(&self) -> Tell {
        if self.large { Tell::Nobody } else { Tell::Others }
    }

    /// Notes that somebody left; true when the room stops being large.
    fn shrink(&mut self) -> bool {
        let resumed = self.large && self.limit.left_by(self.present.len());
        self.large &= !resumed;
        resumed
    }
}
