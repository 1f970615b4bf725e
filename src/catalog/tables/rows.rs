//! The rows of one system relation in memory, and finding some of them by a column's value.
//!
//! Owns: [`Cell`], [`Rows`] (being filled), [`RowSet`] (finished, immutable, indexed on demand), the macro `row!`.
//! Must not know: what any relation contains, SQLite.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::catalog::tables::relations::SystemRelation;
use crate::types::pg_type::Oid;

/// One value, in its stored form (`types::pg_type::Scalar`).
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(Cow<'static, str>),
    Blob(Box<[u8]>),
    /// The name of the current database: rows with it are the same in every database and are kept once.
    Database,
}

/// A cell's value as a key of an index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Int(i64),
    Text(Box<str>),
}

/// Rows of one relation, being filled. A column that a row does not mention gets the relation's default for it: NULL
/// where PostgreSQL allows it, else the type's zero.
pub struct Rows {
    relation: &'static SystemRelation,
    cells: Vec<Cell>,
}

/// Finished rows.
#[derive(Debug)]
pub struct RowSet {
    width: usize,
    cells: Vec<Cell>,
    indexes: Vec<OnceLock<HashMap<Key, Vec<u32>>>>,
}

/// Adds a row: `row!(rows, oid: r.oid, relname: &r.name)`.
macro_rules! row {
    ($rows:expr, $($column:ident : $value:expr),+ $(,)?) => {
        $rows.add([$((stringify!($column), $crate::catalog::tables::rows::Cell::from($value))),+])
    };
}
pub(crate) use row;

impl Rows {
    /// No rows yet.
    pub fn new(relation: &'static SystemRelation) -> Self {
        Rows { relation, cells: Vec::new() }
    }

    /// The relation these rows are of.
    pub fn relation(&self) -> &'static SystemRelation {
        self.relation
    }

    /// Adds a row from values by column name.
    pub fn add<const N: usize>(&mut self, values: [(&'static str, Cell); N]) {
        self.cells.extend_from_slice(&self.relation.defaults);
        for (name, value) in values {
            self.set(name, value);
        }
    }

    /// Changes a value of the row added last.
    pub fn set(&mut self, name: &str, value: Cell) {
        let column = self.relation.relation.columns.iter().position(|c| c.name == name);
        debug_assert!(column.is_some(), "{} has no column {name}", self.relation.relation.name);
        let start = self.cells.len() - self.relation.defaults.len();
        if let Some(cell) = column.and_then(|c| self.cells.get_mut(start + c)) {
            *cell = value;
        }
    }

    /// Adds a row whose cells are in the relation's column order.
    pub fn add_cells(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.cells.extend(cells);
        debug_assert_eq!(self.cells.len() % self.relation.defaults.len(), 0, "{}", self.relation.relation.name);
    }

    /// The finished set.
    pub fn finish(self) -> Arc<RowSet> {
        let width = self.relation.defaults.len();
        Arc::new(RowSet { width, cells: self.cells, indexes: (0..width).map(|_| OnceLock::new()).collect() })
    }
}

impl RowSet {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// A cell.
    pub fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        if column < self.width { self.cells.get(row * self.width + column) } else { None }
    }

    /// The numbers of the rows whose column equals the key; the index is built when it is first asked for.
    pub fn find(&self, column: usize, key: &Key) -> &[u32] {
        let Some(slot) = self.indexes.get(column) else { return &[] };
        let index = slot.get_or_init(|| {
            let mut index: HashMap<Key, Vec<u32>> = HashMap::new();
            for (row, number) in (0..self.len()).zip(0u32..) {
                if let Some(key) = self.cell(row, column).and_then(Cell::key) {
                    index.entry(key).or_default().push(number);
                }
            }
            index
        });
        index.get(key).map_or(&[], Vec::as_slice)
    }
}

impl Cell {
    /// The cell as a key; none for NULL and for what nobody looks up.
    fn key(&self) -> Option<Key> {
        match self {
            Cell::Null | Cell::Real(_) | Cell::Blob(_) | Cell::Database => None,
            Cell::Int(i) => Some(Key::Int(*i)),
            Cell::Text(t) => Some(Key::Text(t.as_ref().into())),
        }
    }

    /// An array of integers.
    pub fn ints<T: Into<i64>>(values: impl IntoIterator<Item = T>) -> Cell {
        let items: Vec<String> = values.into_iter().map(|v| Into::<i64>::into(v).to_string()).collect();
        Cell::Text(format!("[{}]", items.join(",")).into())
    }

    /// An array of OIDs.
    pub fn oids(values: impl IntoIterator<Item = Oid>) -> Cell {
        Cell::ints(values.into_iter().map(|o| o.0))
    }

    /// An array of texts.
    pub fn texts<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Cell {
        let items: Vec<serde_json::Value> = values.into_iter().map(|v| v.as_ref().into()).collect();
        Cell::Text(serde_json::Value::Array(items).to_string().into())
    }

    /// A single letter, as the type "char" has it.
    pub fn letter(letter: u8) -> Cell {
        Cell::Text(char::from(letter).to_string().into())
    }
}

macro_rules! cell_from {
    ($($from:ty => |$v:ident| $cell:expr;)*) => {
        $(impl From<$from> for Cell {
            fn from($v: $from) -> Cell {
                $cell
            }
        })*
    };
}

cell_from! {
    bool => |v| Cell::Int(v.into());
    i16 => |v| Cell::Int(v.into());
    i32 => |v| Cell::Int(v.into());
    i64 => |v| Cell::Int(v);
    u32 => |v| Cell::Int(v.into());
    f64 => |v| Cell::Real(v);
    Oid => |v| Cell::Int(v.0.into());
    &'static str => |v| Cell::Text(Cow::Borrowed(v));
    String => |v| Cell::Text(Cow::Owned(v));
    Cow<'static, str> => |v| Cell::Text(v);
    &String => |v| Cell::Text(Cow::Owned(v.clone()));
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}
