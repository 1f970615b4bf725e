//! The values of variables, with what their types are.
//!
//! Owns: [`DataType`], [`Column`], [`Typed`], [`Record`]. Must not know: statements, the catalog.
//!
//! A value is stored as SQLite stores one (`types::value`); its type says what it means. A value of a composite type
//! is a [`Record`] in a record variable, and the stored form (`Scalar::Record`) everywhere else.

use std::sync::Arc;

use crate::types::pg_type::{Oid, Repr, Scalar};
use crate::types::value::Value;

/// A type and how the language treats its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataType {
    pub oid: Oid,
    /// -1 for none.
    pub typmod: i32,
    /// How values are stored; of an array also the type of its elements.
    pub repr: Repr,
    pub kind: TypeKind,
}

/// What sort of type it is (typtype).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// Base types, arrays, enums, ranges.
    Base,
    /// A domain over one of these: NULL must be cast to it, too.
    Domain,
    /// A table's row or a composite type.
    Composite,
    /// A domain over a composite type.
    CompositeDomain,
    /// `record`: the shape is its value's.
    Record,
    /// void, trigger, anyelement …
    Pseudo,
}

impl DataType {
    pub const BOOL: DataType = DataType::base(Oid::BOOL, Scalar::Bool);
    pub const INT2: DataType = DataType::base(Oid::INT2, Scalar::Int2);
    pub const INT4: DataType = DataType::base(Oid::INT4, Scalar::Int4);
    pub const INT8: DataType = DataType::base(Oid::INT8, Scalar::Int8);
    pub const TEXT: DataType = DataType::base(Oid::TEXT, Scalar::Text);
    pub const NAME: DataType = DataType::base(Oid::NAME, Scalar::Text);
    pub const OID: DataType = DataType::base(Oid::OID, Scalar::Oid);
    pub const UNKNOWN: DataType = DataType::base(Oid::UNKNOWN, Scalar::Text);
    pub const REFCURSOR: DataType = DataType::base(Oid(1790), Scalar::Text);
    pub const TEXT_ARRAY: DataType =
        DataType { oid: Oid::TEXT_ARRAY, typmod: -1, repr: Repr::array(Oid::TEXT, Scalar::Text), kind: TypeKind::Base };
    pub const RECORD: DataType =
        DataType { oid: Oid::RECORD, typmod: -1, repr: Repr::scalar(Scalar::Record), kind: TypeKind::Record };
    pub const VOID: DataType =
        DataType { oid: Oid::VOID, typmod: -1, repr: Repr::scalar(Scalar::Void), kind: TypeKind::Pseudo };
    pub const TRIGGER: DataType =
        DataType { oid: Oid::TRIGGER, typmod: -1, repr: Repr::scalar(Scalar::Void), kind: TypeKind::Pseudo };

    pub const EVENT_TRIGGER: DataType =
        DataType { oid: Oid(3838), typmod: -1, repr: Repr::scalar(Scalar::Void), kind: TypeKind::Pseudo };

    /// A base type without a modifier.
    pub const fn base(oid: Oid, scalar: Scalar) -> Self {
        DataType { oid, typmod: -1, repr: Repr::scalar(scalar), kind: TypeKind::Base }
    }

    /// Whether its values are rows (type_is_rowtype).
    pub fn is_row(&self) -> bool {
        matches!(self.kind, TypeKind::Composite | TypeKind::CompositeDomain | TypeKind::Record)
    }

    pub fn is_pseudo(&self) -> bool {
        self.kind == TypeKind::Pseudo
    }

    /// Whether NULL may be refused by it.
    pub fn is_domain(&self) -> bool {
        matches!(self.kind, TypeKind::Domain | TypeKind::CompositeDomain)
    }

    /// Whether a value of this type is one of the other as it stands (exec_cast_value's test).
    pub fn is_same(&self, wanted: &DataType) -> bool {
        self.oid == wanted.oid && (self.typmod == wanted.typmod || wanted.typmod == -1)
    }
}

/// A column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub data_type: DataType,
    /// Of a column of type `record`: its own columns, as far as they were known when the query was planned.
    pub fields: Option<Arc<[Column]>>,
}

impl Column {
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Column { name: name.into(), data_type, fields: None }
    }
}

/// A value and its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    pub data_type: DataType,
    pub value: Value,
    /// See [`Column::fields`].
    pub fields: Option<Arc<[Column]>>,
}

impl Typed {
    pub fn new(data_type: DataType, value: Value) -> Self {
        Typed { data_type, value, fields: None }
    }
}

/// A row in a record variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// A composite type, or `record`.
    pub data_type: DataType,
    pub columns: Arc<[Column]>,
    /// As many as there are columns.
    pub values: Vec<Value>,
}

impl Record {
    /// A row of NULLs.
    pub fn of_nulls(data_type: DataType, columns: Arc<[Column]>) -> Self {
        let values = vec![Value::Null; columns.len()];
        Record { data_type, columns, values }
    }

    /// The place of a field.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// A field's column and value.
    pub fn field(&self, name: &str) -> Option<(&Column, &Value)> {
        let position = self.position(name)?;
        Some((self.columns.get(position)?, self.values.get(position)?))
    }
}
