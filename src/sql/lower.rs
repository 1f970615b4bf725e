//! From PostgreSQL's tree to SQLite's: the one place that knows both.
//!
//! Owns: [`Lower`], what of SQLite stands for which range table entry, and the ways in: [`query`], [`modify`],
//! [`expression`]. The steps are in the sibling files; `tree` is SQLite's side, `print` its text. Must not know: names as
//! written, the text of the statement.

mod aggregate;
mod call;
mod coerce;
mod conflict;
mod enums;
mod expr;
mod from;
mod grouping;
mod hypothetical;
mod inverted;
mod limit;
mod locking;
mod members;
mod merge;
mod modify;
mod multiset;
mod once;
pub mod print;
mod program;
mod project;
mod pruning;
mod record;
mod recursion;
mod returning;
mod routing;
mod rows;
mod search;
mod select;
mod sets;
mod subquery;
mod system_columns;
mod tree;
mod window;

use std::collections::HashMap;
use std::rc::Rc;

use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::collations::Derived;
use crate::sql::lower::program::{Program, Statement};
use crate::sql::lower::sets::SetCalls;
use crate::sql::lower::tree as lite;
use crate::sql::plan::{Bind, ProgramStep};
use crate::sql::planner::PlanContext;
use crate::sql::row_change::ROW_VALUES;
use crate::sql::tree::{CteQuery, EntryId, Expr, Modify, Query, RecordTypes, TABLE_OID, Var};
use crate::sql::types;
use crate::types::pg_type::{Oid, Repr, Scalar, TypeInfo};
use crate::types::value::Value;

pub use print::Translated;
pub use rows::{delete_row, insert_row, read_row, update_row};

/// What lowering needs to know beside the tree.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub catalog: &'a CatalogSnapshot,
    pub records: &'a RecordTypes,
    /// Whether what clients see as text is given as text.
    pub shows: bool,
    /// How types are called in messages depends on it.
    pub search_path: &'a [String],
    /// Where SQLite takes no sub-query: in checks, indexes and generated columns.
    pub without_queries: bool,
    /// For texts of the catalog that are analysed; indexes over expressions are not used without it.
    pub planning: Option<PlanContext<'a>>,
    /// Routines that it calls may change the database: SQLite undoes parts of that only while no statement that writes
    /// is being stepped.
    pub routines_write: bool,
}

impl<'a> Context<'a> {
    /// That of a statement that has been analysed.
    pub fn of(analyzer: &'a Analyzer<'_>) -> Self {
        Context {
            catalog: analyzer.catalog(),
            records: &analyzer.records,
            shows: !analyzer.is_inner,
            search_path: &analyzer.search_path,
            without_queries: false,
            planning: Some(analyzer.context()),
            routines_write: analyzer.routines_write,
        }
    }

    /// That of what the engine does with a row by itself.
    pub fn of_row(catalog: &'a CatalogSnapshot, records: &'a RecordTypes) -> Self {
        Context {
            catalog,
            records,
            shows: false,
            search_path: &[],
            without_queries: false,
            planning: None,
            routines_write: false,
        }
    }

    /// How values are stored; the modifier says of records which they are.
    pub fn repr_of(self, oid: Oid, typmod: i32) -> Repr {
        self.records.info(oid, typmod).map_or_else(|| types::repr_of(self.catalog, oid), |info| info.repr)
    }
}

/// A statement in SQLite's dialect.
pub struct Lowered {
    pub translated: Translated,
    /// What is run before it.
    pub before: Vec<ProgramStep>,
    /// It may fire triggers.
    pub fires: bool,
    /// INSERT … VALUES of one row: where the values of columns come from that are parameters or constants.
    pub row: Vec<(i16, Bind)>,
}

/// A query in SQLite's dialect.
pub fn query(tree: &Query, context: Context<'_>) -> Result<Lowered> {
    let mut lower = Lower::new(context);
    if tree.ctes.iter().any(|cte| matches!(cte.query, CteQuery::Modify(_))) {
        lower.reserve_aliases();
    }
    let mut query = lower.query(tree)?;
    lower.order_union(tree, &mut query);
    if context.shows {
        lower.show_objects(tree, &mut query)?;
    }
    let translated = lower.settled(Statement::Query(query), None)?.print(context)?;
    let Program { steps, fires, .. } = lower.program;
    Ok(Lowered { translated, before: steps, fires, row: Vec::new() })
}

/// An INSERT, UPDATE or DELETE in SQLite's dialect.
pub fn modify(tree: &Modify, context: Context<'_>) -> Result<Lowered> {
    let mut lower = Lower::new(context);
    lower.program.main = Some(std::ptr::from_ref(tree));
    lower.reserve_aliases();
    let (statement, row) = lower.modify(tree)?;
    let mut statement = lower.settled(statement, Some(tree))?;
    lower.show_returned(&mut statement);
    let translated = statement.print(context)?;
    let Program { steps, fires, .. } = lower.program;
    Ok(Lowered { translated, before: steps, fires, row })
}

/// An expression that stands alone, such as a CHECK or an index key: over the columns of one relation, which are printed
/// bare.
pub fn expression(expr: &Expr, row: Option<(EntryId, &Relation)>, context: Context<'_>) -> Result<Translated> {
    let mut lower = Lower::new(context);
    if let Some((entry, relation)) = row {
        lower.entries.insert(entry, Entry::of_relation(None, relation));
    }
    let expr = lower.expr(expr)?;
    print::expression(&expr, &|oid, typmod| context.repr_of(oid, typmod)).checked()
}

/// An expression over two rows of a relation, `old` and `new`, whose values are its parameters: those of the old row's
/// columns, then those of the new one's.
pub fn over_rows(
    expr: &Expr,
    (old, new): (EntryId, EntryId),
    relation: &Relation,
    context: Context<'_>,
) -> Result<Translated> {
    let mut lower = Lower::new(context);
    lower.entries.insert(old, Entry::of_parameters(relation, ROW_VALUES));
    lower.entries.insert(new, Entry::of_parameters(relation, ROW_VALUES + relation.columns.len()));
    let expr = lower.expr(expr)?;
    let target = lite::Target { expr, name: String::new() };
    let query = lite::Query::of_select(lite::Select { targets: vec![target], ..lite::Select::default() });
    print::query(&query, &|oid, typmod| context.repr_of(oid, typmod)).checked()
}

/// Where the numbers of entries begin that the lowering adds.
const ADDED: u32 = 1 << 31;

/// The lowering of one statement.
pub(super) struct Lower<'a> {
    context: Context<'a>,
    /// By number, those of all query levels: a number is never used twice.
    entries: HashMap<EntryId, Entry>,
    /// The query levels around what is being lowered.
    levels: Vec<Level>,
    /// The WITH queries so far.
    ctes: Vec<lite::Cte>,
    /// What CASE's operand has become, innermost last.
    case_tests: Vec<lite::Expr>,
    /// What the value of a domain has become, innermost last.
    domain_values: Vec<lite::Expr>,
    /// What a row whose fields are converted has become, innermost last; of an array's elements `None`.
    elements: Vec<Option<lite::Expr>>,
    next_name: usize,
    /// The name of the query that is lowered next, if it refers to itself.
    recursive: Option<Rc<str>>,
    /// Tables that are called as entries may be, of a statement that changes data: RETURNING names its table.
    reserved: Vec<String>,
    /// While RETURNING of an INSERT is lowered.
    upsert_key: modify::UpsertKey,
    program: Program,
    /// What conditions say of columns.
    known: Vec<pruning::Known>,
    /// The collations of sub-queries' columns.
    collations: Derived,
    /// How many range table entries and WITH queries the lowering has added.
    added: u32,
    /// The values of functions in FROM that give one value.
    values: HashMap<EntryId, Expr>,
}

/// One SELECT.
#[derive(Default)]
struct Level {
    /// The entries of its FROM list so far.
    entries: Vec<EntryId>,
    /// What is being lowered is computed for each row of the entries; a function in FROM is not.
    gives_rows: bool,
    /// The functions that return sets, while they may be called.
    sets: Option<SetCalls>,
}

/// What stands for the columns of a range table entry.
struct Entry {
    /// Its alias; without one, columns are printed bare.
    alias: Option<Rc<str>>,
    columns: Columns,
}

enum Columns {
    /// A table's, by attribute number.
    Named(Vec<(i16, Rc<str>)>),
    /// The same of one table alone: its OID is a constant.
    Member(Vec<(i16, Rc<str>)>, Oid),
    /// c1, c2 …
    Positional,
    /// Expressions.
    Computed(Vec<lite::Expr>),
}

impl Entry {
    fn of_relation(alias: Option<Rc<str>>, relation: &Relation) -> Self {
        let columns = relation.columns.iter().map(|column| (column.number, column.stored_name().into()));
        let mut columns: Vec<(i16, Rc<str>)> = columns.collect();
        columns.push((Var::CTID, program::rowid_name(relation).into()));
        Entry { alias, columns: Columns::Member(columns, relation.oid) }
    }

    /// A row whose values are parameters, from that one on.
    fn of_parameters(relation: &Relation, first: usize) -> Self {
        let last = relation.columns.iter().map(|column| column.number).max().unwrap_or(0);
        let value = |number: i16| {
            let place = relation.columns.iter().position(|column| column.number == number);
            let kind = place.map_or(lite::ExprKind::Null, |place| lite::ExprKind::Param(first + place));
            lite::Expr::new(kind, Oid::TEXT)
        };
        Entry { alias: None, columns: Columns::Computed((1..=last).map(value).collect()) }
    }

    fn positional(alias: Rc<str>) -> Self {
        Entry { alias: Some(alias), columns: Columns::Positional }
    }

    /// A column; its type is the caller's affair.
    /// Whether it has a column of this number, and not one for all.
    fn names(&self, attribute: i16) -> bool {
        match &self.columns {
            Columns::Named(columns) | Columns::Member(columns, _) => {
                columns.iter().any(|(known, _)| *known == attribute)
            }
            Columns::Positional | Columns::Computed(_) => false,
        }
    }

    fn column(&self, var: &Var) -> Option<lite::ExprKind> {
        let column: Rc<str> = match &self.columns {
            Columns::Member(_, oid) if var.attribute == TABLE_OID => {
                return Some(lite::ExprKind::Const(Value::Integer(oid.0.into())));
            }
            Columns::Member(columns, _) => columns.iter().find(|(number, _)| *number == var.attribute)?.1.clone(),
            Columns::Named(columns) => columns.iter().find(|(number, _)| *number == var.attribute)?.1.clone(),
            Columns::Positional => format!("c{}", var.attribute).into(),
            Columns::Computed(columns) => {
                let index = usize::try_from(var.attribute).ok()?.checked_sub(1)?;
                return columns.get(index).map(|expr| expr.kind.clone());
            }
        };
        let column = lite::ColumnRef { alias: self.alias.clone(), column, not_null: var.not_null };
        Some(lite::ExprKind::Column(column))
    }
}

impl<'a> Lower<'a> {
    fn new(context: Context<'a>) -> Self {
        Lower {
            context,
            entries: HashMap::new(),
            values: HashMap::new(),
            levels: Vec::new(),
            ctes: Vec::new(),
            case_tests: Vec::new(),
            domain_values: Vec::new(),
            elements: Vec::new(),
            next_name: 0,
            recursive: None,
            reserved: Vec::new(),
            upsert_key: modify::UpsertKey::None,
            program: Program::default(),
            known: Vec::new(),
            collations: Derived::default(),
            added: 0,
        }
    }

    fn catalog(&self) -> &'a CatalogSnapshot {
        self.context.catalog
    }

    /// What messages call a type.
    fn type_name(&self, oid: Oid) -> String {
        crate::sql::types::type_name(self.catalog(), self.context.search_path, oid)
    }

    fn relation(&self, oid: Oid) -> Result<&'a Relation> {
        self.catalog()
            .relations
            .get(&oid)
            .map(|relation| &**relation)
            .ok_or_else(|| Error::internal("no such relation"))
    }

    /// The alias of an entry.
    fn alias(&self, entry: EntryId) -> Rc<str> {
        self.unreserved(format!("t{}", entry.0))
    }

    /// Notes which tables have names like those of entries.
    fn reserve_aliases(&mut self) {
        let numbered = |name: &str| {
            let number = name.strip_prefix(['t', 'T', 'u', 'U']);
            number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let names = self.catalog().relations.values().map(|relation| relation.sqlite_name.as_str());
        self.reserved = names.filter(|name| numbered(name)).map(str::to_lowercase).collect();
    }

    fn unreserved(&self, mut alias: String) -> Rc<str> {
        if self.reserved.contains(&alias) {
            alias.push('_');
        }
        alias.into()
    }

    /// The number of an entry or a WITH query that the statement does not have.
    fn added_number(&mut self) -> u32 {
        self.added += 1;
        ADDED + self.added
    }

    /// An alias that no entry has.
    fn fresh_alias(&mut self) -> Rc<str> {
        self.next_name += 1;
        self.unreserved(format!("u{}", self.next_name))
    }

    /// A name for a common table expression that is no WITH query's: SQLite looks for these before it looks for tables,
    /// so it is one that no table has.
    fn fresh_cte_name(&mut self) -> Rc<str> {
        self.next_name += 1;
        format!("__pg_kept{}", self.next_name).into()
    }

    fn column(&self, var: &Var, type_oid: Oid, typmod: i32) -> Result<lite::Expr> {
        if var.entry == EntryId::OUTPUT {
            let column = format!("c{}", var.attribute).into();
            let column = lite::ColumnRef { alias: None, column, not_null: false };
            return Ok(lite::Expr { kind: lite::ExprKind::Column(column), type_oid, typmod });
        }
        let entry = self.entries.get(&var.entry);
        if matches!(var.attribute, Var::XMIN | Var::XMAX) && !entry.is_some_and(|entry| entry.names(var.attribute)) {
            return self.transaction_of(var, type_oid);
        }
        let kind = entry.and_then(|entry| entry.column(var));
        let kind = kind.ok_or_else(|| Error::internal("a column of an entry that is not in scope"))?;
        Ok(lite::Expr { kind, type_oid, typmod })
    }

    /// A type as functions are told of it.
    pub(super) fn info(&self, oid: Oid, typmod: i32) -> &'static TypeInfo {
        types::info_of(self.catalog(), self.context.records, oid, typmod)
    }

    /// The name by which functions know a type.
    fn internal_name(&self, oid: Oid, typmod: i32) -> &'static str {
        let info = self.info(oid, typmod);
        match info.repr.scalar {
            Scalar::Row(_) => info.name,
            Scalar::Range(_) | Scalar::Multirange(_) => info.name,
            _ => types::internal_name(self.catalog(), oid),
        }
    }
}
