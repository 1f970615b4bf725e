//! What the SQL front end hands to the session: a [`Plan`] says what a statement is, which parameters it takes, which
//! columns it returns, and what to do.
//!
//! Owns: the plan's data types. Must not know: rusqlite, the wire, sessions. Plans are immutable and shared.

use std::sync::Arc;

use crate::catalog::policy::SecurityContext;
use crate::catalog::tables::source::CursorPosition;
use crate::sql::analyze::routine::CallSite;
use crate::sql::database::DatabaseCommand;
use crate::sql::ddl::Ddl;
use crate::sql::explain::Explained;
use crate::sql::permission::PermissionEntry;
use crate::sql::row_change::RowChange;
use crate::types::charset::Charset;
use crate::types::pg_type::{Oid, Repr};
use crate::types::value::Value;

/// One analysed and translated statement.
#[derive(Debug)]
pub struct Plan {
    /// The types of $1, $2 …, given or inferred.
    pub params: Vec<ParamType>,
    /// The result's columns; `None` when the statement returns no rows (Describe answers NoData).
    pub columns: Option<Vec<FieldDescription>>,
    pub tag: Tag,
    pub action: Action,
}

/// A parameter's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamType {
    pub oid: Oid,
    pub repr: Repr,
}

/// One result column (RowDescription, protocol-message-formats.html).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDescription {
    pub name: String,
    /// The table's OID and the attribute number if the column is a plain column of a table, else 0.
    pub table_oid: Oid,
    pub attribute: i16,
    pub type_oid: Oid,
    /// typlen of the type.
    pub type_len: i16,
    pub typmod: i32,
    /// How the values that SQLite yields are to be encoded.
    pub repr: Repr,
}

/// The command tag of CommandComplete. `Select`, `Insert` … get the number of rows appended; the others are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// "SELECT n"
    Select,
    /// "INSERT 0 n"
    Insert,
    /// "UPDATE n"
    Update,
    /// "DELETE n"
    Delete,
    /// "MERGE n": the number is what the last statement's one row says.
    Merge,
    /// "COPY n"
    Copy,
    /// "FETCH n"
    Fetch,
    /// "MOVE n"
    Move,
    /// As it stands: "CREATE TABLE", "SET", "BEGIN" …
    Fixed(&'static str),
}

/// What a statement does.
#[derive(Debug)]
pub enum Action {
    /// No statement at all: EmptyQueryResponse.
    Empty,
    /// One SQLite statement; rows if `Plan::columns` is `Some`.
    Sqlite(SqliteStatement),
    /// BEGIN, COMMIT, SAVEPOINT …
    Transaction(TransactionCommand),
    /// SET, RESET, SHOW …
    Variable(VariableCommand),
    /// A change of the schema; the engine executes it in a write transaction.
    Ddl(Ddl),
    /// What changes something that all databases share.
    Database(DatabaseCommand),
    /// COPY … TO STDOUT / FROM STDIN
    Copy(CopyPlan),
    /// SQL-level PREPARE / EXECUTE / DEALLOCATE
    Prepared(PreparedCommand),
    /// DECLARE, FETCH, MOVE, CLOSE
    Cursor(CursorCommand),
    /// DISCARD, LISTEN, NOTIFY …
    Session(SessionCommand),
    /// DO: a block of PL/pgSQL.
    Do(Arc<str>),
    /// CALL of a procedure.
    Call(Box<CallPlan>),
    /// VACUUM, ANALYZE, CHECKPOINT: SQLite statements run outside of any transaction, one after the other.
    Maintenance(Vec<String>),
    /// EXPLAIN: whoever carries it out runs EXPLAIN QUERY PLAN over the statement's SQLite form.
    Explain(Explained),
    /// Accepted and without effect here (LOCK TABLE in a transaction, GRANT …): only the tag is answered. `locks` says
    /// that the write ticket is to be taken, and how.
    Accepted { requires_transaction: Option<&'static str>, locks: Option<LockWait>, permissions: Vec<PermissionEntry> },
}

/// CALL: the arguments are evaluated before the procedure begins.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// A query of one row, the procedure's input arguments; `None` if it has none.
    pub arguments: Option<SqliteStatement>,
    /// Which procedure, for which types (`sql::analyze::routine::CallSite`).
    pub site: CallSite,
    /// What it gives back, in order.
    pub outputs: Vec<CallOutput>,
    /// It may change the database.
    pub writes: bool,
}

/// An OUT or INOUT parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutput {
    /// Which of the arguments as written stands for it, from 0, if one does.
    pub argument: Option<usize>,
    /// Empty for none.
    pub name: String,
    /// Its place among all parameters, from 1.
    pub place: usize,
}

/// How long a statement waits for the write ticket (sql-lock.html).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockWait {
    /// As long as lock_timeout allows.
    Usual,
    /// LOCK TABLE … NOWAIT; with what the error calls the thing that could not be locked.
    Never(String),
}

/// A statement in SQLite's dialect and how its parameters ?1, ?2 … get their values.
#[derive(Clone, Debug)]
pub struct SqliteStatement {
    /// The text; also the key under which a connection keeps its prepared form.
    pub sql: Arc<str>,
    /// ?k gets the value of `binds[k - 1]`.
    pub binds: Vec<Bind>,
    /// It writes: it needs the write ticket and a write transaction (also for nextval, setval).
    pub write: bool,
    /// SELECT … FOR UPDATE and its like. One that does not write locks rows without the ticket where that is possible.
    pub locks_rows: bool,
    /// It may wait for a lock of another transaction that is no row's.
    pub waits: bool,
    pub wait: LockWait,
    /// The relation an INSERT, UPDATE or DELETE changes; constraint errors are described by it.
    pub target: Option<Oid>,
    /// What it needs to be allowed.
    pub permissions: Arc<[PermissionEntry]>,
    /// For INSERT … VALUES of one row: where each column's value comes from, so that an error's DETAIL can show keys.
    pub key_sources: Vec<(i16, Bind)>,
    /// What of it PostgreSQL evaluates when it plans.
    pub folded: Option<Arc<Folded>>,
    /// What is run before it, in order, as parts of one statement: what one statement of SQLite cannot do.
    pub before: Vec<ProgramStep>,
    /// It may fire triggers: its own rows were kept, and what is to fire at its end does so before them.
    pub fires: bool,
}

/// A query of one row whose values nobody looks at: it may fail, and then the statement does.
#[derive(Clone, Debug)]
pub struct Folded {
    pub sql: Arc<str>,
    pub binds: Vec<Bind>,
}

/// A part of a statement that is more than one of SQLite's: data-modifying WITH, MERGE, RETURNING of other tables.
#[derive(Clone, Debug, Default)]
pub struct ProgramStep {
    pub sql: Arc<str>,
    pub binds: Vec<Bind>,
    pub keep: Keep,
    /// What is kept of it is added to what `__pg_kept(list)` gives to the steps after it.
    pub list: usize,
    /// The relation it changes.
    pub target: Option<Oid>,
    /// It is a DELETE.
    pub deletes: bool,
    /// What becomes of the rows it gives, where triggers stand between.
    pub change: Option<Arc<RowChange>>,
    /// It is left out unless there are such rows.
    pub only: Option<KeptValue>,
    /// Instead of running anything, it puts kept rows into the order of others.
    pub arranges: Option<Arrangement>,
}

/// Rows that were kept with this integer in a column (from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeptValue {
    pub kept: usize,
    pub column: usize,
    pub value: i64,
}

/// The rows of `rows`, each with the table it is of in its last column, as those of `order` come, whose first says the
/// same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrangement {
    pub rows: usize,
    pub order: usize,
}

/// What is kept of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    #[default]
    Nothing,
    Rows,
    /// One row: how many rows it has changed.
    Count,
}

/// Where a SQLite parameter's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Bind {
    /// The statement's parameter $(n + 1), already decoded by its own type.
    Param(usize),
    /// The n-th constant lifted out of the text (see `sql::scan`), already decoded.
    Literal(usize),
}

/// A statement's plan together with the constants lifted out of its text.
#[derive(Clone, Debug)]
pub struct Planned {
    pub plan: Arc<Plan>,
    pub literals: Arc<[Value]>,
    /// The memory the plan takes, about.
    pub bytes: usize,
    /// The schema it was made for.
    pub catalog_version: u64,
    /// For whom alone it is right, because of row security.
    pub security: Option<Arc<SecurityContext>>,
}

impl Planned {
    /// Whether it is right for whose row security counts now.
    pub fn is_for(&self, security: Option<&SecurityContext>) -> bool {
        self.security.as_deref().is_none_or(|own| security == Some(own))
    }
}

impl Plan {
    /// How its statement takes the write ticket before it runs, if it does.
    pub fn lock_wait(&self) -> Option<&LockWait> {
        let statement = match &self.action {
            Action::Sqlite(statement) => statement,
            Action::Copy(copy) => &copy.statement,
            Action::Cursor(CursorCommand::Declare { plan, .. }) => return plan.lock_wait(),
            Action::Explain(Explained::Statement(explain)) if explain.options.analyze => &explain.statement,
            _ => return None,
        };
        statement.write.then_some(&statement.wait)
    }

    /// Whether its statement locks rows.
    pub fn locks_rows(&self) -> bool {
        match &self.action {
            Action::Sqlite(statement) => statement.locks_rows,
            Action::Cursor(CursorCommand::Declare { plan, .. }) => plan.locks_rows(),
            _ => false,
        }
    }
}

/// Isolation levels (transaction-iso.html). READ UNCOMMITTED is READ COMMITTED, as in PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// SQLite's own BEGIN variants, selectable beside PostgreSQL's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginMode {
    Deferred,
    Immediate,
    Exclusive,
}

/// The options of BEGIN, START TRANSACTION and SET TRANSACTION; `None` keeps the session's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionModes {
    pub isolation: Option<IsolationLevel>,
    pub read_only: Option<bool>,
    pub deferrable: Option<bool>,
    pub begin: Option<BeginMode>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionCommand {
    Begin(TransactionModes),
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    /// PREPARE TRANSACTION
    Prepare,
    /// COMMIT PREPARED and ROLLBACK PREPARED, with the command's name.
    FinishPrepared {
        identifier: String,
        command: &'static str,
    },
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    /// SET TRANSACTION …
    SetTransaction(TransactionModes),
    /// SET SESSION CHARACTERISTICS AS TRANSACTION …
    SetCharacteristics(TransactionModes),
    /// SET CONSTRAINTS { ALL | names } { DEFERRED | IMMEDIATE }
    SetConstraints {
        names: Option<Vec<(Option<String>, String)>>,
        deferred: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableCommand {
    /// SET [LOCAL] name = value; `None` is DEFAULT.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    Reset {
        name: String,
    },
    ResetAll,
    Show {
        name: String,
    },
    ShowAll,
}

#[derive(Clone, Debug)]
pub enum PreparedCommand {
    /// PREPARE name (types) AS query; the query is kept as text and planned by the session.
    Prepare {
        name: String,
        types: Vec<Oid>,
        query: String,
    },
    /// EXECUTE name (arguments); each argument is a constant expression as text in PostgreSQL's dialect.
    Execute {
        name: String,
        arguments: Vec<String>,
    },
    Deallocate {
        name: String,
    },
    DeallocateAll,
}

/// SQL-level cursors (sql-declare.html, sql-fetch.html).
#[derive(Clone, Debug)]
pub enum CursorCommand {
    /// DECLARE; the plan is the query's.
    Declare { name: String, options: CursorOptions, plan: Arc<Plan>, positioned: PositionedOn },
    /// FETCH, and MOVE, which shows no rows.
    Fetch { name: String, direction: FetchDirection, moves: bool },
    /// `None` is ALL.
    Close(Option<String>),
}

/// The tables whose rows a cursor's rows are made of, for WHERE CURRENT OF. Behind its columns are for each of them the OID
/// of the table that has the row and the row's number.
#[derive(Clone, Debug)]
pub struct PositionedOn {
    pub tables: Arc<[Oid]>,
    /// It locks its rows.
    pub locks: bool,
}

impl Default for PositionedOn {
    fn default() -> Self {
        PositionedOn { tables: Arc::from([]), locks: false }
    }
}

impl PositionedOn {
    /// Where a cursor with so many columns is that stands on this row.
    pub fn at(&self, columns: usize, row: Option<&[Value]>) -> Vec<CursorPosition> {
        let number = |place: usize| match row?.get(columns + place) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        let member = |place| number(place).and_then(|oid| u32::try_from(oid).ok()).map(Oid);
        let rows = (0..).step_by(2).map(|place| member(place).zip(number(place + 1)));
        self.tables.iter().zip(rows).map(|(table, row)| CursorPosition { table: *table, row }).collect()
    }
}

/// What DECLARE says of a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CursorOptions {
    /// SCROLL, NO SCROLL, or neither.
    pub scroll: Option<bool>,
    pub hold: bool,
    pub binary: bool,
}

/// Where FETCH goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    Forward(FetchCount),
    Backward(FetchCount),
    Absolute(i64),
    Relative(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchCount {
    Rows(u64),
    All,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionCommand {
    /// DISCARD ALL | PLANS | SEQUENCES | TEMP
    Discard(DiscardTarget),
    Listen(String),
    /// `None` is `*`.
    Unlisten(Option<String>),
    Notify {
        channel: String,
        payload: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscardTarget {
    All,
    Plans,
    Sequences,
    Temp,
}

/// COPY's data format and its options (sql-copy.html).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOptions {
    pub format: CopyFormat,
    pub delimiter: u8,
    pub null: String,
    pub header: CopyHeader,
    pub quote: u8,
    pub escape: u8,
    /// Positions (0-based, among the copied columns).
    pub force_quote: Vec<usize>,
    pub force_not_null: Vec<usize>,
    pub force_null: Vec<usize>,
    /// ENCODING, in place of the client's.
    pub charset: Option<&'static Charset>,
    /// FREEZE: only into what the transaction has made or emptied.
    pub freeze: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    Text,
    Csv,
    Binary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyHeader {
    No,
    Yes,
    /// HEADER MATCH (COPY FROM only).
    Match,
}

/// COPY … TO STDOUT or FROM STDIN.
#[derive(Clone, Debug)]
pub struct CopyPlan {
    pub direction: CopyDirection,
    /// The copied columns in order.
    pub columns: Vec<FieldDescription>,
    pub options: CopyOptions,
    /// For errors' context: the table's name; empty for COPY (query).
    pub relation: String,
    /// TO: the SELECT. FROM: the INSERT of one row, whose Bind::Param(i) is the i-th copied column, already decoded
    /// by `columns[i].repr`.
    pub statement: SqliteStatement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyDirection {
    To,
    From,
}
