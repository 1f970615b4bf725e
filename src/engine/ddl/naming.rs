//! Names PostgreSQL makes up: t_pkey, t_a_key, t_a_fkey, t_a_idx, t_id_seq (indexcmds.c, makeObjectName).

use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::sql::syntax::lexer::NAME_LENGTH;

/// `name1_name2_label`, the longer of the names shortened until the whole fits into an identifier.
pub(super) fn object_name(name1: &str, name2: Option<&str>, label: &str) -> String {
    let separators = 1 + usize::from(name2.is_some());
    let room = NAME_LENGTH.saturating_sub(label.len() + separators);
    let (mut length1, mut length2) = (name1.len(), name2.map_or(0, str::len));
    while length1 + length2 > room {
        if length1 > length2 {
            length1 -= 1;
        } else {
            length2 -= 1;
        }
    }
    let first = clip(name1, length1);
    match name2 {
        Some(second) => format!("{first}_{}_{label}", clip(second, length2)),
        None => format!("{first}_{label}"),
    }
}

/// The longest prefix of at most `length` bytes that ends between characters.
fn clip(text: &str, length: usize) -> &str {
    let end = (0..=length.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// The first of `name1_name2_label`, `…label1`, `…label2` that is not taken.
pub(super) fn free_name(name1: &str, name2: Option<&str>, label: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = object_name(name1, name2, label);
    let mut pass = 0_u32;
    while taken(&name) {
        pass += 1;
        name = object_name(name1, name2, &format!("{label}{pass}"));
    }
    name
}

/// The columns' part of an index's or key's name: joined by "_" up to an identifier's length.
pub(super) fn joined(columns: &[String]) -> String {
    let mut joined = String::new();
    for column in columns {
        if joined.len() > NAME_LENGTH {
            break;
        }
        if !joined.is_empty() {
            joined.push('_');
        }
        joined.push_str(column);
    }
    joined
}

/// Whether a schema has a relation or a constraint of that name, so that PostgreSQL would not choose it.
pub(super) fn is_taken(catalog: &CatalogSnapshot, table: &Relation, name: &str) -> bool {
    catalog.relation(&table.schema, name).is_some()
        || table.constraints.iter().any(|c| c.name == name)
        || table.indexes.iter().any(|i| i.name == name)
        || catalog.constraint_names.contains_key(&(table.schema.clone(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from PostgreSQL 15: the names of unnamed constraints on tables and columns with long names.
    #[test]
    fn long_names_are_shortened_evenly() {
        assert_eq!(object_name("t", Some("a"), "key"), "t_a_key");
        assert_eq!(object_name("t", None, "pkey"), "t_pkey");
        let (table, column) = ("t".repeat(40), "c".repeat(40));
        let expected = format!("{}_{}_key", "t".repeat(29), "c".repeat(29));
        assert_eq!(object_name(&table, Some(&column), "key"), expected);
        assert_eq!(free_name("t", Some("a"), "check", |n| n == "t_a_check"), "t_a_check1");
    }
}
