//! What the text of a query or expression has and its meaning does not need: names of range table entries, JOIN … USING,
//! casts that were asked for, constructs that stand for others. Kept where a tree is made to be printed, and only there.
//!
//! Owns: [`WrittenNames`], and the analysis of what [`Written`] keeps. Must not know: how it is printed
//! (`sql::ruleutils`).

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::expr::system_call;
use crate::sql::analyze::names::value_function;
use crate::sql::analyze::scope::RangeVar;
use crate::sql::syntax::ast::expression::{
    AConst, AExpr, AExprKind, CoercionForm, ConstValue, Expr as Ast, FuncCall, RowExpr, TypeCast,
};
use crate::sql::syntax::ast::query::{Alias, GroupItem, JoinExpr, JoinQuals};
use crate::sql::tree::{CteId, EntryId, Expr, ExprKind, Target, Written};
use crate::types::pg_type::Oid;

/// The names in a query's text.
#[derive(Debug, Default)]
pub struct WrittenNames {
    /// The text is one that was printed.
    pub stored: bool,
    pub entries: HashMap<EntryId, EntryName>,
    pub ctes: HashMap<CteId, CteName>,
    /// Joins, by the first entry of their right side.
    pub joins: HashMap<EntryId, JoinName>,
}

/// A range table entry's.
#[derive(Debug)]
pub struct EntryName {
    pub name: String,
    /// The name was given to it.
    pub alias: bool,
    pub columns: Vec<String>,
    /// It is one row of a function, whose fields are the columns.
    pub of_row: bool,
    /// Names were given to columns, too.
    pub column_aliases: usize,
    /// ONLY stood before it.
    pub only: bool,
}

#[derive(Debug)]
pub struct CteName {
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Debug, Default)]
pub struct JoinName {
    pub using: Vec<String>,
    /// USING (…) AS alias
    pub using_alias: Option<String>,
    /// (a JOIN b) AS alias
    pub alias: Option<EntryId>,
}

impl Analyzer<'_> {
    /// Whether what is analysed is to be printed.
    pub(super) fn to_be_printed(&self) -> bool {
        self.written.is_some()
    }

    /// Where names are noted, if they are.
    pub(super) fn noted_names(&mut self) -> Option<&mut WrittenNames> {
        self.written.as_deref_mut().or(self.explained.as_deref_mut())
    }

    pub(super) fn note_entry(&mut self, entry: &RangeVar, alias: Option<&Alias>) {
        let Some(written) = self.noted_names() else { return };
        let name = EntryName {
            name: entry.name.clone(),
            alias: alias.is_some(),
            of_row: entry.whole.is_some(),
            columns: entry.columns.iter().map(|column| column.name.clone()).collect(),
            column_aliases: alias.map_or(0, |alias| alias.columns.len()),
            only: false,
        };
        written.entries.insert(entry.entry, name);
    }

    pub(super) fn note_only(&mut self, entry: EntryId) {
        if let Some(name) = self.noted_names().and_then(|written| written.entries.get_mut(&entry)) {
            name.only = true;
        }
    }

    /// The first entry of a join's right side, of which `middle` is the place.
    fn join_name(&mut self, middle: usize) -> Option<&mut JoinName> {
        let entry = self.scopes.last()?.entries.get(middle)?.entry;
        Some(self.written.as_mut()?.joins.entry(entry).or_default())
    }

    /// The columns of NATURAL JOIN, which is printed with USING.
    pub(super) fn note_natural(&mut self, middle: usize, names: &[String]) {
        if let Some(join) = self.join_name(middle) {
            join.using = names.to_vec();
        }
    }

    pub(super) fn note_join(&mut self, middle: usize, ast: &JoinExpr, alias: Option<EntryId>) {
        let Some(join) = self.join_name(middle) else { return };
        join.alias = alias;
        if let JoinQuals::Using(names, alias) = &ast.quals {
            join.using.clone_from(names);
            join.using_alias = alias.as_ref().map(|alias| alias.name.clone());
        }
    }

    /// What the expression keeps of its text, if that is more than its meaning.
    pub(super) fn written_expr(&mut self, ast: &Ast) -> Result<Option<Expr>> {
        Ok(match ast {
            Ast::TypeCast(cast) => Some(self.written_cast(cast)?),
            Ast::Collate(collate) => Some(self.collate(collate)?),
            Ast::SqlValueFunction(node) => {
                let value = self.sql_value_function(node)?;
                let name = value_function(node.op).to_uppercase();
                Some(written(Written::ValueFunction(name, node.typmod), Vec::new(), &value))
            }
            Ast::FuncCall(call) => self.written_call(call)?,
            Ast::AExpr(node) => match (&node.left, &node.right) {
                (Some(left), Ast::List(list)) => self.written_list(node, left, list)?,
                (Some(left), right) => self.written_match(node, left, right)?,
                _ => None,
            },
            _ => None,
        })
    }

    /// A cast of a constant is one of its type.
    fn written_cast(&mut self, cast: &TypeCast) -> Result<Expr> {
        if let Ast::Array(array) = &cast.arg
            && !array.elements.is_empty()
            && self.written.as_ref().is_some_and(|written| written.stored)
        {
            // Who wrote it so had it converted as a whole.
            let target = self.resolve_type(&cast.type_name)?;
            let array = self.array_of(&array.elements, None)?;
            let value = self.cast(array, target.oid, target.typmod)?;
            return Ok(match value.kind {
                ExprKind::Array(_) => value,
                _ => written(Written::Cast, vec![value.clone()], &value),
            });
        }
        let value = self.cast_expr(cast)?;
        if matches!(&cast.arg, Ast::Array(array) if array.elements.is_empty()) {
            return Ok(Expr { kind: ExprKind::Array(Vec::new()), ..value });
        }
        let constant = matches!(&cast.arg, Ast::Const(AConst { value: ConstValue::String(_) | ConstValue::Null, .. }));
        let converts = matches!(
            value.kind,
            ExprKind::Coerce { .. } | ExprKind::CoerceTypmod { .. } | ExprKind::CoerceToDomain { .. }
        );
        let domain = matches!(value.kind, ExprKind::CoerceToDomain { .. });
        Ok(match converts && (domain || !constant) {
            true => written(Written::Cast, vec![value.clone()], &value),
            false => value,
        })
    }

    fn written_call(&mut self, call: &FuncCall) -> Result<Option<Expr>> {
        let name = call.name.last().map_or("", String::as_str);
        if call.format == CoercionForm::SqlSyntax {
            let value = self.function_call(call)?;
            return match value.kind {
                ExprKind::Func(..) => Ok(Some(written(Written::SqlSyntax, vec![value.clone()], &value))),
                _ => Err(Error::unsupported(format!("printing {}", name.to_uppercase()))),
            };
        }
        if !matches!(name, "pg_typeof" | "enum_first" | "enum_last" | "enum_range" | "row_to_json") {
            return Ok(None);
        }
        let value = self.function_call(call)?;
        let args = match value.kind {
            ExprKind::Func(_, args) if name == "row_to_json" => args,
            _ => {
                let args = call.args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
                args.into_iter().map(|arg| self.resolve_unknown(arg)).collect::<Result<Vec<_>>>()?
            }
        };
        Ok(Some(Expr {
            kind: ExprKind::Written(Written::Call(name.to_owned()), args),
            type_oid: value.type_oid,
            typmod: value.typmod,
        }))
    }

    /// IN (list) as transformAExprIn makes it, and BETWEEN.
    fn written_list(&mut self, node: &AExpr, left: &Ast, list: &[Ast]) -> Result<Option<Expr>> {
        let symmetric = matches!(node.kind, AExprKind::NotBetweenSymmetric);
        if symmetric || node.kind == AExprKind::NotBetween {
            let [low, high] = list else { return Ok(None) };
            let (value, low, high) = (self.expr(left)?, self.expr(low)?, self.expr(high)?);
            let mut outside = |low: &Expr, high: &Expr| -> Result<Expr> {
                let below = self.operator("<", value.clone(), low.clone())?;
                let above = self.operator(">", value.clone(), high.clone())?;
                Ok(Expr::new(ExprKind::Or(vec![below, above]), Oid::BOOL))
            };
            let test = outside(&low, &high)?;
            return Ok(Some(match symmetric {
                true => Expr::new(ExprKind::And(vec![test, outside(&high, &low)?]), Oid::BOOL),
                false => test,
            }));
        }
        if node.kind != AExprKind::In {
            return Ok(None);
        }
        let (all, name) = match node.name.last().map(String::as_str) {
            Some("<>") => (true, "<>"),
            _ => (false, "="),
        };
        let value = self.expr(left)?;
        if matches!(value.kind, ExprKind::Row { .. }) {
            return Ok(None);
        }
        let mut items = list.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?;
        let is_column = |item: &Expr| item.any_deep(&|part| matches!(part.kind, ExprKind::Var(_)));
        let mut tests = Vec::new();
        let constants: Vec<Expr> = items.iter().filter(|item| !is_column(item)).cloned().collect();
        if constants.len() > 1 {
            let types: Vec<Oid> = std::iter::once(&value).chain(&constants).map(|e| e.type_oid).collect();
            if let Ok(common) = self.common_type(&types, "IN")
                && let Some(array_type) = self.array_type(common)
            {
                let constants = constants.into_iter().map(|e| self.to_common(e, common, "IN"));
                let array = Expr::new(ExprKind::Array(constants.collect::<Result<_>>()?), array_type);
                let element = Expr::new(ExprKind::Element, common);
                let comparison = Box::new(self.operator(name, value.clone(), element)?);
                let kind = ExprKind::ScalarArray { all, comparison, array: Box::new(array), element: common };
                tests.push(Expr::new(kind, Oid::BOOL));
                items.retain(is_column);
            }
        }
        for item in items {
            tests.push(self.operator(name, value.clone(), item)?);
        }
        // Each is put beside those before it: ((a OR b) OR c).
        let join = |before: Expr, test: Expr| {
            let tests = vec![before, test];
            Expr::new(if all { ExprKind::And(tests) } else { ExprKind::Or(tests) }, Oid::BOOL)
        };
        Ok(tests.into_iter().reduce(join))
    }

    /// LIKE, ILIKE, SIMILAR TO: operators, of which NOT has its own.
    fn written_match(&mut self, node: &AExpr, left: &Ast, right: &Ast) -> Result<Option<Expr>> {
        let name = node.name.last().map_or("", String::as_str);
        let escaped = |escape: &str| system_call(right, escape).is_some();
        let escape = match (node.kind, name) {
            (AExprKind::Like | AExprKind::ILike, _) => "like_escape",
            (AExprKind::Similar, _) => "similar_to_escape",
            (AExprKind::Op, "!~~" | "!~~*") => "like_escape",
            (AExprKind::Op, "~~" | "~~*") if escaped("like_escape") => "like_escape",
            (AExprKind::Op, "~" | "!~") if escaped("similar_to_escape") => "similar_to_escape",
            _ => return Ok(None),
        };
        let operator = |args| Expr::new(ExprKind::Written(Written::Operator(name.to_owned()), args), Oid::BOOL);
        let value = self.expr(left)?;
        if let Some(parts) = system_call(right, escape) {
            let value = self.implicit(value, Oid::TEXT)?;
            let parts = parts.iter().map(|part| {
                let part = self.expr(part)?;
                self.implicit(part, Oid::TEXT)
            });
            let kind = ExprKind::Written(Written::Call(escape.to_owned()), parts.collect::<Result<_>>()?);
            return Ok(Some(operator(vec![value, Expr::new(kind, Oid::TEXT)])));
        }
        let pattern = self.expr(right)?;
        let matched = self.operator(name.trim_start_matches('!'), value, pattern)?;
        Ok(match matched.kind {
            ExprKind::Op(_, args) => Some(operator(args)),
            _ => None,
        })
    }

    /// GROUP BY as it was written, where it has grouping sets.
    pub(super) fn written_groups(&mut self, items: &[GroupItem], targets: &[Target]) -> Result<Vec<Expr>> {
        items.iter().map(|item| self.written_group(item, targets)).collect()
    }

    fn written_group(&mut self, item: &GroupItem, targets: &[Target]) -> Result<Expr> {
        let set = |name: &str, parts| Expr::new(ExprKind::Written(Written::Group(name.to_owned()), parts), Oid::RECORD);
        let elements = |a: &mut Self, elements: &[Ast]| -> Result<Vec<Expr>> {
            elements.iter().map(|element| a.written_group(&GroupItem::Expr(element.clone()), targets)).collect()
        };
        Ok(match item {
            GroupItem::Expr(Ast::Row(RowExpr { args, format: CoercionForm::ImplicitRow, .. })) => {
                let mut keys = Vec::with_capacity(args.len());
                for arg in args {
                    keys.push(self.group_key(arg, targets)?);
                }
                set("", keys)
            }
            GroupItem::Expr(ast) => {
                let key = self.group_key(ast, targets)?;
                set("", vec![self.resolve_unknown(key)?])
            }
            GroupItem::Empty(_) => set("", Vec::new()),
            GroupItem::Rollup(parts, _) => set("ROLLUP", elements(self, parts)?),
            GroupItem::Cube(parts, _) => set("CUBE", elements(self, parts)?),
            GroupItem::Sets(items, _) => set(
                "GROUPING SETS ",
                self.deeper(|a| items.iter().map(|i| a.written_group(i, targets)).collect::<Result<_>>())?,
            ),
        })
    }
}

pub(super) fn written(what: Written, parts: Vec<Expr>, like: &Expr) -> Expr {
    Expr { kind: ExprKind::Written(what, parts), type_oid: like.type_oid, typmod: like.typmod }
}
