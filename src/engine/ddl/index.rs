//! CREATE INDEX.

use super::Change;
use super::naming::{self, free_name, joined};
use super::sqlite;
use crate::catalog::definitions::quote_identifier;
use crate::catalog::members;
use crate::catalog::schema::{
    CatalogSnapshot, Index, IndexKey, IndexOptions, Relation, UserTypeKind, index_name_by_case, sqlite_name,
};
use crate::catalog::tables::index_columns;
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CreateIndex, Expr, IndexKeyDefinition, IndexKeySource, Name};
use crate::sql::stored::expression_name;
use crate::sql::syntax::parse;
use crate::types::order::has_order;
use crate::types::pg_range;
use crate::types::pg_type::{Oid, type_info};

/// The most columns of an index (INDEX_MAX_KEYS).
const MAX_KEYS: usize = 32;

impl Change<'_> {
    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Result<()> {
        let table = self.indexed_relation(&create.table)?;
        let method = AccessMethod::of(&create.method, &self.catalog)?;
        method.check(create)?;
        if let Some(name) = &create.name {
            if create.if_not_exists && self.catalog.relation(&table.schema, name).is_some() {
                let message = format!("relation \"{name}\" already exists, skipping");
                self.notice(SqlState::DUPLICATE_TABLE, message);
                return Ok(());
            }
            self.check_free(&table.schema, name)?;
        }
        let mut relation = Relation::clone(&table);
        let (keys, names) = self.index_keys(&relation, &create.keys, &method)?;
        check_key_count(create.keys.len() + create.included.len())?;
        let included = included_columns(&relation, &create.included)?;
        let names = with_included(names, create.included.clone());
        let predicate = match &create.predicate {
            Some(predicate) => {
                self.check_condition(predicate, &relation, "WHERE")?;
                Some(self.deparse(predicate, &relation))
            }
            None => None,
        };
        let mut parameters = Vec::new();
        super::parameters::set(&mut parameters, &create.parameters, super::parameters::of_method(&create.method))?;
        let name = create.name.clone().unwrap_or_else(|| {
            let taken = |name: &str| naming::is_taken(&self.catalog, &relation, name);
            free_name(&relation.name, Some(&joined(&names)), "idx", taken)
        });
        let index = Index {
            oid: self.new_oid()?,
            name,
            unique: create.unique,
            primary: false,
            keys,
            included,
            predicate,
            method: create.method.clone(),
            constraint: None,
            options: IndexOptions { nulls_not_distinct: create.nulls_not_distinct, parameters, ..Default::default() },
        };
        if sqlite::has_index(&relation, &index) {
            self.create_index_in_sqlite(&relation, &index)?;
        }
        relation.indexes.push(index);
        if relation.is_partitioned() {
            return self.spread_index(&table, relation, create.only);
        }
        if relation.declared {
            return self.put_relation(relation);
        }
        self.put_foreign_relation(relation);
        Ok(())
    }

    /// The keys of an index that is to be made, and their parts of its name.
    pub(super) fn index_keys(
        &self,
        relation: &Relation,
        definitions: &[IndexKeyDefinition],
        method: &AccessMethod,
    ) -> Result<(Vec<IndexKey>, Vec<String>)> {
        let mut keys = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for definition in definitions {
            let (key, name) = match &definition.key {
                IndexKeySource::Column(name) => (self.column_key(relation, name)?, name.clone()),
                IndexKeySource::Expression(expression) => {
                    self.check_expression(expression, relation)?;
                    (self.expression_key(relation, expression), expression_name(expression))
                }
            };
            push_key_name(&mut names, name);
            let type_oid = self.key_type(relation, &key)?;
            keys.push(IndexKey {
                descending: definition.descending,
                nulls_first: definition.nulls_first,
                collation: self.column_collation(definition.collation.as_ref(), type_oid)?,
                operator_class: self.key_class(definition.operator_class.as_ref(), type_oid, method)?,
                ..key
            });
        }
        Ok((keys, names))
    }

    /// A new index of a partitioned table, and its parts.
    fn spread_index(&mut self, before: &Relation, mut relation: Relation, only: bool) -> Result<()> {
        let incomplete = only && !relation.options.inheritance.children.is_empty();
        let Some(index) = relation.indexes.last_mut() else { return Ok(()) };
        index.options.invalid = incomplete;
        if index.unique {
            let numbers: Vec<i16> = index.keys.iter().map(|key| key.column).collect();
            self.check_partition_unique(&relation, &numbers, false)?;
        }
        self.put_relation(relation.clone())?;
        if only { Ok(()) } else { self.follow_index(before, &relation) }
    }

    fn column_key(&self, relation: &Relation, name: &str) -> Result<IndexKey> {
        let Some(column) = relation.column(name) else {
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist")));
        };
        Ok(IndexKey::of_column(column.number))
    }

    fn expression_key(&self, relation: &Relation, expression: &Expr) -> IndexKey {
        let text = self.deparse(expression, relation);
        IndexKey::of_expression(text)
    }

    pub(super) fn key_type(&self, relation: &Relation, key: &IndexKey) -> Result<Oid> {
        let declared = match (relation.column_by_number(key.column), &key.expression) {
            (Some(column), _) => column.type_oid,
            (None, Some(text)) => self.stored_expression(text, relation)?.type_oid,
            (None, None) => return Err(Error::internal("index key")),
        };
        Ok(self.base_type(declared))
    }

    /// A key of a unique constraint must have an order.
    pub(super) fn require_order(&self, type_oid: Oid) -> Result<()> {
        let base = self.base_type(type_oid);
        if has_order(base) { Ok(()) } else { Err(no_default_class(&self.type_display(base), "btree")) }
    }

    /// Whether an operator class of an access method is a type's default one: 42704 if there is none of that name.
    pub(super) fn is_default_class(&self, class: &str, type_oid: Oid, method: &str) -> Result<bool> {
        let kept = self.key_class(Some(&Name::plain(class)), type_oid, &AccessMethod::of(method, &self.catalog)?)?;
        Ok(kept.is_none())
    }

    /// Whether every type that can be compared has an operator class for gist.
    fn has_btree_gist(&self) -> bool {
        self.catalog.extensions.iter().any(|extension| extension.name == "btree_gist")
    }

    /// The operator class (ResolveOpClass). The type's default one is not kept.
    fn key_class(&self, class: Option<&Name>, type_oid: Oid, method: &AccessMethod) -> Result<Option<String>> {
        let own =
            Recording::new(recording!("pg_opclass")).lines().filter(|line| line.number("opcmethod") == method.oid);
        let mut classes = own.chain(members::classes_of_method(&self.catalog, method.oid));
        let ranged = match self.catalog.types.get(&type_oid).map(|user| &user.kind) {
            Some(UserTypeKind::Range(_)) => Some(Oid::ANYRANGE),
            Some(UserTypeKind::Multirange { .. }) => Some(Oid::ANYMULTIRANGE),
            _ => None,
        };
        let accepts = |line: &Line| {
            let input = Oid(line.number("opcintype").try_into().unwrap_or_default());
            Some(input) == ranged || accepts(input, type_oid)
        };
        let shown = || self.type_display(type_oid);
        let Some(class) = class else {
            // Every type that can be compared has one for btree: those of users are compared as text.
            if (method.is_ordered || method.name == "gist" && self.has_btree_gist()) && has_order(type_oid)
                || classes.any(|line| line.number("opcdefault") != 0 && accepts(&line))
            {
                return Ok(None);
            }
            return Err(no_default_class(&shown(), &method.name));
        };
        let Some(found) = classes.find(|line| line.text("opcname") == class.name) else {
            let message =
                format!("operator class \"{}\" does not exist for access method \"{}\"", class.name, method.name);
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        if !accepts(&found) {
            let message = format!("operator class \"{}\" does not accept data type {}", class.name, shown());
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(Some(class.name.clone()).filter(|_| found.number("opcdefault") == 0))
    }

    /// Makes the index; the rows there are must satisfy a unique one.
    pub(super) fn create_index_in_sqlite(&self, relation: &Relation, index: &Index) -> Result<()> {
        let sql = self.create_index_sql(relation, index)?;
        match self.connection.execute(&sql, []) {
            Ok(_) => match relation.deferrable_key(index) {
                Some(key) if index.unique && self.has_duplicates(relation, key)? => {
                    Err(self.duplicate_keys(relation, index))
                }
                _ => Ok(()),
            },
            Err(error) if index.unique && is_unique_violation(&error) => Err(self.duplicate_keys(relation, index)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// 23505 for a unique index that the table's rows do not satisfy, with one of the duplicates.
    pub(super) fn duplicate_keys(&self, relation: &Relation, index: &Index) -> Error {
        let message = format!("could not create unique index \"{}\"", index.name);
        let error = Error::new(SqlState::UNIQUE_VIOLATION, message)
            .with_schema(&relation.schema)
            .with_table(&relation.name)
            .with_constraint(&index.name);
        match self.duplicate_detail(relation, index) {
            Some(detail) => error.with_detail(detail),
            None => error,
        }
    }

    fn duplicate_detail(&self, relation: &Relation, index: &Index) -> Option<String> {
        let columns: Vec<_> = index.keys.iter().map(|k| relation.column_by_number(k.column)).collect::<Option<_>>()?;
        let list: Vec<String> = columns.iter().map(|c| sqlite::quote(c.stored_name())).collect();
        let mut not_null: Vec<String> = list.iter().map(|c| format!("{c} IS NOT NULL")).collect();
        if index.options.nulls_not_distinct {
            not_null = vec!["true".to_owned()];
        }
        let shown: Vec<String> = columns.iter().map(|c| self.output_sql(c, "")).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT 1",
            shown.join(" || ', ' || "),
            sqlite::qualified(relation),
            not_null.join(" AND "),
            list.join(", ")
        );
        let values: String = self.connection.query_row(&sql, [], |row| row.get(0)).ok()?;
        let names: Vec<String> = columns.iter().map(|c| quote_identifier(&c.name)).collect();
        Some(format!("Key ({})=({values}) is duplicated.", names.join(", ")))
    }

    pub(super) fn drop_index_sql(&self, relation: &Relation, index: &Index) -> String {
        let by_case = index_name_by_case(&relation.schema, &index.name);
        let name = match self.sqlite_has(relation, &by_case) {
            true => by_case,
            false => sqlite_name(&relation.schema, &index.name),
        };
        format!("DROP INDEX {}", sqlite::in_database(relation, &name))
    }

    /// The name inside SQLite of an index that is to be made.
    pub(super) fn free_index_name(&self, relation: &Relation, index: &Index) -> String {
        let name = sqlite_name(&relation.schema, &index.name);
        match self.sqlite_has(relation, &name) {
            true => index_name_by_case(&relation.schema, &index.name),
            false => name,
        }
    }

    /// Whether SQLite has something of that name beside the relation, whatever its case.
    fn sqlite_has(&self, relation: &Relation, name: &str) -> bool {
        let database = if relation.temporary { "temp" } else { "main" };
        let sql = format!("SELECT 1 FROM {database}.sqlite_schema WHERE name = ?1 COLLATE NOCASE");
        self.connection.query_row(&sql, [name], |_| Ok(())).is_ok()
    }

    /// A table to be changed. One that pgserver did not create has constraints and defaults that it does not know, so
    /// it could not be made anew without losing them.
    pub(super) fn declared(&self, table: &Relation) -> Result<Relation> {
        if !table.declared {
            return Err(Error::unsupported(format!(
                "changing table \"{}\", which was not created through pgserver",
                table.name
            )));
        }
        Ok(table.clone())
    }
}

pub(super) fn check_key_count(count: usize) -> Result<()> {
    if count <= MAX_KEYS {
        return Ok(());
    }
    let message = format!("cannot use more than {MAX_KEYS} columns in an index");
    Err(Error::new(SqlState::TOO_MANY_COLUMNS, message))
}

/// Whether an operator class for a type takes another one (IsBinaryCoercible).
pub(super) fn accepts(input: Oid, type_oid: Oid) -> bool {
    let category = type_info(type_oid).map(|info| info.category);
    match input {
        Oid::ANYARRAY => category == Some(b'A'),
        Oid::ANYENUM => category.is_none(),
        Oid::ANYRANGE => pg_range::by_range(type_oid).is_some(),
        Oid::ANYMULTIRANGE => pg_range::by_multirange(type_oid).is_some(),
        Oid::TEXT => [Oid::TEXT, Oid::VARCHAR, Oid::CITEXT].contains(&type_oid),
        Oid::INET => [Oid::INET, Oid::CIDR].contains(&type_oid),
        input => input == type_oid,
    }
}

fn no_default_class(shown: &str, method: &str) -> Error {
    let message = format!("data type {shown} has no default operator class for access method \"{method}\"");
    Error::new(SqlState::UNDEFINED_OBJECT, message).with_hint(
        "You must specify an operator class for the index or define a default operator class for the data type.",
    )
}

/// What an index can be (amapi.h).
pub(super) struct AccessMethod {
    name: String,
    oid: i64,
    /// Its keys can have an order, and it can be unique.
    is_ordered: bool,
    takes_several: bool,
    takes_included: bool,
}

impl AccessMethod {
    /// 42704 for one that does not exist, 42809 for a table's.
    pub(super) fn of(name: &str, catalog: &CatalogSnapshot) -> Result<Self> {
        if let Some((oid, extension)) = members::access_method(name)
            && catalog.has_extension(&extension)
        {
            let oid = i64::from(oid.0);
            let name = name.to_owned();
            return Ok(AccessMethod { name, oid, is_ordered: false, takes_several: false, takes_included: false });
        }
        let mut methods = Recording::new(recording!("pg_am")).lines();
        let Some(found) = methods.find(|line| line.text("amname") == name) else {
            let message = format!("access method \"{name}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        if found.text("amtype") != "i" {
            let message = format!("access method \"{name}\" is not of type INDEX");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        Ok(AccessMethod {
            name: name.to_owned(),
            oid: found.number("oid"),
            is_ordered: name == "btree",
            takes_several: !["hash", "spgist"].contains(&name),
            takes_included: ["btree", "gist", "spgist"].contains(&name),
        })
    }

    /// The recorded family of a type's operator class (pg_opclass.opcfamily), the default one if none is named.
    pub(super) fn family(&self, class: Option<&str>, type_oid: Oid) -> Option<i64> {
        let mut classes =
            Recording::new(recording!("pg_opclass")).lines().filter(|line| line.number("opcmethod") == self.oid);
        let is_it = |line: &Line| match class {
            Some(class) => line.text("opcname") == class,
            None => line.number("opcdefault") != 0,
        };
        let input = |line: &Line| Oid(line.number("opcintype").try_into().unwrap_or_default());
        classes.find(|line| is_it(line) && accepts(input(line), type_oid)).map(|line| line.number("opcfamily"))
    }

    /// 0A000 for what an exclusion constraint's index cannot have.
    pub(super) fn check_exclusion(&self, keys: &[IndexKeyDefinition], included: &[String]) -> Result<()> {
        if ["gin", "brin"].contains(&self.name.as_str()) {
            let message = format!("access method \"{}\" does not support exclusion constraints", self.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        self.check_keys(false, keys, included)
    }

    /// 0A000 for what its indexes cannot have (DefineIndex).
    fn check(&self, create: &CreateIndex) -> Result<()> {
        self.check_keys(create.unique, &create.keys, &create.included)
    }

    fn check_keys(&self, unique: bool, keys: &[IndexKeyDefinition], included: &[String]) -> Result<()> {
        let ordered = keys.iter().any(|key| key.descending);
        let nulls = keys.iter().any(|key| key.nulls_first != key.descending);
        let refused = [
            (unique && !self.is_ordered, "unique indexes"),
            (!included.is_empty() && !self.takes_included, "included columns"),
            (keys.len() > 1 && !self.takes_several, "multicolumn indexes"),
            (ordered && !self.is_ordered, "ASC/DESC options"),
            (nulls && !self.is_ordered, "NULLS FIRST/LAST options"),
        ];
        match refused.iter().find(|(given, _)| *given) {
            None => Ok(()),
            Some((_, what)) => {
                let message = format!("access method \"{}\" does not support {what}", self.name);
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            }
        }
    }
}

/// The columns of INCLUDE.
pub(super) fn included_columns(relation: &Relation, names: &[String]) -> Result<Vec<i16>> {
    let number = |name: &String| {
        let missing = || Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist"));
        relation.column(name).map(|column| column.number).ok_or_else(missing)
    };
    names.iter().map(number).collect()
}

/// Adds a key's part of the index's name; a second one of a name gets a number.
fn push_key_name(names: &mut Vec<String>, name: String) {
    let free = index_columns::free_name(|name| names.iter().any(|taken| taken == name), name);
    names.push(free);
}

/// The names that an index's name is made of: its keys' and those of INCLUDE.
pub(super) fn with_included(mut names: Vec<String>, included: Vec<String>) -> Vec<String> {
    included.into_iter().for_each(|name| push_key_name(&mut names, name));
    names
}

/// The names of an index's keys: its columns', or taken from its expressions.
pub(super) fn key_names(relation: &Relation, index: &Index) -> Vec<String> {
    let mut names = Vec::new();
    for key in &index.keys {
        let column = relation.column_by_number(key.column).map(|c| c.name.clone());
        let parsed = || key.expression.as_deref().and_then(|text| parse::expression(text).ok());
        let name = column.or_else(|| parsed().map(|e| expression_name(&e))).unwrap_or_else(|| "expr".to_owned());
        push_key_name(&mut names, name);
    }
    names
}

pub(super) fn is_unique_violation(error: &rusqlite::Error) -> bool {
    const UNIQUE: std::ffi::c_int = rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
    const PRIMARY_KEY: std::ffi::c_int = rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY;
    matches!(error, rusqlite::Error::SqliteFailure(code, _) if [UNIQUE, PRIMARY_KEY].contains(&code.extended_code))
}
