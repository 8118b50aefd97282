//! The bindings and their deadlines, as a state machine: the time is an argument, what ended is the answer.
//! `L` is the connection that reaches an endpoint.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use parlor_sip::NameAddr;
use parlor_xccos::SipUri;

use super::device::Device;

/// Endpoints of one user at once; a person has a handful, each with a row in presence and a branch of every call.
const PER_USER: usize = 16;
/// Endpoints of a server; ten times its connections, for hosts that carry many bots. About 100 MB at the very most.
const IN_ALL: usize = 100_000;

/// How many bindings there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) per_user: usize,
    pub(super) in_all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_user: PER_USER,
            in_all: IN_ALL,
        }
    }
}

/// Every user's bindings.
#[derive(Debug)]
pub(super) struct Table<L> {
    limits: Limits,
    users: HashMap<SipUri, Vec<Binding<L>>>,
    /// When each binding ends, with its number; as many as there are bindings.
    ends: BTreeMap<(Instant, u64), SipUri>,
    next: u64,
}

/// What a REGISTER asks for.
#[derive(Debug, Clone)]
pub(crate) struct Registration<L> {
    pub(crate) device: Device,
    /// As the client wrote it, without `expires`.
    pub(crate) contact: NameAddr,
    pub(crate) line: L,
    pub(crate) lifetime: Duration,
}

/// One endpoint of a user.
#[derive(Debug, Clone)]
pub(crate) struct Binding<L> {
    number: u64,
    pub(crate) device: Device,
    pub(crate) contact: NameAddr,
    pub(crate) line: L,
    pub(crate) expires: Instant,
    /// The connection is lost; when it counts as gone.
    lost_until: Option<Instant>,
}

/// A binding ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended<L> {
    pub(crate) user: SipUri,
    pub(crate) line: L,
    pub(crate) why: Why,
    /// The user has no binding any more.
    pub(crate) last: bool,
    /// The user has no binding at this connection any more.
    pub(crate) last_here: bool,
}

/// Why a binding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The client said so.
    SignedOff,
    /// It was not refreshed in time.
    Expired,
    /// The connection was lost and the client did not come back.
    Lost,
    /// The same endpoint came over another connection.
    Replaced,
    /// The user may not be here any more.
    Barred,
}

/// There are as many bindings as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// Of this user.
    User,
    /// Of all.
    Server,
}

impl<L> Binding<L> {
    /// Whether its connection is there.
    pub(crate) fn is_reachable(&self) -> bool {
        self.lost_until.is_none()
    }

    fn ends(&self) -> Instant {
        self.lost_until
            .map_or(self.expires, |until| until.min(self.expires))
    }
}

impl<L: Clone + PartialEq> Table<L> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            users: HashMap::new(),
            ends: BTreeMap::new(),
            next: 0,
        }
    }

    /// The bindings of a user, the newest last.
    pub(super) fn of(&self, user: &SipUri) -> &[Binding<L>] {
        self.users.get(user).map_or(&[], Vec::as_slice)
    }

    /// When the next binding ends.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.ends.first_key_value().map(|((end, _), _)| *end)
    }

    /// Binds or refreshes; what is given back are bindings that this one replaced. When the user has too many, one
    /// whose connection is lost makes room: its client is most likely gone.
    pub(super) fn register(
        &mut self,
        now: Instant,
        user: &SipUri,
        asked: Registration<L>,
    ) -> Result<Vec<Ended<L>>, Full> {
        let is_same = |binding: &Binding<L>| match asked.device.has_name() {
            true => binding.device.is(&asked.device),
            false => !binding.device.has_name() && binding.line == asked.line,
        };
        let old = self.of(user);
        let replaces = old.iter().filter(|binding| is_same(binding)).count();
        let mut in_the_way = None;
        if old.len() - replaces >= self.limits.per_user {
            let lost = old.iter().find(|binding| !binding.is_reachable());
            in_the_way = Some(lost.ok_or(Full::User)?.number);
        } else if replaces == 0 && self.ends.len() >= self.limits.in_all {
            return Err(Full::Server);
        }
        let mut ended = self.end(user, Why::Replaced, is_same);
        // The same connection is a refresh: nothing ended there.
        ended.retain(|ended| ended.line != asked.line);
        if let Some(number) = in_the_way {
            ended.extend(self.end(user, Why::Lost, |binding| binding.number == number));
        }
        let number = self.next;
        self.next += 1;
        let expires = now + asked.lifetime;
        self.ends.insert((expires, number), user.clone());
        self.users.entry(user.clone()).or_default().push(Binding {
            number,
            device: asked.device,
            contact: asked.contact,
            line: asked.line,
            expires,
            lost_until: None,
        });
        for ended in &mut ended {
            ended.last = false;
        }
        Ok(ended)
    }

    /// One endpoint leaves, by its name or its connection.
    pub(super) fn leave(&mut self, user: &SipUri, line: &L, device: &Device) -> Vec<Ended<L>> {
        self.end(user, Why::SignedOff, |binding| match device.has_name() {
            true => binding.device.is(device),
            false => !binding.device.has_name() && binding.line == *line,
        })
    }

    /// Every endpoint of the user leaves.
    pub(super) fn leave_all(&mut self, user: &SipUri, why: Why) -> Vec<Ended<L>> {
        self.end(user, why, |_| true)
    }

    /// The connection of some of the user's endpoints is lost: they have `grace` to come back.
    pub(super) fn lose(&mut self, now: Instant, user: &SipUri, line: &L, grace: Duration) -> Vec<Ended<L>> {
        if grace.is_zero() {
            return self.end(user, Why::Lost, |binding| binding.line == *line);
        }
        for binding in self.users.get_mut(user).into_iter().flatten() {
            if binding.line == *line && binding.is_reachable() {
                self.ends.remove(&(binding.ends(), binding.number));
                binding.lost_until = Some(now + grace);
                self.ends.insert((binding.ends(), binding.number), user.clone());
            }
        }
        Vec::new()
    }

    /// Ends what is over at `now`.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Ended<L>> {
        let mut ended = Vec::new();
        while let Some(first) = self.ends.first_entry()
            && first.key().0 <= now
        {
            let ((_, number), user) = (*first.key(), first.get().clone());
            let lost = self
                .of(&user)
                .iter()
                .any(|binding| binding.number == number && !binding.is_reachable());
            let why = if lost { Why::Lost } else { Why::Expired };
            ended.extend(self.end(&user, why, |binding| binding.number == number));
        }
        ended
    }

    fn end(&mut self, user: &SipUri, why: Why, over: impl Fn(&Binding<L>) -> bool) -> Vec<Ended<L>> {
        let Some(bindings) = self.users.get_mut(user) else {
            return Vec::new();
        };
        let ended: Vec<Binding<L>> = bindings.extract_if(.., |binding| over(binding)).collect();
        let last = bindings.is_empty();
        let left = if last {
            self.users.remove(user).unwrap_or_default()
        } else {
            bindings.clone()
        };
        for binding in &ended {
            self.ends.remove(&(binding.ends(), binding.number));
        }
        let ended = ended.into_iter().map(|binding| Ended {
            user: user.clone(),
            last,
            last_here: !left.iter().any(|other| other.line == binding.line),
            line: binding.line,
            why,
        });
        ended.collect()
    }
}

#[cfg(test)]
mod tests;
