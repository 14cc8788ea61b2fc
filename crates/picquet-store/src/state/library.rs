//! Watchlists, saved functions, and tokens of the API.

use jiff::Timestamp;
use rusqlite::params;
use sha2::{Digest as _, Sha256};

use super::{Change, State, micros, time};
use crate::error::{Result, StoreError};

/// A watchlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchlistRow {
    /// The name by which queries know it; its case does not count.
    pub alias: String,
    /// The column that is searched by; the first one where it is not said.
    pub search_key: Option<String>,
    /// The items, as CSV with a header.
    pub csv: Vec<u8>,
    /// The file of the workspace's folder that it was read from; "" where it has none.
    pub file: String,
    /// When it was last written.
    pub updated: Timestamp,
}

/// A saved function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionRow {
    /// Its name.
    pub name: String,
    /// Its parameters, as in `(a:string, b:int=5)` without the parentheses.
    pub parameters: String,
    /// Its KQL text.
    pub body: String,
    /// The file of the workspace's folder that it was read from; "" where it has none.
    pub file: String,
    /// When it was last written.
    pub updated: Timestamp,
}

/// A token of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

fn digest(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Change<'_> {
    /// Writes a watchlist, new or changed.
    pub fn put_watchlist(&mut self, watchlist: &WatchlistRow) -> Result<()> {
        self.transaction.execute(
            "INSERT OR REPLACE INTO watchlists (alias, search_key, csv, file, updated) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![watchlist.alias, watchlist.search_key, watchlist.csv, watchlist.file, micros(watchlist.updated)],
        )?;
        Ok(())
    }

    /// Forgets a watchlist; whether there was one.
    pub fn drop_watchlist(&mut self, alias: &str) -> Result<bool> {
        Ok(self.transaction.execute("DELETE FROM watchlists WHERE alias = ?1", [alias])? > 0)
    }

    /// Writes a saved function, new or changed.
    pub fn put_function(&mut self, function: &FunctionRow) -> Result<()> {
        self.transaction.execute(
            "INSERT OR REPLACE INTO functions (name, parameters, body, file, updated) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![function.name, function.parameters, function.body, function.file, micros(function.updated)],
        )?;
        Ok(())
    }

    /// Forgets a saved function; whether there was one.
    pub fn drop_function(&mut self, name: &str) -> Result<bool> {
        Ok(self.transaction.execute("DELETE FROM functions WHERE name = ?1", [name])? > 0)
    }

    /// Keeps what tells a token. A name that is taken is refused.
    pub fn add_token(&mut self, name: &str, token: &str, now: Timestamp, expires: Option<Timestamp>) -> Result<()> {
        let added = self.transaction.execute(
            "INSERT OR IGNORE INTO tokens (name, hash, created, expires) VALUES (?1, ?2, ?3, ?4)",
            params![name, digest(token), micros(now), expires.map(micros)],
        )?;
        if added == 0 {
            return Err(StoreError::Refused(format!("there is a token '{name}' already; revoke it first")));
        }
        Ok(())
    }

    /// Forgets a token; whether there was one.
    pub fn drop_token(&mut self, name: &str) -> Result<bool> {
        Ok(self.transaction.execute("DELETE FROM tokens WHERE name = ?1", [name])? > 0)
    }
}

impl State {
    /// All watchlists.
    pub fn watchlists(&self) -> Result<Vec<WatchlistRow>> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare("SELECT alias, search_key, csv, file, updated FROM watchlists ORDER BY alias")?;
            let rows = statement.query_map([], |row| {
                Ok(WatchlistRow {
                    alias: row.get(0)?,
                    search_key: row.get(1)?,
                    csv: row.get(2)?,
                    file: row.get(3)?,
                    updated: time(row.get(4)?),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// All saved functions.
    pub fn functions(&self) -> Result<Vec<FunctionRow>> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare("SELECT name, parameters, body, file, updated FROM functions ORDER BY name")?;
            let rows = statement.query_map([], |row| {
                Ok(FunctionRow {
                    name: row.get(0)?,
                    parameters: row.get(1)?,
                    body: row.get(2)?,
                    file: row.get(3)?,
                    updated: time(row.get(4)?),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// All tokens.
    pub fn tokens(&self) -> Result<Vec<TokenRow>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare("SELECT name, created, expires FROM tokens ORDER BY name")?;
            let rows = statement.query_map([], |row| {
                Ok(TokenRow {
                    name: row.get(0)?,
                    created: time(row.get(1)?),
                    expires: row.get::<_, Option<i64>>(2)?.map(time),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The name of a token that is valid now.
    pub fn token_name(&self, token: &str, now: Timestamp) -> Result<Option<String>> {
        use rusqlite::OptionalExtension as _;
        self.read(|transaction| {
            let name = transaction.query_row(
                "SELECT name FROM tokens WHERE hash = ?1 AND (expires IS NULL OR expires > ?2)",
                params![digest(token), micros(now)],
                |row| row.get(0),
            );
            Ok(name.optional()?)
        })
    }
}
