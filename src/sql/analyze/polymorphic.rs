//! The polymorphic pseudo-types: what an argument declared anyelement, anyarray, anyrange … takes, and what they all
//! stand for in a call.
//!
//! Owns: the rules, for functions and operators alike. Must not know: how a candidate is chosen (`resolve`).
//! Specification: extend-type-system.html#EXTEND-TYPES-POLYMORPHIC; enforce_generic_type_consistency.

use crate::catalog::schema::UserTypeKind;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::casts::CastContext;
use crate::types::pg_range::{RangeType, by_multirange, by_range};
use crate::types::pg_type::Oid;

/// The pseudo-types, and the one that takes anything without asking what the others are.
const POLYMORPHIC: &[Oid] = &[
    Oid::ANY,
    Oid::ANYELEMENT,
    Oid::ANYARRAY,
    Oid::ANYNONARRAY,
    Oid::ANYENUM,
    Oid::ANYRANGE,
    Oid::ANYMULTIRANGE,
    Oid::ANYCOMPATIBLE,
    Oid::ANYCOMPATIBLEARRAY,
];

/// Whether a declared type stands for others.
pub(super) fn is_polymorphic(oid: Oid) -> bool {
    POLYMORPHIC.contains(&oid)
}

/// What the polymorphic arguments of a call are.
#[derive(Clone, Copy, Default)]
struct Actual {
    element: Option<Oid>,
    range: Option<RangeType>,
    /// What anycompatible is: the common type of all that is given for it.
    compatible: Option<Oid>,
}

impl Analyzer<'_> {
    /// The range type with this OID.
    pub(super) fn range_type(&self, oid: Oid) -> Option<RangeType> {
        by_range(oid).copied().or_else(|| self.catalog().range_type(oid))
    }

    /// The range type behind a multirange type.
    pub(super) fn range_of_multirange(&self, oid: Oid) -> Option<RangeType> {
        by_multirange(oid).copied().or_else(|| match &self.catalog().types.get(&oid)?.kind {
            UserTypeKind::Multirange { range, .. } => self.catalog().range_type(*range),
            _ => None,
        })
    }

    /// Whether an argument of that type may stand where a pseudo-type is declared; `None` for other declared types.
    pub(super) fn takes(&self, declared: Oid, actual: Oid) -> Option<bool> {
        Some(match declared {
            Oid::ANY | Oid::ANYELEMENT | Oid::ANYCOMPATIBLE => true,
            Oid::ANYARRAY | Oid::ANYCOMPATIBLEARRAY => self.element_type(actual).is_some(),
            Oid::ANYNONARRAY => self.element_type(actual).is_none(),
            Oid::ANYENUM => self.is_enum(actual),
            Oid::ANYRANGE => self.range_type(actual).is_some(),
            Oid::ANYMULTIRANGE => self.range_of_multirange(actual).is_some(),
            _ => return None,
        })
    }

    /// What one argument says of what they all stand for.
    fn said_by(&self, declared: Oid, actual: Oid) -> Actual {
        let ranged =
            |range: Option<RangeType>| Actual { element: range.map(|range| range.subtype), range, compatible: None };
        match declared {
            _ if actual == Oid::UNKNOWN => Actual::default(),
            Oid::ANYARRAY => Actual { element: self.element_type(actual), ..Actual::default() },
            Oid::ANYELEMENT | Oid::ANYNONARRAY | Oid::ANYENUM => Actual { element: Some(actual), ..Actual::default() },
            Oid::ANYCOMPATIBLE => Actual { compatible: Some(actual), ..Actual::default() },
            Oid::ANYCOMPATIBLEARRAY => Actual { compatible: self.element_type(actual), ..Actual::default() },
            Oid::ANYRANGE => ranged(self.range_type(actual)),
            Oid::ANYMULTIRANGE => ranged(self.range_of_multirange(actual)),
            _ => Actual::default(),
        }
    }

    /// What all arguments together say; `None` if they do not agree.
    fn agreed(&self, declared: &[Oid], actual: &[Oid]) -> Option<Actual> {
        let mut agreed = Actual::default();
        let mut compatible = Vec::new();
        for (declared, actual) in declared.iter().zip(actual) {
            let said = self.said_by(*declared, *actual);
            match (agreed.element, said.element) {
                (Some(a), Some(b)) if a != b => return None,
                (a, b) => agreed.element = a.or(b),
            }
            compatible.extend(said.compatible);
            match (agreed.range, said.range) {
                (Some(a), Some(b)) if a != b => return None,
                (a, b) => agreed.range = a.or(b),
            }
        }
        if !compatible.is_empty() {
            let common = self.common_type(&compatible, "").ok()?;
            if !compatible.iter().all(|oid| self.can_coerce(*oid, common, CastContext::Implicit)) {
                return None;
            }
            agreed.compatible = Some(common);
        }
        Some(agreed)
    }

    /// Whether the polymorphic arguments agree with each other.
    pub(super) fn polymorphism_fits(&self, declared: &[Oid], actual: &[Oid]) -> bool {
        self.agreed(declared, actual).is_some()
    }

    fn stands_for(&self, declared: Oid, actual: Actual) -> Option<Oid> {
        match declared {
            Oid::ANYARRAY => actual.element.map(|element| self.array_type(element).unwrap_or(Oid::TEXT_ARRAY)),
            Oid::ANYELEMENT | Oid::ANYNONARRAY | Oid::ANYENUM => actual.element,
            Oid::ANYCOMPATIBLE => actual.compatible,
            Oid::ANYCOMPATIBLEARRAY => actual.compatible.and_then(|element| self.array_type(element)),
            Oid::ANYRANGE => actual.range.map(|range| range.range),
            Oid::ANYMULTIRANGE => actual.range.map(|range| range.multirange),
            _ => None,
        }
    }

    /// What each declared argument type stands for in this call. What nothing tells is text.
    pub(super) fn actual_types(&self, declared: &[Oid], types: &[Oid]) -> Vec<Oid> {
        let mut agreed = self.agreed(declared, types).unwrap_or_default();
        agreed.element = agreed.element.or(Some(Oid::TEXT));
        agreed.compatible = agreed.compatible.or(Some(Oid::TEXT));
        let pairs = declared.iter().zip(types);
        pairs
            .map(|(declared, actual)| match *declared {
                Oid::ANY if *actual == Oid::UNKNOWN => Oid::TEXT,
                Oid::ANY => *actual,
                other if is_polymorphic(other) => self.stands_for(other, agreed).unwrap_or(Oid::TEXT),
                other => other,
            })
            .collect()
    }

    /// The result type, polymorphic ones replaced.
    pub(super) fn result_type(&self, result: Oid, declared: &[Oid], actual: &[Oid]) -> Oid {
        let agreed = self.agreed(declared, actual).unwrap_or_default();
        self.stands_for(result, agreed).unwrap_or(result)
    }
}
