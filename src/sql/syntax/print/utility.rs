//! DROP, transactions, parameters, cursors, COPY, maintenance, extensions.

use super::Printer;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::expression::{AConst, ConstValue, Expr, TypeCast};
use crate::sql::syntax::ast::statement::*;

impl Printer {
    /// A kind and an object of it.
    pub(super) fn object(&mut self, kind: ObjectType, object: &ObjectRef) {
        self.object_type(kind);
        self.put(" ");
        self.object_ref(kind, object);
    }

    pub(super) fn drop(&mut self, stmt: &DropStmt) {
        self.put("DROP ");
        self.object_type(stmt.object_type);
        self.word(stmt.concurrent, " CONCURRENTLY");
        self.word(stmt.missing_ok, " IF EXISTS");
        self.put(" ");
        self.list(&stmt.objects, ", ", |p, object| p.object_ref(stmt.object_type, object));
        self.cascade(stmt.behavior);
    }

    /// DROP DATABASE's only option.
    pub(super) fn force(&mut self, options: &[DefElem]) {
        if !options.is_empty() {
            self.put(" ");
            self.parens(|p| p.list(options, ", ", |p, _| p.put("FORCE")));
        }
    }

    // ----- transactions

    pub(super) fn transaction(&mut self, stmt: &TransactionStmt) {
        self.put(match stmt.kind {
            TransactionStmtKind::Begin => "BEGIN",
            TransactionStmtKind::Start => "START TRANSACTION",
            TransactionStmtKind::Commit => "COMMIT",
            TransactionStmtKind::Rollback => "ROLLBACK",
            TransactionStmtKind::Savepoint => "SAVEPOINT",
            TransactionStmtKind::Release => "RELEASE SAVEPOINT",
            TransactionStmtKind::RollbackTo => "ROLLBACK TO SAVEPOINT",
            TransactionStmtKind::Prepare => "PREPARE TRANSACTION",
            TransactionStmtKind::CommitPrepared => "COMMIT PREPARED",
            TransactionStmtKind::RollbackPrepared => "ROLLBACK PREPARED",
        });
        let (lock, modes) = match stmt.options.split_first() {
            Some((first, modes)) if first.name == "transaction_lock" => (Some(first), modes),
            _ => (None, stmt.options.as_slice()),
        };
        if let Some(DefArg::String(word)) = lock.and_then(|lock| lock.arg.as_ref()) {
            self.put(" ");
            self.put(&word.to_ascii_uppercase());
        }
        self.word(!modes.is_empty(), " ");
        self.transaction_modes(modes);
        self.named(" ", stmt.savepoint.as_ref());
        self.with_string(" ", stmt.gid.as_ref());
        self.word(stmt.chain, " AND CHAIN");
    }

    fn transaction_modes(&mut self, modes: &[DefElem]) {
        self.list(modes, ", ", |p, mode| match (mode.name.as_str(), &mode.arg) {
            ("transaction_isolation", Some(DefArg::String(level))) => {
                p.put("ISOLATION LEVEL ");
                p.put(&level.to_ascii_uppercase());
            }
            ("transaction_read_only", Some(DefArg::Boolean(only))) => {
                p.put(if *only { "READ ONLY" } else { "READ WRITE" });
            }
            ("transaction_deferrable", Some(DefArg::Boolean(deferrable))) => {
                p.put(if *deferrable { "DEFERRABLE" } else { "NOT DEFERRABLE" });
            }
            _ => p.unknown(),
        });
    }

    // ----- parameters

    /// A parameter's name, with the dots between its parts.
    pub(super) fn variable(&mut self, name: &str) {
        // A part that is empty can only have been in the quotes of another.
        if name.split('.').any(str::is_empty) {
            return self.quoted(name);
        }
        for (index, part) in name.split('.').enumerate() {
            self.word(index > 0, ".");
            self.name(part);
        }
    }

    /// SET and RESET, with LOCAL where it is one.
    pub(super) fn variable_set(&mut self, set: &VariableSetStmt, local: &str) {
        let (reset, kind) = (matches!(set.kind, VariableSetKind::Reset { .. } | VariableSetKind::ResetAll), &set.kind);
        self.put(if reset { "RESET " } else { "SET " });
        self.put(local);
        match kind {
            VariableSetKind::Value { args, .. } if matches!(args.as_slice(), [Expr::TypeCast(_)]) => {
                self.list(args, "", |p, arg| p.zone_interval(arg));
            }
            VariableSetKind::Value { name, args } => {
                self.variable(name);
                self.put(" = ");
                self.list(args, ", ", |p, arg| p.variable_value(arg));
            }
            VariableSetKind::Default { name } => {
                self.variable(name);
                self.put(" TO DEFAULT");
            }
            VariableSetKind::Current { name } => {
                self.variable(name);
                self.put(" FROM CURRENT");
            }
            VariableSetKind::Modes { session, modes } => {
                self.put(if *session { "SESSION CHARACTERISTICS AS TRANSACTION " } else { "TRANSACTION " });
                self.transaction_modes(modes);
            }
            VariableSetKind::Snapshot(id) => self.with_string("TRANSACTION SNAPSHOT ", Some(id)),
            VariableSetKind::Reset { name } => self.variable(name),
            VariableSetKind::ResetAll => self.put("ALL"),
        }
    }

    fn variable_value(&mut self, arg: &Expr) {
        match arg {
            Expr::Const(AConst { value: ConstValue::String(text), .. }) => self.string(text),
            Expr::Const(AConst { value: ConstValue::Integer(number), .. }) => self.put(&number.to_string()),
            Expr::Const(AConst { value: ConstValue::Float(text), .. }) => self.put(text),
            _ => self.unknown(),
        }
    }

    /// TIME ZONE INTERVAL '…' fields
    fn zone_interval(&mut self, arg: &Expr) {
        let Expr::TypeCast(cast) = arg else { return self.unknown() };
        let TypeCast { arg, type_name, .. } = &**cast;
        let mut printer = Printer::default();
        printer.type_name(type_name);
        let fields = printer.text.strip_prefix("interval").unwrap_or_default().trim_start();
        self.put("TIME ZONE INTERVAL");
        let has_precision = fields.starts_with('(');
        if has_precision {
            self.put(fields);
        }
        self.put(" ");
        self.variable_value(arg);
        if !has_precision {
            self.put(" ");
            self.put(fields);
        }
    }

    // ----- cursors, COPY

    pub(super) fn declare_cursor(&mut self, stmt: &DeclareCursorStmt) {
        let CursorOptions { binary, scroll, no_scroll, insensitive, asensitive, hold } = stmt.options;
        self.named("DECLARE ", Some(&stmt.portal));
        self.word(binary, " BINARY");
        self.word(insensitive, " INSENSITIVE");
        self.word(asensitive, " ASENSITIVE");
        self.word(scroll, " SCROLL");
        self.word(no_scroll, " NO SCROLL");
        self.put(" CURSOR");
        self.word(hold, " WITH HOLD");
        self.put(" FOR ");
        self.select(&stmt.query);
    }

    pub(super) fn fetch(&mut self, stmt: &FetchStmt) {
        self.put(if stmt.is_move { "MOVE " } else { "FETCH " });
        self.put(match stmt.direction {
            FetchDirection::Forward => "FORWARD ",
            FetchDirection::Backward => "BACKWARD ",
            FetchDirection::Absolute => "ABSOLUTE ",
            FetchDirection::Relative => "RELATIVE ",
        });
        match stmt.how_many {
            i64::MAX => self.put("ALL"),
            count => self.put(&count.to_string()),
        }
        self.named(" FROM ", Some(&stmt.portal));
    }

    pub(super) fn copy(&mut self, stmt: &CopyStmt) {
        self.put("COPY ");
        match &stmt.source {
            CopySource::Relation(relation) => self.relation(relation),
            CopySource::Query(query, _) => self.parens(|p| p.statement(query)),
        }
        self.opt_names(&stmt.columns);
        self.put(if stmt.is_from { " FROM " } else { " TO " });
        self.word(stmt.is_program, "PROGRAM ");
        match &stmt.filename {
            Some(file) => self.string(file),
            None => self.put(if stmt.is_from { "STDIN" } else { "STDOUT" }),
        }
        self.copy_options(&stmt.options);
        self.clause(" WHERE ", stmt.where_clause.as_ref());
    }

    // ----- maintenance

    pub(super) fn lock(&mut self, stmt: &LockStmt) {
        self.put("LOCK TABLE ");
        self.relations(&stmt.relations);
        self.put(match stmt.mode {
            LockMode::AccessShare => " IN ACCESS SHARE MODE",
            LockMode::RowShare => " IN ROW SHARE MODE",
            LockMode::RowExclusive => " IN ROW EXCLUSIVE MODE",
            LockMode::ShareUpdateExclusive => " IN SHARE UPDATE EXCLUSIVE MODE",
            LockMode::Share => " IN SHARE MODE",
            LockMode::ShareRowExclusive => " IN SHARE ROW EXCLUSIVE MODE",
            LockMode::Exclusive => " IN EXCLUSIVE MODE",
            LockMode::AccessExclusive => " IN ACCESS EXCLUSIVE MODE",
        });
        self.word(stmt.nowait, " NOWAIT");
    }

    pub(super) fn vacuum(&mut self, stmt: &VacuumStmt) {
        self.put(if stmt.is_vacuum { "VACUUM" } else { "ANALYZE" });
        self.utility_options(&stmt.options);
        self.word(!stmt.relations.is_empty(), " ");
        self.list(&stmt.relations, ", ", |p, relation| {
            p.relation(&relation.relation);
            p.opt_names(&relation.columns);
        });
    }

    pub(super) fn cluster(&mut self, stmt: &ClusterStmt) {
        self.put("CLUSTER");
        match &stmt.relation {
            None => self.word(!stmt.params.is_empty(), " VERBOSE"),
            Some(relation) => {
                self.utility_options(&stmt.params);
                self.put(" ");
                self.relation(relation);
            }
        }
        self.named(" USING ", stmt.index.as_ref());
    }

    pub(super) fn reindex(&mut self, stmt: &ReindexStmt) {
        self.put("REINDEX");
        self.utility_options(&stmt.params);
        match &stmt.target {
            ReindexTarget::Index(relation) => {
                self.put(" INDEX ");
                self.relation(relation);
            }
            ReindexTarget::Table(relation) => {
                self.put(" TABLE ");
                self.relation(relation);
            }
            ReindexTarget::Schema(name) => self.named(" SCHEMA ", Some(name)),
            ReindexTarget::System(name) => self.named(" SYSTEM ", Some(name)),
            ReindexTarget::Database(name) => self.named(" DATABASE ", Some(name)),
        }
    }

    pub(super) fn discard(&mut self, mode: DiscardMode) {
        self.put(match mode {
            DiscardMode::All => "DISCARD ALL",
            DiscardMode::Plans => "DISCARD PLANS",
            DiscardMode::Sequences => "DISCARD SEQUENCES",
            DiscardMode::Temp => "DISCARD TEMP",
        });
    }

    pub(super) fn do_block(&mut self, args: &[DefElem]) {
        self.put("DO");
        for arg in args {
            match (arg.name.as_str(), &arg.arg) {
                ("as", Some(DefArg::String(body))) => self.with_string(" ", Some(body)),
                ("language", Some(DefArg::String(language))) => self.with_string(" LANGUAGE ", Some(language)),
                _ => self.unknown(),
            }
        }
    }

    // ----- extensions

    pub(super) fn create_extension(&mut self, stmt: &CreateExtensionStmt) {
        self.put("CREATE EXTENSION ");
        self.word(stmt.if_not_exists, "IF NOT EXISTS ");
        self.name(&stmt.name);
        for option in &stmt.options {
            match (option.name.as_str(), &option.arg) {
                ("schema", Some(DefArg::String(schema))) => self.named(" SCHEMA ", Some(schema)),
                ("new_version", Some(DefArg::String(version))) => self.with_string(" VERSION ", Some(version)),
                ("cascade", _) => self.put(" CASCADE"),
                _ => self.unknown(),
            }
        }
    }

    pub(super) fn alter_extension(&mut self, stmt: &AlterExtensionStmt) {
        self.named("ALTER EXTENSION ", Some(&stmt.name));
        self.put(" UPDATE");
        for option in &stmt.options {
            match &option.arg {
                Some(DefArg::String(version)) => self.with_string(" TO ", Some(version)),
                _ => self.unknown(),
            }
        }
    }
}
