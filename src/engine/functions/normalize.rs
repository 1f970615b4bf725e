//! Unicode's normal forms.
//!
//! Specification: functions-string.html (normalize, IS NORMALIZED).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::{Args, Definition};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_normalize", -1, |a| Ok(normal_form(&a.text(0)?, form(a)?)?.into_owned().into())),
    Definition::pure("pg_is_normalized", -1, |a| {
        let text = a.text(0)?;
        Ok((normal_form(&text, form(a)?)? == text).into())
    }),
];

#[derive(Clone, Copy)]
enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

/// The form that argument 1 names.
fn form(args: &Args<'_>) -> Result<Form> {
    if args.len() < 2 {
        return Ok(Form::Nfc);
    }
    let name = args.text(1)?;
    match name.to_ascii_uppercase().as_str() {
        "NFC" => Ok(Form::Nfc),
        "NFD" => Ok(Form::Nfd),
        "NFKC" => Ok(Form::Nfkc),
        "NFKD" => Ok(Form::Nfkd),
        _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid normalization form: {name}"))),
    }
}

fn normal_form(text: &str, form: Form) -> Result<Cow<'_, str>> {
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut put = |character: char| {
        limits::work(16)?;
        memory::room(out.len(), 4)?;
        out.push(character);
        Ok(())
    };
    match form {
        Form::Nfc => text.nfc().try_for_each(&mut put),
        Form::Nfd => text.nfd().try_for_each(&mut put),
        Form::Nfkc => text.nfkc().try_for_each(&mut put),
        Form::Nfkd => text.nfkd().try_for_each(&mut put),
    }?;
    Ok(Cow::Owned(out))
}
