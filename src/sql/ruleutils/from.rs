//! FROM: entries, joins, and the names they are given (set_rtable_names, get_from_clause).

use super::layout::{JOIN, STD, VAR};
use super::{Printer, unprintable};
use crate::catalog::definitions::quote_identifier;
use crate::error::Result;
use crate::limits::stack;
use crate::sql::analyze::written::{EntryName, JoinName};
use crate::sql::tree::{Body, EntryId, EntryKind, Expr, ExprKind, FromItem, JoinKind, RangeTblEntry};

/// How an entry is shown.
pub(super) struct Shown {
    /// Empty: its columns have nothing before them.
    pub name: String,
    /// By their numbers.
    pub columns: Vec<(i16, String)>,
    /// The columns' names are written as they are: VALUE.
    pub verbatim: bool,
}

impl Printer<'_> {
    /// Gives the entries of a FROM clause names that nothing in sight has.
    pub(super) fn enter_from(&mut self, from: &[FromItem]) -> Result<()> {
        from.iter().try_for_each(|item| self.enter(item))
    }

    fn enter(&mut self, item: &FromItem) -> Result<()> {
        stack::check()?;
        match item {
            FromItem::Entry(entry) => {
                let Some(written) = self.written.entries.get(&entry.id) else {
                    return Err(unprintable("this element of FROM"));
                };
                let (own, columns) = self.own_name(entry, written)?;
                self.name_entry(entry.id, own, columns);
            }
            FromItem::Join { left, right, .. } => {
                self.enter(left)?;
                self.enter(right)?;
                let written = self.written;
                for name in self.join_name(right).map_or(Vec::new(), |join| join.using.clone()) {
                    self.keep_name(left, &name);
                    self.keep_name(right, &name);
                }
                if let Some(id) = self.join_name(right).and_then(|join| join.alias)
                    && let Some(name) = written.entries.get(&id)
                {
                    self.name_entry(id, name.name.clone(), numbered(&name.columns));
                }
            }
        }
        Ok(())
    }

    /// An entry's name and columns before they are told apart from others. A relation without an alias is called as
    /// it is now.
    fn own_name(&self, entry: &RangeTblEntry, written: &EntryName) -> Result<(String, Vec<(i16, String)>)> {
        let EntryKind::Relation(oid) = entry.kind else {
            return Ok((written.name.clone(), numbered(&written.columns)));
        };
        let Some(relation) = self.catalog.relations.get(&oid) else { return Err(unprintable("this relation")) };
        let name = if written.alias { written.name.clone() } else { relation.name.clone() };
        let columns = relation.columns.iter().enumerate().map(|(place, column)| {
            let given = written.columns.get(place).filter(|_| place < written.column_aliases);
            (column.number, given.unwrap_or(&column.name).clone())
        });
        Ok((name, columns.collect()))
    }

    pub(super) fn name_entry(&mut self, id: EntryId, name: String, columns: Vec<(i16, String)>) {
        let mut unique = name.clone();
        let mut number = 0;
        while self.taken.contains(&unique) {
            number += 1;
            unique = format!("{name}_{number}");
        }
        self.taken.push(unique.clone());
        self.shown.insert(id, Shown { name: unique, columns, verbatim: false });
    }

    /// A column that USING names goes on being called so, whatever has become of the table's (set_using_names).
    fn keep_name(&mut self, side: &FromItem, name: &str) {
        match side {
            FromItem::Join { left, right, .. } => {
                self.keep_name(left, name);
                self.keep_name(right, name);
            }
            FromItem::Entry(entry) => {
                let place = self.written.entries.get(&entry.id).and_then(|e| e.columns.iter().position(|c| c == name));
                let column = place.and_then(|place| self.shown.get_mut(&entry.id)?.columns.get_mut(place));
                if let Some((_, shown)) = column {
                    name.clone_into(shown);
                }
            }
        }
    }

    /// What the text says of the join with this right side.
    fn join_name(&self, right: &FromItem) -> Option<&JoinName> {
        self.written.joins.get(&first_entry(right))
    }

    pub(super) fn from_clause(&mut self, from: &[FromItem]) -> Result<()> {
        for (index, item) in from.iter().enumerate() {
            if index == 0 {
                self.keyword(" FROM ", -STD, STD, 2);
                self.from_item(item)?;
                continue;
            }
            self.push(", ");
            let text = self.apart(|p| p.from_item(item))?;
            if self.style.indent && self.style.wrap >= 0 {
                if text.starts_with('\n') {
                    self.remove_spaces();
                } else if self.line_with(&text) > self.style.wrap {
                    self.keyword("", -STD, STD, VAR);
                }
            }
            self.push(&text);
        }
        Ok(())
    }

    fn from_item(&mut self, item: &FromItem) -> Result<()> {
        stack::check()?;
        match item {
            FromItem::Entry(entry) => self.entry(entry),
            FromItem::Join { kind, left, right, on } => self.join(*kind, (left, right), on.as_ref()),
        }
    }

    fn entry(&mut self, entry: &RangeTblEntry) -> Result<()> {
        let (Some(written), Some(shown)) = (self.written.entries.get(&entry.id), self.shown.get(&entry.id)) else {
            return Err(unprintable("this element of FROM"));
        };
        let name = shown.name.clone();
        let columns: Vec<String> = shown.columns.iter().map(|(_, name)| name.clone()).collect();
        let (mut alias, mut with_columns) = (written.alias, written.column_aliases > 0);
        match &entry.kind {
            EntryKind::Relation(oid) | EntryKind::Members(oid) => {
                let Some(relation) = self.catalog.relations.get(oid) else { return Err(unprintable("this relation")) };
                let own: Vec<&String> = relation.columns.iter().map(|column| &column.name).collect();
                with_columns = columns.iter().ne(own);
                alias |= with_columns || name != relation.name;
                if written.only {
                    self.push("ONLY ");
                }
                let text = self.names.relation(relation);
                self.push(&text);
            }
            // VALUES whose columns were given names (query_def).
            EntryKind::Subquery { query, .. } if name == "*VALUES*" && matches!(query.body, Body::Values { .. }) => {
                let Body::Values { rows, .. } = &query.body else { return Err(unprintable("VALUES")) };
                self.push("(");
                self.values(rows)?;
                self.push(")");
                alias = true;
            }
            EntryKind::Subquery { query, lateral } => {
                self.push(if *lateral { "LATERAL (" } else { "(" });
                self.subquery_def(query, true)?;
                self.push(")");
                alias = true;
            }
            EntryKind::Function { calls, ordinality } => {
                self.functions(calls, *ordinality)?;
                (alias, with_columns) = (true, true);
            }
            EntryKind::Kept { .. } => return Err(unprintable("a transition table")),
            EntryKind::Cte(id) => {
                let Some(cte) = self.written.ctes.get(id) else { return Err(unprintable("this WITH query")) };
                alias |= name != cte.name;
                self.push(&quote_identifier(&cte.name));
            }
        }
        if alias || with_columns {
            self.push(&format!(" {}", quote_identifier(&name)));
        }
        if with_columns {
            self.column_names(&columns);
        }
        Ok(())
    }

    fn functions(&mut self, calls: &[Expr], ordinality: bool) -> Result<()> {
        let lateral = |part: &Expr| matches!(&part.kind, ExprKind::Var(_));
        if calls.iter().any(|call| call.any_deep(&lateral)) {
            self.push("LATERAL ");
        }
        match calls {
            [call] => self.call_in_from(call)?,
            calls => match unnested(calls) {
                Some(arrays) => {
                    self.push("UNNEST(");
                    self.list(arrays, ", ", |p, array| p.expr(array, true))?;
                    self.push(")");
                }
                None => {
                    self.push("ROWS FROM(");
                    self.list(calls, ", ", Self::call_in_from)?;
                    self.push(")");
                }
            },
        }
        if ordinality {
            self.push(" WITH ORDINALITY");
        }
        Ok(())
    }

    /// What does not look like a call is put into one (get_rule_expr_funccall).
    fn call_in_from(&mut self, call: &Expr) -> Result<()> {
        if self.is_function(call) && !matches!(call.kind, ExprKind::Coerce { .. } | ExprKind::CoerceTypmod { .. })
            || matches!(call.kind, ExprKind::Coalesce(_) | ExprKind::MinMax { .. } | ExprKind::NullIf { .. })
            || matches!(call.kind, ExprKind::Written(..))
        {
            return self.expr(call, true);
        }
        self.push("CAST(");
        self.expr(call, false)?;
        let type_name = self.type_name(call.type_oid, call.typmod);
        self.push(&format!(" AS {type_name})"));
        Ok(())
    }

    fn join(&mut self, kind: JoinKind, (left, right): (&FromItem, &FromItem), on: Option<&Expr>) -> Result<()> {
        let name = self.join_name(right);
        let alias = name.and_then(|name| name.alias);
        let using = name.map_or(Vec::new(), |name| name.using.clone());
        let using_alias = name.and_then(|name| name.using_alias.clone());
        let around = !self.style.paren || alias.is_some();
        self.push(if around { "(" } else { "" });
        self.from_item(left)?;
        let word = match kind {
            JoinKind::Inner if on.is_some() => Some(" JOIN "),
            JoinKind::Inner | JoinKind::Cross => None,
            JoinKind::Left => Some(" LEFT JOIN "),
            JoinKind::Right => Some(" RIGHT JOIN "),
            JoinKind::Full => Some(" FULL JOIN "),
        };
        self.keyword(word.unwrap_or(" CROSS JOIN "), -STD, STD, JOIN);
        let right_alias = match right {
            FromItem::Entry(_) => true,
            FromItem::Join { right, .. } => self.join_name(right).is_some_and(|join| join.alias.is_some()),
        };
        let right_parentheses = self.style.paren && !right_alias;
        self.push(if right_parentheses { "(" } else { "" });
        self.from_item(right)?;
        self.push(if right_parentheses { ")" } else { "" });
        if !using.is_empty() {
            self.push(" USING ");
            self.column_names(&using);
            if let Some(alias) = using_alias {
                self.push(&format!(" AS {}", quote_identifier(&alias)));
            }
        } else if let Some(condition) = on {
            self.push(if self.style.paren { " ON " } else { " ON (" });
            self.expr(condition, false)?;
            self.push(if self.style.paren { "" } else { ")" });
        } else if word.is_some() {
            self.push(" ON TRUE");
        }
        self.push(if around { ")" } else { "" });
        if let Some(shown) = alias.and_then(|id| self.shown.get(&id)) {
            let name = shown.name.clone();
            let given = alias.and_then(|id| self.written.entries.get(&id)).is_some_and(|e| e.column_aliases > 0);
            let columns: Vec<String> = shown.columns.iter().map(|(_, name)| name.clone()).collect();
            self.push(&format!(" {}", quote_identifier(&name)));
            if given {
                self.column_names(&columns);
            }
        }
        Ok(())
    }
}

fn numbered(columns: &[String]) -> Vec<(i16, String)> {
    (1..).zip(columns.iter().cloned()).collect()
}

fn first_entry(item: &FromItem) -> EntryId {
    match item {
        FromItem::Entry(entry) => entry.id,
        FromItem::Join { left, .. } => first_entry(left),
    }
}

/// The arguments, if all calls are of unnest.
fn unnested(calls: &[Expr]) -> Option<Vec<&Expr>> {
    calls
        .iter()
        .map(|call| match &call.kind {
            ExprKind::Func(function, args) if function.name == "unnest" => match args.as_slice() {
                [array] => Some(array),
                _ => None,
            },
            _ => None,
        })
        .collect()
}
