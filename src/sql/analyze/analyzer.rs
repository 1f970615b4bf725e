//! The state of one statement's analysis: what is known of its parameters and lifted constants, the names in scope,
//! numbers for range table entries.
//!
//! Owns: [`Analyzer`]. Its steps are in the sibling files. Must not know: the cache, SQLite.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::catalog::policy::SecurityContext;
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::limits::stack;
use crate::sql::analyze::outer::OuterNames;
use crate::sql::analyze::scope::{CteEntry, Scope};
use crate::sql::analyze::written::WrittenNames;
use crate::sql::permission::Permissions;
use crate::sql::plan::PositionedOn;
use crate::sql::planner::{PlanContext, schema_denied};
use crate::sql::scan::Source;
use crate::sql::syntax::ast::expression::WindowDef;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::RangeVar as RangeName;
use crate::sql::tree::{Bounds, CteId, EntryId, Expr, ExprKind, RecordTypes};
use crate::sql::types;
use crate::types::pg_type::{Oid, Repr};

/// How deep expressions and sub-queries may nest before 54001: views nest in each other beyond what a text can.
const MAX_DEPTH: usize = 1000;

/// What analysing an expression or a query costs besides its parts.
const NODE: usize = 1 << 10;

/// The relations and columns a text refers to.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    pub relations: BTreeSet<Oid>,
    /// Relation and attribute number.
    pub columns: BTreeSet<(Oid, i16)>,
    /// Functions that users made.
    pub routines: BTreeSet<Oid>,
}

/// One statement's analysis.
pub struct Analyzer<'a> {
    pub(super) context: PlanContext<'a>,
    /// Names are looked for in these schemas, in this order.
    pub(in crate::sql) search_path: Arc<[String]>,
    pub(super) source: &'a Source<'a>,
    /// The types of $1 …; `Oid::INVALID` or UNKNOWN while not known.
    pub(in crate::sql) params: Vec<Oid>,
    /// The type each lifted constant is to be read as; `None` while nothing has used it.
    pub(in crate::sql) literal_types: Vec<Option<Oid>>,
    /// Lifted constants whose value the plan depends on.
    pub(in crate::sql) pinned: BTreeSet<usize>,
    pub(super) scopes: Vec<Scope>,
    pub(super) ctes: Vec<CteEntry>,
    next_number: u32,
    pub(super) depth: usize,
    /// How many queries are around what is being analysed.
    pub(super) nesting: usize,
    /// Something in the statement changes the database although it is a query (nextval).
    pub(in crate::sql) writes: bool,
    /// It may wait for a lock of another transaction that is no row's.
    pub(in crate::sql) waits: bool,
    /// A routine that it calls may change the database.
    pub(in crate::sql) routines_write: bool,
    /// FOR UPDATE / FOR SHARE was asked for.
    pub(in crate::sql) locks_rows: Option<crate::sql::tree::LockWaitPolicy>,
    /// A view is being expanded: constants in its text are not the statement's.
    pub(super) in_stored_text: usize,
    /// How many of these are the text itself, which stands alone.
    pub(super) own_text: usize,
    /// Where no function may return a set, what is being analysed: a clause or construct.
    pub(super) without_sets: Option<&'static str>,
    /// The row types of the statement's values of type record.
    pub(in crate::sql) records: RecordTypes,
    /// What the text itself refers to (not what the views it reads refer to).
    pub(in crate::sql) used: RefCell<Dependencies>,
    /// What the statement needs to be allowed.
    pub(in crate::sql) permissions: RefCell<Permissions>,
    /// The tables whose policies are being analysed, innermost last.
    pub(super) securing: Vec<Oid>,
    /// What is wrong with policies, until the statement has been analysed.
    pub(super) policy_error: Option<Error>,
    /// What was found depends on whose row security it is for.
    pub(super) depends_on_row_security: bool,
    /// The tables that the query at hand locks rows of: all where there is no name.
    pub(super) locked: Option<Vec<String>>,
    /// The query that is analysed next is in FROM of one that locks its rows.
    pub(super) locks_next: bool,
    /// Where WITH queries are read.
    pub(super) cte_places: HashMap<EntryId, Location>,
    /// How many of the last columns of the recursive query that is analysed next no star stands for in itself.
    pub(super) unexpanded: usize,
    /// The WITH queries that come after the one that is being analysed.
    pub(super) later_ctes: Vec<String>,
    /// The entries of sub-queries that are being compared, as they answer to each other.
    pub(super) same_entries: Vec<(EntryId, EntryId)>,
    /// Where the last aggregate that was analysed stands.
    pub(super) last_aggregate: Option<Location>,
    /// Named windows of the innermost select.
    pub(super) windows: Vec<WindowDef>,
    /// The text is the catalog's own, in which dates and times are as the server writes them.
    pub(in crate::sql) reads_kept_text: bool,
    /// The tree is made to be printed: what printing it needs besides.
    pub(in crate::sql) written: Option<Box<WrittenNames>>,
    /// The names in a text that is explained; the tree is made to be run.
    pub(in crate::sql) explained: Option<Box<WrittenNames>>,
    /// The names around the statement.
    pub(in crate::sql) outer: Option<&'a dyn OuterNames>,
    /// Calls of simple functions become what they compute: the tree is made to be run.
    pub(in crate::sql) inlines: bool,
    /// The functions that are being put in place, outermost first.
    pub(super) inlining: Vec<Oid>,
    /// What $1 … are in the body of the innermost of them.
    pub(super) stand_ins: Option<Vec<Expr>>,
    /// Its rows stay inside: what clients see as text is given as it is stored.
    pub(in crate::sql) is_inner: bool,
    /// The statement is a cursor's query, and this is what it is positioned on.
    pub(in crate::sql) positioned: Option<PositionedOn>,
    /// The parameters that are arrays whose first subscript is 0.
    pub(super) from_zero: BTreeSet<usize>,
    /// Which rows TABLESAMPLE lets through, of the tables of the innermost query, where that can be asked.
    pub(super) samples: Option<Vec<Expr>>,
    /// The types and modifiers of the result's columns.
    pub(in crate::sql) outputs: Vec<(Oid, i32)>,
}

impl<'a> Analyzer<'a> {
    /// Starts the analysis of a statement. `params` are the types given in Parse.
    pub fn new(context: PlanContext<'a>, source: &'a Source<'a>, params: &[Oid]) -> Self {
        Analyzer {
            search_path: context.settings.schemas_searched().clone(),
            context,
            source,
            params: params.to_vec(),
            literal_types: vec![None; source.literals.len()],
            pinned: BTreeSet::new(),
            scopes: Vec::new(),
            ctes: Vec::new(),
            next_number: 0,
            depth: 0,
            nesting: 0,
            writes: false,
            waits: false,
            routines_write: false,
            locks_rows: None,
            in_stored_text: 0,
            own_text: 0,
            without_sets: Some("this statement"),
            records: RecordTypes::default(),
            used: RefCell::default(),
            permissions: RefCell::default(),
            securing: Vec::new(),
            policy_error: None,
            depends_on_row_security: false,
            locked: None,
            locks_next: false,
            cte_places: HashMap::new(),
            unexpanded: 0,
            later_ctes: Vec::new(),
            same_entries: Vec::new(),
            last_aggregate: None,
            windows: Vec::new(),
            reads_kept_text: false,
            written: None,
            explained: None,
            outer: None,
            inlines: false,
            inlining: Vec::new(),
            stand_ins: None,
            is_inner: false,
            positioned: None,
            from_zero: BTreeSet::new(),
            samples: None,
            outputs: Vec::new(),
        }
    }

    pub(in crate::sql) fn context(&self) -> PlanContext<'a> {
        self.context
    }

    /// The statement's text and constants.
    pub(in crate::sql) fn source(&self) -> &'a Source<'a> {
        self.source
    }

    pub(in crate::sql) fn catalog(&self) -> &'a CatalogSnapshot {
        self.context.catalog
    }

    /// For whom alone what was found is right.
    pub(in crate::sql) fn security(&self) -> Option<Arc<SecurityContext>> {
        self.context.security.filter(|_| self.depends_on_row_security).map(|context| Arc::new(context.clone()))
    }

    /// The number of a range table entry that the statement does not have yet.
    pub(in crate::sql) fn fresh_entry(&mut self) -> EntryId {
        self.next_number += 1;
        EntryId(self.next_number)
    }

    /// The number of a WITH query that the statement does not have yet.
    pub(super) fn fresh_cte(&mut self) -> CteId {
        self.next_number += 1;
        CteId(self.next_number)
    }

    /// The lifted constant that was written at a location. A number's may be that of the signs before it.
    pub(super) fn lifted(&self, location: Location) -> Option<usize> {
        if self.in_stored_text > 0 {
            return None;
        }
        let byte = location.byte()?;
        let literals = &self.source.literals;
        let index = literals.partition_point(|literal| literal.start < byte);
        let start = literals.get(index)?.start;
        let signs = self.source.text.get(byte..start)?;
        signs.chars().all(|c| "+-( \t\r\n".contains(c)).then_some(index)
    }

    /// Adds a location to an error that has none.
    pub(in crate::sql) fn at(&self, error: Error, location: Location) -> Error {
        if self.in_stored_text > 0 || error.fields().position.is_some() {
            return error;
        }
        match location.byte().and_then(|byte| self.source.text.get(..byte)) {
            Some(before) => error.with_position(self.source.offset + before.chars().count() as u32 + 1),
            None => error,
        }
    }

    /// Adds the location of a lifted constant to an error.
    pub(super) fn at_literal(&self, error: Error, n: usize) -> Error {
        let literal = self.source.literals.get(n);
        match literal.and_then(|literal| self.source.text.get(..literal.start)) {
            Some(before) => error.with_position(self.source.offset + before.chars().count() as u32 + 1),
            None => error,
        }
    }

    /// Guards recursion.
    pub(super) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(stack::too_deep());
        }
        stack::check()?;
        limits::work(NODE)?;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// Analyses a clause of the innermost query in which there may be no aggregates and window functions.
    pub(super) fn in_clause<T>(&mut self, clause: &'static str, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let level = self.scopes.len().wrapping_sub(1);
        let outer = self.scopes.get_mut(level).and_then(|scope| scope.clause.replace(clause));
        let result = run(self);
        if let Some(scope) = self.scopes.get_mut(level) {
            scope.clause = outer;
        }
        result
    }

    /// Analyses something in which functions may return sets: a select list, GROUP BY, ORDER BY.
    pub(super) fn with_sets<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.setting_sets(None, run)
    }

    /// Analyses something in which no function may return a set.
    pub(super) fn without_sets<T>(
        &mut self,
        place: &'static str,
        run: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.setting_sets(Some(place), run)
    }

    fn setting_sets<T>(&mut self, place: Option<&'static str>, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = std::mem::replace(&mut self.without_sets, place);
        let result = run(self);
        self.without_sets = outer;
        result
    }

    /// How values of a type are stored.
    pub(in crate::sql) fn repr_of(&self, oid: Oid) -> Repr {
        types::repr_of(self.catalog(), oid)
    }

    /// What messages call a type: format_type() without a modifier.
    pub(in crate::sql) fn type_name(&self, oid: Oid) -> String {
        types::type_name(self.catalog(), &self.search_path, oid)
    }

    /// The base type and modifier behind a domain, or the type itself.
    pub(in crate::sql) fn base_type(&self, oid: Oid, typmod: i32) -> (Oid, i32) {
        types::base_type(self.catalog(), oid, typmod)
    }

    /// The element type of an array type.
    pub(super) fn element_type(&self, oid: Oid) -> Option<Oid> {
        types::element_type(self.catalog(), oid)
    }

    /// The array type over an element type.
    pub(super) fn array_type(&self, element: Oid) -> Option<Oid> {
        types::array_type(self.catalog(), element)
    }

    pub(in crate::sql) fn is_enum(&self, oid: Oid) -> bool {
        types::enum_labels(self.catalog(), oid).is_some()
    }

    /// The relation a name stands for: 42P01 if there is none, 3F000 for an unknown schema.
    pub(super) fn relation(&self, name: &RangeName) -> Result<&'a Relation> {
        if let Some(catalog) = name.catalog.as_ref().filter(|catalog| **catalog != self.context.database) {
            let schema = name.schema.as_deref().unwrap_or_default();
            let shown = format!("\"{catalog}.{schema}.{}\"", name.relation);
            let message = format!("cross-database references are not implemented: {shown}");
            return Err(self.at(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), name.location));
        }
        let found = match &name.schema {
            // A view's text is its owner's.
            Some(schema) if self.in_stored_text == 0 && !(self.context.may_use)(schema) => {
                return Err(self.at(schema_denied(schema), name.location));
            }
            Some(schema) => self.catalog().relation(schema, &name.relation),
            None => self.catalog().find_relation(&self.search_path, &name.relation),
        };
        match found {
            Some(relation) => {
                if self.in_stored_text == 0 {
                    self.used.borrow_mut().relations.insert(relation.oid);
                }
                Ok(relation)
            }
            None => {
                let shown = match &name.schema {
                    Some(schema) => format!("{schema}.{}", name.relation),
                    None => name.relation.clone(),
                };
                let mut error = Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist"));
                if name.schema.is_none() && self.later_ctes.contains(&name.relation) {
                    let detail = "but it cannot be referenced from this part of the query.";
                    let hint = "Use WITH RECURSIVE, or re-order the WITH items to remove forward references.";
                    error = error
                        .with_detail(format!("There is a WITH item named \"{}\", {detail}", name.relation))
                        .with_hint(hint);
                }
                Err(self.at(error, name.location))
            }
        }
    }

    /// Schema and name of a possibly qualified name. A database in front must be the current one.
    pub(super) fn split_name<'n>(&self, name: &'n [String], location: Location) -> Result<(Option<&'n str>, &'n str)> {
        match name {
            [name] => Ok((None, name)),
            [schema, name] => Ok((Some(schema), name)),
            [database, schema, name] if *database == self.context.database => Ok((Some(schema), name)),
            [_, _, _] => {
                let message = format!("cross-database references are not implemented: {}", name.join("."));
                Err(self.at(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), location))
            }
            _ => {
                let message = format!("improper qualified name (too many dotted names): {}", name.join("."));
                Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), location))
            }
        }
    }

    /// Types of parameters that nothing has decided are an error (42P18).
    pub(in crate::sql) fn check_params(&self) -> Result<()> {
        match self.params.iter().position(|oid| matches!(*oid, Oid::INVALID | Oid::UNKNOWN)) {
            Some(index) => {
                let message = format!("could not determine data type of parameter ${}", index + 1);
                Err(Error::new(SqlState::INDETERMINATE_DATATYPE, message))
            }
            None => Ok(()),
        }
    }

    /// Whether two expressions are the same, as GROUP BY and ORDER BY compare them. Equal constants make it depend on
    /// their values.
    pub(super) fn same_expr(&mut self, a: &Expr, b: &Expr) -> bool {
        if a == b {
            return true;
        }
        if let (ExprKind::Var(a), ExprKind::Var(b)) = (&a.kind, &b.kind) {
            let same_entry = a.entry == b.entry || self.same_entries.contains(&(a.entry, b.entry));
            return same_entry && a.attribute == b.attribute;
        }
        if a.type_oid != b.type_oid {
            return false;
        }
        let same_node = match (&a.kind, &b.kind) {
            (ExprKind::Literal(i), ExprKind::Literal(j)) => {
                let text = |n: &usize| self.source.literals.get(*n).map(|l| l.text);
                let same = text(i).is_some() && text(i) == text(j);
                if same {
                    self.pinned.extend([*i, *j]);
                }
                return same;
            }
            (ExprKind::Func(f, _), ExprKind::Func(g, _)) | (ExprKind::Variadic(f, _), ExprKind::Variadic(g, _)) => {
                f == g
            }
            (ExprKind::Op(f, _), ExprKind::Op(g, _)) => f == g,
            (ExprKind::Case { operand: f, .. }, ExprKind::Case { operand: g, .. }) => f.is_some() == g.is_some(),
            (ExprKind::MinMax { greatest: f, .. }, ExprKind::MinMax { greatest: g, .. })
            | (ExprKind::InList { negated: f, .. }, ExprKind::InList { negated: g, .. })
            | (ExprKind::NullTest { negated: f, .. }, ExprKind::NullTest { negated: g, .. })
            | (ExprKind::Distinct { negated: f, .. }, ExprKind::Distinct { negated: g, .. }) => f == g,
            (ExprKind::BooleanTest { test: f, .. }, ExprKind::BooleanTest { test: g, .. }) => f == g,
            (ExprKind::Coerce { how: f, .. }, ExprKind::Coerce { how: g, .. }) => f == g,
            (ExprKind::CoerceTypmod { explicit: f, .. }, ExprKind::CoerceTypmod { explicit: g, .. }) => {
                f == g && a.typmod == b.typmod
            }
            (ExprKind::RowCompare { op: f, left, .. }, ExprKind::RowCompare { op: g, left: other, .. }) => {
                f == g && left.len() == other.len()
            }
            (ExprKind::ScalarArray { all: f, .. }, ExprKind::ScalarArray { all: g, .. }) => f == g,
            (ExprKind::Slice { bounds, .. }, ExprKind::Slice { bounds: other, .. }) => {
                let given = |bounds: &[Bounds]| -> Vec<(bool, bool)> {
                    bounds.iter().map(|bound| (bound.0.is_some(), bound.1.is_some())).collect()
                };
                given(bounds) == given(other)
            }
            (ExprKind::SubLink(a), ExprKind::SubLink(b)) => return self.same_link(a, b),
            (ExprKind::Aggref(a), ExprKind::Aggref(b)) => return self.same_aggregate(a, b),
            (ExprKind::Element, ExprKind::Element) | (ExprKind::CaseTest, ExprKind::CaseTest) => return true,
            (ExprKind::CoerceToDomain { domain: f, .. }, ExprKind::CoerceToDomain { domain: g, .. }) => f == g,
            (ExprKind::Field { index: f, .. }, ExprKind::Field { index: g, .. }) => f == g,
            (ExprKind::Row { .. }, ExprKind::Row { .. })
            | (ExprKind::And(_), ExprKind::And(_))
            | (ExprKind::Or(_), ExprKind::Or(_))
            | (ExprKind::Not(_), ExprKind::Not(_))
            | (ExprKind::Coalesce(_), ExprKind::Coalesce(_))
            | (ExprKind::Array(_), ExprKind::Array(_))
            | (ExprKind::NullIf { .. }, ExprKind::NullIf { .. })
            | (ExprKind::Subscript { .. }, ExprKind::Subscript { .. })
            | (ExprKind::LikeEscape { .. }, ExprKind::LikeEscape { .. })
            | (ExprKind::Similar(_), ExprKind::Similar(_))
            | (ExprKind::EnumOrder(_), ExprKind::EnumOrder(_)) => true,
            _ => false,
        };
        same_node && self.same_children(a, b)
    }

    fn same_children(&mut self, a: &Expr, b: &Expr) -> bool {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        a.for_each_child(&mut |e| left.push(e));
        b.for_each_child(&mut |e| right.push(e));
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| self.same_expr(a, b))
    }
}
