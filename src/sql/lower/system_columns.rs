//! xmin, xmax, cmin and cmax, which programs compare to find out whether a row is still as they read it, or whether ON
//! CONFLICT has made it or found it.
//!
//! Owns: [`Lower::transaction_of`]. A row has no transaction here: its xmin is a digest of all it consists of, and its
//! xmax is 0 but for a row that DO UPDATE has changed. ctid is SQLite's number of the row. Specification:
//! ddl-system-columns.html.

use super::Lower;
use super::modify::UpsertKey;
use super::tree::Expr;
use crate::error::{Error, Result};
use crate::sql::tree::Var;
use crate::types::pg_type::Oid;

impl Lower<'_> {
    pub(super) fn transaction_of(&self, var: &Var, type_oid: Oid) -> Result<Expr> {
        let row = self.column(&Var { attribute: Var::CTID, ..var.clone() }, Oid::INT8, -1)?;
        let relation = self.relation(var.origin.0)?;
        let column = |number: i16| Var { attribute: number, ..var.clone() };
        if var.attribute == Var::XMIN {
            let mut args = vec![row];
            for own in relation.columns.iter().filter(|own| !own.generated) {
                args.push(self.column(&column(own.number), own.type_oid, own.typmod)?);
            }
            return Ok(Expr::function("pg_row_version", args, type_oid));
        }
        let key = match self.upsert_key.clone() {
            UpsertKey::None => return Ok(Expr::template("({0} * 0)", vec![row], type_oid)),
            UpsertKey::Columns(key) => key,
            UpsertKey::Lost => {
                return Err(Error::unsupported(
                    "xmax of rows that DO UPDATE finds by an expression or whose key it changes",
                ));
            }
        };
        let mut args = Vec::with_capacity(key.len());
        for number in key {
            let own = relation.column_by_number(number).ok_or_else(|| Error::internal("a key's column"))?;
            args.push(self.column(&column(number), own.type_oid, own.typmod)?);
        }
        Ok(Expr::function("pg_affected", args, type_oid))
    }
}
