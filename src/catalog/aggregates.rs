//! What an aggregate that users made is computed by (pg_aggregate).
//!
//! Owns: [`Aggregate`]. Its name, arguments and result are those of its [`Routine`](crate::catalog::routines::Routine).
//! Must not know: how it is computed. Specification: catalog-pg-aggregate.html, xaggr.html.

use serde_json::{Value as Json, json};

use crate::types::pg_type::Oid;

pub const PG_AGGREGATE: Oid = Oid(2600);

/// One aggregate; a function that it does not have is `Oid::INVALID`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aggregate {
    pub plain: Computation,
    /// How it is computed over a frame whose start moves (MSFUNC and its kin).
    pub moving: Option<Moving>,
    pub combine: Oid,
    pub serial: Oid,
    pub deserial: Oid,
    /// SORTOP
    pub sort_operator: Oid,
}

/// One way to compute it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Computation {
    /// SFUNC
    pub transition: Oid,
    /// STYPE
    pub state: Oid,
    /// SSPACE
    pub space: i32,
    /// INITCOND
    pub initial: Option<String>,
    /// FINALFUNC
    pub last: Oid,
    /// FINALFUNC_EXTRA
    pub last_extra: bool,
    /// FINALFUNC_MODIFY: r, s, w; 0 is r.
    pub last_modify: u8,
}

/// Over a frame that moves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moving {
    pub computation: Computation,
    /// MINVFUNC
    pub inverse: Oid,
}

impl Aggregate {
    /// All functions that it names.
    pub fn functions(&self) -> impl Iterator<Item = Oid> {
        let moving = self.moving.as_ref();
        let of_moving = moving.map(|moving| [moving.computation.transition, moving.computation.last, moving.inverse]);
        [self.plain.transition, self.plain.last, self.combine, self.serial, self.deserial]
            .into_iter()
            .chain(of_moving.into_iter().flatten())
            .filter(|oid| *oid != Oid::INVALID)
    }

    /// The types of its states.
    pub fn states(&self) -> impl Iterator<Item = Oid> {
        [self.plain.state].into_iter().chain(self.moving.as_ref().map(|moving| moving.computation.state))
    }

    /// As it is kept.
    pub fn to_json(&self) -> Json {
        json!({
            "plain": self.plain.to_json(),
            "moving": self.moving.as_ref().map(|moving| json!([moving.computation.to_json(), moving.inverse.0])),
            "others": [self.combine.0, self.serial.0, self.deserial.0, self.sort_operator.0],
        })
    }

    /// The inverse.
    pub fn of_json(json: &Json) -> Self {
        let other = |place: usize| oid(json.get("others").and_then(|others| others.get(place)));
        let moving = json.get("moving").filter(|moving| moving.is_array()).map(|moving| Moving {
            computation: moving.get(0).map(Computation::of_json).unwrap_or_default(),
            inverse: oid(moving.get(1)),
        });
        Aggregate {
            plain: json.get("plain").map(Computation::of_json).unwrap_or_default(),
            moving,
            combine: other(0),
            serial: other(1),
            deserial: other(2),
            sort_operator: other(3),
        }
    }
}

impl Computation {
    fn to_json(&self) -> Json {
        let Computation { transition, state, space, initial, last, last_extra, last_modify } = self;
        json!([transition.0, state.0, space, initial, last.0, last_extra, last_modify])
    }

    fn of_json(json: &Json) -> Self {
        let number = |place: usize| json.get(place).and_then(Json::as_i64).unwrap_or_default();
        Computation {
            transition: oid(json.get(0)),
            state: oid(json.get(1)),
            space: number(2).try_into().unwrap_or_default(),
            initial: json.get(3).and_then(Json::as_str).map(str::to_owned),
            last: oid(json.get(4)),
            last_extra: json.get(5).and_then(Json::as_bool).unwrap_or_default(),
            last_modify: number(6).try_into().unwrap_or_default(),
        }
    }
}

fn oid(json: Option<&Json>) -> Oid {
    let number = json.and_then(Json::as_u64).and_then(|oid| u32::try_from(oid).ok());
    number.map_or(Oid::INVALID, Oid)
}
