//! How statements name objects: functions with their arguments, aggregates, operators, kinds of objects.
//!
//! Owns: function_with_argtypes, aggregate_with_argtypes, operator_with_argtypes, func_arg, object_type_any_name,
//! object_type_name and the names that COMMENT, SECURITY LABEL and ALTER EXTENSION share. Must not know: what is done
//! with them. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::expression::{AnyName, TypeName};
use crate::sql::syntax::ast::routine::{AggregateArgs, FunctionParameter, FunctionParameterMode, ObjectWithArgs};
use crate::sql::syntax::ast::statement::{ObjectRef, ObjectType};
use crate::sql::syntax::keywords::{Category, Keyword as K};
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// Types of the input arguments (extractArgTypes).
fn input_types(parameters: &[FunctionParameter]) -> Vec<Option<TypeName>> {
    let is_input =
        |p: &&FunctionParameter| !matches!(p.mode, FunctionParameterMode::Out | FunctionParameterMode::Table);
    parameters.iter().filter(is_input).map(|p| Some(p.type_name.clone())).collect()
}

impl Parser<'_> {
    // ----- arguments

    /// arg_class
    fn arg_class(&mut self) -> Option<FunctionParameterMode> {
        let mode = match self.peek() {
            TokenKind::Keyword(K::In) if self.keyword_at(1, K::Out) => {
                self.advance();
                FunctionParameterMode::InOut
            }
            TokenKind::Keyword(K::In) => FunctionParameterMode::In,
            TokenKind::Keyword(K::Out) => FunctionParameterMode::Out,
            TokenKind::Keyword(K::Inout) => FunctionParameterMode::InOut,
            TokenKind::Keyword(K::Variadic) => FunctionParameterMode::Variadic,
            _ => return None,
        };
        self.advance();
        Some(mode)
    }

    /// Whether the next token is a param_name, as a type follows it.
    fn at_param_name(&self) -> bool {
        let type_follows = match self.peek_at(1) {
            TokenKind::Keyword(
                K::Setof
                | K::Int
                | K::Integer
                | K::Smallint
                | K::Bigint
                | K::Real
                | K::Float
                | K::Decimal
                | K::Dec
                | K::Numeric
                | K::Boolean
                | K::Bit
                | K::National
                | K::Character
                | K::Char
                | K::Varchar
                | K::Nchar
                | K::Timestamp
                | K::Time
                | K::Interval
                | K::In
                | K::Out
                | K::Inout
                | K::Variadic,
            ) => true,
            _ => self.is_type_function_name(1),
        };
        type_follows && self.is_type_function_name(0)
    }

    pub(super) fn func_arg(&mut self) -> Result<FunctionParameter> {
        let location = self.location();
        let mut mode = self.arg_class();
        let name = if self.at_param_name() { Some(self.type_function_name()?) } else { None };
        if mode.is_none() && name.is_some() {
            mode = self.arg_class();
        }
        let type_name = self.func_type()?;
        Ok(FunctionParameter { name, type_name, mode: mode.unwrap_or_default(), default: None, location })
    }

    /// func_args: ( [func_arg, …] )
    pub(super) fn func_args(&mut self) -> Result<Vec<FunctionParameter>> {
        self.parens(|p| if p.at_symbol(b')') { Ok(Vec::new()) } else { p.comma_list(Self::func_arg) })
    }

    fn aggr_arg(&mut self) -> Result<FunctionParameter> {
        let arg = self.func_arg()?;
        if matches!(arg.mode, FunctionParameterMode::Out | FunctionParameterMode::InOut) {
            return Err(self.refused(arg.location, "aggregates cannot have output arguments"));
        }
        Ok(arg)
    }

    /// aggr_args
    pub(super) fn aggr_args(&mut self) -> Result<AggregateArgs> {
        self.parens(|p| {
            if p.eat_symbol(b'*') {
                return Ok(AggregateArgs::default());
            }
            let direct = if p.at(K::Order) { Vec::new() } else { p.comma_list(Self::aggr_arg)? };
            let mut args = AggregateArgs { direct, ordered: None };
            if p.eat(K::Order) {
                p.expect(K::By)?;
                let ordered = p.comma_list(Self::aggr_arg)?;
                p.check_ordered_set_args(&args.direct, &ordered)?;
                args.ordered = Some(ordered);
            }
            Ok(args)
        })
    }

    /// makeOrderedSetArgs
    fn check_ordered_set_args(&self, direct: &[FunctionParameter], ordered: &[FunctionParameter]) -> Result<()> {
        let Some(last) = direct.last().filter(|p| p.mode == FunctionParameterMode::Variadic) else { return Ok(()) };
        match ordered {
            [only] if only.mode == FunctionParameterMode::Variadic && only.type_name == last.type_name => Ok(()),
            _ => {
                let message = "an ordered-set aggregate with a VARIADIC direct argument must have one VARIADIC \
                               aggregated argument of the same data type";
                let location = ordered.first().map(|p| p.type_name.location).unwrap_or_default();
                Err(self.refused(location, message))
            }
        }
    }

    // ----- objects with arguments

    /// function_with_argtypes
    pub(super) fn function_with_argtypes(&mut self) -> Result<ObjectWithArgs> {
        let first = match self.peek() {
            TokenKind::Keyword(keyword) => Some(keyword.category()),
            _ => None,
        };
        let mut name = vec![self.non_reserved_word()?];
        while first != Some(Category::TypeFunctionName) && self.eat_symbol(b'.') {
            name.push(self.col_label()?);
        }
        if self.at_symbol(b'(') && !(first == Some(Category::ColumnName) && name.len() == 1) {
            let parameters = self.func_args()?;
            let args = input_types(&parameters);
            return Ok(ObjectWithArgs { name, args, parameters, ordered_from: None, args_unspecified: false });
        }
        let (args, parameters) = (Vec::new(), Vec::new());
        Ok(ObjectWithArgs { name, args, parameters, ordered_from: None, args_unspecified: true })
    }

    /// aggregate_with_argtypes
    pub(super) fn aggregate_with_argtypes(&mut self) -> Result<ObjectWithArgs> {
        let name = self.func_name()?;
        let AggregateArgs { direct, ordered } = self.aggr_args()?;
        let ordered_from = ordered.is_some().then_some(direct.len());
        let mut parameters = direct;
        // Of two VARIADIC arguments of the same type the second is the first.
        let doubled = parameters.last().is_some_and(|last| last.mode == FunctionParameterMode::Variadic);
        parameters.extend(ordered.filter(|_| !doubled).unwrap_or_default());
        let args = input_types(&parameters);
        Ok(ObjectWithArgs { name, args, parameters, ordered_from, args_unspecified: false })
    }

    /// operator_with_argtypes
    pub(super) fn operator_with_argtypes(&mut self) -> Result<ObjectWithArgs> {
        let name = self.any_operator()?;
        let args = self.oper_argtypes()?;
        Ok(ObjectWithArgs { name, args, parameters: Vec::new(), ordered_from: None, args_unspecified: false })
    }

    /// oper_argtypes
    pub(super) fn oper_argtypes(&mut self) -> Result<Vec<Option<TypeName>>> {
        self.expect_symbol(b'(')?;
        if self.eat(K::None) {
            self.expect_symbol(b',')?;
            let right = self.type_name()?;
            self.expect_symbol(b')')?;
            return Ok(vec![None, Some(right)]);
        }
        let left = self.type_name()?;
        if self.at_symbol(b')') {
            let message = "missing argument";
            let error = self.syntax_error_at(self.location(), message);
            return Err(error.with_hint("Use NONE to denote the missing argument of a unary operator."));
        }
        self.expect_symbol(b',')?;
        let right = if self.eat(K::None) { None } else { Some(self.type_name()?) };
        self.expect_symbol(b')')?;
        Ok(vec![Some(left), right])
    }

    /// ( Typename, … )
    pub(super) fn type_list(&mut self) -> Result<Vec<TypeName>> {
        self.parens_list(Self::type_name)
    }

    // ----- kinds of objects

    /// object_type_any_name, if one comes next.
    pub(super) fn object_type_any_name(&mut self) -> Result<Option<ObjectType>> {
        let TokenKind::Keyword(keyword) = self.peek() else { return Ok(None) };
        let kind = match keyword {
            K::Table => ObjectType::Table,
            K::Sequence => ObjectType::Sequence,
            K::View => ObjectType::View,
            K::Index => ObjectType::Index,
            K::Collation => ObjectType::Collation,
            K::Conversion => ObjectType::Conversion,
            K::Statistics => ObjectType::StatisticExt,
            K::Materialized => {
                self.expect_all(&[K::Materialized, K::View])?;
                return Ok(Some(ObjectType::MatView));
            }
            K::Foreign if !self.keyword_at(1, K::Data) => {
                self.expect_all(&[K::Foreign, K::Table])?;
                return Ok(Some(ObjectType::ForeignTable));
            }
            K::Text => return self.text_search_kind().map(Some),
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(kind))
    }

    /// TEXT SEARCH and what of it.
    pub(super) fn text_search_kind(&mut self) -> Result<ObjectType> {
        self.expect(K::Text)?;
        self.text_search_kind_after_text()
    }

    /// What follows TEXT.
    pub(super) fn text_search_kind_after_text(&mut self) -> Result<ObjectType> {
        self.expect(K::Search)?;
        let kind = match self.peek() {
            TokenKind::Keyword(K::Parser) => ObjectType::TsParser,
            TokenKind::Keyword(K::Dictionary) => ObjectType::TsDictionary,
            TokenKind::Keyword(K::Template) => ObjectType::TsTemplate,
            TokenKind::Keyword(K::Configuration) => ObjectType::TsConfiguration,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(kind)
    }

    /// drop_type_name, if one comes next.
    pub(super) fn drop_type_name(&mut self) -> Result<Option<ObjectType>> {
        let (keywords, kind): (&[K], _) = match self.peek() {
            TokenKind::Keyword(K::Access) => (&[K::Access, K::Method], ObjectType::AccessMethod),
            TokenKind::Keyword(K::Event) => (&[K::Event, K::Trigger], ObjectType::EventTrigger),
            TokenKind::Keyword(K::Extension) => (&[K::Extension], ObjectType::Extension),
            TokenKind::Keyword(K::Foreign) => (&[K::Foreign, K::Data, K::Wrapper], ObjectType::Fdw),
            TokenKind::Keyword(K::Procedural) => (&[K::Procedural, K::Language], ObjectType::Language),
            TokenKind::Keyword(K::Language) => (&[K::Language], ObjectType::Language),
            TokenKind::Keyword(K::Publication) => (&[K::Publication], ObjectType::Publication),
            TokenKind::Keyword(K::Schema) => (&[K::Schema], ObjectType::Schema),
            TokenKind::Keyword(K::Server) => (&[K::Server], ObjectType::ForeignServer),
            _ => return Ok(None),
        };
        self.expect_all(keywords)?;
        Ok(Some(kind))
    }

    /// object_type_name, if one comes next.
    pub(super) fn object_type_name(&mut self) -> Result<Option<ObjectType>> {
        let kind = match self.peek() {
            TokenKind::Keyword(K::Database) => ObjectType::Database,
            TokenKind::Keyword(K::Role) => ObjectType::Role,
            TokenKind::Keyword(K::Subscription) => ObjectType::Subscription,
            TokenKind::Keyword(K::Tablespace) => ObjectType::Tablespace,
            _ => return self.drop_type_name(),
        };
        self.advance();
        Ok(Some(kind))
    }

    /// object_type_name_on_any_name, if one comes next.
    pub(super) fn object_type_name_on_any_name(&mut self) -> Option<ObjectType> {
        let kind = match self.peek() {
            TokenKind::Keyword(K::Policy) => ObjectType::Policy,
            TokenKind::Keyword(K::Rule) => ObjectType::Rule,
            TokenKind::Keyword(K::Trigger) => ObjectType::Trigger,
            _ => return None,
        };
        self.advance();
        Some(kind)
    }

    /// name ON any_name: the relation's name, then the object's.
    pub(super) fn name_on_any_name(&mut self) -> Result<AnyName> {
        let name = self.col_id()?;
        self.expect(K::On)?;
        let mut full = self.any_name()?;
        full.push(name);
        Ok(full)
    }

    /// OPERATOR CLASS or FAMILY rather than an operator.
    pub(super) fn eat_operator_class(&mut self) -> Option<ObjectType> {
        // The words also begin an operator's qualified name.
        if self.symbol_at(1, b'.') {
            None
        } else if self.eat(K::Class) {
            Some(ObjectType::OpClass)
        } else if self.eat(K::Family) {
            Some(ObjectType::OpFamily)
        } else {
            None
        }
    }

    /// any_name USING name
    pub(super) fn opclass_ref(&mut self) -> Result<ObjectRef> {
        let name = self.any_name()?;
        self.expect(K::Using)?;
        Ok(ObjectRef::OpClass { name, access_method: self.col_id()? })
    }

    /// ( Typename AS Typename )
    pub(super) fn cast_ref(&mut self) -> Result<ObjectRef> {
        self.parens(|p| {
            let source = p.type_name()?;
            p.expect(K::As)?;
            Ok(ObjectRef::Cast { source, target: p.type_name()? })
        })
    }

    /// FOR Typename LANGUAGE name
    pub(super) fn transform_ref(&mut self) -> Result<ObjectRef> {
        self.expect(K::For)?;
        let type_name = self.type_name()?;
        self.expect(K::Language)?;
        Ok(ObjectRef::Transform { type_name, language: self.col_id()? })
    }

    /// What COMMENT ON and SECURITY LABEL … ON, which has fewer kinds, can be about.
    pub(super) fn commented_object(&mut self, is_comment: bool) -> Result<(ObjectType, ObjectRef)> {
        if let Some(kind) = self.object_type_any_name()? {
            return Ok((kind, ObjectRef::Name(self.any_name()?)));
        }
        if let Some(kind) = self.object_type_name()? {
            return Ok((kind, ObjectRef::Name(vec![self.col_id()?])));
        }
        let TokenKind::Keyword(keyword) = self.peek() else { return Err(self.unexpected()) };
        if self.eat(K::Column) {
            return Ok((ObjectType::Column, ObjectRef::Name(self.any_name()?)));
        }
        if self.eat(K::Large) {
            self.expect(K::Object)?;
            return Ok((ObjectType::LargeObject, ObjectRef::LargeObject(self.signed_number()?.1)));
        }
        if is_comment {
            if let Some(kind) = self.object_type_name_on_any_name() {
                return Ok((kind, ObjectRef::Name(self.name_on_any_name()?)));
            }
            if self.eat(K::Constraint) {
                return self.commented_constraint();
            }
        } else if matches!(keyword, K::Operator | K::Cast | K::Transform) {
            return Err(self.unexpected());
        }
        self.object_with_signature()
    }

    fn commented_constraint(&mut self) -> Result<(ObjectType, ObjectRef)> {
        let name = self.col_id()?;
        self.expect(K::On)?;
        // A table may be called domain.
        if self.at(K::Domain) && self.is_col_id(1) {
            self.advance();
            let location = self.location();
            let domain = TypeName { names: self.any_name()?, location, ..TypeName::default() };
            return Ok((ObjectType::DomConstraint, ObjectRef::DomainConstraint { domain, name }));
        }
        let mut full = self.any_name()?;
        full.push(name);
        Ok((ObjectType::TabConstraint, ObjectRef::Name(full)))
    }

    /// Types, functions, operators, casts, transforms.
    pub(super) fn object_with_signature(&mut self) -> Result<(ObjectType, ObjectRef)> {
        let TokenKind::Keyword(keyword) = self.peek() else { return Err(self.unexpected()) };
        let kind = match keyword {
            K::Type => ObjectType::Type,
            K::Domain => ObjectType::Domain,
            K::Aggregate => ObjectType::Aggregate,
            K::Function => ObjectType::Function,
            K::Procedure => ObjectType::Procedure,
            K::Routine => ObjectType::Routine,
            K::Operator => ObjectType::Operator,
            K::Cast => ObjectType::Cast,
            K::Transform => ObjectType::Transform,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        let object = match kind {
            ObjectType::Type | ObjectType::Domain => ObjectRef::Type(self.type_name()?),
            ObjectType::Aggregate => ObjectRef::Function(self.aggregate_with_argtypes()?),
            ObjectType::Operator => {
                if let Some(kind) = self.eat_operator_class() {
                    return Ok((kind, self.opclass_ref()?));
                }
                ObjectRef::Function(self.operator_with_argtypes()?)
            }
            ObjectType::Cast => self.cast_ref()?,
            ObjectType::Transform => self.transform_ref()?,
            _ => ObjectRef::Function(self.function_with_argtypes()?),
        };
        Ok((kind, object))
    }
}
