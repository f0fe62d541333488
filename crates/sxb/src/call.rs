//! What a handler decodes its request from.

use std::net::IpAddr;

use relive_core::{AccountId, Dialect};

use crate::{code::Code, context::Context, fields::Fields, route::Profile};

/// What a call decodes its request from.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// The members of the body.
    pub(crate) fields: Fields<'a>,
    /// The body as it came.
    pub(crate) body: &'a [u8],
    /// What the client expects, by the path it used.
    pub(crate) profile: Profile,
    /// Where the client is.
    pub(crate) client: IpAddr,
    /// Who has logged in, for calls that need it.
    pub(crate) caller: Option<AccountId>,
}

/// A request by somebody who has logged in.
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
pub(crate) async fn caller(cx: &Context, fields: Fields<'_>) -> Result<AccountId, Code> {
    let token = fields.filled("token")?;
    Ok(cx.core.sessions().account(Dialect::Sxb, token).await?)
}
