//! Who of a pool's hosts is there, and which of them leads which endpoint.
//!
//! A host that joins gets a token, larger than all before. It is a member as long as it renews that in time, by the clock
//! of the database; the first to notice that another one's time is over strikes it out, with everything that it led, and
//! from then on the database takes nothing from it any more (see `db::postgres`). All of this runs under the lock that
//! orders transactions, so that no two hosts lead the same endpoint at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::db::{Db, DbError, values};
use super::thread::{self, Job};
use super::{State, StateError};

/// Milliseconds since the Unix epoch by the clock of the database.
const NOW: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";

/// How things stand in the pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The hosts that are there, by their tokens.
    pub(crate) members: BTreeMap<i64, String>,
    /// Who leads each endpoint.
    pub(crate) leases: BTreeMap<String, i64>,
}

impl Standing {
    /// What a member leads.
    pub(crate) fn led_by(&self, token: i64) -> BTreeSet<&str> {
        let of_member = self.leases.iter().filter(|(_, leader)| **leader == token);
        of_member.map(|(endpoint, _)| endpoint.as_str()).collect()
    }
}

impl State {
    /// Joins the pool under a name for people; the token. What this handle does from now on is done as that member.
    pub(crate) async fn join(&self, name: String, lease: Duration) -> Result<i64, StateError> {
        let (work, answer) = thread::call(move |db| {
            let sql = format!("INSERT INTO member (name, expires) VALUES (?1, {NOW} + ?2) RETURNING token");
            let token = db.first(&sql, values![name, millis(lease)], |row| row.get(0))?;
            db.set_member(token);
            Ok(token.unwrap_or_default())
        });
        let sent = self.jobs.send(Job::Join(work)).await;
        sent.map_err(|_| StateError::Closed)?;
        answer.await.map_err(|_| StateError::Closed)?
    }

    /// Says that this member is there for another `lease`, strikes out those whose time is over, and takes what is free
    /// and `wanted`: as many as leave a fair share for the others, and those that `overdue` names in any case.
    pub(crate) async fn renew(
        &self,
        token: i64,
        lease: Duration,
        wanted: BTreeSet<String>,
        overdue: BTreeSet<String>,
    ) -> Result<Standing, StateError> {
        self.call(move |db| {
            // When even this one is late, it was the database that was away, and the others have had no chance either.
            let late = format!("SELECT 1 FROM member WHERE token = ?1 AND expires < {NOW}");
            let late = db.exists(&late, values![token])?;
            let sql = format!("UPDATE member SET expires = {NOW} + ?2 WHERE token = ?1");
            db.execute(&sql, values![token, millis(lease)])?;
            if !late {
                let over = format!("DELETE FROM member WHERE expires < {NOW} AND token <> ?1");
                db.execute(&over, values![token])?;
            }
            let mut standing = standing(db)?;
            for endpoint in free_share(&standing, token, &wanted, &overdue) {
                db.execute(
                    "INSERT INTO lease (endpoint, token) VALUES (?1, ?2)",
                    values![endpoint, token],
                )?;
                standing.leases.insert(endpoint, token);
            }
            Ok(standing)
        })
        .await
    }

    /// Gives up endpoints, which others may lead from now on.
    pub(crate) async fn release(&self, token: i64, endpoints: Vec<String>) -> Result<(), StateError> {
        self.call(move |db| {
            for endpoint in &endpoints {
                db.execute(
                    "DELETE FROM lease WHERE endpoint = ?1 AND token = ?2",
                    values![endpoint, token],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Leaves the pool with everything that this member led.
    pub(crate) async fn resign(&self, token: i64) -> Result<(), StateError> {
        self.call(move |db| {
            db.execute("DELETE FROM member WHERE token = ?1", values![token])?;
            Ok(())
        })
        .await
    }
}

fn standing(db: &Db) -> Result<Standing, DbError> {
    let members = db.query("SELECT token, name FROM member", values![], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let leases = db.query("SELECT endpoint, token FROM lease", values![], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(Standing {
        members: members.into_iter().collect(),
        leases: leases.into_iter().collect(),
    })
}

/// How many endpoints one of so many members should lead.
pub(crate) fn fair_share(endpoints: usize, members: usize) -> usize {
    endpoints.div_ceil(members.max(1))
}

fn free_share(
    standing: &Standing,
    token: i64,
    wanted: &BTreeSet<String>,
    overdue: &BTreeSet<String>,
) -> Vec<String> {
    let mut room =
        fair_share(wanted.len(), standing.members.len()).saturating_sub(standing.led_by(token).len());
    let mut taken = Vec::new();
    for endpoint in wanted
        .iter()
        .filter(|endpoint| !standing.leases.contains_key(*endpoint))
    {
        if room > 0 {
            room -= 1;
            taken.push(endpoint.clone());
        } else if overdue.contains(endpoint) {
            taken.push(endpoint.clone());
        }
    }
    taken
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
