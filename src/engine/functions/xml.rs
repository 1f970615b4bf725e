//! xml: what makes values of it (functions-xml.html).
//!
//! Must not know: the grammar (`sql::analyze::xml`). Specification: xml.c. The constructs get their names as one text of
//! JSON: the element's, then those of the first values.

use base64::Engine as _;
use rusqlite::types::ValueRef;

use super::elements::{Typed, push_json};
use super::{Args, ContextSlot, Definition, Output, object_ids};
use crate::engine::routines::call::{Caller, LeaseCell};
use crate::engine::routines::query::values as values_of;
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::types::pg_type::{Oid, Scalar};
use crate::types::xml::tree::Tree;
use crate::types::xml::xpath::{Found, XPath};
use crate::types::xml::{self, Declaration, escape, escape_attribute, split_declaration};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_xmlcomment", 1, |a| comment(&a.text(0)?)),
    Definition::pure("pg_xmlconcat", -1, |a| { let parts = (0..a.len()).filter(|i| !a.is_null(*i)).map(|i| a.text(i)); concat(&parts.collect::<Result<Vec<_>>>()?) }).called_on_null(),
    Definition::stable("pg_xmlelement", -1, element).called_on_null(),
    Definition::stable("pg_xmlforest", -1, forest).called_on_null(),
    Definition::pure("pg_xmlparse", 2, |a| parse(&a.text(0)?, a.bool(1)?)),
    Definition::stable("pg_xml", 1, |a| { let document = is_document_wanted(a)?; parse(&a.text(0)?, document) }),
    Definition::pure("pg_xmlpi", 1, |a| instruction(&a.text(0)?, Some(""))),
    Definition::pure("pg_xmlpi", 2, |a| { let text = if a.is_null(1) { None } else { Some(a.text(1)?) }; instruction(&a.text(0)?, text.as_deref()) }).called_on_null(),
    Definition::pure("pg_xmlroot", 3, root).called_on_null(),
    Definition::pure("pg_xmlserialize_document", 1, |a| if xml::is_document(&a.text(0)?) { Ok(Output::Argument(0)) } else { Err(error(b"2200L", "not an XML document")) }),
    Definition::pure("pg_xmlvalidate", 2, |_| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "xmlvalidate is not implemented"))),
    Definition::stable("pg_xml_is_well_formed", 1, |a| { let document = is_document_wanted(a)?; Ok(is_well_formed(&a.text(0)?, document).into()) }),
    Definition::pure("pg_xml_is_well_formed", 2, |a| Ok(is_well_formed(&a.text(0)?, a.bool(1)?).into())),
    Definition::pure("pg_xpath", -1, |a| { let (tree, found) = evaluated(a)?; Ok(serde_json::Value::from(values(&tree, &found)?).to_string().into()) }),
    Definition::pure("pg_xpath_exists", -1, |a| Ok(match evaluated(a)?.1 { Found::Nodes(nodes) => !nodes.is_empty(), _ => true }.into())),
    Definition::stable("pg_query_to_xml", 4, |a| { let shape = Shape::of(a)?; Ok(shape.query(&a.text(0)?, None, a.slot())?.into()) }),
    Definition::stable("pg_table_to_xml", 4, |a| { let shape = Shape::of(a)?; Ok(shape.table(a.int(0)?, a.slot())?.into()) }),
    Definition::stable("pg_schema_to_xml", 4, |a| { let shape = Shape::of(a)?; Ok(shape.schema(&a.text(0)?, a.slot())?.into()) }),
];

/// How a table's content is shown: function(what, nulls, tableforest, targetns).
pub(super) struct Shape {
    pub(super) nulls: bool,
    pub(super) forest: bool,
    pub(super) namespace: String,
    /// The XML Schema that stands before the content.
    schema: Option<String>,
    /// Whether it is not within another element.
    top: bool,
}

impl Shape {
    pub(super) fn of(args: &Args<'_>) -> Result<Self> {
        let namespace = args.text(3)?.into_owned();
        Ok(Shape { nulls: args.bool(1)?, forest: args.bool(2)?, namespace, schema: None, top: true })
    }

    pub(super) fn with_schema(self, schema: String) -> Self {
        Shape { schema: Some(schema), ..self }
    }

    /// xmldata_root_element_start
    fn start(&self, name: &str, located: bool) -> String {
        let mut out = format!("<{name}");
        if self.top {
            out.push_str(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"");
            if !self.namespace.is_empty() {
                out.push_str(&format!(" xmlns=\"{}\"", self.namespace));
            }
            if self.schema.is_some() && located {
                out.push_str(&match self.namespace.is_empty() {
                    true => " xsi:noNamespaceSchemaLocation=\"#\"".to_owned(),
                    false => format!(" xsi:schemaLocation=\"{} #\"", self.namespace),
                });
            }
        }
        out + ">\n"
    }

    pub(super) fn table(&self, oid: i64, slot: &ContextSlot) -> Result<String> {
        let catalog = slot.with_session(|session| Ok(std::sync::Arc::clone(&session.catalog)))?;
        let found = u32::try_from(oid).ok().and_then(|oid| catalog.relations.get(&Oid(oid)));
        let name = object_ids::output(Scalar::RegClass, oid, slot)?;
        let relation = found.map_or(name.clone(), |relation| relation.name.clone());
        self.query(&format!("SELECT * FROM {name}"), Some(&relation), slot)
    }

    /// query_to_xml_internal
    pub(super) fn query(&self, text: &str, table: Option<&str>, slot: &ContextSlot) -> Result<String> {
        let (link, lease) = slot.linked()?;
        let found = values_of(&Caller { link, lease: LeaseCell::new(lease) }, text)?;
        let mut found = found.ok_or_else(|| Error::new(SqlState::DATA_EXCEPTION, "invalid query"))?;
        let element = table.map_or("table".to_owned(), |table| xml::name_of_identifier(table, true));
        let row_element = match (table, self.forest) {
            (None, true) => "row".to_owned(),
            _ => element.clone(),
        };
        let names: Vec<String> =
            found.columns.iter().map(|column| xml::name_of_identifier(&column.name, true)).collect();
        let mut out = String::new();
        if !self.forest {
            out = self.start(&element, true) + "\n";
        }
        if let Some(schema) = &self.schema {
            out.push_str(&format!("{schema}\n\n"));
        }
        for row in std::mem::take(&mut found.rows) {
            out.push_str(&if self.forest { self.start(&row_element, false) } else { "<row>\n".to_owned() });
            for ((column, name), value) in found.columns.iter().zip(&names).zip(row) {
                if value.is_null() {
                    if self.nulls {
                        out.push_str(&format!("  <{name} xsi:nil=\"true\"/>\n"));
                    }
                    continue;
                }
                out.push_str(&format!("  <{name}>"));
                match crate::types::pg_type::type_info(column.data_type.oid) {
                    Some(info) => push_typed(info, super::rows::raw(value.as_ref()), true, slot, &mut out)?,
                    None => escape(&found.text(column, value)?.unwrap_or_default(), &mut out),
                }
                out.push_str(&format!("</{name}>\n"));
            }
            out.push_str(&if self.forest { format!("</{row_element}>\n\n") } else { "</row>\n\n".to_owned() });
            memory::room(out.len(), 0)?;
        }
        if !self.forest {
            out.push_str(&format!("</{element}>\n"));
        }
        Ok(out)
    }
}

/// The tables of a schema that one may read, by name (schema_get_xml_visible_tables).
pub(super) fn visible_tables(schema: &str, slot: &ContextSlot) -> Result<Vec<i64>> {
    let there = slot.with_session(|session| Ok(session.catalog.has_schema(schema)))?;
    if !there {
        let message = format!("schema \"{schema}\" does not exist");
        return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
    }
    let text = format!(
        "SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = {}::pg_catalog.regnamespace AND relkind IN \
         ('r','m','v') AND pg_catalog.has_table_privilege(oid, 'SELECT') ORDER BY relname",
        super::strings::quote_literal(&crate::catalog::definitions::quote_identifier(schema))
    );
    let (link, lease) = slot.linked()?;
    let found = values_of(&Caller { link, lease: LeaseCell::new(lease) }, &text)?;
    let rows = found.map_or_else(Vec::new, |found| found.rows);
    let oid = |row: &Vec<crate::types::value::Value>| match row.first() {
        Some(crate::types::value::Value::Integer(oid)) => Some(*oid),
        _ => None,
    };
    Ok(rows.iter().filter_map(oid).collect())
}

impl Shape {
    /// schema_to_xml_internal
    pub(super) fn schema(&self, schema: &str, slot: &ContextSlot) -> Result<String> {
        let tables = visible_tables(schema, slot)?;
        let element = xml::name_of_identifier(schema, true);
        let mut out = self.start(&element, true) + "\n";
        if let Some(schema) = &self.schema {
            out.push_str(&format!("{schema}\n\n"));
        }
        let namespace = self.namespace.clone();
        let inner = Shape { nulls: self.nulls, forest: self.forest, namespace, schema: None, top: false };
        for oid in tables {
            let table = inner.table(oid, slot)?;
            memory::room(out.len(), table.len())?;
            out.push_str(&table);
            out.push('\n');
        }
        out.push_str(&format!("</{element}>\n"));
        Ok(out)
    }
}

/// function(path, xml[, namespaces])
fn evaluated(args: &Args<'_>) -> Result<(Tree, Found)> {
    let mut namespaces = Vec::new();
    if args.len() > 2 {
        let pairs = args.text(2)?;
        let shape = crate::types::array::dimensions(&pairs)?;
        if !matches!(shape.as_slice(), [] | [_, 2]) {
            let error = Error::new(SqlState::DATA_EXCEPTION, "invalid array for XML namespace mapping");
            let detail = "The array must be two-dimensional with length of the second axis equal to 2.";
            return Err(error.with_detail(detail));
        }
        if !shape.is_empty() {
            for pair in super::elements::parse_array::<Vec<[Option<String>; 2]>>(&pairs)? {
                let [Some(name), Some(uri)] = pair else {
                    let message = "neither namespace name nor URI may be null";
                    return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
                };
                namespaces.push((name, uri));
            }
        }
    }
    let path = args.text(0)?;
    if path.is_empty() {
        return Err(Error::new(SqlState::DATA_EXCEPTION, "empty XPath expression"));
    }
    let tree = Tree::parse(&args.text(1)?)?;
    let path = args.cached(0, || XPath::parse(&path))?;
    let found = path.evaluate(&tree, 0, &namespaces)?;
    Ok((tree, found))
}

/// What an expression gave, as values of xml.
fn values(tree: &Tree, found: &Found) -> Result<Vec<String>> {
    let escaped = |text: &str| {
        let mut out = String::new();
        escape(text, &mut out);
        vec![out]
    };
    Ok(match found {
        Found::Nodes(nodes) => {
            let mut all = Vec::with_capacity(nodes.len());
            for node in nodes {
                let text = tree.to_xml(*node)?;
                memory::reserve(text.len())?;
                all.push(text);
            }
            all
        }
        Found::Bool(value) => vec![value.to_string()],
        Found::Text(text) => escaped(text),
        Found::Number(number) => {
            let mut text = String::new();
            crate::types::number_text::write_float8(*number, &mut text).map_err(|_| Error::internal("a number"))?;
            vec![text]
        }
    })
}

fn error(code: &[u8; 5], message: &str) -> Error {
    Error::new(SqlState(*code), message.to_owned())
}

/// Whether xmloption is document.
fn is_document_wanted(args: &Args<'_>) -> Result<bool> {
    args.slot().with_session(|session| Ok(session.settings.show("xmloption")? == "document"))
}

fn is_well_formed(text: &str, document: bool) -> bool {
    if document { xml::is_document(text) } else { xml::is_content(text) }
}

fn parse(text: &str, document: bool) -> Result<Output> {
    crate::limits::session::work(text.len())?;
    match is_well_formed(text, document) {
        true => Ok(xml::shown(text).into()),
        false if document => Err(error(b"2200M", "invalid XML document")),
        false => Err(error(b"2200N", "invalid XML content")),
    }
}

fn comment(text: &str) -> Result<Output> {
    if text.contains("--") || text.ends_with('-') {
        return Err(error(b"2200S", "invalid XML comment"));
    }
    Ok(format!("<!--{text}-->").into())
}

/// xmlconcat: the declaration says what all of them say.
pub(super) fn concat(parts: &[impl AsRef<str>]) -> Result<Output> {
    if parts.is_empty() {
        return Ok(Output::NULL);
    }
    let mut out = String::new();
    let (mut version, mut standalone): (Option<Option<String>>, _) = (None, Some(true));
    for part in parts {
        let (declared, rest) = split_declaration(part.as_ref());
        standalone = match (declared.standalone, standalone) {
            (None, _) => None,
            (Some(false), Some(true)) => Some(false),
            (_, known) => known,
        };
        version = Some(match version {
            None => declared.version,
            Some(known) if known == declared.version => known,
            Some(_) => None,
        });
        memory::room(out.len(), rest.len())?;
        out.push_str(rest);
    }
    let version = version.flatten();
    if version.is_some() || standalone.is_some() {
        out.insert_str(0, &Declaration { version, standalone }.to_text());
    }
    Ok(out.into())
}

/// map_sql_value_to_xml_value
fn push_value(values: &Typed<'_, '_>, index: usize, escaped: bool, args: &Args<'_>, out: &mut String) -> Result<()> {
    let info = values.type_of(index)?;
    push_typed(info, values.raw(index), escaped, args.slot(), out)
}

fn push_typed(
    info: &'static crate::types::pg_type::TypeInfo,
    value: ValueRef<'_>,
    escaped: bool,
    slot: &ContextSlot,
    out: &mut String,
) -> Result<()> {
    if info.is_array() {
        let element = crate::types::row_type::element_of(info).ok_or_else(|| Error::internal("an array's type"))?;
        let parsed: serde_json::Value = super::elements::parse_array(&super::args::text_of(value)?)?;
        return push_elements(element, &parsed, slot, out);
    }
    match (info.repr.scalar, value) {
        (Scalar::Bool, ValueRef::Integer(value)) => out.push_str(if value != 0 { "true" } else { "false" }),
        (Scalar::Date | Scalar::Timestamp | Scalar::TimestampTz, _) => {
            let mut text = String::new();
            push_json(info, value, slot, &mut text)?;
            if text.contains("infinity") {
                let what = if info.repr.scalar == Scalar::Date { "date" } else { "timestamp" };
                let error = Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"));
                return Err(error.with_detail(format!("XML does not support infinite {what} values.")));
            }
            out.push_str(text.trim_matches('"'));
        }
        (Scalar::Bytea, ValueRef::Blob(bytes)) => {
            let hex = slot.with_session(|session| Ok(session.settings.show("xmlbinary")? == "hex"))?;
            memory::room(out.len(), bytes.len() * 2)?;
            if hex {
                bytes.iter().for_each(|byte| out.push_str(&format!("{byte:02X}")));
            } else {
                base64::engine::general_purpose::STANDARD.encode_string(bytes, out);
            }
        }
        _ => {
            let text = super::io::text_form(info, value, slot)?;
            memory::room(out.len(), text.len() * 2)?;
            if !escaped || info.oid == Oid::XML {
                out.push_str(&text);
            } else {
                escape(&text, out);
            }
        }
    }
    Ok(())
}

fn push_elements(
    element: &'static crate::types::pg_type::TypeInfo,
    parsed: &serde_json::Value,
    slot: &ContextSlot,
    out: &mut String,
) -> Result<()> {
    crate::limits::session::work(super::elements::ELEMENT)?;
    match parsed {
        serde_json::Value::Null => Ok(()),
        serde_json::Value::Array(parts) => parts.iter().try_for_each(|part| push_elements(element, part, slot, out)),
        one => {
            out.push_str("<element>");
            let stored = super::elements::stored_element(one);
            push_typed(element, (&stored).into(), true, slot, out)?;
            out.push_str("</element>");
            Ok(())
        }
    }
}

/// The names that stand in front: the element's, and those of the first values.
fn names(values: &Typed<'_, '_>) -> Result<(String, Vec<String>)> {
    let text = super::args::text_of(values.raw(0))?;
    serde_json::from_str(&text).map_err(|_| Error::internal("the names of an xml expression"))
}

fn element(args: &Args<'_>) -> Result<Output> {
    let values = Typed::new(args)?;
    let (name, attributes) = names(&values)?;
    let mut out = format!("<{name}");
    for (place, attribute) in attributes.iter().enumerate() {
        if values.is_null(place + 1) {
            continue;
        }
        let mut value = String::new();
        push_value(&values, place + 1, false, args, &mut value)?;
        memory::room(out.len(), value.len() * 2)?;
        out.push_str(&format!(" {attribute}=\""));
        escape_attribute(&value, &mut out);
        out.push('"');
    }
    let mut empty = true;
    for place in attributes.len() + 1..values.len() {
        if !values.is_null(place) {
            out.push_str(if std::mem::replace(&mut empty, false) { ">" } else { "" });
            push_value(&values, place, true, args, &mut out)?;
        }
    }
    out.push_str(&if empty { "/>".to_owned() } else { format!("</{name}>") });
    Ok(out.into())
}

fn forest(args: &Args<'_>) -> Result<Output> {
    let values = Typed::new(args)?;
    let mut out = String::new();
    for (place, name) in names(&values)?.1.iter().enumerate() {
        if !values.is_null(place + 1) {
            out.push_str(&format!("<{name}>"));
            push_value(&values, place + 1, true, args, &mut out)?;
            out.push_str(&format!("</{name}>"));
        }
    }
    Ok(if out.is_empty() { Output::NULL } else { out.into() })
}

fn instruction(name: &str, text: Option<&str>) -> Result<Output> {
    let wrong = |code, detail: &str| {
        let error = Error::new(code, "invalid XML processing instruction");
        Err(error.with_detail(detail.to_owned()))
    };
    if name.eq_ignore_ascii_case("xml") {
        return wrong(SqlState::SYNTAX_ERROR, "XML processing instruction target name cannot be \"xml\".");
    }
    let Some(text) = text else { return Ok(Output::NULL) };
    if text.contains("?>") {
        return wrong(SqlState(*b"2200T"), "XML processing instruction cannot contain \"?>\".");
    }
    let text = text.trim_start_matches(' ');
    Ok(if text.is_empty() { format!("<?{name}?>") } else { format!("<?{name} {text}?>") }.into())
}

/// function(standalone, xml, version)
fn root(args: &Args<'_>) -> Result<Output> {
    if args.is_null(1) {
        return Ok(Output::NULL);
    }
    let text = args.text(1)?;
    let (mut declaration, rest) = split_declaration(&text);
    declaration.version = if args.is_null(2) { None } else { Some(args.text(2)?.into_owned()) };
    match args.int(0)? {
        2 => {}
        -1 => declaration.standalone = None,
        value => declaration.standalone = Some(value == 1),
    }
    Ok((declaration.to_text() + rest).into())
}
