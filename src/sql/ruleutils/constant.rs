//! Constants (get_const_expr).

use super::{Moments, Printer, Relabel, unprintable};
use crate::error::Result;
use crate::sql::types;
use crate::types::encoding;
use crate::types::format::Format;
use crate::types::interval::Interval;
use crate::types::pg_type::{Oid, type_info};
use crate::types::value::Value;

/// Whether a constant's type is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ShowType {
    Never,
    WhereNeeded,
    Always,
}

impl Printer<'_> {
    pub(super) fn null(&mut self, oid: Oid, show: ShowType) {
        self.push("NULL");
        if show != ShowType::Never {
            let name = self.type_name(oid, -1);
            self.push(&format!("::{name}"));
        }
    }

    pub(super) fn constant(&mut self, value: &Value, oid: Oid, show: ShowType) -> Result<()> {
        let text = self.output(value, oid)?;
        let mut label = !matches!(oid, Oid::BOOL | Oid::INT4 | Oid::NUMERIC | Oid::UNKNOWN);
        match oid {
            Oid::BOOL => self.push(if text == "t" { "true" } else { "false" }),
            Oid::INT4 if !text.starts_with('-') => self.push(&text),
            // Looks like a float, and has no sign.
            Oid::NUMERIC if text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['e', 'E', '.']) => {
                self.push(&text);
            }
            _ => {
                label |= matches!(oid, Oid::INT4 | Oid::NUMERIC);
                self.push(&quoted(&text));
            }
        }
        if show == ShowType::Always || label && show == ShowType::WhereNeeded {
            let name = self.type_name(oid, -1);
            self.push(&format!("::{name}"));
        }
        Ok(())
    }

    /// The text a type writes for a value.
    fn output(&self, value: &Value, oid: Oid) -> Result<String> {
        match (oid, value) {
            (Oid::REGCLASS, Value::Integer(relation)) => return Ok(self.relation_name(*relation)),
            (Oid::REGTYPE, Value::Integer(of)) => {
                return Ok(u32::try_from(*of).map_or("-".to_owned(), |of| self.type_name(Oid(of), -1)));
            }
            _ => {}
        }
        let renamed = self.relabel.filter(|relabel| types::element_type(self.catalog, oid) == Some(relabel.of));
        if let (Some(relabel), Value::Text(array)) = (renamed, value)
            && let Ok(mut array) = serde_json::from_str(array)
        {
            rename_elements(&mut array, relabel);
            let renamed = Value::Text(array.to_string());
            return Printer { relabel: None, ..Printer::new(self.names, self.written, self.style) }
                .output(&renamed, oid);
        }
        let repr = types::repr_of(self.catalog, oid);
        let mut out = bytes::BytesMut::new();
        encoding::encode(repr, Format::Text, value.as_ref(), &self.moments.written, &mut out)?;
        String::from_utf8(out.to_vec()).map_err(|_| unprintable("this constant"))
    }

    fn relation_name(&self, oid: i64) -> String {
        let relation = u32::try_from(oid).ok().and_then(|oid| self.catalog.relations.get(&Oid(oid)));
        match relation {
            Some(relation) => self.names.relation(relation),
            None if oid == 0 => "-".to_owned(),
            None => oid.to_string(),
        }
    }

    /// A text that is read as a type when it is used, as the type writes it.
    pub(super) fn read_constant(&mut self, text: &str, oid: Oid, typmod: i32) {
        let renamed = self.relabel.filter(|relabel| relabel.of == oid && relabel.from == text);
        let text =
            renamed.map_or_else(|| canonical(text, (oid, typmod), &self.moments), |relabel| relabel.to.to_owned());
        let name = self.type_name(oid, typmod);
        self.push(&format!("{}::{name}", quoted(&text)));
    }
}

fn canonical(text: &str, (oid, typmod): (Oid, i32), moments: &Moments) -> String {
    let (read, written) = (&*moments.read, &*moments.written);
    let shown = || {
        if oid == Oid::INTERVAL {
            // The fields of the modifier say what a bare number counts.
            let interval = Interval::parse_with_typmod(text, read, typmod).ok()?;
            let mut out = String::new();
            return interval.write(written.interval_style, &mut out).ok().map(|()| out);
        }
        let info = type_info(oid)?;
        let value = encoding::decode(info.repr, info.sql_name, Format::Text, text.as_bytes(), read).ok()?;
        let mut out = bytes::BytesMut::new();
        encoding::encode(info.repr, Format::Text, value.as_ref(), written, &mut out).ok()?;
        String::from_utf8(out.to_vec()).ok()
    };
    shown().unwrap_or_else(|| text.to_owned())
}

fn rename_elements(value: &mut serde_json::Value, relabel: Relabel<'_>) {
    match value {
        serde_json::Value::String(label) if label == relabel.from => relabel.to.clone_into(label),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| rename_elements(item, relabel)),
        _ => {}
    }
}

/// simple_quote_literal
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
