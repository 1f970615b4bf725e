//! xml: functions, and what the constructs with a grammar of their own become (functions-xml.html).

use super::Call::{Function as F, Template as T, Typed as Y};
use super::{Function, aggregate, immutable, set, stable, volatile};
use crate::sql::type_names::*;
use crate::types::pg_type::Oid;

const XML: Oid = Oid::XML;
const XML_ARRAY: Oid = Oid::XML_ARRAY;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    immutable("xmlcomment", &[TEXT], XML, F("pg_xmlcomment")),
    immutable("xmlconcat2", &[XML, XML], XML, F("pg_xmlconcat")),
    aggregate("xmlagg", &[XML], XML, F("pg_xmlagg")),
    stable("xml", &[TEXT], XML, F("pg_xml")),
    immutable("xmlvalidate", &[XML, TEXT], BOOL, F("pg_xmlvalidate")),
    stable("xml_is_well_formed", &[TEXT], BOOL, F("pg_xml_is_well_formed")),
    immutable("xml_is_well_formed_content", &[TEXT], BOOL, T("pg_xml_is_well_formed({0}, 0)")),
    immutable("xml_is_well_formed_document", &[TEXT], BOOL, T("pg_xml_is_well_formed({0}, 1)")),
    immutable("xmlexists", &[TEXT, XML], BOOL, F("pg_xpath_exists")),
    immutable("xpath_exists", &[TEXT, XML], BOOL, F("pg_xpath_exists")),
    immutable("xpath_exists", &[TEXT, XML, TEXT_ARRAY], BOOL, F("pg_xpath_exists")),
    immutable("xpath", &[TEXT, XML], XML_ARRAY, F("pg_xpath")),
    immutable("xpath", &[TEXT, XML, TEXT_ARRAY], XML_ARRAY, F("pg_xpath")),
    volatile("query_to_xml", &[TEXT, BOOL, BOOL, TEXT], XML, F("pg_query_to_xml")),
    stable("table_to_xml", &[REGCLASS, BOOL, BOOL, TEXT], XML, F("pg_table_to_xml")),
    volatile("query_to_xmlschema", &[TEXT, BOOL, BOOL, TEXT], XML, F("pg_query_to_xmlschema")),
    volatile("query_to_xml_and_xmlschema", &[TEXT, BOOL, BOOL, TEXT], XML, F("pg_query_to_xml_and_xmlschema")),
    stable("table_to_xmlschema", &[REGCLASS, BOOL, BOOL, TEXT], XML, F("pg_table_to_xmlschema")),
    stable("table_to_xml_and_xmlschema", &[REGCLASS, BOOL, BOOL, TEXT], XML, F("pg_table_to_xml_and_xmlschema")),
    stable("schema_to_xmlschema", &[NAME, BOOL, BOOL, TEXT], XML, F("pg_schema_to_xmlschema")),
    stable("schema_to_xml_and_xmlschema", &[NAME, BOOL, BOOL, TEXT], XML, F("pg_schema_to_xml_and_xmlschema")),
    stable("schema_to_xml", &[NAME, BOOL, BOOL, TEXT], XML, F("pg_schema_to_xml")),
];

/// XMLCONCAT and its like (XmlExpr): no functions that a name finds.
#[rustfmt::skip]
mod constructs {
    use super::*;
    pub static XML_CONCAT: Function = immutable("xmlconcat", &[], XML, F("pg_xmlconcat"));
    /// The names come first: see `engine::functions::xml`.
    pub static XML_ELEMENT: Function = stable("xmlelement", &[], XML, Y("pg_xmlelement"));
    pub static XML_FOREST: Function = stable("xmlforest", &[], XML, Y("pg_xmlforest"));
    pub static XML_PARSE_CONTENT: Function = immutable("xmlparse", &[], XML, T("pg_xmlparse({0}, 0)"));
    pub static XML_PARSE_DOCUMENT: Function = immutable("xmlparse", &[], XML, T("pg_xmlparse({0}, 1)"));
    pub static XML_PI: Function = immutable("xmlpi", &[], XML, F("pg_xmlpi"));
    pub static XML_ROOT: Function = immutable("xmlroot", &[], XML, F("pg_xmlroot"));
    pub static XML_SERIALIZE_CONTENT: Function = immutable("xmlserialize", &[], TEXT, T("({0})"));
    pub static XML_SERIALIZE_DOCUMENT: Function = immutable("xmlserialize", &[], TEXT, F("pg_xmlserialize_document"));
    /// See `engine::functions::sets::xml_table` for what it gets.
    pub static XML_TABLE: Function = set("xmltable", &[], RECORD, Y("pg_xmltable"));
    /// Values of any types in one text.
    pub static XML_TABLE_VALUES: Function = immutable("xmltable", &[], TEXT, Y("pg_pack"));
    pub static XML_IS_DOCUMENT: Function = immutable("xml_is_document", &[], BOOL, T("pg_xml_is_well_formed({0}, 1)"));
}

pub use constructs::*;
