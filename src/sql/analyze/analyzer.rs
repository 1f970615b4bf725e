//! The state of one statement's analysis: what is known of its parameters and lifted constants, the names in scope,
//! fresh aliases.
//!
//! Owns: [`Analyzer`]. Its steps are in the sibling files. Must not know: the cache, SQLite's syntax.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::catalog::schema::{CatalogSnapshot, Relation, UserTypeKind};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::limits::stack;
use crate::sql::analyze::from::SetCalls;
use crate::sql::analyze::scope::{CteEntry, Scope};
use crate::sql::permission::Permissions;
use crate::sql::plan::LockWait;
use crate::sql::planner::{PlanContext, schema_denied};
use crate::sql::scan::Source;
use crate::sql::syntax::ast::expression::WindowDef;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::RangeVar as RangeName;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::{Oid, Repr, Scalar, type_info};

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
}

/// One statement's analysis.
pub struct Analyzer<'a> {
    pub(super) context: PlanContext<'a>,
    /// Names are looked for in these schemas, in this order.
    pub(super) search_path: Arc<[String]>,
    pub(super) source: &'a Source<'a>,
    /// The types of $1 …; `Oid::INVALID` or UNKNOWN while not known.
    pub(in crate::sql) params: Vec<Oid>,
    /// The type each lifted constant is to be read as; `None` while nothing has used it.
    pub(in crate::sql) literal_types: Vec<Option<Oid>>,
    /// Lifted constants whose value the plan depends on.
    pub(in crate::sql) pinned: BTreeSet<usize>,
    pub(super) scopes: Vec<Scope>,
    pub(super) ctes: Vec<CteEntry>,
    next_alias: usize,
    pub(super) depth: usize,
    /// Something in the statement changes the database although it is a query (nextval).
    pub(in crate::sql) writes: bool,
    /// FOR UPDATE / FOR SHARE was asked for.
    pub(in crate::sql) locks_rows: Option<LockWait>,
    /// A view is being expanded: constants in its text are not the statement's.
    pub(super) in_stored_text: usize,
    /// Calls of set-returning functions met in the select list; `None` where they are not allowed.
    pub(super) set_calls: Option<SetCalls>,
    /// What the text itself refers to (not what the views it reads refer to).
    pub(super) used: RefCell<Dependencies>,
    /// What the statement needs to be allowed.
    pub(in crate::sql) permissions: RefCell<Permissions>,
    /// Named windows of the innermost select.
    pub(super) windows: Vec<WindowDef>,
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
            next_alias: 0,
            depth: 0,
            writes: false,
            locks_rows: None,
            in_stored_text: 0,
            set_calls: None,
            used: RefCell::default(),
            permissions: RefCell::default(),
            windows: Vec::new(),
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

    /// A name no other part of the translated statement has.
    pub(super) fn fresh_alias(&mut self) -> Rc<str> {
        self.next_alias += 1;
        format!("t{}", self.next_alias).into()
    }

    /// The name of a WITH query: SQLite looks for it before it looks for tables, so it is one that no table has.
    pub(super) fn fresh_cte_name(&mut self) -> Rc<str> {
        self.next_alias += 1;
        format!("__pg_cte{}", self.next_alias).into()
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
    pub(super) fn at(&self, error: Error, location: Location) -> Error {
        if self.in_stored_text > 0 || error.fields().position.is_some() {
            return error;
        }
        match location.byte().and_then(|byte| self.source.text.get(..byte)) {
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

    /// How values of a type are stored.
    pub(in crate::sql) fn repr_of(&self, oid: Oid) -> Repr {
        repr_of(self.catalog(), oid)
    }

    /// What messages call a type: format_type() without a modifier.
    pub(in crate::sql) fn type_name(&self, oid: Oid) -> String {
        if let Some(info) = type_info(oid) {
            return info.sql_name.to_owned();
        }
        match user_type(self.catalog(), oid) {
            Some((user, false)) => user.name.clone(),
            Some((user, true)) => format!("{}[]", user.name),
            None => oid.to_string(),
        }
    }

    /// The base type and modifier behind a domain, or the type itself.
    pub(in crate::sql) fn base_type(&self, oid: Oid, typmod: i32) -> (Oid, i32) {
        match self.catalog().types.get(&oid).map(|t| &t.kind) {
            Some(UserTypeKind::Domain { base, typmod, .. }) => self.base_type(*base, *typmod),
            _ => (oid, typmod),
        }
    }

    /// The element type of an array type.
    pub(super) fn element_type(&self, oid: Oid) -> Option<Oid> {
        if matches!(oid, Oid::INT2VECTOR) {
            return Some(Oid::INT2);
        }
        if matches!(oid, Oid::OIDVECTOR) {
            return Some(Oid::OID);
        }
        match type_info(oid) {
            Some(info) => info.repr.array_of,
            None => user_type(self.catalog(), oid).filter(|(_, array)| *array).map(|(user, _)| user.oid),
        }
    }

    /// The array type over an element type.
    pub(super) fn array_type(&self, element: Oid) -> Option<Oid> {
        match type_info(element) {
            Some(info) if info.is_array() => Some(element),
            Some(info) => Some(info.array).filter(|a| *a != Oid::INVALID),
            None => self.catalog().types.get(&element).map(|t| t.array),
        }
    }

    pub(in crate::sql) fn is_enum(&self, oid: Oid) -> bool {
        self.catalog().types.get(&oid).is_some_and(|t| matches!(t.kind, UserTypeKind::Enum(_)))
    }

    /// The internal name by which `pg_in_…` and `pg_out_…` know a type.
    pub(super) fn internal_name(&self, oid: Oid) -> String {
        match type_info(oid) {
            Some(info) => info.name.to_owned(),
            None => match user_type(self.catalog(), oid) {
                Some((_, true)) => "_text".to_owned(),
                _ => "text".to_owned(),
            },
        }
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
                let error = Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist"));
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
        // A column is the same column even where its type was relabelled (name as text).
        if let (ExprKind::Column(a), ExprKind::Column(b)) = (&a.kind, &b.kind) {
            return a.alias == b.alias && a.column == b.column;
        }
        if a.type_oid != b.type_oid {
            return false;
        }
        match (&a.kind, &b.kind) {
            (ExprKind::Literal(i), ExprKind::Literal(j)) => {
                let text = |n: &usize| self.source.literals.get(*n).map(|l| l.text);
                let same = text(i).is_some() && text(i) == text(j);
                if same {
                    self.pinned.extend([*i, *j]);
                }
                same
            }
            (ExprKind::Call(f, _), ExprKind::Call(g, _)) if f != g => false,
            (ExprKind::Call(..), ExprKind::Call(..)) | (ExprKind::Case { .. }, ExprKind::Case { .. }) => {
                self.same_children(a, b)
            }
            (ExprKind::Compare(f, ..), ExprKind::Compare(g, ..)) => f == g && self.same_children(a, b),
            (ExprKind::Extreme { greatest: f, .. }, ExprKind::Extreme { greatest: g, .. })
            | (ExprKind::InList { negated: f, .. }, ExprKind::InList { negated: g, .. }) => {
                f == g && self.same_children(a, b)
            }
            (ExprKind::Row(_), ExprKind::Row(_)) => self.same_children(a, b),
            _ => false,
        }
    }

    fn same_children(&mut self, a: &Expr, b: &Expr) -> bool {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        a.for_each_child(&mut |e| left.push(e));
        b.for_each_child(&mut |e| right.push(e));
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| self.same_expr(a, b))
    }
}

/// The user type with this OID, or whose array type it is; true for the array.
pub fn user_type(catalog: &CatalogSnapshot, oid: Oid) -> Option<(&crate::catalog::schema::UserType, bool)> {
    if let Some(user) = catalog.types.get(&oid) {
        return Some((user, user.array == oid));
    }
    catalog.types.values().find(|t| t.array == oid).map(|t| (&**t, true))
}

/// How values of a type, built-in or the user's, are stored.
pub fn repr_of(catalog: &CatalogSnapshot, oid: Oid) -> Repr {
    if let Some(info) = type_info(oid) {
        return info.repr;
    }
    match user_type(catalog, oid) {
        Some((user, array)) => {
            let scalar = match &user.kind {
                UserTypeKind::Enum(_) => Scalar::Text,
                UserTypeKind::Domain { base, .. } => repr_of(catalog, *base).scalar,
            };
            if array { Repr::array(user.oid, scalar) } else { Repr::scalar(scalar) }
        }
        None => Repr::scalar(Scalar::Text),
    }
}
