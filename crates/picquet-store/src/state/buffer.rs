//! Rows that are in no file yet, and the columns of tables.

use std::collections::HashSet;
use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use jiff::Timestamp;
use kql_functions::Type;
use picquet_sources::KUSTO_TYPE;
use rusqlite::{OptionalExtension as _, Params, Transaction, params};

use super::{Change, State, micros, record};
use crate::columns::Column;
use crate::error::{Result, StoreError};

/// Rows of a table in Kusto's representation.
#[derive(Debug, Clone)]
pub(crate) struct Buffered {
    pub(crate) seq: i64,
    pub(crate) table: String,
    pub(crate) received: i64,
    pub(crate) columns: Vec<Column>,
    pub(crate) batch: RecordBatch,
}

impl Change<'_> {
    /// The columns of a table; `None` where there is no such table.
    pub(crate) fn columns(&self, table: &str) -> Result<Option<Vec<Column>>> {
        columns(&self.transaction, table)
    }

    /// Makes a table have these columns, besides those that it has already, which keep their types.
    pub(crate) fn grow(&mut self, table: &str, columns: &[Column]) -> Result<()> {
        let known = self.columns(table)?;
        let mut all = known.clone().unwrap_or_default();
        for (name, ty) in columns {
            if !all.iter().any(|(known, _)| known == name) {
                all.push((name.clone(), *ty));
            }
        }
        if known.as_ref().is_some_and(|known| known.len() == all.len()) {
            return Ok(());
        }
        let text: Vec<(&str, &str)> = all.iter().map(|(name, ty)| (name.as_str(), ty.name())).collect();
        let text = serde_json::to_string(&text).map_err(record("columns"))?;
        self.transaction.execute("INSERT OR REPLACE INTO tables (name, columns) VALUES (?1, ?2)", [table, &text])?;
        self.grown.push((table.to_string(), all));
        Ok(())
    }

    /// Appends rows to a table, which gets their columns. They lie in the buffer until they are put into a file.
    pub(crate) fn append(
        &mut self,
        table: &str,
        columns: &[Column],
        batch: RecordBatch,
        received: Timestamp,
    ) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.grow(table, columns)?;
        let buffered = self.keep(table, columns, batch, received)?;
        self.appended.push(buffered);
        Ok(())
    }

    /// Puts rows into the buffer.
    pub(super) fn keep(
        &mut self,
        table: &str,
        columns: &[Column],
        batch: RecordBatch,
        received: Timestamp,
    ) -> Result<Buffered> {
        let data = pack(columns, &batch).map_err(|e| StoreError::table(table, e))?;
        let rows = i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        let received = micros(received);
        self.transaction.execute(
            "INSERT INTO buffer (tbl, rows, received, data) VALUES (?1, ?2, ?3, ?4)",
            params![table, rows, received, data],
        )?;
        let seq = self.transaction.last_insert_rowid();
        Ok(Buffered { seq, table: table.to_string(), received, columns: columns.to_vec(), batch })
    }

    /// Forgets buffered rows of a table, which lie in a file now.
    pub(crate) fn forget(&mut self, table: &str, up_to: i64) -> Result<()> {
        self.transaction.execute("DELETE FROM buffer WHERE tbl = ?1 AND seq <= ?2", params![table, up_to])?;
        Ok(())
    }
}

impl State {
    /// The tables and their columns.
    pub(crate) fn tables(&self) -> Result<Vec<(String, Vec<Column>)>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare("SELECT name, columns FROM tables ORDER BY name")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            rows.map(|row| {
                let (name, columns) = row?;
                Ok((name, parse_columns(&columns)?))
            })
            .collect()
        })
    }

    /// Buffered rows, in order, but those with a number that is known already.
    pub(crate) fn buffered(&self, known: &HashSet<i64>) -> Result<Vec<Buffered>> {
        self.read(|transaction| {
            let rows = "SELECT seq FROM buffer WHERE tbl NOT LIKE '?%' ORDER BY seq";
            read_some(transaction, rows, [], |seq| !known.contains(&seq))
        })
    }
}

/// The buffered rows whose numbers a query gives.
pub(super) fn read_buffered(
    transaction: &Transaction<'_>,
    numbers: &str,
    arguments: impl Params,
) -> Result<Vec<Buffered>> {
    read_some(transaction, numbers, arguments, |_| true)
}

fn read_some(
    transaction: &Transaction<'_>,
    numbers: &str,
    arguments: impl Params,
    wanted: impl Fn(i64) -> bool,
) -> Result<Vec<Buffered>> {
    let mut statement = transaction.prepare(numbers)?;
    let all = statement.query_map(arguments, |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut statement = transaction.prepare("SELECT tbl, received, data FROM buffer WHERE seq = ?1")?;
    let mut buffered = Vec::new();
    for seq in all.into_iter().filter(|seq| wanted(*seq)) {
        let (table, received, data): (String, i64, Vec<u8>) =
            statement.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (columns, batch) = unpack(&data).map_err(|e| StoreError::table(&table, e))?;
        buffered.push(Buffered { seq, table, received, columns, batch });
    }
    Ok(buffered)
}

fn columns(transaction: &Transaction<'_>, table: &str) -> Result<Option<Vec<Column>>> {
    let mut statement = transaction.prepare_cached("SELECT columns FROM tables WHERE name = ?1")?;
    let text: Option<String> = statement.query_row([table], |row| row.get(0)).optional()?;
    text.map(|text| parse_columns(&text)).transpose()
}

fn parse_columns(text: &str) -> Result<Vec<Column>> {
    let columns: Vec<(String, String)> = serde_json::from_str(text).map_err(record("columns"))?;
    Ok(columns.into_iter().map(|(name, ty)| (name, Type::parse(&ty).unwrap_or(Type::String))).collect())
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn pack(columns: &[Column], batch: &RecordBatch) -> Result<Vec<u8>, Failure> {
    let told = |(field, (_, ty)): (&std::sync::Arc<Field>, &Column)| {
        field.as_ref().clone().with_metadata([(KUSTO_TYPE.to_string(), ty.name().to_string())].into())
    };
    let schema = Schema::new(batch.schema().fields().iter().zip(columns).map(told).collect::<Vec<_>>());
    let batch = RecordBatch::try_new(schema.clone().into(), batch.columns().to_vec())?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&batch)?;
    Ok(zstd::bulk::compress(&writer.into_inner()?, 1)?)
}

fn unpack(data: &[u8]) -> Result<(Vec<Column>, RecordBatch), Failure> {
    let mut reader = StreamReader::try_new(Cursor::new(zstd::decode_all(data)?), None)?;
    let told = |field: &Field| field.metadata().get(KUSTO_TYPE).and_then(|ty| Type::parse(ty)).unwrap_or(Type::String);
    let columns: Vec<Column> = reader.schema().fields().iter().map(|f| (f.name().clone(), told(f))).collect();
    let batch = reader.next().ok_or("buffered rows without rows")??;
    Ok((columns, batch))
}
