//! What leads from one state of the default parser to the next.
//!
//! Owns: [`rules`], the table. The machine is `parser`. Specification: wparser_def.c in PostgreSQL 15, whose rules these are,
//! in its order.

use super::states::Class::{
    self, Alphabetic, Alphanumeric, Any, AsciiLetter, Digit, End, HexDigit, Ignore, Is, IsHost, IsUrlPath,
    NotAlphanumeric, Space, Special, StopHost, UrlCharacter,
};
use super::states::{BINGO, CLEAR, CLEAR_ALL, MERGE, POP, PUSH, RERUN, Rule, State, Then};
use super::tokens::Kind::{self, *};

const NEXT: u8 = 0;

const fn go(class: Class, actions: u8, to: State) -> Rule {
    Rule { class, actions, to: Some(to), kind: None, then: Then::Nothing }
}

const fn stay(class: Class, actions: u8) -> Rule {
    Rule { class, actions, to: None, kind: None, then: Then::Nothing }
}

/// Back to the beginning with a token.
const fn token(class: Class, actions: u8, kind: Kind) -> Rule {
    Rule { class, actions: actions | BINGO, to: Some(State::Base), kind: Some(kind), then: Then::Nothing }
}

const fn with(rule: Rule, then: Then) -> Rule {
    Rule { then, ..rule }
}

/// The rules of a state, the first that fits counts; the last one always does.
pub(super) const fn rules(state: State) -> &'static [Rule] {
    match state {
        State::Base => {
            const {
                &[
                    stay(End, NEXT),
                    go(Is('<'), PUSH, State::InTagFirst),
                    go(Ignore, NEXT, State::InSpace),
                    go(AsciiLetter, NEXT, State::InAsciiWord),
                    go(Alphabetic, NEXT, State::InWord),
                    go(Digit, NEXT, State::InUnsignedInt),
                    go(Is('-'), PUSH, State::InSignedIntFirst),
                    go(Is('+'), PUSH, State::InSignedIntFirst),
                    go(Is('&'), PUSH, State::InXMLEntityFirst),
                    go(Is('~'), PUSH, State::InFileTwiddle),
                    go(Is('/'), PUSH, State::InFileFirst),
                    go(Is('.'), PUSH, State::InPathFirstFirst),
                    go(Any, NEXT, State::InSpace),
                ]
            }
        }
        State::InNumWord => {
            const {
                &[
                    token(End, NEXT, NumWord),
                    go(Alphanumeric, NEXT, State::InNumWord),
                    go(Special, NEXT, State::InNumWord),
                    go(Is('@'), PUSH, State::InEmail),
                    go(Is('/'), PUSH, State::InFileFirst),
                    go(Is('.'), PUSH, State::InFileNext),
                    go(Is('-'), PUSH, State::InHyphenNumWordFirst),
                    token(Any, NEXT, NumWord),
                ]
            }
        }
        State::InAsciiWord => {
            const {
                &[
                    token(End, NEXT, AsciiWord),
                    stay(AsciiLetter, NEXT),
                    go(Is('.'), PUSH, State::InHostFirstDomain),
                    go(Is('.'), PUSH, State::InFileNext),
                    go(Is('-'), PUSH, State::InHostFirstAN),
                    go(Is('-'), PUSH, State::InHyphenAsciiWordFirst),
                    go(Is('_'), PUSH, State::InHostFirstAN),
                    go(Is('@'), PUSH, State::InEmail),
                    go(Is(':'), PUSH, State::InProtocolFirst),
                    go(Is('/'), PUSH, State::InFileFirst),
                    go(Digit, PUSH, State::InHost),
                    go(Digit, NEXT, State::InNumWord),
                    go(Alphabetic, NEXT, State::InWord),
                    go(Special, NEXT, State::InWord),
                    token(Any, NEXT, AsciiWord),
                ]
            }
        }
        State::InWord => {
            const {
                &[
                    token(End, NEXT, Word),
                    stay(Alphabetic, NEXT),
                    stay(Special, NEXT),
                    go(Digit, NEXT, State::InNumWord),
                    go(Is('-'), PUSH, State::InHyphenWordFirst),
                    token(Any, NEXT, Word),
                ]
            }
        }
        State::InUnsignedInt => {
            const {
                &[
                    token(End, NEXT, Uint),
                    stay(Digit, NEXT),
                    go(Is('.'), PUSH, State::InHostFirstDomain),
                    go(Is('.'), PUSH, State::InUDecimalFirst),
                    go(Is('e'), PUSH, State::InMantissaFirst),
                    go(Is('E'), PUSH, State::InMantissaFirst),
                    go(Is('-'), PUSH, State::InHostFirstAN),
                    go(Is('_'), PUSH, State::InHostFirstAN),
                    go(Is('@'), PUSH, State::InEmail),
                    go(AsciiLetter, PUSH, State::InHost),
                    go(Alphabetic, NEXT, State::InNumWord),
                    go(Special, NEXT, State::InNumWord),
                    go(Is('/'), PUSH, State::InFileFirst),
                    token(Any, NEXT, Uint),
                ]
            }
        }
        State::InSignedIntFirst => const { &[stay(End, POP), go(Digit, CLEAR, State::InSignedInt), stay(Any, POP)] },
        State::InSignedInt => {
            const {
                &[
                    token(End, NEXT, Int),
                    stay(Digit, NEXT),
                    go(Is('.'), PUSH, State::InDecimalFirst),
                    go(Is('e'), PUSH, State::InMantissaFirst),
                    go(Is('E'), PUSH, State::InMantissaFirst),
                    token(Any, NEXT, Int),
                ]
            }
        }
        State::InSpace => {
            const {
                &[
                    token(End, NEXT, Blank),
                    token(Is('<'), NEXT, Blank),
                    stay(Ignore, NEXT),
                    token(Is('-'), NEXT, Blank),
                    token(Is('+'), NEXT, Blank),
                    token(Is('&'), NEXT, Blank),
                    token(Is('/'), NEXT, Blank),
                    go(NotAlphanumeric, NEXT, State::InSpace),
                    token(Any, NEXT, Blank),
                ]
            }
        }
        State::InUDecimalFirst => const { &[stay(End, POP), go(Digit, CLEAR, State::InUDecimal), stay(Any, POP)] },
        State::InUDecimal => {
            const {
                &[
                    token(End, NEXT, Float),
                    go(Digit, NEXT, State::InUDecimal),
                    go(Is('.'), PUSH, State::InVersionFirst),
                    go(Is('e'), PUSH, State::InMantissaFirst),
                    go(Is('E'), PUSH, State::InMantissaFirst),
                    token(Any, NEXT, Float),
                ]
            }
        }
        State::InDecimalFirst => const { &[stay(End, POP), go(Digit, CLEAR, State::InDecimal), stay(Any, POP)] },
        State::InDecimal => {
            const {
                &[
                    token(End, NEXT, Float),
                    go(Digit, NEXT, State::InDecimal),
                    go(Is('.'), PUSH, State::InVerVersion),
                    go(Is('e'), PUSH, State::InMantissaFirst),
                    go(Is('E'), PUSH, State::InMantissaFirst),
                    token(Any, NEXT, Float),
                ]
            }
        }
        State::InVerVersion => {
            const { &[stay(End, POP), with(go(Digit, RERUN, State::InSVerVersion), Then::Forget), stay(Any, POP)] }
        }
        State::InSVerVersion => {
            const {
                &[
                    stay(End, POP),
                    Rule {
                        class: Digit,
                        actions: BINGO | CLEAR_ALL,
                        to: Some(State::InUnsignedInt),
                        kind: Some(Blank),
                        then: Then::Nothing,
                    },
                    stay(Any, NEXT),
                ]
            }
        }
        State::InVersionFirst => const { &[stay(End, POP), go(Digit, CLEAR, State::InVersion), stay(Any, POP)] },
        State::InVersion => {
            const {
                &[
                    token(End, NEXT, Version),
                    go(Digit, NEXT, State::InVersion),
                    go(Is('.'), PUSH, State::InVersionFirst),
                    token(Any, NEXT, Version),
                ]
            }
        }
        State::InMantissaFirst => {
            const {
                &[
                    stay(End, POP),
                    go(Digit, CLEAR, State::InMantissa),
                    go(Is('+'), NEXT, State::InMantissaSign),
                    go(Is('-'), NEXT, State::InMantissaSign),
                    stay(Any, POP),
                ]
            }
        }
        State::InMantissaSign => const { &[stay(End, POP), go(Digit, CLEAR, State::InMantissa), stay(Any, POP)] },
        State::InMantissa => {
            const { &[token(End, NEXT, Sfloat), go(Digit, NEXT, State::InMantissa), token(Any, NEXT, Sfloat)] }
        }
        State::InXMLEntityFirst => {
            const {
                &[
                    stay(End, POP),
                    go(Is('#'), NEXT, State::InXMLEntityNumFirst),
                    go(AsciiLetter, NEXT, State::InXMLEntity),
                    go(Is(':'), NEXT, State::InXMLEntity),
                    go(Is('_'), NEXT, State::InXMLEntity),
                    stay(Any, POP),
                ]
            }
        }
        State::InXMLEntity => {
            const {
                &[
                    stay(End, POP),
                    go(Alphanumeric, NEXT, State::InXMLEntity),
                    go(Is(':'), NEXT, State::InXMLEntity),
                    go(Is('_'), NEXT, State::InXMLEntity),
                    go(Is('.'), NEXT, State::InXMLEntity),
                    go(Is('-'), NEXT, State::InXMLEntity),
                    go(Is(';'), NEXT, State::InXMLEntityEnd),
                    stay(Any, POP),
                ]
            }
        }
        State::InXMLEntityNumFirst => {
            const {
                &[
                    stay(End, POP),
                    go(Is('x'), NEXT, State::InXMLEntityHexNumFirst),
                    go(Is('X'), NEXT, State::InXMLEntityHexNumFirst),
                    go(Digit, NEXT, State::InXMLEntityNum),
                    stay(Any, POP),
                ]
            }
        }
        State::InXMLEntityNum => {
            const {
                &[
                    stay(End, POP),
                    go(Digit, NEXT, State::InXMLEntityNum),
                    go(Is(';'), NEXT, State::InXMLEntityEnd),
                    stay(Any, POP),
                ]
            }
        }
        State::InXMLEntityHexNumFirst => {
            const { &[stay(End, POP), go(HexDigit, NEXT, State::InXMLEntityHexNum), stay(Any, POP)] }
        }
        State::InXMLEntityHexNum => {
            const {
                &[
                    stay(End, POP),
                    go(HexDigit, NEXT, State::InXMLEntityHexNum),
                    go(Is(';'), NEXT, State::InXMLEntityEnd),
                    stay(Any, POP),
                ]
            }
        }
        State::InXMLEntityEnd => const { &[token(Any, CLEAR, Entity)] },
        State::InTagFirst => {
            const {
                &[
                    stay(End, POP),
                    go(Is('/'), PUSH, State::InTagCloseFirst),
                    go(Is('!'), PUSH, State::InCommentFirst),
                    go(Is('?'), PUSH, State::InXMLBegin),
                    go(AsciiLetter, PUSH, State::InTagName),
                    go(Is(':'), PUSH, State::InTagName),
                    go(Is('_'), PUSH, State::InTagName),
                    stay(Any, POP),
                ]
            }
        }
        State::InXMLBegin => const { &[stay(End, POP), go(Is('x'), NEXT, State::InTag), stay(Any, POP)] },
        State::InTagCloseFirst => const { &[stay(End, POP), go(AsciiLetter, NEXT, State::InTagName), stay(Any, POP)] },
        State::InTagName => {
            const {
                &[
                    stay(End, POP),
                    go(Is('/'), NEXT, State::InTagBeginEnd),
                    with(go(Is('>'), NEXT, State::InTagEnd), Then::SkipTags),
                    with(go(Space, NEXT, State::InTag), Then::SkipTags),
                    stay(Alphanumeric, NEXT),
                    stay(Is(':'), NEXT),
                    stay(Is('_'), NEXT),
                    stay(Is('.'), NEXT),
                    stay(Is('-'), NEXT),
                    stay(Any, POP),
                ]
            }
        }
        State::InTagBeginEnd => const { &[stay(End, POP), go(Is('>'), NEXT, State::InTagEnd), stay(Any, POP)] },
        State::InTag => {
            const {
                &[
                    stay(End, POP),
                    with(go(Is('>'), NEXT, State::InTagEnd), Then::SkipTags),
                    go(Is('\''), NEXT, State::InTagEscapeK),
                    go(Is('"'), NEXT, State::InTagEscapeKK),
                    stay(AsciiLetter, NEXT),
                    stay(Digit, NEXT),
                    stay(Is('='), NEXT),
                    stay(Is('-'), NEXT),
                    stay(Is('_'), NEXT),
                    stay(Is('#'), NEXT),
                    stay(Is('/'), NEXT),
                    stay(Is(':'), NEXT),
                    stay(Is('.'), NEXT),
                    stay(Is('&'), NEXT),
                    stay(Is('?'), NEXT),
                    stay(Is('%'), NEXT),
                    stay(Is('~'), NEXT),
                    with(stay(Space, NEXT), Then::SkipTags),
                    stay(Any, POP),
                ]
            }
        }
        State::InTagEscapeK => {
            const {
                &[
                    stay(End, POP),
                    go(Is('\\'), PUSH, State::InTagBackSleshed),
                    go(Is('\''), NEXT, State::InTag),
                    go(Any, NEXT, State::InTagEscapeK),
                ]
            }
        }
        State::InTagEscapeKK => {
            const {
                &[
                    stay(End, POP),
                    go(Is('\\'), PUSH, State::InTagBackSleshed),
                    go(Is('"'), NEXT, State::InTag),
                    go(Any, NEXT, State::InTagEscapeKK),
                ]
            }
        }
        State::InTagBackSleshed => const { &[stay(End, POP), stay(Any, MERGE)] },
        State::InTagEnd => const { &[token(Any, CLEAR_ALL, Tag)] },
        State::InCommentFirst => {
            const {
                &[
                    stay(End, POP),
                    go(Is('-'), NEXT, State::InCommentLast),
                    go(Is('D'), NEXT, State::InTag),
                    go(Is('d'), NEXT, State::InTag),
                    stay(Any, POP),
                ]
            }
        }
        State::InCommentLast => const { &[stay(End, POP), go(Is('-'), NEXT, State::InComment), stay(Any, POP)] },
        State::InComment => const { &[stay(End, POP), go(Is('-'), NEXT, State::InCloseCommentFirst), stay(Any, NEXT)] },
        State::InCloseCommentFirst => {
            const { &[stay(End, POP), go(Is('-'), NEXT, State::InCloseCommentLast), go(Any, NEXT, State::InComment)] }
        }
        State::InCloseCommentLast => {
            const {
                &[
                    stay(End, POP),
                    stay(Is('-'), NEXT),
                    go(Is('>'), NEXT, State::InCommentEnd),
                    go(Any, NEXT, State::InComment),
                ]
            }
        }
        State::InCommentEnd => const { &[token(Any, CLEAR_ALL, Tag)] },
        State::InHostFirstDomain => {
            const {
                &[
                    stay(End, POP),
                    go(AsciiLetter, NEXT, State::InHostDomainSecond),
                    go(Digit, NEXT, State::InHost),
                    stay(Any, POP),
                ]
            }
        }
        State::InHostDomainSecond => {
            const {
                &[
                    stay(End, POP),
                    go(AsciiLetter, NEXT, State::InHostDomain),
                    go(Digit, PUSH, State::InHost),
                    go(Is('-'), PUSH, State::InHostFirstAN),
                    go(Is('_'), PUSH, State::InHostFirstAN),
                    go(Is('.'), PUSH, State::InHostFirstDomain),
                    go(Is('@'), PUSH, State::InEmail),
                    stay(Any, POP),
                ]
            }
        }
        State::InHostDomain => {
            const {
                &[
                    token(End, CLEAR_ALL, Host),
                    go(AsciiLetter, NEXT, State::InHostDomain),
                    go(Digit, PUSH, State::InHost),
                    go(Is(':'), PUSH, State::InPortFirst),
                    go(Is('-'), PUSH, State::InHostFirstAN),
                    go(Is('_'), PUSH, State::InHostFirstAN),
                    go(Is('.'), PUSH, State::InHostFirstDomain),
                    go(Is('@'), PUSH, State::InEmail),
                    stay(Digit, POP),
                    Rule {
                        class: StopHost,
                        actions: BINGO | CLEAR_ALL,
                        to: Some(State::InURLPathStart),
                        kind: Some(Host),
                        then: Then::Nothing,
                    },
                    go(Is('/'), PUSH, State::InFURL),
                    token(Any, CLEAR_ALL, Host),
                ]
            }
        }
        State::InPortFirst => const { &[stay(End, POP), go(Digit, NEXT, State::InPort), stay(Any, POP)] },
        State::InPort => {
            const {
                &[
                    token(End, CLEAR_ALL, Host),
                    go(Digit, NEXT, State::InPort),
                    Rule {
                        class: StopHost,
                        actions: BINGO | CLEAR_ALL,
                        to: Some(State::InURLPathStart),
                        kind: Some(Host),
                        then: Then::Nothing,
                    },
                    go(Is('/'), PUSH, State::InFURL),
                    token(Any, CLEAR_ALL, Host),
                ]
            }
        }
        State::InHostFirstAN => {
            const { &[stay(End, POP), go(Digit, NEXT, State::InHost), go(AsciiLetter, NEXT, State::InHost), stay(Any, POP)] }
        }
        State::InHost => {
            const {
                &[
                    stay(End, POP),
                    go(Digit, NEXT, State::InHost),
                    go(AsciiLetter, NEXT, State::InHost),
                    go(Is('@'), PUSH, State::InEmail),
                    go(Is('.'), PUSH, State::InHostFirstDomain),
                    go(Is('-'), PUSH, State::InHostFirstAN),
                    go(Is('_'), PUSH, State::InHostFirstAN),
                    stay(Any, POP),
                ]
            }
        }
        State::InEmail => const { &[stay(StopHost, POP), token(IsHost, CLEAR_ALL, Email), stay(Any, POP)] },
        State::InFileFirst => {
            const {
                &[
                    stay(End, POP),
                    go(AsciiLetter, NEXT, State::InFile),
                    go(Digit, NEXT, State::InFile),
                    go(Is('.'), NEXT, State::InPathFirst),
                    go(Is('_'), NEXT, State::InFile),
                    go(Is('~'), PUSH, State::InFileTwiddle),
                    stay(Any, POP),
                ]
            }
        }
        State::InFileTwiddle => {
            const {
                &[
                    stay(End, POP),
                    go(AsciiLetter, NEXT, State::InFile),
                    go(Digit, NEXT, State::InFile),
                    go(Is('_'), NEXT, State::InFile),
                    go(Is('/'), NEXT, State::InFileFirst),
                    stay(Any, POP),
                ]
            }
        }
        State::InPathFirst => {
            const {
                &[
                    stay(End, POP),
                    go(AsciiLetter, NEXT, State::InFile),
                    go(Digit, NEXT, State::InFile),
                    go(Is('_'), NEXT, State::InFile),
                    go(Is('.'), NEXT, State::InPathSecond),
                    go(Is('/'), NEXT, State::InFileFirst),
                    stay(Any, POP),
                ]
            }
        }
        State::InPathFirstFirst => {
            const {
                &[
                    stay(End, POP),
                    go(Is('.'), NEXT, State::InPathSecond),
                    go(Is('/'), NEXT, State::InFileFirst),
                    stay(Any, POP),
                ]
            }
        }
        State::InPathSecond => {
            const {
                &[
                    token(End, CLEAR, File),
                    go(Is('/'), PUSH, State::InFileFirst),
                    token(Is('/'), CLEAR, File),
                    token(Space, CLEAR, File),
                    stay(Any, POP),
                ]
            }
        }
        State::InFile => {
            const {
                &[
                    token(End, NEXT, File),
                    go(AsciiLetter, NEXT, State::InFile),
                    go(Digit, NEXT, State::InFile),
                    go(Is('.'), PUSH, State::InFileNext),
                    go(Is('_'), NEXT, State::InFile),
                    go(Is('-'), NEXT, State::InFile),
                    go(Is('/'), PUSH, State::InFileFirst),
                    token(Any, NEXT, File),
                ]
            }
        }
        State::InFileNext => {
            const {
                &[
                    stay(End, POP),
                    go(AsciiLetter, CLEAR, State::InFile),
                    go(Digit, CLEAR, State::InFile),
                    go(Is('_'), CLEAR, State::InFile),
                    stay(Any, POP),
                ]
            }
        }
        State::InURLPathFirst => const { &[stay(End, POP), go(UrlCharacter, NEXT, State::InURLPath), stay(Any, POP)] },
        State::InURLPathStart => const { &[go(Any, NEXT, State::InURLPath)] },
        State::InURLPath => {
            const { &[token(End, NEXT, UrlPath), go(UrlCharacter, NEXT, State::InURLPath), token(Any, NEXT, UrlPath)] }
        }
        State::InFURL => {
            const { &[stay(End, POP), with(token(IsUrlPath, CLEAR_ALL, Url), Then::ReadUrl), stay(Any, POP)] }
        }
        State::InProtocolFirst => {
            const { &[stay(End, POP), go(Is('/'), NEXT, State::InProtocolSecond), stay(Any, POP)] }
        }
        State::InProtocolSecond => const { &[stay(End, POP), go(Is('/'), NEXT, State::InProtocolEnd), stay(Any, POP)] },
        State::InProtocolEnd => const { &[token(Any, CLEAR_ALL, Protocol)] },
        State::InHyphenAsciiWordFirst => {
            const {
                &[
                    stay(End, POP),
                    go(AsciiLetter, NEXT, State::InHyphenAsciiWord),
                    go(Alphabetic, NEXT, State::InHyphenWord),
                    go(Digit, NEXT, State::InHyphenDigitLookahead),
                    stay(Any, POP),
                ]
            }
        }
        State::InHyphenAsciiWord => {
            const {
                &[
                    with(
                        Rule {
                            class: End,
                            actions: BINGO | CLEAR_ALL,
                            to: Some(State::InParseHyphen),
                            kind: Some(AsciiHword),
                            then: Then::Nothing,
                        },
                        Then::ReadAgain,
                    ),
                    go(AsciiLetter, NEXT, State::InHyphenAsciiWord),
                    go(Alphabetic, NEXT, State::InHyphenWord),
                    go(Special, NEXT, State::InHyphenWord),
                    go(Digit, NEXT, State::InHyphenNumWord),
                    go(Is('-'), PUSH, State::InHyphenAsciiWordFirst),
                    with(
                        Rule {
                            class: Any,
                            actions: BINGO | CLEAR_ALL,
                            to: Some(State::InParseHyphen),
                            kind: Some(AsciiHword),
                            then: Then::Nothing,
                        },
                        Then::ReadAgain,
                    ),
                ]
            }
        }
        State::InHyphenWordFirst => {
            const {
                &[
                    stay(End, POP),
                    go(Alphabetic, NEXT, State::InHyphenWord),
                    go(Digit, NEXT, State::InHyphenDigitLookahead),
                    stay(Any, POP),
                ]
            }
        }
        State::InHyphenWord => {
            const {
                &[
                    with(
                        Rule {
                            class: End,
                            actions: BINGO | CLEAR_ALL,
                            to: Some(State::InParseHyphen),
                            kind: Some(Hword),
                            then: Then::Nothing,
                        },
                        Then::ReadAgain,
                    ),
                    go(Alphabetic, NEXT, State::InHyphenWord),
                    go(Special, NEXT, State::InHyphenWord),
                    go(Digit, NEXT, State::InHyphenNumWord),
                    go(Is('-'), PUSH, State::InHyphenWordFirst),
                    with(
                        Rule {
                            class: Any,
                            actions: BINGO | CLEAR_ALL,
                            to: Some(State::InParseHyphen),
                            kind: Some(Hword),
                            then: Then::Nothing,
                        },
                        Then::ReadAgain,
                    ),
                ]
            }
        }
        State::InHyphenNumWordFirst => {
            const {
                &[
                    stay(End, POP),
                    go(Alphabetic, NEXT, State::InHyphenNumWord),
                    go(Digit, NEXT, State::InHyphenDigitLookahead),
                    stay(Any, POP),
                ]
            }
        }
        State::InHyphenNumWord => {
            const {
                &[
                    with(
                        Rule {
                            class: End,
                            actions: BINGO | CLEAR_ALL,
                            to: Some(State::InParseHyphen),
                            kind: Some(NumHword),
                            then: Then::Nothing,
                        },
                        Then::ReadAgain,
                    ),
                    go(Alphanumeric, NEXT, State::InHyphenNumWord),
                    go(Special, NEXT, State::InHyphenNumWord),
                    go(Is('-'), PUSH, State::InHyphenNumWordFirst),
                    with(
                        Rule {
                            class: Any,
                            actions: BINGO | CLEAR_ALL,
                            to: Some(State::InParseHyphen),
                            kind: Some(NumHword),
                            then: Then::Nothing,
                        },
                        Then::ReadAgain,
                    ),
                ]
            }
        }
        State::InHyphenDigitLookahead => {
            const {
                &[
                    stay(End, POP),
                    go(Digit, NEXT, State::InHyphenDigitLookahead),
                    go(Alphabetic, NEXT, State::InHyphenNumWord),
                    go(Special, NEXT, State::InHyphenNumWord),
                    stay(Any, POP),
                ]
            }
        }
        State::InParseHyphen => {
            const {
                &[
                    go(End, RERUN, State::Base),
                    go(AsciiLetter, NEXT, State::InHyphenAsciiWordPart),
                    go(Alphabetic, NEXT, State::InHyphenWordPart),
                    go(Digit, PUSH, State::InHyphenUnsignedInt),
                    go(Is('-'), PUSH, State::InParseHyphenHyphen),
                    go(Any, RERUN, State::Base),
                ]
            }
        }
        State::InParseHyphenHyphen => {
            const {
                &[
                    stay(End, POP),
                    Rule {
                        class: Alphanumeric,
                        actions: BINGO | CLEAR,
                        to: Some(State::InParseHyphen),
                        kind: Some(Blank),
                        then: Then::Nothing,
                    },
                    Rule {
                        class: Special,
                        actions: BINGO | CLEAR,
                        to: Some(State::InParseHyphen),
                        kind: Some(Blank),
                        then: Then::Nothing,
                    },
                    stay(Any, POP),
                ]
            }
        }
        State::InHyphenWordPart => {
            const {
                &[
                    token(End, NEXT, HwordPart),
                    go(Alphabetic, NEXT, State::InHyphenWordPart),
                    go(Special, NEXT, State::InHyphenWordPart),
                    go(Digit, NEXT, State::InHyphenNumWordPart),
                    Rule {
                        class: Any,
                        actions: BINGO,
                        to: Some(State::InParseHyphen),
                        kind: Some(HwordPart),
                        then: Then::Nothing,
                    },
                ]
            }
        }
        State::InHyphenAsciiWordPart => {
            const {
                &[
                    token(End, NEXT, HwordAsciiPart),
                    go(AsciiLetter, NEXT, State::InHyphenAsciiWordPart),
                    go(Alphabetic, NEXT, State::InHyphenWordPart),
                    go(Special, NEXT, State::InHyphenWordPart),
                    go(Digit, NEXT, State::InHyphenNumWordPart),
                    Rule {
                        class: Any,
                        actions: BINGO,
                        to: Some(State::InParseHyphen),
                        kind: Some(HwordAsciiPart),
                        then: Then::Nothing,
                    },
                ]
            }
        }
        State::InHyphenNumWordPart => {
            const {
                &[
                    token(End, NEXT, HwordNumPart),
                    go(Alphanumeric, NEXT, State::InHyphenNumWordPart),
                    go(Special, NEXT, State::InHyphenNumWordPart),
                    Rule {
                        class: Any,
                        actions: BINGO,
                        to: Some(State::InParseHyphen),
                        kind: Some(HwordNumPart),
                        then: Then::Nothing,
                    },
                ]
            }
        }
        State::InHyphenUnsignedInt => {
            const {
                &[
                    stay(End, POP),
                    stay(Digit, NEXT),
                    go(Alphabetic, CLEAR, State::InHyphenNumWordPart),
                    go(Special, CLEAR, State::InHyphenNumWordPart),
                    stay(Any, POP),
                ]
            }
        }
    }
}
