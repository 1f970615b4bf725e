//! Functions, aggregates and operators that users made or extensions brought, by name.
//!
//! Must not know: what is printed around them.

use std::sync::Arc;

use super::expr::operator_name;
use super::{Printer, unprintable};
use crate::catalog::definitions::quote_identifier;
use crate::catalog::routines::{ParameterMode, Routine};
use crate::catalog::tables::operators;
use crate::error::Result;
use crate::sql::analyze::routine::CallSite;
use crate::sql::functions;
use crate::sql::tree::{Expr, ExprKind, OperatorRef};
use crate::types::extension;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

impl Printer<'_> {
    /// The schema of an extension that the search path does not have.
    pub(super) fn hidden_schema(&self, extension: &str) -> Option<String> {
        let created = self.catalog.extensions.iter().find(|created| created.name == extension)?;
        (!self.names.search_path.contains(&created.schema)).then(|| created.schema.clone())
    }

    /// An operator, qualified where it has to be.
    pub(super) fn shown_operator(&self, operator: &OperatorRef, operands: &[Expr]) -> String {
        let name = operator_name(operator);
        let extension = match operator {
            OperatorRef::Listed(listed) => listed.extension,
            // Comparisons are those of the operands' type.
            OperatorRef::Comparison(_) => {
                let of = operands.first().and_then(|operand| extension::of_oid(operand.type_oid));
                of.map_or("", |of| of.extension)
            }
        };
        match self.hidden_schema(extension) {
            Some(schema) => format!("OPERATOR({}.{name})", quote_identifier(&schema)),
            None => name.to_owned(),
        }
    }

    /// generate_operator_name
    pub(super) fn operator_name(&self, oid: Oid) -> Result<String> {
        let Some(operator) = self.catalog.operators.get(&oid) else { return Err(unprintable("this operator")) };
        let found = self
            .names
            .search_path
            .iter()
            .find_map(|schema| self.catalog.operator(schema, &operator.name, operator.operands()));
        let hidden = operators::operator(&operator.name, operator.left, operator.right).is_some();
        Ok(match found.is_some_and(|found| found.oid == oid) && !hidden {
            true => operator.name.clone(),
            false => format!("OPERATOR({}.{})", quote_identifier(&operator.schema), operator.name),
        })
    }

    /// Prints the name of the routine that a call's first argument says; gives it and the other arguments.
    pub(super) fn routine_name<'e>(&mut self, args: &'e [Expr]) -> Result<(Arc<Routine>, &'e [Expr])> {
        let Some((Expr { kind: ExprKind::Const(Value::Text(site)), .. }, args)) = args.split_first() else {
            return Err(unprintable("this call"));
        };
        let site = CallSite::of_text(site)?;
        let Some(routine) = self.catalog.routines.get(&site.routine).cloned() else {
            return Err(unprintable("this call"));
        };
        let mut path = self.names.search_path.iter();
        let found = path.find_map(|schema| {
            let mut named = self.catalog.routines_in(schema, &routine.name);
            named.find(|named| named.input_types() == routine.input_types())
        });
        let hidden = functions::named(&routine.name).iter().any(|own| own.args == routine.input_types());
        let visible = found.is_some_and(|found| found.oid == routine.oid) && !hidden;
        let name = self.names.qualified(&routine.schema, &routine.name, visible);
        self.push(&name);
        Ok((routine, args))
    }

    pub(super) fn routine_arguments(&mut self, routine: &Routine, args: &[Expr]) -> Result<()> {
        let variadic = routine.parameters.iter().any(|parameter| parameter.mode == ParameterMode::Variadic);
        let last = args.len().saturating_sub(1);
        self.list(args.iter().enumerate(), ", ", |p, (index, arg)| {
            p.push(if variadic && index == last { "VARIADIC " } else { "" });
            p.expr(arg, true)
        })
    }
}
