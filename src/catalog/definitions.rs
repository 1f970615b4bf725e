//! Catalog objects as PostgreSQL writes them in SQL: quoted names, types, constraints, indexes.
//!
//! Owns: [`quote_identifier`] and [`Names`], which knows a search path and so which names need their schema. Must not
//! know: SQLite, sessions. Specification: functions-info.html, ruleutils.c.

use std::collections::HashSet;
use std::sync::OnceLock;

use crate::catalog::composite::relation_of;
use crate::catalog::members;
use crate::catalog::qualify::qualified;
use crate::catalog::schema::{
    CatalogSnapshot, Column, Constraint, ConstraintKind, ForeignKey, Index, IndexKey, Relation, UserType,
};
use crate::catalog::tables::operators::operator_by_oid;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::catalog::tables::types::recorded_name;
use crate::types::extension;
use crate::types::pg_type::{Oid, TypeInfo, type_info};

/// A name as it has to be written in SQL: in double quotes if it is not plain lower case or is a keyword.
pub fn quote_identifier(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let starts_well = name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if plain && starts_well && !is_reserved(name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// nextval('seq'::regclass), the sequence named as stored text names relations: with its schema unless that is public.
pub fn nextval_text(sequence: &Relation) -> String {
    format!("nextval('{}'::regclass)", regclass_name(sequence).replace('\'', "''"))
}

/// A relation's name in stored text.
pub fn regclass_name(relation: &Relation) -> String {
    let name = quote_identifier(&relation.name);
    match relation.schema.as_str() {
        "public" => name,
        schema => format!("{}.{name}", quote_identifier(schema)),
    }
}

/// The identity column a sequence is part of, with its table. The column may own other sequences, as one that once was
/// a serial does.
pub fn identity_of<'c>(catalog: &'c CatalogSnapshot, sequence: &Relation) -> Option<(&'c Relation, &'c Column)> {
    let (table, number) = sequence.sequence?.owned_by?;
    let table = catalog.relations.get(&table)?;
    let column = table.column_by_number(number).filter(|column| column.identity.is_some())?;
    (column.default.as_deref() == Some(&nextval_text(sequence))).then_some((table, column))
}

/// Whether a word is a keyword of any category but "unreserved".
fn is_reserved(word: &str) -> bool {
    static RESERVED: OnceLock<HashSet<String>> = OnceLock::new();
    let reserved = RESERVED.get_or_init(|| {
        let keywords = Recording::new(recording!("keywords")).lines();
        keywords.filter(|k| k.text("catcode") != "U").map(|k| k.text("word").into_owned()).collect()
    });
    reserved.contains(word)
}

/// Names as one search path sees them.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    pub catalog: &'a CatalogSnapshot,
    /// The effective path, pg_catalog included.
    pub search_path: &'a [String],
}

/// How a kept expression over a relation is shown.
pub type Shown<'s> = &'s dyn Fn(&str, &Relation) -> String;

impl<'a> Names<'a> {
    /// Whether the relation is what its bare name means (pg_table_is_visible).
    pub fn relation_is_visible(&self, relation: &Relation) -> bool {
        self.catalog.find_relation(self.search_path, &relation.name).is_some_and(|found| found.oid == relation.oid)
    }

    /// Whether the type of that schema is what its bare name means (pg_type_is_visible).
    pub fn type_is_visible(&self, schema: &str, name: &str) -> bool {
        let has = |s: &str| {
            self.catalog.type_names.contains_key(&(s.to_owned(), name.to_owned()))
                || self.extension_type(name).is_some_and(|schema| schema == s)
                || (s == "pg_catalog" && crate::types::pg_type::TYPES.iter().any(|t| t.name == name))
        };
        self.search_path.iter().find(|s| has(s)).is_some_and(|found| found == schema)
    }

    /// A name with its schema in front unless `visible`.
    pub fn qualified(&self, schema: &str, name: &str, visible: bool) -> String {
        if visible {
            return quote_identifier(name);
        }
        format!("{}.{}", quote_identifier(schema), quote_identifier(name))
    }

    /// A relation's name as regclass prints it.
    pub fn relation(&self, relation: &Relation) -> String {
        self.qualified(&relation.schema, &relation.name, self.relation_is_visible(relation))
    }

    /// format_type(oid, typmod); `None` is a NULL typmod.
    pub fn format_type(&self, oid: Oid, typmod: Option<i32>) -> String {
        if oid == Oid::INVALID {
            return "-".to_owned();
        }
        if let Some(of) = extension::of_oid(oid) {
            let [info, array] = &of.infos;
            let schema = self.extension_type(info.name).unwrap_or("public");
            let visible = self.type_is_visible(schema, info.name);
            let modifier = typmod.filter(|modifier| *modifier >= 0).map_or_else(String::new, |m| format!("({m})"));
            let name = self.qualified(schema, info.name, visible) + &modifier;
            return if oid == array.oid { name + "[]" } else { name };
        }
        if let Some(info) = type_info(oid) {
            return match type_info(info.element).filter(|_| info.is_array()) {
                Some(element) => builtin_type(element, typmod) + "[]",
                None => builtin_type(info, typmod),
            };
        }
        match self.catalog.user_type(oid) {
            Some(user) if user.oid == oid => self.user_type(user),
            Some(user) => self.user_type(user) + "[]",
            None => self.domain_or_row_type(oid).unwrap_or_else(|| "???".to_owned()),
        }
    }

    /// The schema of an extension's type.
    pub fn extension_type(&self, name: &str) -> Option<&'a str> {
        let (of, _) = extension::named(name)?;
        let created = self.catalog.extensions.iter().find(|created| created.name == of.extension);
        created.map(|created| created.schema.as_str())
    }

    fn user_type(&self, user: &UserType) -> String {
        self.qualified(&user.schema, &user.name, self.type_is_visible(&user.schema, &user.name))
    }

    /// information_schema's domains, and relations' row types.
    fn domain_or_row_type(&self, oid: Oid) -> Option<String> {
        if let Some((schema, name)) = recorded_name(oid) {
            let (element, array) = name.strip_prefix('_').map_or((name, ""), |element| (element, "[]"));
            let visible = schema == "pg_catalog" || self.search_path.iter().any(|s| s == schema);
            return Some(self.qualified(schema, element, visible) + array);
        }
        let (relation, is_array) = relation_of(self.catalog, oid)?;
        Some(self.relation(relation) + if is_array { "[]" } else { "" })
    }

    /// pg_get_constraintdef; `pretty` shows its expression.
    pub fn constraint(&self, relation: &Relation, constraint: &Constraint, pretty: Option<Shown<'_>>) -> String {
        let columns = column_list(relation, &constraint.columns);
        let mut text = match &constraint.kind {
            ConstraintKind::PrimaryKey => format!("PRIMARY KEY ({columns})"),
            ConstraintKind::Unique => {
                let own = relation.indexes.iter().find(|index| index.constraint == Some(constraint.oid));
                let nulls = own.map_or("", nulls);
                format!("UNIQUE{nulls} ({columns})")
            }
            ConstraintKind::Exclusion(operators) => self.exclusion(relation, constraint, operators, pretty),
            ConstraintKind::Check(expression) => match pretty {
                Some(shown) => format!("CHECK ({})", shown(expression, relation)),
                None => check(&qualified(expression, self)),
            },
            ConstraintKind::ForeignKey(key) => self.foreign_key(relation, &columns, key, constraint.options.match_full),
        };
        if let Some(index) = relation.indexes.iter().find(|index| index.constraint == Some(constraint.oid)) {
            text.push_str(&included(relation, index));
            text.push_str(&parameters(index));
            if let Some(predicate) = &index.predicate {
                text.push_str(&format!(" WHERE ({})", self.shown(predicate, relation, pretty)));
            }
        }
        if constraint.options.no_inherit && constraint.check().is_some() {
            text.push_str(" NO INHERIT");
        }
        if constraint.deferrable {
            text.push_str(" DEFERRABLE");
        }
        if constraint.initially_deferred {
            text.push_str(" INITIALLY DEFERRED");
        }
        if constraint.options.not_valid {
            text.push_str(" NOT VALID");
        }
        text
    }

    fn exclusion(
        &self,
        relation: &Relation,
        constraint: &Constraint,
        operators: &[Oid],
        pretty: Option<Shown<'_>>,
    ) -> String {
        let Some(index) = relation.indexes.iter().find(|index| index.constraint == Some(constraint.oid)) else {
            return "EXCLUDE".to_owned();
        };
        let element = |(key, operator): (&IndexKey, &Oid)| {
            let name = operator_by_oid(*operator).map_or("???", |operator| operator.name.as_str());
            format!("{}{} WITH {name}", self.index_key(relation, key, pretty), ordering(key, &index.method, self))
        };
        let elements: Vec<String> = index.keys.iter().zip(operators).map(element).collect();
        format!("EXCLUDE USING {} ({})", index.method, elements.join(", "))
    }

    fn foreign_key(&self, relation: &Relation, columns: &str, key: &ForeignKey, match_full: bool) -> String {
        let (table, referenced) = match self.catalog.relations.get(&key.relation) {
            Some(r) => (self.relation(r), column_list(r, &key.columns)),
            None => ("???".to_owned(), String::new()),
        };
        let mut text = format!("FOREIGN KEY ({columns}) REFERENCES {table}({referenced})");
        if match_full {
            text.push_str(" MATCH FULL");
        }
        for (event, action) in [("UPDATE", key.on_update), ("DELETE", key.on_delete)] {
            if let Some(action) = action_name(action) {
                text.push_str(&format!(" ON {event} {action}"));
            }
        }
        if !key.set_columns.is_empty() {
            text.push_str(&format!(" ({})", column_list(relation, &key.set_columns)));
        }
        text
    }

    /// pg_get_indexdef(index, 0, pretty): the whole CREATE INDEX; `pretty` shows its expressions.
    pub fn index(&self, table: &Relation, index: &Index, pretty: Option<Shown<'_>>) -> String {
        let keys: Vec<String> =
            index.keys.iter().map(|k| self.index_key(table, k, pretty) + &ordering(k, &index.method, self)).collect();
        let name = if pretty.is_some() {
            self.relation(table)
        } else {
            format!("{}.{}", quote_identifier(&table.schema), quote_identifier(&table.name))
        };
        let mut text = format!(
            "CREATE {}INDEX {} ON {}{name} USING {} ({})",
            if index.unique { "UNIQUE " } else { "" },
            quote_identifier(&index.name),
            if table.is_partitioned() { "ONLY " } else { "" },
            index.method,
            keys.join(", ")
        );
        text.push_str(&included(table, index));
        text.push_str(nulls(index));
        text.push_str(&parameters(index));
        if let Some(predicate) = &index.predicate {
            text.push_str(" WHERE ");
            text.push_str(&self.shown(predicate, table, pretty));
        }
        text
    }

    /// pg_get_indexdef(index, n, …): one key, without its ordering.
    pub fn index_key(&self, table: &Relation, key: &IndexKey, pretty: Option<Shown<'_>>) -> String {
        if let Some(column) = table.column_by_number(key.column) {
            return quote_identifier(&column.name);
        }
        let shown = self.shown(key.expression.as_deref().unwrap_or_default(), table, pretty);
        if is_call(&shown) { shown } else { format!("({shown})") }
    }

    fn shown(&self, text: &str, relation: &Relation, pretty: Option<Shown<'_>>) -> String {
        pretty.map_or_else(|| qualified(text, self).into_owned(), |shown| shown(text, relation))
    }
}

/// How a key is ordered, where not as it is by default.
fn ordering(key: &IndexKey, method: &str, names: &Names<'_>) -> String {
    let mut text = String::new();
    if let Some(collation) = &key.collation {
        text.push_str(&format!(" COLLATE {}", names.collation(names.catalog.collation_oid(collation))));
    }
    if let Some(class) = &key.operator_class {
        let member = members::operator_class(names.catalog, class, method).and_then(members::member);
        let extension = member.and_then(|of| names.catalog.extensions.iter().find(|e| e.name == of.extension));
        let visible = extension.is_none_or(|extension| names.search_path.contains(&extension.schema));
        let schema = extension.map_or("pg_catalog", |extension| &extension.schema);
        text.push_str(&format!(" {}", names.qualified(schema, class, visible)));
    }
    text.push_str(match (key.descending, key.nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    });
    text
}

fn nulls(index: &Index) -> &'static str {
    if index.options.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" }
}

/// WITH (…), the values as get_reloptions writes them: bare where they are simple words, else as literals.
fn parameters(index: &Index) -> String {
    let shown = |entry: &String| {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        let value = match quote_identifier(value) {
            plain if plain == value => plain,
            _ => format!("'{}'", value.replace('\'', "''")),
        };
        format!("{}={value}", quote_identifier(name))
    };
    match index.options.parameters.as_slice() {
        [] => String::new(),
        entries => format!(" WITH ({})", entries.iter().map(shown).collect::<Vec<_>>().join(", ")),
    }
}

fn included(table: &Relation, index: &Index) -> String {
    match index.included.as_slice() {
        [] => String::new(),
        columns => format!(" INCLUDE ({})", column_list(table, columns)),
    }
}

/// Whether an expression is one function call: PostgreSQL puts anything else into parentheses in an index.
pub fn is_call(expression: &str) -> bool {
    let Some((name, rest)) = expression.split_once('(') else { return false };
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.\"".contains(&b));
    is_name && matching_parenthesis(rest) == Some(rest.len() - 1)
}

/// Where the parenthesis that was opened just before the text is closed.
fn matching_parenthesis(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0u32, None);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') if depth == 0 => return Some(at),
            (None, b')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// CHECK (…) as pg_get_constraintdef has it.
pub fn check(expression: &str) -> String {
    format!("CHECK ({expression})")
}

fn column_list(relation: &Relation, numbers: &[i16]) -> String {
    let names = numbers.iter().filter_map(|&n| relation.column_by_number(n)).map(|c| quote_identifier(&c.name));
    names.collect::<Vec<_>>().join(", ")
}

/// What a foreign key does, by PostgreSQL's letters; nothing for NO ACTION.
fn action_name(letter: u8) -> Option<&'static str> {
    match letter {
        b'r' => Some("RESTRICT"),
        b'c' => Some("CASCADE"),
        b'n' => Some("SET NULL"),
        b'd' => Some("SET DEFAULT"),
        _ => None,
    }
}

/// A built-in type that is not an array.
fn builtin_type(info: &TypeInfo, typmod: Option<i32>) -> String {
    let Some(modifier) = typmod.filter(|&t| t >= 0) else {
        return match info.oid {
            // character without a length is character(1), which is not what a column without a modifier is.
            Oid::BPCHAR if typmod.is_some() => "bpchar".to_owned(),
            // bit without a length would be bit(1).
            Oid::BIT if typmod.is_some() => "\"bit\"".to_owned(),
            Oid::CHAR => "\"char\"".to_owned(),
            _ => info.sql_name.to_owned(),
        };
    };
    match info.oid {
        Oid::BPCHAR | Oid::VARCHAR => format!("{}({})", info.sql_name, modifier.saturating_sub(4)),
        Oid::NUMERIC => {
            let bits = modifier.saturating_sub(4);
            // The scale is eleven bits with a sign.
            format!("numeric({},{})", (bits >> 16) & 0xffff, ((bits & 0x7ff) ^ 0x400) - 0x400)
        }
        Oid::TIME | Oid::TIMETZ | Oid::TIMESTAMP | Oid::TIMESTAMPTZ => match info.sql_name.split_once(' ') {
            Some((first, rest)) => format!("{first}({modifier}) {rest}"),
            None => info.sql_name.to_owned(),
        },
        Oid::INTERVAL => interval(modifier),
        _ => format!("{}({modifier})", info.sql_name),
    }
}

/// interval with its fields and precision (timestamp.h: bit numbers of the fields, 0x7fff for all).
fn interval(modifier: i32) -> String {
    const FIELDS: &[(i32, &str)] = &[
        (1 << 2, " year"),
        (1 << 1, " month"),
        (1 << 3, " day"),
        (1 << 10, " hour"),
        (1 << 11, " minute"),
        (1 << 12, " second"),
        (1 << 2 | 1 << 1, " year to month"),
        (1 << 3 | 1 << 10, " day to hour"),
        (1 << 3 | 1 << 10 | 1 << 11, " day to minute"),
        (1 << 3 | 1 << 10 | 1 << 11 | 1 << 12, " day to second"),
        (1 << 10 | 1 << 11, " hour to minute"),
        (1 << 10 | 1 << 11 | 1 << 12, " hour to second"),
        (1 << 11 | 1 << 12, " minute to second"),
    ];
    let fields = FIELDS.iter().find(|(bits, _)| *bits == (modifier >> 16) & 0x7fff).map_or("", |(_, text)| text);
    match modifier & 0xffff {
        0xffff => format!("interval{fields}"),
        precision => format!("interval{fields}({precision})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_postgresql_writes_them() {
        let catalog = CatalogSnapshot::default();
        let names = Names { catalog: &catalog, search_path: &["pg_catalog".to_owned()] };
        // Recorded: select format_type(oid, typmod).
        let cases = [
            (1043, Some(24), "character varying(20)"),
            (1043, Some(-1), "character varying"),
            (1042, Some(8), "character(4)"),
            (1042, Some(-1), "bpchar"),
            (1042, None, "character"),
            (1015, Some(24), "character varying(20)[]"),
            (1700, Some(655_366), "numeric(10,2)"),
            (1700, Some(655_362 + 2048), "numeric(10,-2)"),
            (1114, Some(3), "timestamp(3) without time zone"),
            (1184, Some(-1), "timestamp with time zone"),
            (1186, Some(2_147_418_115), "interval(3)"),
            (1186, Some(268_500_991), "interval second"),
            (18, None, "\"char\""),
            (1007, None, "integer[]"),
            (0, None, "-"),
            (99_999, None, "???"),
        ];
        for (oid, typmod, expected) in cases {
            assert_eq!(names.format_type(Oid(oid), typmod), expected, "{oid} {typmod:?}");
        }
    }

    #[test]
    fn names_are_quoted_when_they_must_be() {
        for (name, expected) in [
            ("a_1", "a_1"),
            ("A", "\"A\""),
            ("1a", "\"1a\""),
            ("user", "\"user\""),
            ("name", "name"),
            ("x\"y", "\"x\"\"y\""),
        ] {
            assert_eq!(quote_identifier(name), expected);
        }
    }

    #[test]
    fn calls_are_told_from_other_expressions() {
        assert!(is_call("lower(email)") && !is_call("lower(a) || lower(b)") && !is_call("a + 1"));
    }
}
