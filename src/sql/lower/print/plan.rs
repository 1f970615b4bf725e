//! A query in FROM that refers to what stands before it: `__pg_plan(statement, arguments …)`.
//!
//! Owns: its printing, and that of a table function's arguments. The statement is a text of its own, whose parameters are the parameters and the columns of the
//! statement around it that it mentions. The virtual table that runs it is the engine's.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use crate::sql::lower::print::{Argument, Naming, Printer, ReprOf, literal};
use crate::sql::lower::search::Search;
use crate::sql::lower::tree::{Expr, FromItem, Query};
use crate::types::value::Value;

/// The most columns that `__pg_plan` gives.
pub const COLUMNS: usize = 128;

/// The most arguments that a statement of it has.
pub const ARGUMENTS: usize = 96;

/// How many arguments may be given one by one: SQLite compares again what the table gives for constraints beyond the first
/// sixteen, and finds NULL equal to nothing. More come packed into one, by `pg_plan_arguments`.
pub const SEPARATE: usize = 8;

/// Whether `__pg_plan` has room for what the query mentions of the statement around it.
pub fn fits(query: &Query, repr_of: ReprOf<'_>) -> bool {
    query.outputs().len() <= COLUMNS && own_statement(query, repr_of, 0).arguments.len() <= ARGUMENTS
}

/// The query printed as a statement of its own.
fn own_statement<'a>(query: &Query, repr_of: ReprOf<'a>, names: usize) -> Printer<'a> {
    let mut printer = Printer::new(repr_of);
    printer.inside = Some(aliases_in(query));
    printer.names = names;
    printer.query(query, Naming::Positional);
    printer
}

impl Printer<'_> {
    /// A table function's arguments.
    pub(super) fn table_arguments(&mut self, args: &[Expr]) {
        match args.split_at_checked(SEPARATE) {
            Some((separate, packed @ [_, ..])) => {
                self.exprs(separate);
                self.push(", pg_plan_arguments(");
                self.exprs(packed);
                self.push(")");
            }
            _ => self.exprs(args),
        }
    }

    pub(super) fn plan(&mut self, query: &Query, alias: &str) {
        let Printer { sql, arguments, names, .. } = own_statement(query, self.repr_of, self.names);
        self.names = names;
        self.push("__pg_plan(");
        literal(&mut self.sql, &Value::Text(sql));
        let packed = arguments.len() > SEPARATE;
        if packed {
            self.push(", pg_plan_arguments(");
        }
        for (index, argument) in arguments.into_iter().enumerate() {
            if index > 0 || !packed {
                self.push(", ");
            }
            match argument {
                Argument::Bind(_) => self.argument(argument),
                Argument::Column(column) => self.column(&column),
            }
        }
        self.push(if packed { ")) AS " } else { ") AS " });
        self.push(alias);
    }
}

/// The aliases that a query and its sub-queries define.
fn aliases_in(query: &Query) -> HashSet<Rc<str>> {
    struct Aliases(RefCell<HashSet<Rc<str>>>);
    impl Search for Aliases {
        fn is_item(&self, item: &FromItem) -> bool {
            match item {
                FromItem::Table { alias, .. }
                | FromItem::Cte { alias, .. }
                | FromItem::Derived { alias, .. }
                | FromItem::Function { alias, .. }
                | FromItem::Plan { alias, .. } => {
                    self.0.borrow_mut().insert(alias.clone());
                }
                FromItem::Join { .. } => {}
            }
            false
        }
    }
    let aliases = Aliases(RefCell::default());
    aliases.in_query(query);
    aliases.0.into_inner()
}
