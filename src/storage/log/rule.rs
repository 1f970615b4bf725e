//! The rules of appending that can be left out, so that tests show what each of them is for.
//!
//! Owns: [`Rule`]. Must not know: what they say (`log::append`). In debug builds `WITHOUT_RULE` names the one that the
//! process does without; a release build has no such thing.

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// "Written" is not believed without knowing the floor.
    KnowTheFloor,
    /// "There is one already" is not taken for another's without reading it.
    RecogniseOneself,
    /// A floor that has passed the number is not taken for a loss.
    AdmitIgnorance,
}

impl Rule {
    /// The rule that is left out by the environment.
    #[cfg(debug_assertions)]
    pub(super) fn left_out() -> Option<Self> {
        match std::env::var("WITHOUT_RULE").ok()?.as_str() {
            "know-the-floor" => Some(Rule::KnowTheFloor),
            "recognise-oneself" => Some(Rule::RecogniseOneself),
            "admit-ignorance" => Some(Rule::AdmitIgnorance),
            _ => None,
        }
    }
}
