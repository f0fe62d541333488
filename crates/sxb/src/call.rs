//! The input from which a handler decodes its request.

use relive_core::{AccountId, Dialect};

use crate::{code::Code, context::Context, fields::Fields, route::Profile};

/// The input of a call.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// The members of the body.
    pub(crate) fields: Fields<'a>,
    /// The bytes of the body.
    pub(crate) body: &'a [u8],
    /// The form of replies that the client expects, by the path it uses.
    pub(crate) profile: Profile,
    /// The account of the session; `None` for calls without a token.
    pub(crate) caller: Option<AccountId>,
}

/// A request with a valid token.
pub(crate) struct Authed<T> {
    pub(crate) caller: AccountId,
    pub(crate) request: T,
}

impl<'a, T: TryFrom<Input<'a>, Error = Code>> TryFrom<Input<'a>> for Authed<T> {
    type Error = Code;

    fn try_from(input: Input<'a>) -> Result<Self, Code> {
        let caller = input.caller.ok_or(Code::TokenExpired)?;
        Ok(Self { caller, request: T::try_from(input)? })
    }
}

/// Finds the account of the session that `token` names.
pub(crate) async fn caller(cx: &Context<'_>, fields: Fields<'_>) -> Result<AccountId, Code> {
    let token = fields.filled("token")?;
    Ok(cx.core.sessions().account(Dialect::Sxb, token).await?)
}
