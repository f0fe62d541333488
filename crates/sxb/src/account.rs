//! Accounts and sessions: `account/regist`, `account/login`, `account/logout` (seed 003 §一, §二, §十六).

use relive_core::{Dialect, Error, NewAccount};

use crate::{
    call::Input,
    code::{Code, Fault},
    context::Context,
    envelope::Data,
    identity::{Credentials, LoginReply},
};

/// Registers an account (seed 003 §一).
pub(crate) async fn regist(cx: &Context<'_>, request: Credentials) -> Result<(), Code> {
    let password = request.passwords.into_iter().next().ok_or(Code::Field("pwd", Fault::Missing))?;
    let new = NewAccount::new(request.user_id, password);
    cx.core.accounts().register(new).await?;
    Ok(())
}

/// Opens a session (seed 003 §二).
pub(crate) async fn login(cx: &Context<'_>, request: Credentials) -> Result<Data<LoginReply>, Code> {
    let (_, session) = request.log_in(cx).await?;
    Ok(Data(LoginReply::new(cx, &session)))
}

/// Request of `account/logout`: the token of the session to end.
pub(crate) struct Logout {
    token: String,
}

impl TryFrom<Input<'_>> for Logout {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        Ok(Self { token: input.fields.filled("token")?.to_owned() })
    }
}

/// Ends a session (seed 003 §十六).
pub(crate) async fn logout(cx: &Context<'_>, request: Logout) -> Result<(), Code> {
    match cx.core.sessions().close(Dialect::Sxb, &request.token).await {
        Err(Error::InvalidSession) => Err(Code::LoggedOut),
        other => Ok(other?),
    }
}
