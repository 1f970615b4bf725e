//! Which object depends on which: what pg_depend shows and DROP follows.
//!
//! Owns: [`Object`], [`Dependency`], [`dependencies`] and [`Graph`], which says what goes when something is dropped. Must
//! not know: how anything is dropped, the words about it. Specification: catalog-pg-depend.html, dependency.c.

use std::collections::{BTreeSet, HashMap};

use crate::catalog::composite::{array_type_oid, has_row_type, relation_of, row_type_oid};
use crate::catalog::definitions::identity_of;
use crate::catalog::members;
use crate::catalog::named::NamedKind;
use crate::catalog::routines::Routine;
use crate::catalog::schema::{
    CatalogSnapshot, Constraint, ConstraintKind, Extension, Index, Relation, RelationKind, UserTypeKind, Uses,
};
use crate::catalog::trigger::Trigger;
use crate::error::Result;
use crate::limits::stack;
use crate::types::extension;
use crate::types::pg_type::Oid;

/// Something that depends on something, or something on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    Schema(Oid),
    /// A table, view, sequence or index.
    Relation(Oid),
    Column(Oid, i16),
    /// The default of a column, or what it is generated from.
    Default(Oid, i16),
    /// A constraint of a relation.
    Constraint(Oid, Oid),
    /// A trigger of a relation.
    Trigger(Oid, Oid),
    /// A policy of a table.
    Policy(Oid, Oid),
    /// The rule that makes a view.
    Rule(Oid),
    /// An enum or a domain, or the array type of one.
    Type(Oid),
    /// A function or procedure.
    Routine(Oid),
    Operator(Oid),
    Cast(Oid),
    /// What is known by its name alone.
    Named(NamedKind, Oid),
    /// A domain's check by its number.
    DomainConstraint(Oid, u32),
    Extension(Oid),
    /// Something an extension brings that is no type.
    Member(Oid),
}

/// How something depends on something (pg_depend.deptype).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It stands in the way.
    Normal,
    /// It goes too, without a word.
    Automatic,
    /// It is a part, and cannot go alone.
    Internal,
    /// It is an extension's, and cannot go alone.
    Extension,
    /// It is a partition's part of something: it goes with that or with the partition, and cannot go alone.
    Partition,
}

/// One object that depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    pub object: Object,
    pub on: Object,
    pub kind: Kind,
}

/// Every dependency among the objects that users made.
pub fn dependencies(catalog: &CatalogSnapshot) -> Vec<Dependency> {
    let mut found = Found { catalog, all: Vec::new() };
    let mut relations: Vec<&Relation> = catalog.relations.values().map(AsRef::as_ref).collect();
    relations.retain(|r| !matches!(r.kind, RelationKind::System | RelationKind::Index));
    relations.sort_unstable_by_key(|r| r.oid);
    relations.into_iter().for_each(|relation| found.relation(relation));
    let mut types: Vec<_> = catalog.types.values().collect();
    types.sort_unstable_by_key(|t| t.oid);
    for user_type in types {
        let own = Object::Type(user_type.oid);
        found.on_schema(own, &user_type.schema);
        found.add(Object::Type(user_type.array), own, Kind::Internal);
        if let UserTypeKind::Range(range) = &user_type.kind {
            found.add(Object::Type(range.multirange), own, Kind::Internal);
            range.constructors.iter().for_each(|oid| found.add(Object::Routine(*oid), own, Kind::Internal));
            found.on_functions(own, [range.difference].into_iter());
        }
        if let UserTypeKind::Domain { base, checks, collation, .. } = &user_type.kind {
            found.on_type(own, *base);
            found.on_collation(own, collation.as_ref());
            for (_, number) in checks.iter().zip(1..) {
                found.add(Object::DomainConstraint(user_type.oid, number), own, Kind::Automatic);
            }
        }
    }
    let mut routines: Vec<&Routine> = catalog.routines.values().map(AsRef::as_ref).collect();
    routines.sort_unstable_by_key(|r| r.oid);
    for routine in routines {
        let own = Object::Routine(routine.oid);
        found.on_schema(own, &routine.schema);
        for oid in routine.parameters.iter().map(|parameter| parameter.type_oid).chain([routine.returns]) {
            found.on_type(own, oid);
        }
        routine.uses.columns.iter().for_each(|column| found.on_column(own, *column, Kind::Normal));
        found.on_routines(own, &routine.uses);
        if let Some(aggregate) = &routine.aggregate {
            aggregate.states().for_each(|oid| found.on_type(own, oid));
            found.on_functions(own, aggregate.functions().chain([aggregate.sort_operator]));
        }
    }
    catalog.extensions.iter().for_each(|extension| found.extension(extension));
    found.operators();
    found.casts();
    found.named();
    found.all
}

struct Found<'c> {
    catalog: &'c CatalogSnapshot,
    all: Vec<Dependency>,
}

impl Found<'_> {
    fn add(&mut self, object: Object, on: Object, kind: Kind) {
        self.all.push(Dependency { object, on, kind });
    }

    fn on_schema(&mut self, object: Object, schema: &str) {
        let found = self.catalog.schemas.iter().find(|s| s.name == schema).map(|s| s.oid);
        self.all.extend(found.map(|oid| Dependency { object, on: Object::Schema(oid), kind: Kind::Normal }));
    }

    fn on_type(&mut self, object: Object, type_oid: Oid) {
        if self.catalog.user_type(type_oid).is_some()
            || extension::of_oid(type_oid).is_some_and(|of| self.catalog.has_extension(of.extension))
            || relation_of(self.catalog, type_oid).is_some_and(|(relation, _)| relation.kind != RelationKind::System)
        {
            self.add(object, Object::Type(type_oid), Kind::Normal);
        }
    }

    /// A column, or the relation as a whole.
    fn on_column(&mut self, object: Object, (relation, number): (Oid, i16), kind: Kind) {
        let on = if number == 0 { Object::Relation(relation) } else { Object::Column(relation, number) };
        self.add(object, on, kind);
    }

    fn on_routines(&mut self, object: Object, uses: &Uses) {
        self.on_functions(object, uses.routines.iter().copied());
    }

    /// An extension is in a schema, and its members are its.
    fn extension(&mut self, extension: &Extension) {
        let own = Object::Extension(extension.oid);
        self.on_schema(own, &extension.schema);
        for member in members::members_of(&extension.name) {
            let object = match extension::of_oid(member.oid).map(|of| &of.infos) {
                Some([info, array]) if array.oid == member.oid => {
                    self.add(Object::Type(array.oid), Object::Type(info.oid), Kind::Internal);
                    continue;
                }
                Some(_) => Object::Type(member.oid),
                None => Object::Member(member.oid),
            };
            self.add(object, own, Kind::Extension);
        }
    }

    /// Those of them that users or extensions made.
    fn on_functions(&mut self, object: Object, functions: impl Iterator<Item = Oid>) {
        for oid in functions {
            let on = match oid {
                oid if self.catalog.routines.contains_key(&oid) => Object::Routine(oid),
                oid if let Some(own) = self.catalog.named.get(&oid) => Object::Named(own.kind, oid),
                oid if self.catalog.operators.contains_key(&oid) => Object::Operator(oid),
                oid if self.catalog.casts.contains_key(&oid) => Object::Cast(oid),
                oid if members::member(oid).is_some_and(|member| self.catalog.has_extension(member.extension)) => {
                    Object::Member(oid)
                }
                _ => continue,
            };
            self.all.push(Dependency { object, on, kind: Kind::Normal });
        }
    }

    fn operators(&mut self) {
        let mut operators: Vec<_> = self.catalog.operators.values().collect();
        operators.sort_unstable_by_key(|operator| operator.oid);
        for operator in operators {
            let own = Object::Operator(operator.oid);
            self.on_schema(own, &operator.schema);
            for oid in [operator.left, operator.right, operator.result] {
                self.on_type(own, oid);
            }
            self.on_functions(own, [operator.function].into_iter());
        }
    }

    fn casts(&mut self) {
        let mut casts: Vec<_> = self.catalog.casts.values().collect();
        casts.sort_unstable_by_key(|cast| cast.oid);
        for cast in casts {
            let own = Object::Cast(cast.oid);
            self.on_type(own, cast.source);
            self.on_type(own, cast.target);
            self.on_functions(own, [cast.function].into_iter());
        }
    }

    fn named(&mut self) {
        for kind in NamedKind::ALL {
            for own in self.catalog.named_objects(kind) {
                self.on_schema(Object::Named(kind, own.oid), &own.schema);
            }
        }
    }

    /// COLLATE with a collation of users.
    fn on_collation(&mut self, object: Object, kept: Option<&String>) {
        let oid = kept.map_or(Oid::INVALID, |kept| self.catalog.collation_oid(kept));
        if let Some(own) = self.catalog.named.get(&oid) {
            self.add(object, Object::Named(own.kind, oid), Kind::Normal);
        }
    }

    fn relation(&mut self, relation: &Relation) {
        let own = Object::Relation(relation.oid);
        self.on_schema(own, &relation.schema);
        if has_row_type(relation) {
            let row_type = Object::Type(row_type_oid(relation));
            match relation.kind {
                RelationKind::Composite => {
                    self.add(own, row_type, Kind::Internal);
                    self.on_schema(row_type, &relation.schema);
                }
                _ => self.add(row_type, own, Kind::Internal),
            }
            self.add(Object::Type(array_type_oid(relation)), row_type, Kind::Internal);
        }
        for column in &relation.columns {
            if !relation.has_key_column(column.number) {
                self.on_type(Object::Column(relation.oid, column.number), column.type_oid);
            }
            let of_domain = self.catalog.types.get(&column.type_oid).and_then(|found| match &found.kind {
                UserTypeKind::Domain { collation, .. } => collation.as_ref(),
                _ => None,
            });
            let collation = column.options.collation.as_ref().or(of_domain);
            self.on_collation(Object::Column(relation.oid, column.number), collation);
            if column.default.is_none() || column.identity.is_some() {
                continue;
            }
            let default = Object::Default(relation.oid, column.number);
            let kind = if column.generated { Kind::Internal } else { Kind::Automatic };
            self.add(default, Object::Column(relation.oid, column.number), kind);
            column.options.uses.columns.iter().for_each(|used| self.on_column(default, *used, Kind::Normal));
            self.on_routines(default, &column.options.uses);
        }
        let inheritance = &relation.options.inheritance;
        let kind = if inheritance.bound.is_some() { Kind::Automatic } else { Kind::Normal };
        inheritance.parents.iter().for_each(|parent| self.add(own, Object::Relation(*parent), kind));
        // A table whose partition key is gone is none.
        for key in inheritance.key.iter().flat_map(|key| &key.columns) {
            self.on_type(own, key.type_oid);
            self.on_collation(own, key.collation.as_ref());
        }
        let parent = inheritance.parents.first().copied().unwrap_or_default();
        for constraint in &relation.constraints {
            self.constraint(relation, constraint);
            if let Some(above) = constraint.options.parent {
                let part = Object::Constraint(relation.oid, constraint.oid);
                self.add(part, Object::Constraint(parent, above), Kind::Partition);
            }
        }
        relation.indexes.iter().for_each(|index| self.index(relation, index));
        for trigger in &relation.options.triggers {
            self.trigger(relation, trigger);
            if let Some(above) = self.catalog.parent_trigger(relation, trigger) {
                let part = Object::Trigger(relation.oid, trigger.oid);
                self.add(part, Object::Trigger(parent, above), Kind::Partition);
            }
        }
        for policy in &relation.row_security().policies {
            let part = Object::Policy(relation.oid, policy.oid);
            self.add(part, own, Kind::Automatic);
            policy.uses.columns.iter().for_each(|used| self.on_column(part, *used, Kind::Normal));
            self.on_routines(part, &policy.uses);
        }
        if relation.kind == RelationKind::View || relation.is_materialized() {
            let rule = Object::Rule(relation.oid);
            self.add(rule, own, Kind::Internal);
            self.add(rule, own, Kind::Normal);
            let uses = &relation.options.uses;
            uses.columns.iter().for_each(|used| self.on_column(rule, *used, Kind::Normal));
            self.on_routines(rule, uses);
            for key in &uses.constraints {
                let of = uses.columns.iter().filter_map(|(oid, _)| self.catalog.relations.get(oid));
                let table = of.clone().find(|table| table.constraints.iter().any(|c| c.oid == *key));
                if let Some(table) = table.map(|table| table.oid) {
                    self.add(rule, Object::Constraint(table, *key), Kind::Normal);
                }
            }
        }
        if let Some((table, column)) = relation.sequence.and_then(|sequence| sequence.owned_by) {
            let is_identity = identity_of(self.catalog, relation).is_some();
            let kind = if is_identity { Kind::Internal } else { Kind::Automatic };
            self.add(own, Object::Column(table, column), kind);
        }
    }

    fn constraint(&mut self, relation: &Relation, constraint: &Constraint) {
        let own = Object::Constraint(relation.oid, constraint.oid);
        for column in &constraint.columns {
            self.add(own, Object::Column(relation.oid, *column), Kind::Automatic);
        }
        if constraint.columns.is_empty() {
            self.add(own, Object::Relation(relation.oid), Kind::Automatic);
        }
        self.on_routines(own, &constraint.options.uses);
        let ConstraintKind::ForeignKey(key) = &constraint.kind else { return };
        for column in &key.columns {
            self.add(own, Object::Column(key.relation, *column), Kind::Normal);
        }
        let referenced = self.catalog.relations.get(&key.relation);
        if referenced.is_some_and(|table| table.is_partitioned()) && constraint.options.parent.is_none() {
            for partition in self.catalog.inheritors(key.relation).into_iter().skip(1) {
                self.add(own, Object::Relation(partition.oid), Kind::Normal);
            }
        }
        let index = referenced.and_then(|table| table.key_index(&key.columns)).map(|index| index.oid);
        if let Some(index) = index {
            self.add(own, Object::Relation(index), Kind::Normal);
        }
    }

    fn trigger(&mut self, relation: &Relation, trigger: &Trigger) {
        let own = Object::Trigger(relation.oid, trigger.oid);
        self.add(own, Object::Relation(relation.oid), Kind::Automatic);
        if self.catalog.routines.contains_key(&trigger.function) {
            self.add(own, Object::Routine(trigger.function), Kind::Normal);
        }
        if let Some(other) = trigger.constraint_relation {
            self.add(own, Object::Relation(other), Kind::Automatic);
        }
        for column in &trigger.columns {
            self.add(own, Object::Column(relation.oid, *column), Kind::Normal);
        }
        trigger.uses.columns.iter().for_each(|used| self.on_column(own, *used, Kind::Normal));
    }

    fn index(&mut self, relation: &Relation, index: &Index) {
        let own = Object::Relation(index.oid);
        if let Some(above) = index.options.parent {
            self.add(own, Object::Relation(above), Kind::Partition);
        }
        if let Some(constraint) = index.constraint {
            return self.add(own, Object::Constraint(relation.oid, constraint), Kind::Internal);
        }
        let keys = index.keys.iter().map(|key| key.column).chain(index.included.iter().copied());
        let keys = keys.filter(|column| *column != 0).map(|column| (relation.oid, column));
        let mut columns: Vec<(Oid, i16)> = keys.collect();
        for used in &index.options.uses.columns {
            if !columns.contains(used) {
                columns.push(*used);
            }
        }
        for used in &columns {
            self.on_column(own, *used, Kind::Automatic);
        }
        self.on_routines(own, &index.options.uses);
        index.keys.iter().for_each(|key| self.on_collation(own, key.collation.as_ref()));
        for class in index.keys.iter().filter_map(|key| key.operator_class.as_deref()) {
            let member = members::operator_class(self.catalog, class, &index.method);
            self.all.extend(member.map(|oid| Dependency { object: own, on: Object::Member(oid), kind: Kind::Normal }));
        }
        if columns.is_empty() {
            self.add(own, Object::Relation(relation.oid), Kind::Automatic);
        }
    }
}

/// What goes when something is dropped.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub object: Object,
    /// By way of which it was found; none of what was asked for.
    pub dependee: Option<Object>,
    /// It goes without a word.
    pub is_silent: bool,
}

/// What was found in the way.
pub enum Deletion {
    /// Everything that goes, what depends before what it depends on.
    Targets(Vec<Target>),
    /// An object is a part of another, without which it cannot go.
    Required { object: Object, by: Object },
}

/// The dependencies, to be followed from what is dropped to what depends on it.
pub struct Graph {
    dependents: HashMap<Object, Vec<(Object, Kind)>>,
    /// The objects that something is a part of.
    owners: HashMap<Object, Vec<Object>>,
    /// What a partition's part cannot go without alone.
    wholes: HashMap<Object, Object>,
    columns: HashMap<Oid, BTreeSet<Object>>,
}

/// A search under way (findDependentObjects).
struct Search<'g> {
    graph: &'g Graph,
    asked: &'g [Object],
    stack: Vec<Object>,
    targets: Vec<Target>,
    places: HashMap<Object, usize>,
    required: Option<(Object, Object)>,
}

impl Graph {
    /// The graph of a catalog.
    pub fn of(catalog: &CatalogSnapshot) -> Self {
        let mut graph = Graph {
            dependents: HashMap::new(),
            owners: HashMap::new(),
            wholes: HashMap::new(),
            columns: HashMap::new(),
        };
        for Dependency { object, on, kind } in dependencies(catalog) {
            graph.dependents.entry(on).or_default().push((object, kind));
            if matches!(kind, Kind::Internal | Kind::Extension) {
                graph.owners.entry(object).or_default().push(on);
            }
            if kind == Kind::Partition {
                graph.wholes.insert(object, on);
            }
            if let Object::Column(relation, _) = on {
                graph.columns.entry(relation).or_default().insert(on);
            }
        }
        graph
    }

    /// Everything that goes with these.
    pub fn deletion(&self, objects: &[Object]) -> Result<Deletion> {
        let (stack, targets, places) = (Vec::new(), Vec::new(), HashMap::new());
        let mut search = Search { graph: self, asked: objects, stack, targets, places, required: None };
        for object in objects {
            search.find(*object, false)?;
            if let Some((object, by)) = search.required {
                return Ok(Deletion::Required { object, by });
            }
        }
        Ok(Deletion::Targets(search.targets))
    }

    /// What depends directly on an object, or on a column of it; the last made first.
    fn dependents_of(&self, object: Object) -> Vec<(Object, Kind)> {
        let mut found = self.dependents.get(&object).cloned().unwrap_or_default();
        if let Object::Relation(relation) = object {
            let columns = self.columns.get(&relation).into_iter().flatten();
            found.extend(columns.filter_map(|column| self.dependents.get(column)).flatten());
        }
        found.sort_by_key(|(dependent, _)| std::cmp::Reverse(dependent.age()));
        found
    }
}

impl Object {
    /// The OID that says which of two objects was made first, and a number within it.
    fn age(self) -> (Oid, i64) {
        match self {
            Object::Schema(oid) | Object::Relation(oid) | Object::Type(oid) | Object::Routine(oid) => (oid, 0),
            Object::Extension(oid) | Object::Member(oid) => (oid, 0),
            // Of one table's columns the first comes first, though what was made last does.
            Object::Column(oid, number) => (oid, -i64::from(number)),
            Object::Operator(oid) | Object::Cast(oid) | Object::Named(_, oid) => (oid, 0),
            Object::Constraint(_, oid) | Object::Trigger(_, oid) | Object::Policy(_, oid) => (oid, 0),
            // PostgreSQL gives them OIDs right after what they belong to.
            Object::Rule(oid) => (oid, 1 << 20),
            Object::Default(oid, number) => (oid, (1 << 20) + i64::from(number)),
            Object::DomainConstraint(oid, number) => (oid, (1 << 20) + i64::from(number)),
        }
    }

    /// What it is a column of.
    fn whole(self) -> Option<Object> {
        match self {
            Object::Column(relation, _) => Some(Object::Relation(relation)),
            _ => None,
        }
    }
}

impl Search<'_> {
    fn is_on_stack(&self, object: Object) -> bool {
        self.stack.iter().any(|seen| *seen == object || Some(*seen) == object.whole())
    }

    fn is_found(&mut self, object: Object, is_silent: bool) -> bool {
        let place = self.places.get(&object).or_else(|| self.places.get(&object.whole()?));
        let Some(target) = place.and_then(|place| self.targets.get_mut(*place)) else { return false };
        target.is_silent |= is_silent && target.object == object;
        true
    }

    fn find(&mut self, object: Object, is_silent: bool) -> Result<()> {
        stack::check()?;
        if self.required.is_some() || self.is_on_stack(object) || self.is_found(object, is_silent) {
            return Ok(());
        }
        let whole = self.graph.wholes.get(&object).copied();
        if let Some(whole) = whole.filter(|whole| self.stack.is_empty() && !self.asked.contains(whole)) {
            self.required = Some((object, whole));
            return Ok(());
        }
        let owner = self.graph.owners.get(&object).and_then(|owners| owners.first()).copied();
        if let Some(owner) = owner.filter(|owner| !self.is_on_stack(*owner)) {
            if self.stack.is_empty() {
                if !self.asked.contains(&owner) {
                    self.required = Some((object, owner));
                }
                return Ok(());
            }
            // A part goes with the whole.
            return self.find(owner, is_silent);
        }
        let dependee = self.stack.last().copied();
        self.stack.push(object);
        for (dependent, kind) in self.graph.dependents_of(object) {
            self.find(dependent, kind != Kind::Normal)?;
        }
        self.stack.pop();
        self.places.insert(object, self.targets.len());
        self.targets.push(Target { object, dependee, is_silent });
        Ok(())
    }
}
