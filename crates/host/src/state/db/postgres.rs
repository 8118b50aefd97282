//! The state in PostgreSQL, shared by the hosts of a pool.
//!
//! All hosts take one advisory lock in turn, so that their transactions follow each other as those of one host on a file
//! do: numbers come in the order of the commits, and what a transaction has checked stays so until it ends. The first
//! thing checked is that this host is still a member: one that was struck out, because it was silent for too long, writes
//! nothing any more. The token of the membership is what fences it off.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ::postgres::types::{IsNull, ToSql, Type};
use ::postgres::{Client, Error, Statement};
use bytes::BytesMut;

use super::super::database::Database;
use super::super::{StateError, schema};
use super::{Db, DbError, Row, Value};

/// Taken by every transaction; one for each schema, so that pools can share a database.
const TURN: &str = "SELECT pg_advisory_xact_lock(hashtext('parlor.' || current_schema()))";
/// How long it is asked what became of a commit whose answer was lost, and the wait in between. A database that restarts
/// is back in that time; after it the call counts as failed and is repeated, which no call minds.
const ASKED: Duration = Duration::from_secs(10);
const ASKED_AGAIN: Duration = Duration::from_millis(200);

/// A connection, made anew when it is lost.
pub(in crate::state) struct Postgres {
    database: Database,
    client: RefCell<Client>,
    statements: RefCell<HashMap<String, Statement>>,
    /// Which member this host is; a program that only looks, or retries, is none.
    member: Cell<Option<i64>>,
    /// The transaction that is under way.
    transaction: Option<String>,
}

/// This host was struck out of the members: others lead what it led.
#[derive(Debug, thiserror::Error)]
#[error("this host was silent for too long, and another one has taken over")]
struct Fenced;

impl DbError {
    /// Whether it says that another host has taken over.
    pub(in crate::state) fn is_fenced(&self) -> bool {
        self.0.is::<Fenced>()
    }
}

impl Postgres {
    /// Connects, and brings the layout up to date.
    pub(in crate::state) fn open(database: Database) -> Result<Self, StateError> {
        let connect = |error: Error| StateError::Connect {
            place: database.to_string(),
            source: error.into(),
        };
        let mut client = database.connect().map_err(connect)?;
        client.batch_execute("BEGIN").map_err(connect)?;
        client.batch_execute(TURN).map_err(connect)?;
        schema::postgres::migrate(&mut client)
            .map_err(connect)?
            .map_err(|found| StateError::TooNew {
                place: database.to_string(),
                found,
                known: schema::KNOWN,
            })?;
        client.batch_execute("COMMIT").map_err(connect)?;
        Ok(Self {
            database,
            client: RefCell::new(client),
            statements: RefCell::default(),
            member: Cell::default(),
            transaction: None,
        })
    }

    /// Which member this host is from now on; each transaction is checked against it.
    pub(super) fn set_member(&self, token: Option<i64>) {
        self.member.set(token);
    }

    pub(super) fn begin(&mut self) -> Result<(), DbError> {
        self.transaction = None;
        match self.take_turn() {
            // It was lost since the last transaction; nothing is at stake yet.
            Err(_) if self.client.get_mut().is_closed() => self.take_turn()?,
            other => other?,
        }
        let token = self.member.get();
        let told = self.query(
            "SELECT CAST(pg_current_xact_id() AS TEXT), EXISTS (SELECT 1 FROM member WHERE token = ?1)",
            super::values![token],
            |row| Ok((row.get(0)?, row.get::<bool>(1)?)),
        )?;
        let Some((transaction, is_member)) = told.into_iter().next() else {
            return Ok(());
        };
        if token.is_some() && !is_member {
            return Err(DbError(Box::new(Fenced)));
        }
        self.transaction = Some(transaction);
        Ok(())
    }

    fn take_turn(&mut self) -> Result<(), DbError> {
        if self.client.get_mut().is_closed() {
            self.reconnect()?;
        }
        // Each statement sees what was committed before it: also by whoever had the turn before.
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")?;
        self.run(TURN)
    }

    pub(super) fn commit(&mut self) -> Result<(), DbError> {
        let Err(error) = self.run("COMMIT") else {
            return Ok(());
        };
        if !self.client.get_mut().is_closed() {
            return Err(error);
        }
        // Whether it was carried out is not known before the database is asked.
        let transaction = self.transaction.take();
        let begun = Instant::now();
        while begun.elapsed() < ASKED {
            sleep(ASKED_AGAIN);
            if let Some(committed) = transaction
                .as_deref()
                .and_then(|id| self.became(id).ok().flatten())
            {
                return if committed { Ok(()) } else { Err(error) };
            }
        }
        Err(error)
    }

    /// Whether a transaction was committed; none as long as it is under way.
    fn became(&mut self, transaction: &str) -> Result<Option<bool>, DbError> {
        if self.client.get_mut().is_closed() {
            self.reconnect()?;
        }
        let status = self.first_text(
            "SELECT pg_xact_status(CAST(CAST(?1 AS TEXT) AS xid8))",
            transaction,
        )?;
        Ok(match status.as_deref() {
            Some("committed") => Some(true),
            Some("in progress") => None,
            _ => Some(false),
        })
    }

    fn first_text(&self, sql: &str, value: &str) -> Result<Option<String>, DbError> {
        let rows = self.query(sql, super::values![value], |row| row.get::<Option<String>>(0))?;
        Ok(rows.into_iter().next().flatten())
    }

    fn reconnect(&mut self) -> Result<(), DbError> {
        self.statements.get_mut().clear();
        *self.client.get_mut() = self.database.connect()?;
        Ok(())
    }

    pub(super) fn run(&self, sql: &str) -> Result<(), DbError> {
        Ok(self.client.borrow_mut().batch_execute(sql)?)
    }

    pub(super) fn execute(&self, sql: &str, values: &[&dyn Value]) -> Result<usize, DbError> {
        let statement = self.statement(sql)?;
        let changed = self
            .client
            .borrow_mut()
            .execute(&statement, &pg(&bound(values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(super) fn query<T>(
        &self,
        sql: &str,
        values: &[&dyn Value],
        mut read: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let statement = self.statement(sql)?;
        let rows = self.client.borrow_mut().query(&statement, &pg(&bound(values)))?;
        rows.iter().map(|row| read(&Row::Postgres(row))).collect()
    }

    /// The statement, prepared when it is first needed on this connection.
    fn statement(&self, sql: &str) -> Result<Statement, DbError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.borrow_mut().prepare(&dollars(sql))?;
        self.statements
            .borrow_mut()
            .insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Postgres")
            .field("database", &self.database)
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

impl From<Postgres> for Db {
    fn from(postgres: Postgres) -> Self {
        Self::Postgres(Box::new(postgres))
    }
}

/// `?1` is `$1` here. No statement of the state has a question mark for anything else.
fn dollars(sql: &str) -> String {
    sql.replace('?', "$")
}

/// A value as PostgreSQL takes it: its text holds no NUL, which foreign feeds and requests may. A refusal would be repeated
/// for ever, so it is kept as the control character that stands for what cannot be shown (ECMA-48, SUBSTITUTE).
#[derive(Debug)]
struct Bound<'a>(&'a dyn Value);

const SUBSTITUTE: u8 = 0x1a;

impl ToSql for Bound<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let begin = out.len();
        let is_null = self.0.to_sql_checked(kind, out)?;
        if *kind == Type::TEXT {
            let text = out.iter_mut().skip(begin);
            text.filter(|byte| **byte == 0)
                .for_each(|byte| *byte = SUBSTITUTE);
        }
        Ok(is_null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    ::postgres::types::to_sql_checked!();
}

fn bound<'a>(values: &[&'a dyn Value]) -> Vec<Bound<'a>> {
    values.iter().map(|&value| Bound(value)).collect()
}

fn pg<'a>(values: &'a [Bound<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
