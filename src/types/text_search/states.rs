//! The states of the default parser, and what a rule that leads from one to the next is made of.
//!
//! Owns: [`State`], [`Rule`]. Which rules there are is in `rules`. Specification: wparser_def.c in PostgreSQL 15.

use super::tokens::Kind;

/// What the next character is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Alphabetic,
    Alphanumeric,
    Any,
    AsciiLetter,
    Digit,
    /// There is none.
    End,
    HexDigit,
    /// All is skipped: inside of a script or a style sheet.
    Ignore,
    Is(char),
    /// A host's name follows, and is taken.
    IsHost,
    /// A URL's path follows, and is taken.
    IsUrlPath,
    NotAlphanumeric,
    Space,
    /// A mark that belongs to the letter before it.
    Special,
    /// Only a host's name was wanted.
    StopHost,
    UrlCharacter,
}

/// What a rule does beyond changing the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    SkipTags,
    /// The text so far is read again as a URL.
    ReadUrl,
    /// The text so far is read again, part by part.
    ReadAgain,
    /// The same, and does not count as read.
    Forget,
}

/// A rule's actions are bits: what was read is a token.
pub(super) const BINGO: u8 = 1;
/// Back to where the state was pushed, and on with the rule behind that one.
pub(super) const POP: u8 = 2;
/// The state is kept in case this leads nowhere.
pub(super) const PUSH: u8 = 4;
/// The character is looked at again.
pub(super) const RERUN: u8 = 8;
/// The state kept last is forgotten.
pub(super) const CLEAR: u8 = 16;
/// The state kept last goes on from here.
pub(super) const MERGE: u8 = 32;
/// All states kept are forgotten.
pub(super) const CLEAR_ALL: u8 = 64;

/// If the class fits: actions, the state to go to, the token's kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) class: Class,
    pub(super) actions: u8,
    pub(super) to: Option<State>,
    pub(super) kind: Option<Kind>,
    pub(super) then: Then,
}

/// A state of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Base,
    InNumWord,
    InAsciiWord,
    InWord,
    InUnsignedInt,
    InSignedIntFirst,
    InSignedInt,
    InSpace,
    InUDecimalFirst,
    InUDecimal,
    InDecimalFirst,
    InDecimal,
    InVerVersion,
    InSVerVersion,
    InVersionFirst,
    InVersion,
    InMantissaFirst,
    InMantissaSign,
    InMantissa,
    InXMLEntityFirst,
    InXMLEntity,
    InXMLEntityNumFirst,
    InXMLEntityNum,
    InXMLEntityHexNumFirst,
    InXMLEntityHexNum,
    InXMLEntityEnd,
    InTagFirst,
    InXMLBegin,
    InTagCloseFirst,
    InTagName,
    InTagBeginEnd,
    InTag,
    InTagEscapeK,
    InTagEscapeKK,
    InTagBackSleshed,
    InTagEnd,
    InCommentFirst,
    InCommentLast,
    InComment,
    InCloseCommentFirst,
    InCloseCommentLast,
    InCommentEnd,
    InHostFirstDomain,
    InHostDomainSecond,
    InHostDomain,
    InPortFirst,
    InPort,
    InHostFirstAN,
    InHost,
    InEmail,
    InFileFirst,
    InFileTwiddle,
    InPathFirst,
    InPathFirstFirst,
    InPathSecond,
    InFile,
    InFileNext,
    InURLPathFirst,
    InURLPathStart,
    InURLPath,
    InFURL,
    InProtocolFirst,
    InProtocolSecond,
    InProtocolEnd,
    InHyphenAsciiWordFirst,
    InHyphenAsciiWord,
    InHyphenWordFirst,
    InHyphenWord,
    InHyphenNumWordFirst,
    InHyphenNumWord,
    InHyphenDigitLookahead,
    InParseHyphen,
    InParseHyphenHyphen,
    InHyphenWordPart,
    InHyphenAsciiWordPart,
    InHyphenNumWordPart,
    InHyphenUnsignedInt,
}
