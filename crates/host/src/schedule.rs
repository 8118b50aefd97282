//! When schedules are due: which instance's schedule comes next, and what was missed. What a schedule's times *are*
//! is in [`parlor_bot::schedule`]; waiting, waking bots and storing what has fired is the host's task.

mod scheduler;

pub use scheduler::{Due, Next, Scheduler};
