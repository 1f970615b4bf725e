//! A table that others inherit from, and a partitioned one: what is read is the rows of all its members.
//!
//! Owns: [`Lower::members_entry`] and the ways from a member's columns to the table's. Must not know: which rows are in
//! which partition (`pruning`). SQLite moves conditions on the whole down into each member, where its indexes serve them.

use std::rc::Rc;

use super::program::rowid;
use super::tree::{Body, ColumnRef, Expr, ExprKind, FromItem, Query, Select, SetOperator, Target};
use super::{Columns, Entry, Lower};
use crate::catalog::schema::Relation;
use crate::error::Result;
use crate::sql::tree::{EntryId, TABLE_OID, Var};
use crate::types::pg_type::Oid;

/// SQLite takes so many SELECTs in a row.
const MOST_TOGETHER: usize = 250;

impl<'a> Lower<'a> {
    /// The tables that have rows of a table; a partitioned one without partitions has itself, which is empty.
    pub(super) fn members(&self, relation: &'a Relation) -> Vec<&'a Relation> {
        let members: Vec<&Relation> =
            self.catalog().members(relation.oid).into_iter().map(|member| &**member).collect();
        if members.is_empty() { vec![relation] } else { members }
    }

    /// A table with the rows of all its members.
    pub(super) fn members_entry(&mut self, id: EntryId, oid: Oid) -> Result<FromItem> {
        let relation = self.relation(oid)?;
        self.members_item(id, relation)
    }

    pub(super) fn members_item(&mut self, id: EntryId, relation: &'a Relation) -> Result<FromItem> {
        let alias = self.alias(id);
        let mut numbers: Vec<i16> = relation.columns.iter().map(|column| column.number).collect();
        numbers.extend([TABLE_OID, Var::CTID]);
        let columns = numbers.into_iter().zip(1..).map(|(number, n)| (number, format!("c{n}").into()));
        let columns = Columns::Named(columns.collect());
        self.entries.insert(id, Entry { alias: Some(alias.clone()), columns });
        let members = self.members(relation);
        let branches = members.into_iter().map(|member| {
            let needed = self.needed(id, relation, member)?;
            Ok(self.branch(relation, member, needed))
        });
        let branches = branches.collect::<Result<_>>()?;
        Ok(FromItem::Derived { query: Box::new(self.union_of(branches)), alias })
    }

    /// SELECT of one member's rows, as rows of the table.
    fn branch(&mut self, relation: &Relation, member: &Relation, selection: Option<Expr>) -> Query {
        let alias = self.fresh_alias();
        let (item, names, row) = self.member_item(member, alias);
        let mut targets: Vec<Expr> = relation
            .columns
            .iter()
            .map(|column| {
                let own = member.columns.iter().position(|own| own.name == column.name);
                let name = own.and_then(|place| names.get(place));
                let kind = match name {
                    Some(name) => ExprKind::Column(name.clone()),
                    None => ExprKind::Null,
                };
                Expr { kind, type_oid: column.type_oid, typmod: column.typmod }
            })
            .collect();
        targets.push(Expr::integer(i64::from(member.oid.0), Oid::OID));
        targets.push(row);
        let targets = targets.into_iter().map(|expr| Target { name: String::new(), expr }).collect();
        Query::of_select(Select { targets, from: vec![item], selection, ..Select::default() })
    }

    /// A member in FROM, its columns in order, and SQLite's number of its row; as it was before, if an earlier step has
    /// changed it.
    fn member_item(&mut self, member: &Relation, alias: Rc<str>) -> (FromItem, Vec<ColumnRef>, Expr) {
        let column = |name: Rc<str>, not_null| ColumnRef { alias: Some(alias.clone()), column: name, not_null };
        if let Some(item) = self.copy_of(member, alias.clone()) {
            let names = (1..).zip(&member.columns).map(|(n, own)| column(format!("c{n}").into(), own.not_null));
            let null = Expr::new(ExprKind::Null, Oid::INT8);
            let row = Expr::positional(alias.clone(), member.columns.len(), &null);
            return (item, names.collect(), row);
        }
        let names = member.columns.iter().map(|own| column(own.stored_name().into(), own.not_null)).collect();
        let row = rowid(member, Some(alias.clone()));
        (FromItem::Table { name: member.sqlite_name.clone(), alias }, names, row)
    }

    /// Branches as one query: as many in a row as SQLite takes, and those in a row again.
    fn union_of(&mut self, branches: Vec<Query>) -> Query {
        let mut together: Vec<Query> = Vec::new();
        let mut branches = branches.into_iter().peekable();
        while branches.peek().is_some() {
            let mut group = branches.by_ref().take(MOST_TOGETHER);
            let Some(first) = group.next() else { break };
            together.push(group.fold(first, |left, right| {
                let (left, right) = (Box::new(left), Box::new(right));
                Query::of(Body::SetOperation { operator: SetOperator::Union, all: true, left, right })
            }));
        }
        match <[Query; 1]>::try_from(together) {
            Ok([only]) => only,
            Err(several) => {
                let wrapped = several.into_iter().map(|query| Query::of_select(self.select_all(query))).collect();
                self.union_of(wrapped)
            }
        }
    }
}
