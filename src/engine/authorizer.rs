//! What a client's statement may reach inside SQLite: its own database and nothing else.
//!
//! Owns: [`Authorizer`]. Must not know: SQL text. SQLite asks while it compiles a statement, so it costs nothing at run
//! time. Statements of the engine itself are let through (see [`Authorizer::trusted`]).
//! Specification: sqlite.org/c3ref/set_authorizer.html, sqlite.org/security.html.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::catalog::schema::POSTINGS;

/// Decides for one connection. Cheap to clone; clones share the trust.
#[derive(Clone, Debug, Default)]
pub(crate) struct Authorizer {
    trusted: Arc<AtomicBool>,
}

/// Pragmas that only look. With an argument they name what to look at.
const LOOKING_PRAGMAS: &[&str] = &[
    "application_id",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "quick_check",
    "schema_version",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Of those, the ones that change something when they have an argument.
const SETTING_PRAGMAS: &[&str] = &["application_id", "encoding", "page_size", "schema_version", "user_version"];

/// Functions that reach files or tokenizers' pointers.
const DENIED_FUNCTIONS: &[&str] = &["load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"];

/// The table that shows and changes raw pages. (dbstat only tells sizes: pg_relation_size reads it.)
const DENIED_TABLES: &[&str] = &["sqlite_dbpage"];

impl Authorizer {
    /// While the guard lives every statement is allowed: for the engine's own.
    pub(crate) fn trusted(&self) -> Trusted<'_> {
        Trusted { authorizer: self, before: self.trusted.swap(true, Ordering::Relaxed) }
    }

    /// SQLite's question.
    pub(crate) fn decide(&self, context: &AuthContext<'_>) -> Authorization {
        if self.trusted.load(Ordering::Relaxed) || allowed(&context.action) || keeps_postings(context) {
            Authorization::Allow
        } else {
            Authorization::Deny
        }
    }
}

/// See [`Authorizer::trusted`].
#[derive(Debug)]
pub(crate) struct Trusted<'a> {
    authorizer: &'a Authorizer,
    before: bool,
}

impl Drop for Trusted<'_> {
    fn drop(&mut self) {
        self.authorizer.trusted.store(self.before, Ordering::Relaxed);
    }
}

fn allowed(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Select
        | AuthAction::Recursive
        | AuthAction::Delete { table_name: "sqlite_stat1" | "sqlite_stat4" } => true,
        AuthAction::Function { function_name } => !contains(DENIED_FUNCTIONS, function_name),
        AuthAction::Read { table_name, .. } => !contains(DENIED_TABLES, table_name),
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } => !is_internal(table_name),
        AuthAction::Pragma { pragma_name, pragma_value } => {
            contains(LOOKING_PRAGMAS, pragma_name)
                && (pragma_value.is_none() || !contains(SETTING_PRAGMAS, pragma_name))
        }
        // The schema changes through `engine::ddl`, transactions through the session, and nothing else is known.
        _ => false,
    }
}

/// What the triggers do that keep inverted indexes: nobody else can make one of such a name.
fn keeps_postings(context: &AuthContext<'_>) -> bool {
    let by_trigger = context.accessor.is_some_and(|trigger| trigger.starts_with(POSTINGS));
    match context.action {
        AuthAction::Insert { table_name } | AuthAction::Delete { table_name } => {
            by_trigger && table_name.starts_with(POSTINGS)
        }
        _ => false,
    }
}

/// SQLite's own tables, the catalog's, and those that show raw pages.
fn is_internal(table: &str) -> bool {
    table.starts_with("__pg_") || table.starts_with("sqlite_") || contains(DENIED_TABLES, table)
}

fn contains(list: &[&str], name: &str) -> bool {
    list.iter().any(|item| item.eq_ignore_ascii_case(name))
}
