//! The database behind the state: one connection, and the few things that both engines are asked for.
//!
//! Both take the same statements, in the part of SQL that both understand, with `?1` for the first value. Text is
//! compared byte by byte, whole numbers have 64 bits, and there are no other types: a `u32` is not a type of
//! PostgreSQL.

mod postgres;
mod sqlite;

use std::error::Error;
use std::fmt;

use ::postgres::types as pg;
use rusqlite::types as lite;

pub(super) use postgres::Postgres;
pub(super) use sqlite::Sqlite;

/// A value for a statement: text, a whole number of 64 bits, or an option of them. What is compared with a length has 32.
pub(super) trait Value: lite::ToSql + pg::ToSql + Sync {}
impl<T: lite::ToSql + pg::ToSql + Sync> Value for T {}

/// What a column can be read as.
pub(super) trait Column: lite::FromSql + for<'a> pg::FromSql<'a> {}
impl<T: lite::FromSql + for<'a> pg::FromSql<'a>> Column for T {}

/// The values of a statement, `?1` first.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::state::db::Value),*]
    };
}
pub(super) use values;

/// A connection.
#[derive(Debug)]
pub(super) enum Db {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

/// One row of an answer.
pub(super) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a ::postgres::Row),
}

impl Row<'_> {
    /// The column at `index`, from zero.
    pub(super) fn get<T: Column>(&self, index: usize) -> Result<T, DbError> {
        Ok(match self {
            Self::Sqlite(row) => row.get(index)?,
            Self::Postgres(row) => row.try_get(index)?,
        })
    }
}

impl Db {
    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, values: &[&dyn Value]) -> Result<usize, DbError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.execute(sql, values),
            Self::Postgres(postgres) => postgres.execute(sql, values),
        }
    }

    /// All rows of an answer, as `read` reads them.
    pub(super) fn query<T>(
        &self,
        sql: &str,
        values: &[&dyn Value],
        read: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query(sql, values, read),
            Self::Postgres(postgres) => postgres.query(sql, values, read),
        }
    }

    /// The first row of an answer, if there is one.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        values: &[&dyn Value],
        read: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Option<T>, DbError> {
        Ok(self.query(sql, values, read)?.into_iter().next())
    }

    /// The number in the only row of an answer; zero when there is none.
    pub(super) fn count(&self, sql: &str, values: &[&dyn Value]) -> Result<u64, DbError> {
        let number = self.first(sql, values, |row| row.get::<i64>(0))?;
        Ok(number.unwrap_or(0).unsigned_abs())
    }

    /// Whether the answer has a row.
    pub(super) fn exists(&self, sql: &str, values: &[&dyn Value]) -> Result<bool, DbError> {
        Ok(self.first(sql, values, |_| Ok(()))?.is_some())
    }

    /// What the database takes on its disk, bytes.
    pub(super) fn bytes(&self) -> Result<u64, DbError> {
        match self {
            Self::Sqlite(_) => self.count(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                values![],
            ),
            Self::Postgres(_) => self.count("SELECT pg_database_size(current_database())", values![]),
        }
    }

    /// Which member of the pool this host is; a file has no pool.
    pub(super) fn set_member(&self, token: Option<i64>) {
        if let Self::Postgres(postgres) = self {
            postgres.set_member(token);
        }
    }

    /// Begins a transaction. Only one is under way at a time, on whichever host.
    pub(super) fn begin(&mut self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.begin(),
            Self::Postgres(postgres) => postgres.begin(),
        }
    }

    /// Runs one part of the transaction; what it did is undone, and nothing else, when it says `false`.
    pub(super) fn savepoint(&self, part: impl FnOnce(&Self) -> bool) -> Result<(), DbError> {
        self.run("SAVEPOINT part")?;
        if part(self) {
            self.run("RELEASE part")
        } else {
            self.run("ROLLBACK TO part; RELEASE part")
        }
    }

    /// Ends the transaction; after an error nothing of it is kept.
    pub(super) fn commit(&mut self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.commit(),
            Self::Postgres(postgres) => postgres.commit(),
        }
    }

    /// Gives the transaction up.
    pub(super) fn roll_back(&self) {
        // Without a connection, or after an error that ended it, there is none.
        let _none = self.run("ROLLBACK");
    }

    fn run(&self, sql: &str) -> Result<(), DbError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.run(sql),
            Self::Postgres(postgres) => postgres.run(sql),
        }
    }
}

/// What a database said.
#[derive(Debug)]
pub struct DbError(Box<dyn Error + Send + Sync>);

impl DbError {
    /// A column holds what it cannot hold.
    pub(super) fn column(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // PostgreSQL's own words are one step below what its driver says.
        match self
            .0
            .downcast_ref::<::postgres::Error>()
            .and_then(::postgres::Error::as_db_error)
        {
            Some(said) => write!(formatter, "{} ({})", said.message(), said.code().code()),
            None => self.0.fmt(formatter),
        }
    }
}

impl Error for DbError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self(Box::new(error))
    }
}

impl From<::postgres::Error> for DbError {
    fn from(error: ::postgres::Error) -> Self {
        Self(Box::new(error))
    }
}
