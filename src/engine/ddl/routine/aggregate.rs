//! CREATE AGGREGATE.
//!
//! Must not know: how an aggregate is computed. Specification: sql-createaggregate.html; aggregatecmds.c,
//! pg_aggregate.c.

use super::definition::{boolean, integer, qualified_name, string, type_name};
use super::{Change, check_polymorphic, invalid, routine_name};
use crate::catalog::aggregates::{Aggregate, Computation, Moving};
use crate::catalog::routines::{
    Body, Effects, Language, PG_PROC, Parameter, ParameterMode, Routine, RoutineKind, Volatility, is_polymorphic,
};
use crate::catalog::schema::Uses;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::support::SupportFunction;
use crate::sql::ddl::{CreateFunctionStmt, DefineStmt, Expr};
use crate::sql::stored;
use crate::sql::syntax::ast::definition::DefElem;
use crate::sql::syntax::ast::expression::{AConst, ConstValue};
use crate::sql::syntax::ast::location::Location;
use crate::types::pg_type::{Oid, type_info};

const INTERNAL: Oid = Oid(2281);

/// What the clauses say.
#[derive(Default)]
struct Clauses<'c> {
    plain: Way<'c>,
    moving: Way<'c>,
    inverse: Option<Vec<String>>,
    combine: Option<Vec<String>>,
    serial: Option<Vec<String>>,
    deserial: Option<Vec<String>>,
    sort_operator: Option<Vec<String>>,
    base_type: Option<&'c DefElem>,
    hypothetical: bool,
    parallel: Option<String>,
}

/// Those of one way to compute it.
#[derive(Default)]
struct Way<'c> {
    transition: Option<Vec<String>>,
    state: Option<&'c DefElem>,
    space: i32,
    initial: Option<String>,
    last: Option<Vec<String>>,
    extra: bool,
    modify: u8,
}

/// extractModify
fn modify(option: &DefElem) -> Result<u8> {
    match string(option)?.as_str() {
        "read_only" => Ok(b'r'),
        "shareable" => Ok(b's'),
        "read_write" => Ok(b'w'),
        _ => {
            let message = format!("parameter \"{}\" must be READ_ONLY, SHAREABLE, or READ_WRITE", option.name);
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

impl Change<'_> {
    pub(in crate::engine::ddl) fn create_aggregate(&mut self, define: &DefineStmt) -> Result<()> {
        let name = routine_name(&define.name)?;
        let schema = self.creation_schema(&name, name.schema.as_deref() == Some("pg_temp"))?;
        if schema == "pg_temp" {
            self.ensure_temporary()?;
        }
        if define.args.as_ref().is_some_and(|args| args.ordered.is_some()) {
            return Err(Error::unsupported("CREATE AGGREGATE of an ordered-set aggregate"));
        }
        let clauses = self.clauses(define)?;
        let parameters = self.aggregated(define, &clauses)?;
        let (plain, returns, names) = self.computation(&clauses.plain, &parameters, "stype")?;
        let mut called = names;
        let state = plain.state;
        let moving = match &clauses.moving.state {
            None => None,
            Some(_) => {
                let (computation, moving_returns, names) = self.computation(&clauses.moving, &parameters, "mstype")?;
                called.extend(names);
                let inverse = self.inverse(&clauses, &computation, &parameters)?;
                called.extend(self.user_routine_name(inverse.oid));
                if moving_returns != returns {
                    let shown = [moving_returns, returns].map(|oid| self.shown_type(oid));
                    let message = format!(
                        "moving-aggregate implementation returns type {}, but plain implementation returns type {}",
                        shown[0], shown[1]
                    );
                    return Err(invalid(message));
                }
                Some(Moving { computation, inverse: inverse.oid })
            }
        };
        let combine = match &clauses.combine {
            None => Oid::INVALID,
            Some(function) => {
                let found = self.aggregate_function(function, &[state, state])?;
                self.require_returns(&found, state, function, "combine")?;
                found.oid
            }
        };
        if clauses.serial.is_some() || clauses.deserial.is_some() {
            if clauses.serial.is_some() != clauses.deserial.is_some() {
                return Err(invalid("must specify both or neither of serialization and deserialization functions"));
            }
            let message = "serialization functions may be specified only when the aggregate transition data type is \
                           internal";
            return Err(invalid(message));
        }
        check_polymorphic(&parameters, returns).map_err(|error| match error.fields().detail.clone() {
            Some(detail) => {
                Error::new(SqlState::DATATYPE_MISMATCH, "cannot determine result data type").with_detail(detail)
            }
            None => error,
        })?;
        if clauses.sort_operator.is_some() && parameters.len() != 1 {
            return Err(invalid("sort operator can only be specified for single-argument aggregates"));
        }
        let sort_operator = match (&clauses.sort_operator, parameters.first()) {
            (Some(operator), Some(parameter)) => self.named_operator(operator, [parameter.type_oid; 2])?,
            _ => Oid::INVALID,
        };
        let routine = Routine {
            oid: Oid::INVALID,
            schema,
            name: name.name.clone(),
            kind: RoutineKind::Aggregate,
            language: Language::Internal,
            parameters,
            returns,
            returns_set: false,
            volatility: Volatility::Immutable,
            strict: false,
            security_definer: false,
            leakproof: false,
            parallel: parallel(clauses.parallel.as_deref())?,
            cost: 1.0,
            rows: 0.0,
            settings: Vec::new(),
            body: Body::Text("aggregate_dummy".to_owned()),
            effects: Effects { writes: false, calls: called },
            uses: Uses::default(),
            aggregate: Some(Box::new(Aggregate {
                plain,
                moving,
                combine,
                serial: Oid::INVALID,
                deserial: Oid::INVALID,
                sort_operator,
            })),
        };
        let existing = self.catalog.routine(&routine.schema, &routine.name, &routine.input_types()).cloned();
        let oid = match &existing {
            None => self.new_oid()?,
            Some(existing) => {
                self.check_replaceable(existing, &routine, define.replace)?;
                existing.oid
            }
        };
        self.put_routine(Routine { oid, ..routine })
    }

    fn clauses<'d>(&mut self, define: &'d DefineStmt) -> Result<Clauses<'d>> {
        let mut clauses = Clauses::default();
        for option in &define.definition {
            match option.name.as_str() {
                "sfunc" | "sfunc1" => clauses.plain.transition = Some(qualified_name(option)?),
                "stype" | "stype1" => clauses.plain.state = Some(option),
                "sspace" => clauses.plain.space = integer(option)?,
                "initcond" | "initcond1" => clauses.plain.initial = Some(string(option)?),
                "finalfunc" => clauses.plain.last = Some(qualified_name(option)?),
                "finalfunc_extra" => clauses.plain.extra = boolean(option)?,
                "finalfunc_modify" => clauses.plain.modify = modify(option)?,
                "combinefunc" => clauses.combine = Some(qualified_name(option)?),
                "serialfunc" => clauses.serial = Some(qualified_name(option)?),
                "deserialfunc" => clauses.deserial = Some(qualified_name(option)?),
                "msfunc" => clauses.moving.transition = Some(qualified_name(option)?),
                "minvfunc" => clauses.inverse = Some(qualified_name(option)?),
                "mstype" => clauses.moving.state = Some(option),
                "msspace" => clauses.moving.space = integer(option)?,
                "minitcond" => clauses.moving.initial = Some(string(option)?),
                "mfinalfunc" => clauses.moving.last = Some(qualified_name(option)?),
                "mfinalfunc_extra" => clauses.moving.extra = boolean(option)?,
                "mfinalfunc_modify" => clauses.moving.modify = modify(option)?,
                "sortop" => clauses.sort_operator = Some(qualified_name(option)?),
                "basetype" => clauses.base_type = Some(option),
                "hypothetical" => clauses.hypothetical = boolean(option)?,
                "parallel" => clauses.parallel = Some(string(option)?),
                other => {
                    self.warn(SqlState::SYNTAX_ERROR, format!("aggregate attribute \"{other}\" not recognized"));
                }
            }
        }
        if clauses.hypothetical {
            return Err(invalid("only ordered-set aggregates can be hypothetical"));
        }
        let (plain, moving) = (&clauses.plain, &clauses.moving);
        for (is_missing, what) in [(plain.state.is_none(), "stype"), (plain.transition.is_none(), "sfunc")] {
            if is_missing {
                return Err(invalid(format!("aggregate {what} must be specified")));
            }
        }
        if moving.state.is_some() {
            for (is_missing, what) in [(moving.transition.is_none(), "msfunc"), (clauses.inverse.is_none(), "minvfunc")]
            {
                if is_missing {
                    return Err(invalid(format!("aggregate {what} must be specified when mstype is specified")));
                }
            }
            return Ok(clauses);
        }
        for (is_given, what) in [
            (moving.transition.is_some(), "msfunc"),
            (clauses.inverse.is_some(), "minvfunc"),
            (moving.last.is_some(), "mfinalfunc"),
            (moving.space != 0, "msspace"),
            (moving.initial.is_some(), "minitcond"),
        ] {
            if is_given {
                return Err(invalid(format!("aggregate {what} must not be specified without mstype")));
            }
        }
        Ok(clauses)
    }

    /// The arguments: those written, or that of BASETYPE.
    fn aggregated(&mut self, define: &DefineStmt, clauses: &Clauses<'_>) -> Result<Vec<Parameter>> {
        let Some(args) = &define.args else {
            let base = clauses.base_type.ok_or_else(|| invalid("aggregate input type must be specified"))?;
            let base = type_name(base)?;
            if base.names.join(".").eq_ignore_ascii_case("any") {
                return Ok(Vec::new());
            }
            let (name, mode, type_oid) = (String::new(), ParameterMode::In, self.routine_type(&base)?);
            return Ok(vec![Parameter { name, mode, type_oid, default: None }]);
        };
        if clauses.base_type.is_some() {
            return Err(invalid("basetype is redundant with aggregate input type specification"));
        }
        if args.direct.iter().any(|parameter| parameter.type_name.setof) {
            return Err(invalid("aggregates cannot accept set arguments"));
        }
        let function = CreateFunctionStmt {
            is_procedure: false,
            replace: false,
            name: define.name.clone(),
            parameters: args.direct.clone(),
            return_type: None,
            options: Vec::new(),
            body: None,
        };
        let parameters = self.routine_parameters(&function, Language::Internal)?;
        if parameters.iter().any(|p| p.mode == ParameterMode::Variadic && p.type_oid == Oid::ANY) {
            return Err(Error::unsupported("an aggregate over VARIADIC \"any\""));
        }
        Ok(parameters)
    }

    /// One way to compute it, the type of the result, and the names of the users' functions that are called.
    fn computation(
        &mut self,
        way: &Way<'_>,
        parameters: &[Parameter],
        what: &str,
    ) -> Result<(Computation, Oid, Vec<String>)> {
        let (Some(state), Some(transition)) = (way.state, &way.transition) else {
            return Err(invalid(format!("aggregate {what} must be specified")));
        };
        let state = self.routine_type(&type_name(state)?)?;
        let is_pseudo = type_info(state).is_some_and(|info| info.kind == b'p');
        if state == INTERNAL {
            return Err(Error::unsupported("an aggregate whose transition data type is internal"));
        }
        if is_pseudo && !is_polymorphic(state) {
            let message = format!("aggregate transition data type cannot be {}", self.shown_type(state));
            return Err(invalid(message));
        }
        if let Some(initial) = way.initial.as_ref().filter(|_| !is_pseudo) {
            let value = ConstValue::String(initial.clone());
            let constant = Expr::Const(AConst { value, location: Location::UNKNOWN });
            self.default_expression(&constant, "", (state, -1))?;
        }
        check_polymorphic(parameters, state).map_err(|error| match error.fields().detail.clone() {
            Some(detail) => invalid("cannot determine transition data type").with_detail(detail),
            None => error,
        })?;
        let types: Vec<Oid> = [state].into_iter().chain(parameters.iter().map(|p| p.type_oid)).collect();
        let found = self.aggregate_function(transition, &types)?;
        self.require_returns(&found, state, transition, "transition")?;
        let first = parameters.first().map(|parameter| parameter.type_oid);
        let fits = |first: Oid| stored::is_binary_coercible(first, state, self.planning());
        if found.strict && way.initial.is_none() && !first.is_some_and(fits) {
            return Err(invalid(
                "must not omit initial value when transition function is strict and transition type is not compatible \
                 with input type",
            ));
        }
        let mut called: Vec<String> = self.user_routine_name(found.oid).into_iter().collect();
        let (last, returns) = match &way.last {
            None => (Oid::INVALID, state),
            Some(function) => {
                let types = if way.extra { types.as_slice() } else { types.get(..1).unwrap_or_default() };
                let last = self.aggregate_function(function, types)?;
                if way.extra && last.strict {
                    return Err(invalid("final function with extra arguments must not be declared STRICT"));
                }
                called.extend(self.user_routine_name(last.oid));
                (last.oid, last.returns)
            }
        };
        let computation = Computation {
            transition: found.oid,
            state,
            space: way.space,
            initial: way.initial.clone(),
            last,
            last_extra: way.extra,
            last_modify: if way.modify == 0 { b'r' } else { way.modify },
        };
        Ok((computation, returns, called))
    }

    fn inverse(
        &self,
        clauses: &Clauses<'_>,
        moving: &Computation,
        parameters: &[Parameter],
    ) -> Result<SupportFunction> {
        let (Some(name), Some(forward)) = (&clauses.inverse, &clauses.moving.transition) else {
            return Err(invalid("aggregate minvfunc must be specified when mstype is specified"));
        };
        let types: Vec<Oid> = [moving.state].into_iter().chain(parameters.iter().map(|p| p.type_oid)).collect();
        let inverse = self.aggregate_function(name, &types)?;
        self.require_returns(&inverse, moving.state, name, "inverse transition")?;
        if self.aggregate_function(forward, &types)?.strict != inverse.strict {
            return Err(invalid("strictness of aggregate's forward and inverse transition functions must match"));
        }
        Ok(inverse)
    }

    /// lookup_agg_function
    fn aggregate_function(&self, name: &[String], types: &[Oid]) -> Result<SupportFunction> {
        let found = stored::support_function(name, types, self.planning())?;
        let signature = |types: &[Oid]| {
            let types: Vec<String> = types.iter().map(|oid| self.shown_type(*oid)).collect();
            format!("{}({})", name.join("."), types.join(", "))
        };
        if found.returns_set {
            let message = format!("function {} returns a set", signature(types));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        if !found.takes_as_stored {
            let message = format!("function {} requires run-time type coercion", signature(&found.declared));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        self.require_execute(found.oid)?;
        Ok(found)
    }

    fn require_returns(&self, found: &SupportFunction, state: Oid, name: &[String], what: &str) -> Result<()> {
        if found.returns == state {
            return Ok(());
        }
        let message = format!("return type of {what} function {} is not {}", name.join("."), self.shown_type(state));
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
    }

    /// 42501 unless the role may call a function; everybody may call PostgreSQL's.
    pub(in crate::engine::ddl) fn require_execute(&self, function: Oid) -> Result<()> {
        use crate::catalog::acl::{AclKind, Privileges};
        let Some(routine) = self.catalog.routines.get(&function) else { return Ok(()) };
        let (holder, wanted) = (self.holder(), Privileges::EXECUTE);
        let address = (PG_PROC, routine.oid, 0);
        match holder.superuser || self.catalog.mask(&holder, address, AclKind::Function, wanted) == wanted {
            true => Ok(()),
            false => {
                let message = format!("permission denied for function {}", routine.name);
                Err(crate::engine::identity::denied(message))
            }
        }
    }

    fn user_routine_name(&self, oid: Oid) -> Option<String> {
        self.catalog.routines.get(&oid).map(|routine| routine.name.clone())
    }
}

fn parallel(word: Option<&str>) -> Result<u8> {
    match word {
        None | Some("unsafe") => Ok(b'u'),
        Some("safe") => Ok(b's'),
        Some("restricted") => Ok(b'r'),
        Some(_) => {
            let message = "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE";
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}
