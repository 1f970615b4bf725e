//! COPY … FROM STDIN: CopyData messages become rows, as they arrive.
//!
//! Owns: the COPY IN sub-protocol and the context of its errors; memory does not depend on the length of the data.
//! Must not know: the formats' bytes (`session::copy_lines`, `session::copy_binary`), table storage.
//! Specification: protocol-flow.html#PROTOCOL-COPY, sql-copy.html; contexts as in PostgreSQL 15's copyfrom.c.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::protocol::backend;
use crate::protocol::message::FrontendMessage;
use crate::session::charset::decode_value;
use crate::session::copy_binary::BinaryReader;
use crate::session::copy_lines::{Fields, LineReader};
use crate::session::machine::{Outcome, StateMachine, vanished};
use crate::sql::plan::{CopyDirection, CopyFormat, CopyHeader, CopyPlan, FieldDescription};
use crate::types::charset::CharsetDecoder;
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::numeric::Numeric;
use crate::types::pg_type::{Oid, Scalar, type_info};
use crate::types::value::Value;

/// How much of a line or a value an error's context shows, in bytes (MAX_COPY_DATA_DISPLAY).
const MAX_DISPLAY: usize = 100;

impl StateMachine {
    /// COPY. Gives the number of rows.
    pub(super) async fn copy(&mut self, plan: &CopyPlan, literals: &[Value]) -> Outcome<u64> {
        match plan.direction {
            CopyDirection::To => self.copy_out(plan, literals).await,
            CopyDirection::From => self.copy_in(plan, literals).await,
        }
    }

    async fn copy_in(&mut self, plan: &CopyPlan, literals: &[Value]) -> Outcome<u64> {
        self.detach_results()?;
        let nulls = vec![Value::Null; plan.columns.len()];
        let mut cursor = self.engine.open_loop(&plan.statement, &nulls, literals).await?;
        cursor.begin_loop()?;
        let format = if plan.options.format == CopyFormat::Binary { Format::Binary } else { Format::Text };
        backend::copy_in_response(self.conn.out(), format, plan.columns.len());
        self.flush().await?;
        if plan.options.freeze && !plan.statement.target.is_some_and(|table| self.engine.is_new_here(table)) {
            let message = "cannot perform COPY FREEZE because the table was not created or truncated in the current \
                           subtransaction";
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).into());
        }
        let settings = self.context().settings.shared_format();
        let settings = match plan.options.charset {
            Some(charset) => {
                let charset = Some(charset).filter(|charset| charset.converts());
                Arc::new(FormatSettings { charset, ..(*settings).clone() })
            }
            None => settings,
        };
        let mut copy = CopyIn {
            plan,
            literals,
            cursor,
            reader: match plan.options.format {
                CopyFormat::Binary => Reader::Binary(BinaryReader::new(plan.columns.len())),
                CopyFormat::Text | CopyFormat::Csv => Reader::Lines(LineReader::new(&plan.options)),
            },
            header: plan.options.header,
            decoder: None,
            settings,
            fields: Fields::default(),
            values: vec![Value::Null; plan.columns.len()],
            rows: 0,
        };
        let interrupt = self.engine.interrupt_handle();
        let limit = self.copy_limit();
        loop {
            // Often a line each, many of which have come together.
            let message = match self.conn.received() {
                Some(message) => interrupt.check().map(|()| Some(message))?,
                None => tokio::select! {
                    biased;
                    message = self.conn.recv() => message?,
                    error = interrupt.cancelled() => return Err(error.into()),
                    error = silent_for(limit) => return Err(error.into()),
                },
            };
            match message {
                None => return Err(vanished()),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(FrontendMessage::CopyData(bytes))) => {
                    // A line without an end is kept as it comes.
                    limits::work(bytes.len())?;
                    copy.feed(&bytes)?;
                }
                Some(Ok(FrontendMessage::CopyDone)) => {
                    copy.finish()?;
                    return Ok(copy.rows);
                }
                Some(Ok(FrontendMessage::CopyFail { message })) => {
                    let error = Error::new(SqlState::QUERY_CANCELED, format!("COPY from stdin failed: {message}"));
                    return Err(copy.at_line(error).into());
                }
                // A client that did not know that it is in COPY sends these.
                Some(Ok(FrontendMessage::Flush | FrontendMessage::Sync)) => {}
                Some(Ok(other)) => return Err(self.lost_synchronization(copy.at_line(unexpected(&other))).await),
            }
        }
    }

    /// How long the client may say nothing: others wait for their turn to write.
    fn copy_limit(&self) -> Option<Duration> {
        self.engine.holds_ticket().then_some(self.options.idle_writer_timeout)
    }

    /// A message that does not belong into COPY: nobody knows what the client means from here on.
    async fn lost_synchronization(&mut self, error: Error) -> crate::session::machine::Stop {
        if let Err(gone) = self.fail(error).await {
            return gone;
        }
        let message = "terminating connection because protocol synchronization was lost";
        Error::fatal(SqlState::PROTOCOL_VIOLATION, message).into()
    }
}

/// PostgreSQL waits for ever, but keeps nobody else from writing.
async fn silent_for(limit: Option<Duration>) -> Error {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
    let message = "terminating connection due to idle-in-transaction timeout";
    Error::fatal(SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, message)
}

fn unexpected(message: &FrontendMessage) -> Error {
    let tag = match message {
        FrontendMessage::Query { .. } => b'Q',
        FrontendMessage::Parse { .. } => b'P',
        FrontendMessage::Bind { .. } => b'B',
        FrontendMessage::DescribeStatement { .. } | FrontendMessage::DescribePortal { .. } => b'D',
        FrontendMessage::Execute { .. } => b'E',
        FrontendMessage::CloseStatement { .. } | FrontendMessage::ClosePortal { .. } => b'C',
        FrontendMessage::Terminate => b'X',
        FrontendMessage::Password(_) => b'p',
        FrontendMessage::FunctionCall { .. } => b'F',
        FrontendMessage::Flush => b'H',
        FrontendMessage::Sync => b'S',
        FrontendMessage::CopyData(_) => b'd',
        FrontendMessage::CopyDone => b'c',
        FrontendMessage::CopyFail { .. } => b'f',
    };
    let message = format!("unexpected message type 0x{tag:02X} during COPY from stdin");
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

/// The bytes' reader, by format.
enum Reader {
    Lines(LineReader),
    Binary(BinaryReader),
}

/// A COPY FROM in progress.
struct CopyIn<'p> {
    plan: &'p CopyPlan,
    literals: &'p [Value],
    cursor: Cursor,
    reader: Reader,
    /// Of the header line that is still to come.
    header: CopyHeader,
    /// Of text that is not in UTF-8.
    decoder: Option<CharsetDecoder>,
    settings: Arc<FormatSettings>,
    fields: Fields,
    /// The row's values; their memory is used again.
    values: Vec<Value>,
    rows: u64,
}

impl CopyIn<'_> {
    fn feed(&mut self, bytes: &Bytes) -> Result<()> {
        let fed = match &mut self.reader {
            Reader::Lines(reader) => match self.settings.charset {
                None => reader.feed(bytes),
                Some(charset) => {
                    let decoder = self.decoder.get_or_insert_with(|| CharsetDecoder::new(charset));
                    decoder.feed(bytes, false).and_then(|text| reader.feed(text.as_bytes()))
                }
            },
            Reader::Binary(reader) => reader.feed(bytes),
        };
        fed.map_err(|error| self.at_line(error))?;
        self.rows(false)
    }

    fn finish(&mut self) -> Result<()> {
        if let (Reader::Lines(_), Some(decoder)) = (&self.reader, &mut self.decoder) {
            decoder.feed(&[], true)?;
        }
        self.rows(true)?;
        self.cursor.end_loop()
    }

    /// Inserts the rows that have arrived whole.
    fn rows(&mut self, at_end: bool) -> Result<()> {
        loop {
            let found = match &mut self.reader {
                Reader::Lines(reader) => reader.next(&mut self.fields, at_end),
                Reader::Binary(reader) => reader.next(&mut self.fields, at_end),
            };
            if !found.map_err(|error| self.of_broken_row(error))? {
                return Ok(());
            }
            match std::mem::replace(&mut self.header, CopyHeader::No) {
                CopyHeader::No => self.insert()?,
                CopyHeader::Yes => {}
                CopyHeader::Match => self.match_header().map_err(|error| self.in_line(error))?,
            }
            if let Reader::Lines(reader) = &mut self.reader {
                reader.finish_row();
            }
        }
    }

    fn match_header(&self) -> Result<()> {
        let expected = self.plan.columns.len();
        let wrong = |message| Err(Error::new(SqlState::BAD_COPY_FILE_FORMAT, message));
        if self.fields.len() != expected {
            let got = self.fields.len();
            return wrong(format!("wrong number of fields in header line: got {got}, expected {expected}"));
        }
        for (at, column) in self.plan.columns.iter().enumerate() {
            let got = match self.fields.get(at) {
                Some(name) if name == column.name.as_bytes() => continue,
                Some(name) => format!("\"{}\"", String::from_utf8_lossy(name)),
                None => format!("null value (\"{}\")", self.plan.options.null),
            };
            let message = format!(
                "column name mismatch in header line field {}: got {got}, expected \"{}\"",
                at + 1,
                column.name
            );
            return wrong(message);
        }
        Ok(())
    }

    fn insert(&mut self) -> Result<()> {
        self.decode_fields()?;
        let outcome = self.cursor.execute(&self.plan.statement, &self.values, self.literals);
        let changed = outcome.map_err(|error| self.of_row(error))?;
        self.rows += changed;
        Ok(())
    }

    /// Fields to values, in order: an error of an earlier column comes before a missing later one.
    fn decode_fields(&mut self) -> Result<()> {
        let bad = |message: String| Error::new(SqlState::BAD_COPY_FILE_FORMAT, message);
        if self.fields.len() > self.plan.columns.len() {
            return Err(self.in_line(bad("extra data after last expected column".to_owned())));
        }
        let format = if matches!(self.reader, Reader::Binary(_)) { Format::Binary } else { Format::Text };
        for (at, column) in self.plan.columns.iter().enumerate() {
            if at >= self.fields.len() {
                return Err(self.in_line(bad(format!("missing data for column \"{}\"", column.name))));
            }
            let Some(value) = self.values.get_mut(at) else { continue };
            if let Err(error) = decode(column, format, self.fields.get(at), &self.settings, value) {
                return Err(self.in_column(error, at));
            }
        }
        Ok(())
    }

    /// A binary row that could not be read whole: PostgreSQL decodes as it reads, so a bad value comes first.
    fn of_broken_row(&self, error: Error) -> Error {
        if matches!(self.reader, Reader::Binary(_)) {
            let mut value = Value::Null;
            for (at, column) in self.plan.columns.iter().enumerate().take(self.fields.len()) {
                let decoded = decode(column, Format::Binary, self.fields.get(at), &self.settings, &mut value);
                if let Err(earlier) = decoded {
                    return self.in_column(earlier, at);
                }
            }
        }
        self.in_line(error)
    }

    /// An error while the row was stored.
    fn of_row(&self, error: Error) -> Error {
        match error.code() {
            // PostgreSQL checks keys when a batch of rows is stored, foreign keys at the statement's end.
            SqlState::UNIQUE_VIOLATION => self.at_line(error),
            SqlState::FOREIGN_KEY_VIOLATION => error,
            // What the column's type refuses is found while the value is stored.
            SqlState::STRING_DATA_RIGHT_TRUNCATION | SqlState::NUMERIC_VALUE_OUT_OF_RANGE => {
                let columns = self.plan.columns.iter().zip(&self.values);
                match columns.clone().position(|(column, value)| !fits(column, value)) {
                    Some(at) => self.in_column(error, at),
                    None => self.in_line(error),
                }
            }
            _ => self.in_line(error),
        }
    }

    /// Context: the line's number.
    fn at_line(&self, error: Error) -> Error {
        let line = match &self.reader {
            Reader::Lines(reader) => reader.line(),
            Reader::Binary(reader) if reader.row() == 0 => return error,
            Reader::Binary(reader) => reader.row(),
        };
        error.with_context(format!("COPY {}, line {line}", self.plan.relation))
    }

    /// Context: the line with its text, or the column for binary data.
    fn in_line(&self, error: Error) -> Error {
        let error = self.at_line(error);
        let more = match &self.reader {
            Reader::Lines(reader) => reader.line_text().map(|text| format!(": \"{}\"", shown(text))),
            Reader::Binary(reader) => {
                let column = reader.column().and_then(|at| self.plan.columns.get(at));
                column.map(|column| format!(", column {}", column.name))
            }
        };
        extend_context(error, more)
    }

    /// Context: the line, the column and its value.
    fn in_column(&self, error: Error, at: usize) -> Error {
        let Some(column) = self.plan.columns.get(at) else { return self.in_line(error) };
        let value = match (&self.reader, self.fields.get(at)) {
            (Reader::Binary(_), _) => String::new(),
            (_, Some(value)) => format!(": \"{}\"", shown(value)),
            (_, None) => ": null input".to_owned(),
        };
        extend_context(self.at_line(error), Some(format!(", column {}{value}", column.name)))
    }
}

/// Whether a value is within its column's modifier.
fn fits(column: &FieldDescription, value: &Value) -> bool {
    let Value::Text(text) = value else { return true };
    match column.type_oid {
        _ if column.typmod < 0 => true,
        Oid::VARCHAR | Oid::BPCHAR => {
            let limit = usize::try_from(column.typmod - 4).unwrap_or(usize::MAX);
            text.chars().count() <= limit
        }
        Oid::NUMERIC => Numeric::parse(text).is_ok_and(|number| number.apply_typmod(column.typmod).is_ok()),
        _ => true,
    }
}

fn extend_context(error: Error, more: Option<String>) -> Error {
    match (error.fields().context.clone(), more) {
        (Some(context), Some(more)) => error.with_context(context + &more),
        _ => error,
    }
}

/// At most [`MAX_DISPLAY`] bytes of a text, cut at a character.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    if text.len() <= MAX_DISPLAY {
        return text.into_owned();
    }
    let end = (0..=MAX_DISPLAY).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", text.get(..end).unwrap_or(""))
}

/// Reads a field into `value`, using its memory again for text.
fn decode(
    column: &FieldDescription,
    format: Format,
    field: Option<&[u8]>,
    settings: &FormatSettings,
    value: &mut Value,
) -> Result<()> {
    let Some(bytes) = field else {
        *value = Value::Null;
        return Ok(());
    };
    let is_text = column.repr.array_of.is_none() && column.repr.scalar == Scalar::Text && format == Format::Text;
    if is_text && let Ok(text) = std::str::from_utf8(bytes) {
        match value {
            Value::Text(kept) => {
                kept.clear();
                kept.push_str(text);
            }
            other => *other = Value::Text(text.to_owned()),
        }
        return Ok(());
    }
    if let Some(number) = encoding::small_number(column.repr, format, bytes) {
        *value = number;
        return Ok(());
    }
    let name = type_info(column.type_oid).map_or("text", |info| info.sql_name);
    let converted = match settings.charset {
        Some(charset) if format == Format::Binary => decode_value(charset, column.repr, format, bytes)?,
        // A line's text is in UTF-8 already.
        _ => bytes.into(),
    };
    *value = encoding::decode(column.repr, name, format, &converted, settings)?;
    Ok(())
}
