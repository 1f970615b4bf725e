//! PARTITION BY and FOR VALUES: keys and bounds read, checked and compared; the CHECK by which SQLite keeps rows out of a
//! partition that is not theirs.
//!
//! Specification: ComputePartitionAttrs in tablecmds.c, transformPartitionBound in parse_utilcmd.c, check_new_partition_bound
//! in partbounds.c.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::Change;
use super::expression::Coercion;
use super::rebuild::Sources;
use super::sqlite::{qualified, quote};
use crate::catalog::definitions::Names;
use crate::catalog::inheritance::{Datum, KeyColumn, PartitionBound, PartitionKey, RangeDatum, Strategy};
use crate::catalog::partition_constraint::{self, Style};
use crate::catalog::schema::{Relation, RelationKind};
use crate::engine::constraint_errors::show;
use crate::engine::functions::owned;
use crate::engine::partitioning::{Comparison, compare_bounds, key_name};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{BoundDefinition, CollateName, Expr, KeyPart, PartitionBound as WrittenBound, PartitionSpec};
use crate::sql::stored;
use crate::types::hash::is_hashable;
use crate::types::order::has_order;
use crate::types::pg_type::{Oid, type_info};
use crate::types::value::Value;

/// What the CHECK of a partition is called inside SQLite.
pub(crate) const PARTITION_CHECK: &str = "__pg_partition";

/// The most columns of a key (PARTITION_MAX_KEYS).
const MAX_KEYS: usize = 32;

fn invalid_definition(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message.into())
}

fn invalid_table(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_TABLE_DEFINITION, message.into())
}

fn placed(error: Error, place: Option<u32>) -> Error {
    match place {
        Some(place) => error.with_position(place),
        None => error,
    }
}

impl Change<'_> {
    /// PARTITION BY of a table whose columns are there.
    pub(super) fn partition_key(
        &self,
        relation: &Relation,
        (spec, places): &(PartitionSpec, Vec<Option<u32>>),
    ) -> Result<PartitionKey> {
        let all = [Strategy::List, Strategy::Range, Strategy::Hash];
        let Some(strategy) = all.into_iter().find(|s| s.name().eq_ignore_ascii_case(&spec.strategy)) else {
            let message = format!("unrecognized partitioning strategy \"{}\"", spec.strategy);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        };
        if strategy == Strategy::List && spec.params.len() != 1 {
            return Err(invalid_definition("cannot use \"list\" partition strategy with more than one column"));
        }
        if spec.params.len() > MAX_KEYS {
            let message = format!("cannot partition using more than {MAX_KEYS} columns");
            return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
        }
        let mut columns = Vec::with_capacity(spec.params.len());
        for (part, place) in spec.params.iter().zip(places) {
            let (column, expression, type_oid) = match &part.key {
                KeyPart::Column(name) => {
                    let column = self.key_column(relation, name).map_err(|e| placed(e, *place))?;
                    (column.0, None, column.1)
                }
                KeyPart::Expr(expression) => match stored::column_name(expression) {
                    Some(name) => {
                        let column = self.key_column(relation, name).map_err(|e| placed(e, *place))?;
                        (column.0, None, column.1)
                    }
                    None => {
                        let (text, type_oid) = self.key_expression(relation, expression)?;
                        (0, Some(text), type_oid)
                    }
                },
            };
            let base = self.base_type(type_oid);
            if type_info(base).is_some_and(|info| info.kind == b'p') {
                let (number, shown) = (columns.len() + 1, self.type_display(base));
                return Err(invalid_table(format!("partition key column {number} has pseudo-type {shown}")));
            }
            let repr = self.catalog.repr(base);
            let (fits, method) = match strategy {
                Strategy::Hash => (repr.is_some_and(is_hashable), "hash"),
                Strategy::List | Strategy::Range => (has_order(base), "btree"),
            };
            let last = |name: &[String]| name.last().cloned().unwrap_or_default();
            let written = part.collation.clone().map(|names| CollateName { names, place: None });
            let collation = self.column_collation(written.as_ref(), base)?;
            let own = || relation.column_by_number(column).and_then(|column| column.options.collation.clone());
            let ordering =
                collation.clone().or_else(own).map_or(Oid::INVALID, |kept| self.catalog.collation_oid(&kept));
            if strategy == Strategy::Range && self.catalog.collation_locale(ordering).is_some() {
                return Err(Error::unsupported("range partitions by a key under a collation of ICU"));
            }
            if !fits {
                let shown = self.type_display(base);
                if strategy == Strategy::Hash && has_order(base) {
                    return Err(Error::unsupported(format!("hash partitions by a key of type {shown}")));
                }
                let message = format!("data type {shown} has no default operator class for access method \"{method}\"");
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message).with_hint(format!(
                    "You must specify a {method} operator class or define a default {method} operator class for the \
                     data type."
                )));
            }
            let operator_class = self.partition_class(part.opclass.as_deref().map(last), base, (strategy, method))?;
            columns.push(KeyColumn { column, expression, type_oid, collation, operator_class });
        }
        Ok(PartitionKey { strategy, columns })
    }

    /// The operator class of a key; only the type's own orders and hashes as its values are stored.
    fn partition_class(
        &self,
        class: Option<String>,
        base: Oid,
        (strategy, method): (Strategy, &str),
    ) -> Result<Option<String>> {
        let Some(class) = class else { return Ok(None) };
        match self.is_default_class(&class, base, method)? {
            true => Ok(None),
            false => {
                let what = if strategy == Strategy::Hash { "hash" } else { "btree" };
                Err(Error::unsupported(format!("the {what} operator class \"{class}\" in a partition key")))
            }
        }
    }

    fn key_column(&self, relation: &Relation, name: &str) -> Result<(i16, Oid)> {
        const SYSTEM: &[&str] = &["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];
        let Some(column) = relation.column(name) else {
            if SYSTEM.contains(&name) {
                return Err(invalid_definition(format!("cannot use system column \"{name}\" in partition key")));
            }
            let message = format!("column \"{name}\" named in partition key does not exist");
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        if column.generated {
            return Err(invalid_definition("cannot use generated column in partition key")
                .with_detail(format!("Column \"{name}\" is a generated column.")));
        }
        Ok((column.number, column.type_oid))
    }

    fn key_expression(&self, relation: &Relation, expression: &Expr) -> Result<(String, Oid)> {
        let analysed = stored::key_expression(expression, relation, self.planning())?;
        let analysed = analysed.map_err(|_| Error::internal("a partition key without a type"))?;
        let generated = analysed.columns.iter().filter_map(|n| relation.column_by_number(*n)).find(|c| c.generated);
        if let Some(column) = generated {
            return Err(invalid_definition("cannot use generated column in partition key")
                .with_detail(format!("Column \"{}\" is a generated column.", column.name)));
        }
        if analysed.columns.is_empty() {
            return Err(invalid_definition("cannot use constant expression as partition key"));
        }
        self.check_immutable(relation, &analysed.sql)?;
        Ok((self.deparse(expression, relation), analysed.type_oid))
    }

    /// 42P17 for an expression that is not immutable: SQLite knows it, and says so of an index.
    fn check_immutable(&self, relation: &Relation, sql: &str) -> Result<()> {
        let columns: Vec<String> = relation.columns.iter().map(|column| quote(column.stored_name())).collect();
        let made = format!("CREATE TEMP TABLE \"__pg_probe\" ({})", columns.join(", "));
        self.execute(&made)?;
        let index =
            self.connection.execute(&format!("CREATE INDEX temp.\"__pg_probe_index\" ON \"__pg_probe\" ({sql})"), []);
        self.execute("DROP TABLE temp.\"__pg_probe\"")?;
        match index {
            Ok(_) => Ok(()),
            Err(error) => match self.failed(error) {
                error if error.code() == SqlState::INVALID_OBJECT_DEFINITION => {
                    Err(invalid_definition("functions in partition key expression must be marked IMMUTABLE"))
                }
                error => Err(error),
            },
        }
    }

    // ----- bounds

    /// FOR VALUES … of a partition of `parent`.
    pub(super) fn partition_bound(&self, parent: &Relation, spec: &BoundDefinition) -> Result<PartitionBound> {
        let Some(key) = &parent.options.inheritance.key else {
            let message = format!("\"{}\" is not partitioned", parent.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        };
        let wrong = || {
            let message = format!("invalid bound specification for a {} partition", key.strategy.name());
            placed(invalid_table(message), spec.place)
        };
        match (&spec.bound, key.strategy) {
            (WrittenBound::Default, Strategy::Hash) => {
                Err(invalid_table("a hash-partitioned table may not have a default partition"))
            }
            (WrittenBound::Default, _) => Ok(PartitionBound::Default),
            (WrittenBound::Hash { modulus, remainder }, Strategy::Hash) => {
                if *modulus <= 0 {
                    let message = "modulus for hash partition must be an integer value greater than zero";
                    return Err(invalid_table(message));
                }
                if *remainder < 0 {
                    let message = "remainder for hash partition must be an integer value greater than or equal to zero";
                    return Err(invalid_table(message));
                }
                if remainder >= modulus {
                    return Err(invalid_table("remainder for hash partition must be less than modulus"));
                }
                Ok(PartitionBound::Hash { modulus: *modulus, remainder: *remainder })
            }
            (WrittenBound::List(values), Strategy::List) => {
                let column = key.columns.first().ok_or_else(|| Error::internal("a partition key"))?;
                let mut list: Vec<Datum> = Vec::new();
                for (value, place) in values.iter().zip(&spec.places) {
                    let datum = self.bound_value(parent, column, (value, *place))?;
                    if !list.iter().any(|known| known.value == datum.value) {
                        list.push(datum);
                    }
                }
                Ok(PartitionBound::List(list))
            }
            (WrittenBound::Range { lower, upper }, Strategy::Range) => {
                for (side, bounds) in [("FROM", lower), ("TO", upper)] {
                    if bounds.len() != key.columns.len() {
                        let message = format!("{side} must specify exactly one value per partitioning column");
                        return Err(invalid_table(message));
                    }
                }
                let (from, to) = spec.places.split_at_checked(lower.len()).unwrap_or_default();
                let (lower, upper) =
                    (self.range_bound(parent, key, (lower, from))?, self.range_bound(parent, key, (upper, to))?);
                Ok(PartitionBound::Range { lower, upper })
            }
            _ => Err(wrong()),
        }
    }

    fn range_bound(
        &self,
        parent: &Relation,
        key: &PartitionKey,
        (written, places): (&[Expr], &[Option<u32>]),
    ) -> Result<Vec<RangeDatum>> {
        let mut bounds = Vec::with_capacity(written.len());
        for (column, (value, place)) in key.columns.iter().zip(written.iter().zip(places)) {
            bounds.push(match stored::column_name(value) {
                Some("minvalue") => RangeDatum::MinValue,
                Some("maxvalue") => RangeDatum::MaxValue,
                _ => {
                    let datum = self.bound_value(parent, column, (value, *place))?;
                    if datum.value == Value::Null {
                        return Err(invalid_definition("cannot specify NULL in range bound"));
                    }
                    RangeDatum::Value(datum)
                }
            });
        }
        for (pair, place) in bounds.windows(2).zip(places.iter().skip(1)) {
            let after = |open: &RangeDatum| matches!(pair, [first, second] if first == open && second != open);
            for (open, name) in [(RangeDatum::MinValue, "MINVALUE"), (RangeDatum::MaxValue, "MAXVALUE")] {
                if after(&open) {
                    let message = format!("every bound following {name} must also be {name}");
                    return Err(placed(Error::new(SqlState::DATATYPE_MISMATCH, message), *place));
                }
            }
        }
        Ok(bounds)
    }

    /// A constant of a bound, as the key's type.
    fn bound_value(
        &self,
        parent: &Relation,
        column: &KeyColumn,
        (expression, place): (&Expr, Option<u32>),
    ) -> Result<Datum> {
        if stored::column_name(expression).is_some() {
            let message = "cannot use column reference in partition bound expression";
            return Err(placed(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), place));
        }
        let typmod = parent.column_by_number(column.column).map_or(-1, |column| column.typmod);
        let analysed = stored::bound_expression(expression, (column.type_oid, typmod), self.planning());
        let analysed = analysed.map_err(|e| placed(e, place))?;
        let Ok(value) = analysed else {
            let shown = self.type_display(column.type_oid);
            let name = key_name(&column.text(parent));
            let message = format!("specified value cannot be cast to type {shown} for column \"{name}\"");
            return Err(placed(Error::new(SqlState::DATATYPE_MISMATCH, message), place));
        };
        let read = self.connection.query_row(&format!("SELECT {}", value.sql), [], |row| row.get_ref(0).map(owned));
        let value = self.sqlite(read).map_err(|e| placed(e, place))?;
        let literal = self.bound_literal(column.type_oid, &value);
        Ok(Datum { value, literal })
    }

    /// get_const_expr without a type.
    fn bound_literal(&self, type_oid: Oid, value: &Value) -> String {
        let base = self.base_type(type_oid);
        let Some(repr) = self.catalog.repr(base) else { return String::new() };
        if *value == Value::Null {
            return "NULL".to_owned();
        }
        let format = self.context.settings.format();
        let text = show(repr, value, format).unwrap_or_default();
        let plain = match base {
            Oid::INT4 => !text.starts_with('-'),
            Oid::NUMERIC => text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['e', 'E', '.']),
            Oid::BOOL => return if text == "t" { "true".to_owned() } else { "false".to_owned() },
            _ => false,
        };
        if plain { text } else { format!("'{}'", text.replace('\'', "''")) }
    }

    /// How the values of a key compare.
    pub(super) fn key_comparisons(&self, key: &PartitionKey) -> Vec<Comparison> {
        key.columns.iter().map(|column| Comparison::of(&self.catalog, column.type_oid)).collect()
    }

    /// 42P17 for a bound that does not fit among those of the other partitions (check_new_partition_bound).
    pub(super) fn check_new_bound(
        &self,
        parent: &Relation,
        name: &str,
        (bound, spec): (&PartitionBound, &BoundDefinition),
    ) -> Result<()> {
        let Some(key) = &parent.options.inheritance.key else { return Ok(()) };
        let comparisons = self.key_comparisons(key);
        let siblings = parent.options.inheritance.children.iter().filter_map(|oid| self.catalog.relations.get(oid));
        let siblings: Vec<(&Relation, &PartitionBound)> =
            siblings.filter_map(|s| Some((&**s, s.options.inheritance.bound.as_ref()?))).collect();
        let overlaps = |other: &Relation, place: Option<u32>| {
            let message = format!("partition \"{name}\" would overlap partition \"{}\"", other.name);
            Err(placed(invalid_definition(message), place))
        };
        let place_of = |place: usize| spec.places.get(place).copied().flatten();
        match bound {
            PartitionBound::Default => match siblings.iter().find(|(_, b)| **b == PartitionBound::Default) {
                Some((other, _)) => {
                    let message =
                        format!("partition \"{name}\" conflicts with existing default partition \"{}\"", other.name);
                    Err(placed(invalid_definition(message), spec.place))
                }
                None => Ok(()),
            },
            PartitionBound::List(values) => {
                let comparison = comparisons.first().ok_or_else(|| Error::internal("a partition key"))?;
                for (value, at) in values.iter().zip(0..) {
                    for (other, bound) in &siblings {
                        let PartitionBound::List(others) = bound else { continue };
                        if others.iter().any(|o| comparison.compare(&o.value, &value.value).is_eq()) {
                            return overlaps(other, place_of(at));
                        }
                    }
                }
                Ok(())
            }
            PartitionBound::Range { lower, upper } => {
                if compare_bounds(&comparisons, lower, upper).is_ge() {
                    let shown =
                        |bound: &[RangeDatum]| bound.iter().map(RangeDatum::text).collect::<Vec<_>>().join(", ");
                    let message = format!("empty range bound specified for partition \"{name}\"");
                    return Err(placed(invalid_definition(message), place_of(0)).with_detail(format!(
                        "Specified lower bound ({}) is greater than or equal to upper bound ({}).",
                        shown(lower),
                        shown(upper)
                    )));
                }
                for (other, bound) in &siblings {
                    let PartitionBound::Range { lower: from, upper: to } = bound else { continue };
                    let apart = compare_bounds(&comparisons, upper, from).is_le()
                        || compare_bounds(&comparisons, to, lower).is_le();
                    if !apart {
                        let inside = compare_bounds(&comparisons, from, lower).is_le();
                        return overlaps(other, place_of(if inside { 0 } else { lower.len() }));
                    }
                }
                Ok(())
            }
            PartitionBound::Hash { modulus, remainder } => {
                match self.check_hash_bound((*modulus, *remainder), &siblings)? {
                    Some(other) => overlaps(other, spec.place),
                    None => Ok(()),
                }
            }
        }
    }

    /// The partition that has rows of this one, too.
    fn check_hash_bound<'s>(
        &self,
        (modulus, remainder): (i32, i32),
        siblings: &[(&'s Relation, &PartitionBound)],
    ) -> Result<Option<&'s Relation>> {
        let mut others: Vec<(i32, i32, &'s Relation)> = siblings
            .iter()
            .filter_map(|(relation, bound)| match bound {
                PartitionBound::Hash { modulus, remainder } => Some((*modulus, *remainder, *relation)),
                _ => None,
            })
            .collect();
        others.sort_by_key(|(modulus, remainder, _)| (*modulus, *remainder));
        let factor = "every hash partition modulus must be a factor of the next larger modulus";
        let below = others.iter().rev().find(|(other, rest, _)| (*other, *rest) <= (modulus, remainder));
        let above = others.iter().find(|(other, rest, _)| (*other, *rest) > (modulus, remainder));
        let (below, above) = match below {
            None => (None, others.first()),
            Some(_) => (below, above),
        };
        if let Some((smaller, _, other)) = below
            && modulus % smaller != 0
        {
            return Err(invalid_definition(factor).with_detail(format!(
                "The new modulus {modulus} is not divisible by {smaller}, the modulus of existing partition \"{}\".",
                other.name
            )));
        }
        if let Some((larger, _, other)) = above
            && larger % modulus != 0
        {
            return Err(invalid_definition(factor).with_detail(format!(
                "The new modulus {modulus} is not a factor of {larger}, the modulus of existing partition \"{}\".",
                other.name
            )));
        }
        let meets = |(other, rest, _): &&(i32, i32, &Relation)| {
            let (small, large) = if *other < modulus {
                ((*other, *rest), (modulus, remainder))
            } else {
                ((modulus, remainder), (*other, *rest))
            };
            large.1 % small.0 == small.1
        };
        Ok(others.iter().find(meets).map(|(.., other)| *other))
    }

    /// The children of a table with one more, in their order.
    pub(super) fn children_with(&self, parent: &Relation, child: &Relation) -> Vec<Oid> {
        let mut children = parent.options.inheritance.children.clone();
        children.retain(|oid| *oid != child.oid);
        children.push(child.oid);
        let Some(key) = &parent.options.inheritance.key else { return children };
        let comparisons = self.key_comparisons(key);
        let bound = |oid: &Oid| {
            let relation = if *oid == child.oid { Some(child) } else { self.catalog.relations.get(oid).map(|r| &**r) };
            relation.and_then(|relation| relation.options.inheritance.bound.as_ref())
        };
        let lowest = |values: &[Datum]| -> Option<Value> {
            let comparison = comparisons.first()?;
            values.iter().map(|d| d.value.clone()).min_by(|a, b| comparison.compare(a, b))
        };
        children.sort_by(|a, b| match (bound(a), bound(b)) {
            (Some(PartitionBound::Default), Some(PartitionBound::Default)) => Ordering::Equal,
            (Some(PartitionBound::Default), _) => Ordering::Greater,
            (_, Some(PartitionBound::Default)) => Ordering::Less,
            (Some(PartitionBound::Range { lower: a, .. }), Some(PartitionBound::Range { lower: b, .. })) => {
                compare_bounds(&comparisons, a, b)
            }
            (
                Some(PartitionBound::Hash { modulus: a, remainder: ar }),
                Some(PartitionBound::Hash { modulus: b, remainder: br }),
            ) => (a, ar).cmp(&(b, br)),
            (Some(PartitionBound::List(a)), Some(PartitionBound::List(b))) => match (lowest(a), lowest(b)) {
                (Some(a), Some(b)) => comparisons.first().map_or(Ordering::Equal, |c| c.compare(&a, &b)),
                _ => Ordering::Equal,
            },
            _ => Ordering::Equal,
        });
        children
    }

    // ----- the CHECK

    /// What SQLite checks of the rows of a partition.
    pub(super) fn partition_check_sql(&self, relation: &Relation) -> Result<Option<String>> {
        if !relation.is_partition() || relation.kind != RelationKind::Table {
            return Ok(None);
        }
        let search_path = stored::search_path();
        let names = Names { catalog: &self.catalog, search_path: &search_path };
        let mut parts = Vec::new();
        let mut child = relation;
        let above = self.catalog.partition_ancestors(relation);
        for parent in &above {
            match &child.options.inheritance.bound {
                Some(PartitionBound::Hash { modulus, remainder }) => {
                    parts.push(self.hash_check_sql(relation, parent, (*modulus, *remainder))?);
                }
                _ => {
                    for text in partition_constraint::own_conjuncts(&names, parent, child, Style::Plain) {
                        parts.push(self.relation_sql(&text, relation, Coercion::Boolean)?);
                    }
                }
            }
            child = parent;
        }
        let parts: Vec<String> = parts.into_iter().map(|part| format!("({part})")).collect();
        Ok(Some(parts.join(" AND ")).filter(|sql| !sql.is_empty()))
    }

    fn hash_check_sql(
        &self,
        relation: &Relation,
        parent: &Relation,
        (modulus, remainder): (i32, i32),
    ) -> Result<String> {
        let columns = parent.options.inheritance.key.iter().flat_map(|key| &key.columns);
        let mut types = Vec::new();
        let mut keys = Vec::new();
        for column in columns {
            types.push(self.base_type(column.type_oid).0.to_string());
            keys.push(self.stored_expression(&column.text(parent), relation)?.sql);
        }
        let (types, keys) = (types.join(","), keys.join(", "));
        Ok(format!("__pg_is_in_hash_partition('{types}', {modulus}, {remainder}, {keys})"))
    }

    /// 23514 with this message if some row of these tables is not where it belongs.
    pub(super) fn check_partition_rows(&self, oid: Oid, message: &dyn Fn(&Relation) -> String) -> Result<()> {
        for member in self.catalog.members(oid) {
            let Some(condition) = self.partition_check_sql(member)? else { continue };
            let sql = format!("SELECT 1 FROM {} WHERE NOT ({condition}) LIMIT 1", qualified(member));
            let mut statement = self.sqlite(self.connection.prepare(&sql))?;
            if self.sqlite(statement.exists([]))? {
                return Err(Error::new(SqlState::CHECK_VIOLATION, message(member))
                    .with_schema(&member.schema)
                    .with_table(&member.name));
            }
        }
        Ok(())
    }

    /// The CHECKs of a table's members are made anew: what belongs into them has changed.
    pub(super) fn renew_partition_checks(&mut self, oid: Oid) -> Result<()> {
        let members: Vec<Relation> =
            self.catalog.members(oid).into_iter().map(|member| Relation::clone(member)).collect();
        for member in members {
            if !self.redeclare(&member, &member)? {
                self.rebuild(&member.clone(), member, &Sources::new())?;
            }
        }
        Ok(())
    }

    /// The default partition has fewer rows, or more, since another has come or gone.
    pub(super) fn default_partition_changed(&mut self, parent: Oid, other: Oid) -> Result<()> {
        let Some(table) = self.catalog.relations.get(&parent) else { return Ok(()) };
        let children: HashSet<Oid> = table.options.inheritance.children.iter().copied().collect();
        let is_default = |oid: &Oid| {
            let relation = self.catalog.relations.get(oid);
            relation.is_some_and(|r| r.options.inheritance.bound == Some(PartitionBound::Default))
        };
        let Some(default) = children.into_iter().filter(|oid| *oid != other).find(is_default) else { return Ok(()) };
        self.check_partition_rows(default, &|member| {
            format!(
                "updated partition constraint for default partition \"{}\" would be violated by some row",
                member.name
            )
        })?;
        self.renew_partition_checks(default)
    }
}
