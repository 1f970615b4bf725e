//! A small database for tests: one of each kind of object.

use std::sync::Arc;

use crate::catalog::schema::*;
use crate::catalog::tables::relations::system_relations;
use crate::catalog::tables::source::{CatalogSource, PreparedRow, SessionRow};
use crate::settings::Settings;
use crate::settings::session::SettingView;
use crate::types::pg_type::{Oid, Repr, Scalar};

/// Its source.
pub struct Sample(pub Arc<CatalogSnapshot>);

impl CatalogSource for Sample {
    fn catalog(&self) -> Arc<CatalogSnapshot> {
        self.0.clone()
    }

    fn database(&self) -> String {
        "postgres".into()
    }

    fn user(&self) -> String {
        "postgres".into()
    }

    fn search_path(&self) -> Vec<String> {
        vec!["pg_catalog".into(), "public".into()]
    }

    fn settings(&self) -> Vec<SettingView> {
        Settings::default().views().collect()
    }

    fn sessions(&self) -> Vec<SessionRow> {
        vec![SessionRow { pid: 7, state: "active", user: "postgres".into(), ..SessionRow::default() }]
    }

    fn prepared_statements(&self) -> Vec<PreparedRow> {
        vec![PreparedRow { parameter_types: vec![Oid::INT4], ..PreparedRow::default() }]
    }

    fn has_function(&self, name: &str) -> bool {
        name == "lower"
    }
}

fn column(number: i16, name: &str, type_oid: Oid, typmod: i32, scalar: Scalar) -> Column {
    Column {
        number,
        name: name.into(),
        type_oid,
        typmod,
        repr: Repr::scalar(scalar),
        not_null: number == 1,
        default: None,
        identity: None,
        generated: false,
        rowid_alias: number == 1,
        options: Default::default(),
    }
}

fn constraint(oid: u32, name: &str, columns: &[i16], kind: ConstraintKind) -> Constraint {
    let columns = columns.to_vec();
    Constraint {
        oid: Oid(oid),
        name: name.into(),
        kind,
        columns,
        deferrable: false,
        initially_deferred: false,
        options: Default::default(),
    }
}

fn relation(oid: u32, name: &str, kind: RelationKind, columns: Vec<Column>) -> Relation {
    Relation {
        oid: Oid(oid),
        schema: "public".into(),
        name: name.into(),
        kind,
        temporary: false,
        sqlite_name: name.into(),
        columns,
        constraints: Vec::new(),
        indexes: Vec::new(),
        view_query: None,
        sequence: None,
        declared: true,
        options: Default::default(),
    }
}

fn index(oid: u32, name: &str, key: IndexKey, constraint: Option<Oid>) -> Index {
    Index {
        oid: Oid(oid),
        name: name.into(),
        unique: true,
        primary: constraint.is_some(),
        keys: vec![key],
        included: Vec::new(),
        predicate: None,
        method: "btree".into(),
        constraint,
        options: Default::default(),
    }
}

/// Table `people`, its key, checks, indexes and sequence, a table that refers to it, a view, an enum and a domain.
pub fn sample() -> Sample {
    let mut catalog = CatalogSnapshot { version: 1, ..CatalogSnapshot::default() };
    for (oid, name) in
        [(11, "pg_catalog"), (2200, "public"), (13207, "information_schema"), (16100, "pgserver"), (20000, "shop")]
    {
        catalog.schemas.push(Schema { oid: Oid(oid), name: name.into() });
    }
    system_relations().iter().for_each(|r| catalog.put_relation(r.clone()));
    catalog.put_relation(Arc::new(people()));
    let mut visits =
        relation(20011, "visits", RelationKind::Table, vec![column(1, "person", Oid::INT4, -1, Scalar::Int4)]);
    let key = ForeignKey {
        relation: Oid(20001),
        columns: vec![1],
        on_update: b'a',
        on_delete: b'c',
        set_columns: Vec::new(),
    };
    visits.constraints.push(constraint(20012, "visits_person_fkey", &[1], ConstraintKind::ForeignKey(key)));
    catalog.put_relation(Arc::new(visits));
    let mut view = relation(20013, "adults", RelationKind::View, vec![column(1, "id", Oid::INT4, -1, Scalar::Int4)]);
    view.view_query = Some("SELECT people.id FROM people".into());
    catalog.put_relation(Arc::new(view));
    let mut sequence = relation(20014, "people_id_seq", RelationKind::Sequence, Vec::new());
    sequence.sequence = Some(SequenceOptions {
        type_oid: Oid::INT4,
        start: 1,
        increment: 1,
        min: 1,
        max: 2_147_483_647,
        cache: 1,
        cycle: false,
        owned_by: Some((Oid(20001), 1)),
    });
    catalog.put_relation(Arc::new(sequence));
    let checks = vec![DomainCheck { name: "age_check".into(), expression: "(VALUE > 0)".into(), not_valid: false }];
    let domain =
        UserTypeKind::Domain { base: Oid::INT4, typmod: -1, not_null: false, default: None, checks, collation: None };
    for (oid, name, kind) in
        [(20020, "mood", UserTypeKind::Enum(EnumLabels::new(vec!["sad".into(), "ok".into()]))), (20022, "age", domain)]
    {
        let user = UserType { oid: Oid(oid), array: Oid(oid + 1), schema: "public".into(), name: name.into(), kind };
        catalog.put_type(Arc::new(user));
    }
    catalog.comments.insert((Oid(1259), Oid(20001), 0), "People".into());
    catalog.comments.insert((Oid(1262), Oid(5), 0), "A database".into());
    Sample(Arc::new(catalog))
}

fn people() -> Relation {
    let mut id = column(1, "id", Oid::INT4, -1, Scalar::Int4);
    id.default = Some("nextval('people_id_seq'::regclass)".into());
    let columns = vec![
        id,
        column(2, "name", Oid::VARCHAR, 24, Scalar::Text),
        column(3, "balance", Oid::NUMERIC, 655_366, Scalar::Numeric),
        column(4, "mood", Oid(20020), -1, Scalar::Text),
        column(5, "age", Oid(20022), -1, Scalar::Int4),
        column(6, "tags", Oid::TEXT_ARRAY, -1, Scalar::Text),
    ];
    let mut people = relation(20001, "people", RelationKind::Table, columns);
    people.constraints = vec![
        constraint(20002, "people_pkey", &[1], ConstraintKind::PrimaryKey),
        constraint(20003, "people_balance_check", &[3], ConstraintKind::Check("(balance >= (0)::numeric)".into())),
    ];
    let id_key = IndexKey::of_column(1);
    let name_key = IndexKey { descending: true, nulls_first: true, ..IndexKey::of_expression("lower(name)".into()) };
    people.indexes =
        vec![index(20004, "people_pkey", id_key, Some(Oid(20002))), index(20005, "people_name", name_key, None)];
    people
}
