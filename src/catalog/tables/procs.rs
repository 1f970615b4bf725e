//! Rows of pg_proc: of the functions PostgreSQL has those that can be called here, and those that types, operators and
//! access methods refer to. Also functions by OID, as others show them.
//!
//! Must not know: SQLite, how functions are carried out (the source says which there are).

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::catalog::aggregates::Computation;
use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::members;
use crate::catalog::routines::{Body, Language, PG_PROC, ParameterMode, Routine, Volatility};
use crate::catalog::tables::contents::{RecordedColumns, View};
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::types::pg_type::Oid;

/// The schema and the language of built-in functions, and what one call costs (pg_proc.dat).
const PG_CATALOG: u32 = 11;
const INTERNAL: u32 = 12;
const COST: f64 = 1.0;

/// pg_proc.
pub fn procs(rows: &mut Rows, view: &View<'_>) {
    let recording = Recording::new(recording!("pg_proc"));
    let columns = RecordedColumns::new(rows.relation(), recording);
    let available = |line: &Line| line.number("referred") != 0 || view.source.has_function(&line.text("proname"));
    for line in recording.lines().filter(available) {
        columns.add(rows, &line);
        rows.set("pronamespace", PG_CATALOG.into());
        rows.set("proowner", BOOTSTRAP_SUPERUSER.into());
        // What most functions have is not recorded, and the C function's name only where it is another.
        for (column, usual) in [
            ("prolang", INTERNAL.into()),
            ("procost", Cell::Real(COST)),
            ("prosupport", 0.into()),
            ("prorows", Cell::Real(0.0)),
        ] {
            if line.text(column).is_empty() {
                rows.set(column, usual);
            }
        }
        if line.text("prosrc").is_empty() {
            let in_sql = !line.text("prosqlbody").is_empty();
            rows.set("prosrc", if in_sql { "".into() } else { Cell::Text(line.text("proname")) });
        }
    }
}

/// Those of extensions, and those that users made.
pub fn routines(rows: &mut Rows, view: &View<'_>) {
    members::procs(rows, view);
    let mut routines: Vec<&Arc<Routine>> = view.catalog.routines.values().collect();
    routines.sort_unstable_by_key(|routine| routine.oid);
    for routine in routines {
        let (owner, acl) = view.owner_and_acl(PG_PROC, routine.oid, 0);
        let parameters = routine.parameters.as_slice();
        let has_outputs = routine.outputs().next().is_some() || routine.is_variadic();
        let named = parameters.iter().any(|parameter| !parameter.name.is_empty());
        let defaults: Vec<&str> = parameters.iter().filter_map(|parameter| parameter.default.as_deref()).collect();
        let variadic = parameters.iter().find(|parameter| parameter.mode == ParameterMode::Variadic);
        let element = variadic.map_or(Oid::INVALID, |parameter| element_of(view, parameter.type_oid));
        let settings = routine.settings.iter().map(|(name, value)| format!("{name}={value}"));
        let settings: Vec<String> = settings.collect();
        let (source, sql_body) = match &routine.body {
            Body::Text(text) => (text.clone(), None),
            Body::Parsed(text) => (String::new(), Some(text.clone())),
        };
        row!(rows,
            oid: routine.oid,
            proname: &routine.name,
            pronamespace: view.namespace_oid(&routine.schema),
            proowner: owner,
            prolang: language_oid(routine.language),
            procost: routine.cost,
            prorows: routine.rows,
            provariadic: element,
            prokind: routine.kind_letter(),
            prosecdef: routine.security_definer,
            proleakproof: routine.leakproof,
            proisstrict: routine.strict,
            proretset: routine.returns_set,
            provolatile: routine.volatility.letter(),
            proparallel: Cell::letter(routine.parallel),
            pronargs: routine.inputs().count() as i64,
            pronargdefaults: defaults.len() as i64,
            prorettype: routine.returns,
            proargtypes: Cell::oids(routine.input_types()),
            proallargtypes: has_outputs.then(|| Cell::oids(parameters.iter().map(|p| p.type_oid))),
            proargmodes: has_outputs.then(|| Cell::texts(parameters.iter().map(|p| p.mode.letter()))),
            proargnames: named.then(|| Cell::texts(parameters.iter().map(|p| p.name.as_str()))),
            proargdefaults: (!defaults.is_empty()).then(|| defaults.join(", ")),
            prosrc: source,
            prosqlbody: sql_body,
            proconfig: (!settings.is_empty()).then(|| Cell::texts(settings)),
            proacl: acl,
        );
    }
}

/// pg_aggregate: of the aggregates that users made.
pub fn aggregates(rows: &mut Rows, view: &View<'_>) {
    let mut routines: Vec<&Arc<Routine>> = view.catalog.routines.values().collect();
    routines.sort_unstable_by_key(|routine| routine.oid);
    for routine in routines {
        let Some(aggregate) = &routine.aggregate else { continue };
        let plain = &aggregate.plain;
        let moving = aggregate.moving.as_ref();
        let none = Computation::default();
        let computation = moving.map_or(&none, |moving| &moving.computation);
        let modify = |letter: u8| Cell::letter(if letter == 0 { b'r' } else { letter });
        row!(rows,
            aggfnoid: routine.oid,
            aggkind: "n",
            aggnumdirectargs: 0,
            aggtransfn: plain.transition,
            aggfinalfn: plain.last,
            aggcombinefn: aggregate.combine,
            aggserialfn: aggregate.serial,
            aggdeserialfn: aggregate.deserial,
            aggmtransfn: computation.transition,
            aggminvtransfn: moving.map_or(Oid::INVALID, |moving| moving.inverse),
            aggmfinalfn: computation.last,
            aggfinalextra: plain.last_extra,
            aggmfinalextra: computation.last_extra,
            aggfinalmodify: modify(plain.last_modify),
            aggmfinalmodify: modify(computation.last_modify),
            aggsortop: aggregate.sort_operator,
            aggtranstype: plain.state,
            aggtransspace: i64::from(plain.space),
            aggmtranstype: computation.state,
            aggmtransspace: i64::from(computation.space),
            agginitval: plain.initial.clone(),
            aggminitval: computation.initial.clone(),
        );
    }
}

/// The element type of an array.
fn element_of(view: &View<'_>, array: Oid) -> Oid {
    match array {
        Oid::ANYARRAY => Oid::ANYELEMENT,
        Oid(5078) => Oid(5077),
        array => view.catalog.repr(array).and_then(|repr| repr.array_of).unwrap_or(Oid::INVALID),
    }
}

/// pg_language.oid
fn language_oid(language: Language) -> Oid {
    let line = Recording::new(recording!("pg_language")).lines().find(|line| line.text("lanname") == language.name());
    line.and_then(|line| line.number("oid").try_into().ok()).map_or(Oid::INVALID, Oid)
}

/// Whether PostgreSQL has a cast between two types.
pub fn has_cast(source: Oid, target: Oid) -> bool {
    let of = |line: &Line| (line.number("castsource"), line.number("casttarget"));
    let wanted = (i64::from(source.0), i64::from(target.0));
    Recording::new(recording!("pg_cast")).lines().any(|line| of(&line) == wanted)
}

/// A built-in function.
#[derive(Debug)]
pub struct Proc {
    pub oid: Oid,
    pub name: String,
    /// No other function of PostgreSQL has this name.
    pub unique_name: bool,
    /// Of which extension it is; empty for the system's own.
    pub extension: String,
    pub strict: bool,
    pub volatility: Volatility,
    pub(super) kind: u8,
    returns_set: bool,
    returns: Oid,
    pub(super) variadic: Oid,
    /// All arguments, if there are others than input ones.
    pub(super) all_types: Vec<Oid>,
    pub(super) types: Vec<Oid>,
    pub(super) modes: Vec<String>,
    pub(super) names: Vec<String>,
    /// What is rarely asked for.
    pub(super) line: Line,
}

fn recorded() -> &'static HashMap<Oid, Proc> {
    static PROCS: OnceLock<HashMap<Oid, Proc>> = OnceLock::new();
    PROCS.get_or_init(|| {
        let lines = Recording::new(recording!("pg_proc")).lines().map(|line| Proc::of_system(&line));
        let of_extensions = members::functions().map(|line| Proc::of_extension(&line));
        lines.chain(of_extensions).map(|p| (p.oid, p)).collect()
    })
}

/// The built-in function with that OID.
pub fn proc(oid: Oid) -> Option<&'static Proc> {
    recorded().get(&oid)
}

/// The built-in functions of that name, in the order of their OIDs.
pub fn procs_named(name: &str) -> Vec<&'static Proc> {
    let mut found: Vec<_> = recorded().values().filter(|p| p.name == name && p.extension.is_empty()).collect();
    found.sort_by_key(|p| p.oid);
    found
}

impl Proc {
    /// The types of what it is given.
    pub fn input_types(&self) -> &[Oid] {
        &self.types
    }

    /// Whether it gives one value of its arguments: no aggregate, no procedure, no set.
    pub fn is_plain(&self) -> bool {
        self.kind == b'f' && !self.returns_set
    }

    /// A recorded function of the system's own.
    fn of_system(line: &Line) -> Proc {
        Proc { unique_name: line.number("unique_name") != 0, ..Proc::read(line) }
    }

    /// A recorded function of an extension.
    fn of_extension(line: &Line) -> Proc {
        Proc { extension: line.text("extension").into_owned(), ..Proc::read(line) }
    }

    fn read(line: &Line) -> Proc {
        let oid = |name: &str| Oid(line.number(name).try_into().unwrap_or_default());
        let oids = |name: &str| serde_json::from_str::<Vec<u32>>(&line.text(name)).unwrap_or_default();
        let texts = |name: &str| serde_json::from_str::<Vec<String>>(&line.text(name)).unwrap_or_default();
        Proc {
            oid: oid("oid"),
            name: line.text("proname").into_owned(),
            unique_name: true,
            extension: String::new(),
            strict: line.number("proisstrict") != 0,
            volatility: Volatility::of_letter(&line.text("provolatile")),
            kind: line.text("prokind").bytes().next().unwrap_or(b'f'),
            returns_set: line.number("proretset") != 0,
            returns: oid("prorettype"),
            variadic: oid("provariadic"),
            all_types: oids("proallargtypes").into_iter().map(Oid).collect(),
            types: oids("proargtypes").into_iter().map(Oid).collect(),
            modes: texts("proargmodes"),
            names: texts("proargnames"),
            line: *line,
        }
    }

    /// The names of the input arguments; none where they have none.
    pub fn argument_names(&self) -> &[String] {
        self.names.get(..self.types.len()).unwrap_or(&self.names)
    }

    /// It is neither a procedure nor an aggregate nor a window function.
    pub fn is_function(&self) -> bool {
        self.kind == b'f'
    }

    /// It is an aggregate.
    pub fn is_aggregate(&self) -> bool {
        self.kind == b'a'
    }

    /// Whether it returns a set.
    pub fn returns_set(&self) -> bool {
        self.returns_set
    }

    /// The type of what it returns.
    pub fn returns(&self) -> Oid {
        self.returns
    }

    /// The types of the input arguments.
    pub fn argument_types(&self) -> &[Oid] {
        &self.types
    }

    /// As regprocedure shows it. All functions of the system's own are visible.
    pub fn signature(&self, names: &Names<'_>) -> String {
        let types = self.types.iter().map(|oid| names.format_type(*oid, None)).collect::<Vec<_>>().join(",");
        format!("{}({types})", self.qualified_name(names))
    }

    /// With the schema of its extension in front, unless that is on the search path.
    pub fn qualified_name(&self, names: &Names<'_>) -> String {
        let created = names.catalog.extensions.iter().find(|created| created.name == self.extension);
        created.map_or_else(
            || quote_identifier(&self.name),
            |created| names.qualified(&created.schema, &self.name, names.search_path.contains(&created.schema)),
        )
    }

    /// As regproc shows it: qualified when the name alone could mean another.
    pub fn shown_name(&self) -> String {
        let name = quote_identifier(&self.name);
        if self.unique_name { name } else { format!("pg_catalog.{name}") }
    }
}
