//! XMLTABLE. Its arguments, behind the types: a NULL of the row's type, the row's path, the document, what the columns are
//! (as JSON); packed into one text the namespaces' URIs, and for each column that is no number its path and its default.
//!
//! Specification: XmlTableFetchRow and XmlTableGetValue in xml.c.

use super::{Arguments, Rows, SetFunction, rows, single};
use crate::engine::functions::aggregate::unpack;
use crate::engine::functions::elements::types_in;
use crate::engine::functions::io::text_form;
use crate::engine::functions::rows::{input, row_type};
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session as limits};
use crate::types::pg_type::{Oid, TypeInfo};
use crate::types::row_wire::Writer;
use crate::types::value::Value;
use crate::types::xml::escape;
use crate::types::xml::tree::Tree;
use crate::types::xml::xpath::{Found, XPath};

pub(super) static FUNCTIONS: &[SetFunction] =
    &[SetFunction { strict: false, ..SetFunction::new("pg_xmltable", 6, xml_table) }];

/// The names of namespaces, and of each column its name, whether it counts the rows, whether it may not be NULL.
type Described = (Vec<String>, Vec<(String, bool, bool)>);

/// A column that is not a number.
struct Path {
    path: XPath,
    default: Option<String>,
}

fn empty(which: &str) -> Error {
    Error::new(SqlState::DATA_EXCEPTION, format!("{which} path filter must not be empty string"))
}

fn xml_table(args: &Arguments<'_>) -> Result<Rows> {
    let names = args.text(0)?;
    let of = row_type(types_in(&names).next().ok_or_else(|| Error::internal("a typed call without types"))??)?;
    let (namespaces, columns): Described =
        serde_json::from_str(&args.text(4)?).map_err(|_| Error::internal("the columns of XMLTABLE"))?;
    if args.is_null(2) || args.is_null(3) {
        return rows(std::iter::empty());
    }
    let packed = if args.is_null(5) { Vec::new() } else { unpack(&args.text(5)?)? };
    let mut packed = packed.into_iter();
    let mut next = || match packed.next() {
        None | Some((_, rusqlite::types::Value::Null)) => Ok(None),
        Some((info, value)) => text_form(info, (&value).into(), args.slot).map(Some),
    };
    let mut known = Vec::with_capacity(namespaces.len());
    for name in namespaces {
        let missing = || Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "namespace URI must not be null");
        known.push((name, next()?.ok_or_else(missing)?));
    }
    if args.text(2)?.is_empty() {
        return Err(empty("row"));
    }
    let tree = Tree::parse(&args.text(3)?)?;
    let row_path = XPath::parse(&args.text(2)?)?;
    let mut paths = Vec::with_capacity(columns.len());
    for (name, counts, _) in &columns {
        if *counts {
            paths.push(None);
            continue;
        }
        let path = next()?.ok_or_else(|| {
            let message = "column filter expression must not be null";
            let detail = format!("Filter for column \"{name}\" is null.");
            Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message).with_detail(detail)
        })?;
        if path.is_empty() {
            return Err(empty("column"));
        }
        paths.push(Some(Path { path: XPath::parse(&path)?, default: next()? }));
    }
    let fields: Vec<&'static TypeInfo> = of.all().iter().flatten().map(|field| field.info).collect();
    let Found::Nodes(nodes) = row_path.evaluate(&tree, 0, &known)? else { return rows(std::iter::empty()) };
    let mut made = Vec::with_capacity(nodes.len());
    for (number, node) in nodes.into_iter().enumerate() {
        let mut stored = String::new();
        let mut writer = Writer::new(of, &mut stored);
        for ((column, path), info) in columns.iter().zip(&paths).zip(&fields) {
            let (name, _, required) = column;
            let value = match path {
                None => Value::Integer(number as i64 + 1),
                Some(path) => {
                    let found = text_of(&tree, &path.path.evaluate(&tree, node, &known)?, info)?;
                    match found.as_ref().or(path.default.as_ref()) {
                        Some(text) => input(info, text, args.slot)?,
                        None => Value::Null,
                    }
                }
            };
            if *required && value.is_null() {
                let message = format!("null is not allowed in column \"{name}\"");
                return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
            }
            writer.put(value.as_ref())?;
        }
        writer.end();
        limits::work(stored.len())?;
        memory::reserve(stored.len())?;
        made.push(stored);
    }
    rows(made.into_iter().map(single))
}

/// What a column's path gave, as its type reads it.
fn text_of(tree: &Tree, found: &Found, info: &TypeInfo) -> Result<Option<String>> {
    let is_xml = info.oid == Oid::XML;
    Ok(match found {
        Found::Nodes(nodes) if nodes.is_empty() => None,
        Found::Nodes(nodes) if is_xml => {
            let parts = nodes.iter().map(|node| tree.to_xml(*node)).collect::<Result<Vec<_>>>()?;
            Some(parts.concat())
        }
        Found::Nodes(nodes) => match nodes.as_slice() {
            [only] => Some(tree.text(*only)?),
            _ => {
                let message = "more than one value returned by column XPath expression";
                return Err(Error::new(SqlState::CARDINALITY_VIOLATION, message));
            }
        },
        Found::Text(text) if is_xml => {
            let mut out = String::new();
            escape(text, &mut out);
            Some(out)
        }
        // A number's column gets a number.
        Found::Bool(value) if info.category == b'N' => Some(i32::from(*value).to_string()),
        other => Some(other.to_text(tree)?),
    })
}
