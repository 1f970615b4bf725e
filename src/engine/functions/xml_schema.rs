//! The XML Schema of tables, queries and schemas, alone and before their contents (functions-xml.html#FUNCTIONS-XML-MAPPING).
//!
//! Owns: `pg_…_to_xmlschema` and `pg_…_to_xml_and_xmlschema`. Specification: map_sql_table_to_xmlschema and what it
//! calls in xml.c.

use std::sync::Arc;

use super::xml::{Shape, visible_tables};
use super::{Args, ContextSlot, Definition, Output};
use crate::catalog::schema::{CatalogSnapshot, Relation, UserTypeKind};
use crate::engine::routines::call::{Caller, LeaseCell};
use crate::engine::routines::query::values as values_of;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::{Oid, type_info};
use crate::types::xml;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_query_to_xmlschema", 4, |a| of_query(a, false)),
    Definition::stable("pg_query_to_xml_and_xmlschema", 4, |a| of_query(a, true)),
    Definition::stable("pg_table_to_xmlschema", 4, |a| of_table(a, false)),
    Definition::stable("pg_table_to_xml_and_xmlschema", 4, |a| of_table(a, true)),
    Definition::stable("pg_schema_to_xmlschema", 4, |a| of_schema(a, false)),
    Definition::stable("pg_schema_to_xml_and_xmlschema", 4, |a| of_schema(a, true)),
];

/// What names and types mean.
struct Names {
    catalog: Arc<CatalogSnapshot>,
    database: String,
}

/// A column's name and type.
type Columns = Vec<(String, Oid)>;

fn names(slot: &ContextSlot) -> Result<Names> {
    slot.with_session(|session| {
        Ok(Names { catalog: Arc::clone(&session.catalog), database: session.database.to_string() })
    })
}

fn of_query(args: &Args<'_>, with_content: bool) -> Result<Output> {
    let (shape, slot, text) = (Shape::of(args)?, args.slot(), args.text(0)?);
    let (link, lease) = slot.linked()?;
    let found = values_of(&Caller { link, lease: LeaseCell::new(lease) }, &text)?;
    let found = found.ok_or_else(|| Error::new(SqlState::DATA_EXCEPTION, "invalid query"))?;
    let columns = found.columns.iter().map(|column| (column.name.to_string(), column.data_type.oid)).collect();
    let schema = table_schema(&names(slot)?, &columns, None, &shape);
    match with_content {
        true => Ok(shape.with_schema(schema).query(&text, None, slot)?.into()),
        false => Ok(schema.into()),
    }
}

fn columns_of(relation: &Relation) -> Columns {
    relation.columns.iter().map(|column| (column.name.clone(), column.type_oid)).collect()
}

fn of_table(args: &Args<'_>, with_content: bool) -> Result<Output> {
    let (shape, slot, oid) = (Shape::of(args)?, args.slot(), args.int(0)?);
    let names = names(slot)?;
    let relation = u32::try_from(oid).ok().and_then(|oid| names.catalog.relations.get(&Oid(oid)));
    let missing = || Error::new(SqlState::UNDEFINED_TABLE, format!("relation with OID {oid} does not exist"));
    let relation = relation.ok_or_else(missing)?;
    let schema = table_schema(&names, &columns_of(relation), Some(relation), &shape);
    match with_content {
        true => Ok(shape.with_schema(schema).table(oid, slot)?.into()),
        false => Ok(schema.into()),
    }
}

fn of_schema(args: &Args<'_>, with_content: bool) -> Result<Output> {
    let (shape, slot, schema) = (Shape::of(args)?, args.slot(), args.text(0)?);
    let names = names(slot)?;
    let oids = visible_tables(&schema, slot)?;
    let relations: Vec<&Arc<Relation>> = oids
        .iter()
        .filter_map(|oid| names.catalog.relations.get(&Oid(u32::try_from(*oid).unwrap_or_default())))
        .collect();
    let mut out = start(&shape.namespace);
    let columns: Columns = relations.iter().flat_map(|relation| columns_of(relation)).collect();
    names.types(&columns, &mut out);
    let list = if shape.forest { "sequence" } else { "all" };
    let type_name = names.path("SchemaType", &[&schema]);
    out.push_str(&format!("<xsd:complexType name=\"{type_name}\">\n  <xsd:{list}>\n"));
    for relation in &relations {
        let element = xml::name_of_identifier(&relation.name, true);
        let kind = if shape.forest { "RowType" } else { "TableType" };
        let of = names.path(kind, &[&schema, &relation.name]);
        let any = if shape.forest { " minOccurs=\"0\" maxOccurs=\"unbounded\"" } else { "" };
        out.push_str(&format!("    <xsd:element name=\"{element}\" type=\"{of}\"{any}/>\n"));
    }
    let element = xml::name_of_identifier(&schema, true);
    out.push_str(&format!(
        "  </xsd:{list}>\n</xsd:complexType>\n\n<xsd:element name=\"{element}\" type=\"{type_name}\"/>\n\n</xsd:schema>"
    ));
    match with_content {
        true => Ok(shape.with_schema(out).schema(&schema, slot)?.into()),
        false => Ok(out.into()),
    }
}

/// xsd_schema_element_start
fn start(namespace: &str) -> String {
    let mut out = String::from("<xsd:schema\n    xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"");
    if !namespace.is_empty() {
        out.push_str(&format!("\n    targetNamespace=\"{namespace}\"\n    elementFormDefault=\"qualified\""));
    }
    out + ">\n\n"
}

/// map_sql_table_to_xmlschema
fn table_schema(names: &Names, columns: &Columns, relation: Option<&Arc<Relation>>, shape: &Shape) -> String {
    let (element, table_type, row_type) = match relation {
        Some(relation) => {
            let path = [relation.schema.as_str(), relation.name.as_str()];
            let element = xml::name_of_identifier(&relation.name, true);
            (element, names.path("TableType", &path), names.path("RowType", &path))
        }
        None => {
            let element = if shape.forest { "row" } else { "table" };
            (element.to_owned(), "TableType".to_owned(), "RowType".to_owned())
        }
    };
    let mut out = start(&shape.namespace);
    names.types(columns, &mut out);
    out.push_str(&format!("<xsd:complexType name=\"{row_type}\">\n  <xsd:sequence>\n"));
    let optional = if shape.nulls { " nillable=\"true\"" } else { " minOccurs=\"0\"" };
    for (name, oid) in columns {
        let (name, of) = (xml::name_of_identifier(name, true), names.type_name(*oid));
        out.push_str(&format!("    <xsd:element name=\"{name}\" type=\"{of}\"{optional}></xsd:element>\n"));
    }
    out.push_str("  </xsd:sequence>\n</xsd:complexType>\n\n");
    if !shape.forest {
        out.push_str(&format!(
            "<xsd:complexType name=\"{table_type}\">\n  <xsd:sequence>\n    <xsd:element name=\"row\" type=\"{row_type}\" \
             minOccurs=\"0\" maxOccurs=\"unbounded\"/>\n  </xsd:sequence>\n</xsd:complexType>\n\n"
        ));
    }
    let of = if shape.forest { row_type } else { table_type };
    out.push_str(&format!("<xsd:element name=\"{element}\" type=\"{of}\"/>\n\n</xsd:schema>"));
    out
}

impl Names {
    /// map_multipart_sql_identifier_to_xml_name
    fn path(&self, kind: &str, parts: &[&str]) -> String {
        let mut path = kind.to_owned();
        for part in std::iter::once(self.database.as_str()).chain(parts.iter().copied()) {
            path.push('.');
            path.push_str(&xml::name_of_identifier(part, true).replace('.', "_x002E_"));
        }
        path
    }

    fn base(&self, oid: Oid) -> Option<Oid> {
        match self.catalog.types.get(&oid).map(|of| &of.kind) {
            Some(UserTypeKind::Domain { base, .. }) => Some(self.base(*base).unwrap_or(*base)),
            _ => None,
        }
    }

    /// map_sql_type_to_xml_name
    fn type_name(&self, oid: Oid) -> String {
        let plain = match oid {
            Oid::BPCHAR => "CHAR",
            Oid::VARCHAR => "VARCHAR",
            Oid::NUMERIC => "NUMERIC",
            Oid::INT4 => "INTEGER",
            Oid::INT2 => "SMALLINT",
            Oid::INT8 => "BIGINT",
            Oid::FLOAT4 => "REAL",
            Oid::FLOAT8 => "DOUBLE",
            Oid::BOOL => "BOOLEAN",
            Oid::TIME => "TIME",
            Oid::TIMETZ => "TIME_WTZ",
            Oid::TIMESTAMP => "TIMESTAMP",
            Oid::TIMESTAMPTZ => "TIMESTAMP_WTZ",
            Oid::DATE => "DATE",
            Oid::XML => "XML",
            _ => match self.catalog.types.get(&oid) {
                Some(of) => {
                    let kind = if matches!(of.kind, UserTypeKind::Domain { .. }) { "Domain" } else { "UDT" };
                    return self.path(kind, &[&of.schema, &of.name]);
                }
                None => return self.path("UDT", &["pg_catalog", type_info(oid).map_or("", |info| info.name)]),
            },
        };
        plain.to_owned()
    }

    /// map_sql_typecoll_to_xmlschema_types
    fn types(&self, columns: &Columns, out: &mut String) {
        let mut unique: Vec<Oid> = Vec::new();
        let add = |unique: &mut Vec<Oid>, oid: Oid| {
            if !unique.contains(&oid) {
                unique.push(oid);
            }
        };
        columns.iter().for_each(|(_, oid)| add(&mut unique, *oid));
        for oid in unique.clone() {
            if let Some(base) = self.base(oid) {
                add(&mut unique, base);
            }
        }
        for oid in unique {
            self.describe(oid, out);
            out.push('\n');
        }
    }

    /// map_sql_type_to_xmlschema_type
    fn describe(&self, oid: Oid, out: &mut String) {
        if oid == Oid::XML {
            out.push_str(
                "<xsd:complexType mixed=\"true\">\n  <xsd:sequence>\n    <xsd:any name=\"element\" minOccurs=\"0\" \
                 maxOccurs=\"unbounded\" processContents=\"skip\"/>\n  </xsd:sequence>\n</xsd:complexType>\n",
            );
            return;
        }
        out.push_str(&format!("<xsd:simpleType name=\"{}\">\n", self.type_name(oid)));
        let whole = |base: &str, most: i64, least: i64| {
            format!(
                "  <xsd:restriction base=\"xsd:{base}\">\n    <xsd:maxInclusive value=\"{most}\"/>\n    \
                 <xsd:minInclusive value=\"{least}\"/>\n  </xsd:restriction>\n"
            )
        };
        let pattern = |base: &str, pattern: &str| {
            format!(
                "  <xsd:restriction base=\"xsd:{base}\">\n    <xsd:pattern value=\"{pattern}\"/>\n  </xsd:restriction>\n"
            )
        };
        const DAY: &str = r"\p{Nd}{4}-\p{Nd}{2}-\p{Nd}{2}";
        const CLOCK: &str = r"\p{Nd}{2}:\p{Nd}{2}:\p{Nd}{2}(.\p{Nd}+)?";
        const ZONE: &str = r"(\+|-)\p{Nd}{2}:\p{Nd}{2}";
        let empty = |base: &str| format!("  <xsd:restriction base=\"xsd:{base}\"></xsd:restriction>\n");
        out.push_str(&match oid {
            Oid::BPCHAR | Oid::VARCHAR | Oid::TEXT => {
                "  <xsd:restriction base=\"xsd:string\">\n  </xsd:restriction>\n".to_owned()
            }
            Oid::BYTEA => "  <xsd:restriction base=\"xsd:base64Binary\">\n  </xsd:restriction>\n".to_owned(),
            Oid::INT2 => whole("short", i16::MAX.into(), i16::MIN.into()),
            Oid::INT4 => whole("int", i32::MAX.into(), i32::MIN.into()),
            Oid::INT8 => whole("long", i64::MAX, i64::MIN),
            Oid::FLOAT4 => empty("float"),
            Oid::FLOAT8 => empty("double"),
            Oid::BOOL => empty("boolean"),
            Oid::TIME => pattern("time", CLOCK),
            Oid::TIMETZ => pattern("time", &format!("{CLOCK}{ZONE}")),
            Oid::TIMESTAMP => pattern("dateTime", &format!("{DAY}T{CLOCK}")),
            Oid::TIMESTAMPTZ => pattern("dateTime", &format!("{DAY}T{CLOCK}{ZONE}")),
            Oid::DATE => pattern("date", DAY),
            _ => match self.base(oid) {
                Some(base) => format!("  <xsd:restriction base=\"{}\"/>\n", self.type_name(base)),
                None => String::new(),
            },
        });
        out.push_str("</xsd:simpleType>\n");
    }
}
