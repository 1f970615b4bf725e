//! SQLite's CREATE statements for a relation of the catalog.

use crate::catalog::schema::{Column, Constraint, ConstraintKind, ForeignKey, Index, IndexKey, Relation};
use crate::catalog::server_keys::declared_type;
use crate::error::{Error, Result};
use crate::types::pg_type::{Repr, Scalar};

use super::Change;
use super::expression::Coercion;

pub(super) use crate::engine::row_capture::quoted as quote;

/// A relation's name with SQLite's schema.
pub(super) fn qualified(relation: &Relation) -> String {
    in_database(relation, &relation.sqlite_name)
}

pub(super) fn in_database(relation: &Relation, name: &str) -> String {
    format!("{}.{}", if relation.temporary { "temp" } else { "main" }, quote(name))
}

/// Whether a primary key over this one column may be SQLite's rowid.
pub(super) fn fits_rowid(column: &Column) -> bool {
    column.repr.array_of.is_none()
        && matches!(column.repr.scalar, Scalar::Int2 | Scalar::Int4 | Scalar::Int8)
        && !column.generated
}

/// Whether a constraint or index is SQLite's rowid and has no index of its own.
pub(super) fn is_rowid_index(relation: &Relation, index: &Index) -> bool {
    index.primary
        && matches!(index.keys.as_slice(), [key]
            if relation.column_by_number(key.column).is_some_and(|c| c.rowid_alias))
}

/// Whether SQLite has an index of its own for it. Of the access methods' questions its b-trees answer those of btree, hash
/// and brin; what the others would find is found by reading the table.
pub(super) fn has_index(relation: &Relation, index: &Index) -> bool {
    !is_rowid_index(relation, index) && ["btree", "hash", "brin"].contains(&index.method.as_str())
}

/// The default of a column that a foreign key sets to it: SQLite does that by itself and has to know it.
pub(super) fn acted_default<'r>(relation: &Relation, column: &'r Column) -> Option<&'r str> {
    let sets = |constraint: &Constraint| {
        constraint.columns.contains(&column.number)
            && constraint.foreign_key().is_some_and(|key| key.on_update == b'd' || key.on_delete == b'd')
    };
    let default = column.default.as_deref().filter(|_| !column.generated);
    default.filter(|_| relation.constraints.iter().any(sets))
}

impl Change<'_> {
    /// CREATE TABLE for a table of the catalog under a SQLite name of its own or another.
    pub(super) fn create_table_sql(&self, relation: &Relation, name: &str) -> Result<String> {
        Ok(format!("CREATE TABLE {} {}", in_database(relation, name), self.table_body_sql(relation)?))
    }

    /// The columns and constraints of CREATE TABLE, in parentheses.
    pub(super) fn table_body_sql(&self, relation: &Relation) -> Result<String> {
        let mut parts = Vec::new();
        for column in &relation.columns {
            parts.push(self.column_sql(relation, column)?);
        }
        for constraint in &relation.constraints {
            match &constraint.kind {
                ConstraintKind::Check(text) => {
                    let expression = self.relation_sql(text, relation, Coercion::Check)?;
                    parts.push(format!("CONSTRAINT {} CHECK ({expression})", quote(&constraint.name)));
                }
                ConstraintKind::ForeignKey(key) => {
                    if !self.is_own_key(relation, constraint) {
                        parts.push(self.foreign_key_sql(relation, constraint, key)?);
                    }
                    parts.extend(match_full_sql(relation, constraint));
                }
                ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclusion(_) => {}
            }
        }
        if let Some(check) = self.partition_check_sql(relation)? {
            parts.push(format!("CONSTRAINT {} CHECK ({check})", quote(super::PARTITION_CHECK)));
        }
        if relation.columns.is_empty() {
            // PostgreSQL has tables without columns, SQLite does not.
            parts.push(format!("{} INTEGER", quote("__pg_no_columns")));
        }
        Ok(format!("(\n  {}\n)", parts.join(",\n  ")))
    }

    pub(super) fn column_sql(&self, relation: &Relation, column: &Column) -> Result<String> {
        let mut sql = format!("{} {}", quote(column.stored_name()), declared_type(column.repr));
        if column.rowid_alias {
            sql.push_str(" PRIMARY KEY");
        }
        if column.not_null {
            sql.push_str(" NOT NULL");
        }
        if let Some(collation) = column.repr.collation() {
            sql.push_str(&format!(" COLLATE {}", quote(collation.trim_matches('"'))));
        }
        if acted_default(relation, column).is_some() {
            sql.push_str(&format!(" DEFAULT ({})", self.default_sql(column)?));
        }
        if column.generated {
            let text = column.default.as_deref().ok_or_else(|| Error::internal("generated column"))?;
            let expression = self.relation_sql(text, relation, Coercion::Column(column))?;
            sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) STORED"));
        }
        Ok(sql)
    }

    /// Whether SQLite is not to know of a foreign key, of a table that may not be in the catalog yet.
    pub(super) fn is_own_key(&self, relation: &Relation, constraint: &Constraint) -> bool {
        self.catalog.checks_key_itself(relation, constraint)
    }

    fn foreign_key_sql(&self, relation: &Relation, constraint: &Constraint, key: &ForeignKey) -> Result<String> {
        let parent = if key.relation == relation.oid {
            relation
        } else {
            self.catalog.relations.get(&key.relation).ok_or_else(|| Error::internal("referenced table"))?
        };
        let mut sql = format!(
            "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
            quote(&constraint.name),
            column_names(relation, &constraint.columns),
            quote(&parent.sqlite_name),
            column_names(parent, &key.columns)
        );
        for (event, letter) in [("UPDATE", key.on_update), ("DELETE", key.on_delete)] {
            let action = match letter {
                // The server takes these itself.
                b'c' | b'n' | b'd' if self.catalog.acting_keys().contains(&constraint.oid) => continue,
                b'r' => "RESTRICT",
                b'c' => "CASCADE",
                b'n' => "SET NULL",
                b'd' => "SET DEFAULT",
                _ => continue,
            };
            sql.push_str(&format!(" ON {event} {action}"));
        }
        if constraint.deferrable && constraint.initially_deferred {
            sql.push_str(" DEFERRABLE INITIALLY DEFERRED");
        } else if constraint.deferrable {
            sql.push_str(" DEFERRABLE INITIALLY IMMEDIATE");
        }
        Ok(sql)
    }

    /// CREATE INDEX for an index of the catalog.
    pub(super) fn create_index_sql(&self, relation: &Relation, index: &Index) -> Result<String> {
        let mut keys = Vec::new();
        for key in &index.keys {
            let nullable = relation.column_by_number(key.column).is_none_or(|column| !column.not_null);
            match index.options.nulls_not_distinct && nullable {
                true => keys.extend(self.equal_nulls_sql(relation, key)?),
                false => keys.push(self.index_key_sql(relation, key)?),
            }
        }
        let unique = index.unique && relation.deferrable_key(index).is_none();
        if !unique {
            // In a unique index they would be part of what is unique.
            let included = index.included.iter().filter_map(|&number| relation.column_by_number(number));
            keys.extend(included.map(|column| quote(column.stored_name())));
        }
        let mut sql = format!(
            "CREATE {}INDEX {} ON {} ({})",
            if unique { "UNIQUE " } else { "" },
            in_database(relation, &self.free_index_name(relation, index)),
            quote(&relation.sqlite_name),
            keys.join(", ")
        );
        if let Some(predicate) = &index.predicate {
            sql.push_str(&format!(" WHERE {}", self.relation_sql(predicate, relation, Coercion::Boolean)?));
        }
        Ok(sql)
    }

    /// NULLS NOT DISTINCT: to SQLite no two NULLs are equal, so a key is a value that is not null, and whether that stands
    /// for NULL.
    fn equal_nulls_sql(&self, relation: &Relation, key: &IndexKey) -> Result<[String; 2]> {
        let (value, type_oid) = match (relation.column_by_number(key.column), &key.expression) {
            (Some(column), _) => (quote(column.stored_name()), column.type_oid),
            (None, Some(text)) => {
                let expression = self.stored_expression(text, relation)?;
                (format!("({})", expression.sql), expression.type_oid)
            }
            (None, None) => return Err(Error::internal("index key")),
        };
        let collation = self.catalog.repr(type_oid).and_then(Repr::collation);
        let collation =
            collation.map_or_else(String::new, |name| format!(" COLLATE {}", quote(name.trim_matches('"'))));
        let order = if key.descending { " DESC" } else { "" };
        Ok([format!("ifnull({value}, 0){collation}{order}"), format!("({value} IS NULL){order}")])
    }

    /// A key takes its column's collation by itself; an expression has its type's.
    fn index_key_sql(&self, relation: &Relation, key: &IndexKey) -> Result<String> {
        let mut sql = match (relation.column_by_number(key.column), &key.expression) {
            (Some(column), _) => quote(column.stored_name()),
            (None, Some(text)) => {
                let expression = self.stored_expression(text, relation)?;
                match self.catalog.repr(expression.type_oid).and_then(Repr::collation) {
                    Some(collation) => {
                        format!("({}) COLLATE {}", expression.sql, quote(collation.trim_matches('"')))
                    }
                    None => format!("({})", expression.sql),
                }
            }
            (None, None) => return Err(Error::internal("index key")),
        };
        if key.descending {
            sql.push_str(" DESC");
        }
        Ok(sql)
    }
}

/// MATCH FULL: all of the columns are null or none, which SQLite's foreign keys do not ask for.
fn match_full_sql(relation: &Relation, constraint: &Constraint) -> Option<String> {
    let columns: Vec<String> = constraint
        .columns
        .iter()
        .filter_map(|&n| relation.column_by_number(n))
        .map(|c| quote(c.stored_name()))
        .collect();
    let (first, others) = columns.split_first()?;
    if !constraint.options.match_full || others.is_empty() {
        return None;
    }
    let alike: Vec<String> = others.iter().map(|other| format!("({other} IS NULL) = ({first} IS NULL)")).collect();
    Some(format!("CONSTRAINT {} CHECK ({})", quote(&constraint.name), alike.join(" AND ")))
}

/// The quoted names of columns by attribute number.
pub(super) fn column_names(relation: &Relation, numbers: &[i16]) -> String {
    let names: Vec<String> =
        numbers.iter().filter_map(|&n| relation.column_by_number(n)).map(|c| quote(c.stored_name())).collect();
    names.join(", ")
}
