//! One state of all that a user's endpoints, machines and the user say.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::person::Person;

/// Availability of somebody who is not there.
const OFFLINE: u32 = 18_000;
/// Availability of somebody who is.
const AVAILABLE: u32 = 3_500;
/// Where "away" begins: idle machines publish from here.
const AWAY: u32 = 12_000;

const NAMESPACE: &str = "http://schemas.microsoft.com/2006/09/sip/state";

/// The container that machines and users publish their states to, which only their owner sees.
pub(super) const AGGREGATION: u32 = 2;

/// What a user is, all in all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Aggregate<'a> {
    availability: u32,
    activity: Option<&'a str>,
}

impl Aggregate<'_> {
    pub(super) const OFFLINE: Self = Self {
        availability: OFFLINE,
        activity: None,
    };

    /// As a category instance of the container it is for.
    pub(super) fn write(&self, container: u32, time: &str, out: &mut String) {
        let _ = write!(
            out,
            "<category name=\"state\" instance=\"1\" publishTime=\"{time}\" container=\"{container}\" version=\"1\" \
             expireType=\"static\"><state xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:type=\"aggregateState\"><availability>{}</availability>",
            self.availability
        );
        if let Some(activity) = self.activity {
            let _ = write!(out, "<activity token=\"{}\"/>", escape(activity));
        }
        out.push_str("</state></category>");
    }
}

impl Person {
    /// None for somebody who is nowhere. What the user chose counts, but who chose to be available and is idle on every
    /// machine is away; a calendar or a call makes an available user busy. An application is available.
    pub(super) fn aggregate(&self) -> Option<Aggregate<'_>> {
        let states = || self.publications.states(AGGREGATION);
        let machines = states().filter(|state| state.is("machineState"));
        let Some(machine) = machines.min_by_key(|state| state.availability) else {
            return (!self.applications.is_empty()).then_some(Aggregate {
                availability: AVAILABLE,
                activity: None,
            });
        };
        let user = states().find(|state| state.is("userState"));
        let other = states()
            .filter(|state| !state.is("machineState") && !state.is("userState"))
            .max_by_key(|state| state.availability);
        let chosen = match user {
            Some(user) if user.availability < AWAY && machine.availability >= AWAY => machine,
            Some(user) => user,
            None => machine,
        };
        let shown = match other {
            Some(other) if chosen.availability < other.availability && chosen.availability < AWAY => other,
            _ => chosen,
        };
        Some(Aggregate {
            availability: shown.availability,
            activity: shown.activity.as_deref(),
        })
    }
}
