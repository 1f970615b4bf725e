//! Calls in words of their own (get_func_sql_syntax).

use super::{Printer, unprintable};
use crate::error::Result;
use crate::sql::tree::{Expr, ExprKind, FunctionRef};
use crate::types::value::Value;

/// The words before the arguments of a call whose arguments stand in their order; a last one closes it.
const IN_ORDER: &[(&str, &[&str])] = &[
    ("overlay", &["OVERLAY(", " PLACING ", " FROM ", " FOR "]),
    ("substring", &["SUBSTRING(", " FROM ", " FOR "]),
    ("overlaps", &["((", ", ", ") OVERLAPS (", ", "]),
    ("pg_collation_for", &["COLLATION FOR ("]),
];

const TRIMS: &[(&str, &str)] = &[("btrim", "TRIM(BOTH"), ("ltrim", "TRIM(LEADING"), ("rtrim", "TRIM(TRAILING")];

impl Printer<'_> {
    pub(super) fn sql_syntax(&mut self, call: &Expr, function: &FunctionRef, args: &[Expr]) -> Result<()> {
        let name = function.name;
        if let Some((_, words)) = TRIMS.iter().find(|(trim, _)| *trim == name) {
            self.push(words);
            if let [_, characters] = args {
                self.push(" ");
                self.expr(characters, false)?;
            }
            self.push(" FROM ");
            args.first().iter().try_for_each(|text| self.expr(text, false))?;
            self.push(")");
            return Ok(());
        }
        if let Some((_, words)) = IN_ORDER.iter().find(|(listed, _)| *listed == name) {
            for (word, arg) in words.iter().zip(args) {
                self.push(word);
                self.expr(arg, false)?;
            }
            self.push(if name == "overlaps" { "))" } else { ")" });
            return Ok(());
        }
        match (name, args) {
            ("timezone", [zone, value]) => {
                self.push("(");
                self.parenthesized(value, false, call)?;
                self.push(" AT TIME ZONE ");
                self.parenthesized(zone, false, call)?;
                self.push(")");
            }
            ("extract", [field, source]) => {
                let ExprKind::Const(Value::Text(field)) = &field.kind else { return Err(unprintable("EXTRACT")) };
                self.push(&format!("EXTRACT({field} FROM "));
                self.expr(source, false)?;
                self.push(")");
            }
            ("position", [text, part]) => {
                self.push("POSITION((");
                self.expr(part, false)?;
                self.push(") IN (");
                self.expr(text, false)?;
                self.push("))");
            }
            ("normalize" | "is_normalized", [text, form @ ..]) => {
                let form = match form.first().map(|form| &form.kind) {
                    None => None,
                    Some(ExprKind::Const(Value::Text(form))) => Some(form.to_uppercase()),
                    Some(_) => return Err(unprintable("NORMALIZE")),
                };
                if name == "normalize" {
                    self.push("NORMALIZE(");
                    self.expr(text, false)?;
                    self.push(&form.map_or(")".to_owned(), |form| format!(", {form})")));
                } else {
                    self.push("((");
                    self.expr(text, false)?;
                    self.push(&form.map_or(") IS NORMALIZED)".to_owned(), |form| format!(") IS {form} NORMALIZED)")));
                }
            }
            _ => return Err(unprintable(&name.to_uppercase())),
        }
        Ok(())
    }
}
