//! What the language needs of the server that runs it.
//!
//! Owns: [`Types`], which a function is compiled against, and [`Host`], which runs its statements. Must not know: who
//! implements them. Everything is synchronous: a function runs where its statement runs.
//!
//! An error that the analysis of a text gives has its position in the text that was handed over; the language moves
//! it to where the text stands in the function, and adds the CONTEXT of all errors. A host adds neither.

use std::sync::Arc;

use crate::error::{Notice, Result, Severity};
use crate::plpgsql::function::ExtraCheck;
use crate::plpgsql::query::Query;
use crate::plpgsql::value::{Column, DataType, Typed};
use crate::plpgsql::variables::Variables;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What types there are.
pub trait Types {
    /// The type of this name as SQL writes it, with its modifier: `numeric(10,2)[]`.
    fn named(&mut self, written: &str) -> Result<DataType>;

    /// The type of a column: `table.column%TYPE`, `schema.table.column%TYPE`. `None` if there is no such one.
    fn of_column(&mut self, names: &[String]) -> Result<Option<DataType>>;

    /// The type of a table's rows: `table%ROWTYPE`, `schema.table%ROWTYPE`; 42P01 if there is no such table.
    fn of_row(&mut self, names: &[String]) -> Result<DataType>;

    /// The type with this OID; `typmod` is kept.
    fn by_oid(&mut self, oid: Oid, typmod: i32) -> Result<DataType>;

    /// The columns of a composite type, or of a domain over one.
    fn columns(&mut self, composite: Oid) -> Result<Arc<[Column]>>;

    /// What format_type() writes.
    fn display(&mut self, data_type: &DataType) -> String;

    /// Whether there is such a collation; 42704 if not.
    fn collation(&mut self, names: &[String]) -> Result<()>;

    /// Whether values of the type are sorted by a collation.
    fn is_collatable(&mut self, data_type: &DataType) -> bool;
}

/// A statement to run.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// One of the function's own: plan [`Query::sql`], whose names may be variables ([`Variables::lookup`]). A plan can be
    /// kept under [`Query::number`] as long as the types of the variables it used are the same.
    Query(&'a Query, Variables<'a>),
    /// A text that was computed, with the values of $1, $2 …; no variable is seen by it.
    Text(&'a str, &'a [Typed]),
}

/// What a statement gave.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub command: Command,
    /// Its command tag without numbers: `INSERT`, `CREATE TABLE`.
    pub tag: &'static str,
    /// Of a statement that returns rows, also if there are none.
    pub columns: Option<Arc<[Column]>>,
    pub rows: Vec<Vec<Value>>,
    /// Rows returned, or changed.
    pub processed: u64,
}

/// What kind of statement it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Command {
    /// SELECT, VALUES, TABLE.
    Select,
    /// SELECT … INTO table. Not run if it is the text of an EXECUTE.
    SelectInto,
    /// INSERT, UPDATE, DELETE, MERGE.
    Modify,
    /// COPY from or to the client: not run.
    CopyClient,
    /// BEGIN, COMMIT, SAVEPOINT …: not run.
    Transaction,
    /// Anything else, or nothing.
    #[default]
    Utility,
}

/// Where a cursor is moved before it gives rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// So many rows; [`ALL`] for the rest, 0 for the current one again.
    Forward(i64),
    Backward(i64),
    /// To a place, counted from the end if it is negative.
    Absolute(i64),
    Relative(i64),
}

/// FORWARD ALL, BACKWARD ALL.
pub const ALL: i64 = i64::MAX;

/// What a called procedure gave back for one of its OUT or INOUT parameters.
#[derive(Clone, Debug)]
pub struct Output {
    /// Which of the arguments as written in CALL stands for it, from 0.
    pub argument: usize,
    /// The parameter's name, and its place among all from 1.
    pub name: Option<String>,
    pub place: usize,
    pub value: Typed,
}

/// A subscript of jsonb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    Place(i64),
    Name(String),
}

/// What runs the statements of one call of a function.
pub trait Host: Types {
    /// Runs a statement. It may stop after `limit` rows if it only reads; what changes data runs to its end.
    fn run(&mut self, source: Source<'_>, limit: Option<u64>) -> Result<Answer>;

    /// Runs CALL and gives what its output parameters were set to, in their order; and DO, which gives nothing.
    fn call(&mut self, query: &Query, variables: Variables<'_>) -> Result<Vec<Output>>;

    /// Opens a cursor under a name, or under one of its own making (`<unnamed portal 1>`); tells the name. `scroll` is as
    /// declared; `None` leaves it to the query.
    fn open(&mut self, name: Option<&str>, source: Source<'_>, scroll: Option<bool>) -> Result<String>;

    /// Whether a cursor of this name is open.
    fn is_open(&mut self, name: &str) -> bool;

    /// FETCH, or with `is_move` MOVE, which gives the number of rows only.
    fn fetch(&mut self, name: &str, direction: Direction, is_move: bool) -> Result<Answer>;

    fn close(&mut self, name: &str) -> Result<()>;

    /// A loop goes through the cursor, or does no more: meanwhile it cannot be closed.
    fn pin(&mut self, name: &str, is_pinned: bool);

    /// An assignment's cast. Where there is none, the text of the value is read as one of the other type. A domain's
    /// checks are made, for NULL as well.
    fn cast(&mut self, value: Typed, to: &DataType) -> Result<Value>;

    /// A value's text form, as its output function writes it. Not NULL.
    fn text(&mut self, value: &Typed) -> Result<String>;

    /// The stored form of a row.
    fn compose(&mut self, columns: &[Column], values: &[Value]) -> Result<Value>;

    /// The columns of a stored row, which is not NULL: the inverse of [`Self::compose`].
    fn decompose(&mut self, columns: &[Column], value: &Value) -> Result<Vec<Value>>;

    /// A block with EXCEPTION begins: a subtransaction.
    /// A jsonb with something else at the end of a path; what is not there on the way is made.
    fn assign_member(&mut self, old: Option<&str>, path: Vec<Member>, new: &str) -> Result<Value>;

    fn begin_block(&mut self) -> Result<()>;

    /// It ended well.
    fn release_block(&mut self) -> Result<()>;

    /// It ended with an error: what it did is undone, and cursors that it opened are closed.
    fn rollback_block(&mut self) -> Result<()>;

    /// COMMIT [AND CHAIN]; 2D000 where that is not allowed.
    fn commit(&mut self, chain: bool) -> Result<()>;

    /// ROLLBACK [AND CHAIN].
    fn rollback(&mut self, chain: bool) -> Result<()>;

    /// RAISE of a level below EXCEPTION; it is complete, with its context.
    fn notice(&mut self, notice: Notice);

    /// A row of the set that the function returns.
    fn emit(&mut self, row: Vec<Value>) -> Result<()>;

    /// Whether plpgsql.extra_warnings or plpgsql.extra_errors ask for a check, and how it speaks.
    fn extra_check(&self, _: ExtraCheck) -> Option<Severity> {
        None
    }

    /// plpgsql.check_asserts
    fn checks_asserts(&self) -> bool {
        true
    }
}
