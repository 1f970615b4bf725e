//! Types: the grammar's own in SQL's words, others by their names.

use super::Printer;
use crate::sql::syntax::ast::expression::{AConst, ConstValue, Expr, TypeName};
use crate::sql::syntax::grammar::type_name::*;

/// The grammar's names for types of pg_catalog without modifiers.
const PLAIN: &[(&str, &str)] = &[
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("bool", "boolean"),
];

fn constants(typmods: &[Expr]) -> Vec<i32> {
    typmods
        .iter()
        .filter_map(|typmod| match typmod {
            Expr::Const(AConst { value: ConstValue::Integer(n), .. }) => Some(*n),
            _ => None,
        })
        .collect()
}

impl Printer {
    pub(super) fn type_name(&mut self, type_name: &TypeName) {
        if type_name.setof {
            self.put("SETOF ");
        }
        match type_name.names.as_slice() {
            [schema, name] if schema == "pg_catalog" && !type_name.pct_type => {
                self.system_type(name, &type_name.typmods);
            }
            names => {
                self.any_name(names);
                self.typmods(&type_name.typmods);
            }
        }
        if type_name.pct_type {
            self.put("%TYPE");
        }
        for bound in &type_name.array_bounds {
            match bound {
                None => self.put("[]"),
                Some(length) => self.put(&format!("[{length}]")),
            }
        }
    }

    fn typmods(&mut self, typmods: &[Expr]) {
        if !typmods.is_empty() {
            self.parens(|p| p.list(typmods, ", ", |p, typmod| p.expr(typmod)));
        }
    }

    fn system_type(&mut self, name: &str, typmods: &[Expr]) {
        let numbers = constants(typmods);
        let simple = numbers.len() == typmods.len();
        let plain = PLAIN.iter().find(|(internal, _)| *internal == name).map(|(_, words)| *words);
        match (name, numbers.as_slice()) {
            (_, []) if plain.is_some() && typmods.is_empty() => self.put(plain.unwrap_or(name)),
            ("numeric", _) => {
                self.put("numeric");
                self.typmods(typmods);
            }
            ("varbit", _) => {
                self.put("bit varying");
                self.typmods(typmods);
            }
            ("bit", [_, ..]) if simple => {
                self.put("bit");
                self.typmods(typmods);
            }
            ("varchar", [] | [_]) if simple => {
                self.put("character varying");
                self.typmods(typmods);
            }
            ("bpchar", [_]) if simple => {
                self.put("character");
                self.typmods(typmods);
            }
            ("time" | "timestamp" | "timetz" | "timestamptz", [] | [_]) if simple => {
                let zoned = name.ends_with("tz");
                self.put(name.trim_end_matches("tz"));
                self.typmods(typmods);
                self.put(if zoned { " with time zone" } else { " without time zone" });
            }
            ("interval", fields) if simple && fields.len() <= 2 => self.interval(fields),
            _ => {
                self.put("pg_catalog.");
                self.name(name);
                self.typmods(typmods);
            }
        }
    }

    fn interval(&mut self, typmods: &[i32]) {
        self.put("interval");
        let precision = typmods.get(1).map_or(String::new(), |precision| format!("({precision})"));
        let fields = match typmods.first() {
            None => return,
            Some(&INTERVAL_FULL_RANGE) => return self.put(&precision),
            Some(fields) => *fields,
        };
        let words = [
            (INTERVAL_YEAR, "year"),
            (INTERVAL_MONTH, "month"),
            (INTERVAL_DAY, "day"),
            (INTERVAL_HOUR, "hour"),
            (INTERVAL_MINUTE, "minute"),
            (INTERVAL_SECOND, "second"),
        ];
        let mut given = words.iter().filter(|(field, _)| fields & field != 0).map(|(_, word)| *word);
        let (first, last) = (given.next(), given.next_back());
        for (before, word) in [(" ", first), (" to ", last)] {
            if let Some(word) = word {
                self.put(before);
                self.put(word);
            }
        }
        self.put(&precision);
    }
}
