//! The function call sub-protocol, by which libpq's lo_* functions work.
//!
//! Owns: what FunctionCall does. It is a query of one call. Specification: protocol-flow.html#id-1.10.5.7.6, fastpath.c.

use bytes::Bytes;

use crate::catalog::tables::procs;
use crate::error::{Error, SqlState};
use crate::protocol::backend::{self, Message};
use crate::session::execute::{Describe, Started, encode_column};
use crate::session::machine::{Outcome, Running, StateMachine, lock};
use crate::session::query::aborted;
use crate::session::state::{Portal, PortalState, ResultFormats, RowSource, TransactionStatus};
use crate::sql::plan::CursorOptions;
use crate::types::format::Format;
use crate::types::pg_type::Oid;
use crate::types::value::ValueRef;

impl StateMachine {
    /// FunctionCall: the function's result.
    pub(super) async fn function_call(
        &mut self,
        function: Oid,
        formats: &[Format],
        args: &[Option<Bytes>],
        result: Format,
    ) -> Outcome<()> {
        if self.session.status == TransactionStatus::Failed {
            return Err(aborted().into());
        }
        let found = procs::proc(function).filter(|proc| proc.extension.is_empty() && proc.is_plain());
        let Some(proc) = found else {
            let message = format!("function with OID {} does not exist", function.0);
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).into());
        };
        let types = proc.input_types();
        if args.len() != types.len() {
            let (given, wanted) = (args.len(), types.len());
            let message = format!("function call message contains {given} arguments but function requires {wanted}");
            return Err(Error::new(SqlState::PROTOCOL_VIOLATION, message).into());
        }
        let places: Vec<String> = (1..=types.len()).map(|number| format!("${number}")).collect();
        let text = format!("SELECT pg_catalog.\"{}\"({})", proc.name.replace('"', "\"\""), places.join(", "));
        self.running = Running::new(text.as_str().into());
        self.listen_to_cancel();
        self.start_extended().await?;
        let statement = self.prepare(&text, types.to_vec())?;
        let plan = &statement.planned.plan;
        let params = {
            let (settings, catalog) = {
                let context = lock(&self.context);
                (context.settings.shared_format(), context.catalog.clone())
            };
            super::extended::decode_params("", plan, formats, args, &settings, &catalog)?
        };
        let mut portal = Portal {
            name: String::new(),
            text: statement.text.clone(),
            planned: statement.planned.clone(),
            params,
            formats: ResultFormats::All(result),
            state: PortalState::New,
            depth: self.session.savepoints.len(),
            options: CursorOptions::default(),
            held: false,
            positioned: Default::default(),
            created: 0,
        };
        match self.start(&mut portal, 0, Describe::No).await? {
            Started::Rows(RowSource::Cursor(mut cursor, first)) => {
                let on_row = match first {
                    Some(on_row) => on_row,
                    None => cursor.step()?,
                };
                let column = portal.planned.plan.columns.as_deref().and_then(<[_]>::first);
                let value = if on_row { cursor.column(0) } else { ValueRef::Null };
                let settings = self.context().settings.shared_format();
                let out = self.conn.out();
                let message = Message::begin(out, b'V');
                let written = match column {
                    Some(column) => encode_column(&message, value, (column.repr, result), &settings, out),
                    None => {
                        backend::null(out);
                        Ok(())
                    }
                };
                match written {
                    Ok(()) => message.end(out),
                    Err(error) => {
                        message.abandon(out);
                        return Err(error.into());
                    }
                }
                while cursor.step()? {}
            }
            _ => return Err(Error::internal("a function call that is no query").into()),
        }
        self.send_notices();
        if self.session.status == TransactionStatus::Started {
            self.commit().await?;
        }
        self.end_statement();
        Ok(())
    }
}
