//! Resets forgotten passwords, and sends verification codes: `ModifyUserPwd`, `AuthCode` (contract qplus §4.3, §5.1).

use std::sync::Arc;

use relive_core::{Error, Purpose, ResetProof, Session, causes};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    code::Code,
    config::PasswordReset,
    context::Context,
    delivery::VerificationCode,
    envelope::Done,
    fields::{Input, new_password, phone},
};

/// Request of `ModifyUserPwd`.
pub(crate) struct ModifyUserPwd<'a> {
    phone: &'a str,
    password: &'a str,
    session: &'a str,
    auth_code: &'a str,
}

impl<'a> TryFrom<&'a Input<'_>> for ModifyUserPwd<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            phone: input.text("phone")?,
            password: input.text("password")?,
            session: input.session()?,
            auth_code: input.text("authCode")?,
        })
    }
}

/// Sets a new password for the account with that phone, and ends all sessions of the account. Old clients send no
/// proof; the operator decides whether one is required.
pub(crate) async fn reset(cx: &Context<'_>, request: ModifyUserPwd<'_>) -> Result<Done, Code> {
    let (phone, password) = (phone(request.phone)?, new_password(request.password)?);
    let proof = match cx.config.password_reset {
        PasswordReset::Open => ResetProof::NotNeeded,
        PasswordReset::Proof => ResetProof::Of {
            session: live_session(cx, request.session).await?,
            code: Some(request.auth_code).filter(|code| !code.is_empty()).map(SecretString::from),
        },
        PasswordReset::Off => return Err(Code::Param),
    };
    let account =
        cx.core.accounts().reset_password(phone, &password, proof).await.map_err(|error| match error {
            Error::NoSuchAccount => Code::NoSuchPhone,
            // The same code for a missing proof and for too many attempts: it does not reveal whether the phone is
            // known.
            Error::WrongCode | Error::RateLimited => Code::Param,
            other => other.into(),
        })?;
    let user_id: String = account.user_id.chars().take(128).collect();
    tracing::info!(adapter = "qplus", account = ?user_id, client = cx.core.client().map(|client| tracing::field::display(client.address)), "password replaced by phone");
    Ok(Done {})
}

/// Finds the session, which is only one of the possible proofs: an invalid session is `None` instead of an error.
async fn live_session(cx: &Context<'_>, token: &str) -> Result<Option<Arc<Session>>, Code> {
    match cx.session(token).await {
        Ok(session) => Ok(Some(session)),
        Err(Code::SessionExpired) => Ok(None),
        Err(code) => Err(code),
    }
}

/// Request of `AuthCode`.
pub(crate) struct AuthCode<'a> {
    phone: &'a str,
    purpose: &'a str,
}

impl<'a> TryFrom<&'a Input<'_>> for AuthCode<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { phone: input.text("phone")?, purpose: input.text("purpose")? })
    }
}

/// Sends a six-digit code to a phone. It is a proof for `Register` or, with `"purpose":"reset"`, for `ModifyUserPwd`.
pub(crate) async fn send_code(cx: &Context<'_>, request: AuthCode<'_>) -> Result<Done, Code> {
    let phone = phone(request.phone)?;
    let purpose = match request.purpose {
        "" | "register" => Purpose::Register,
        "reset" if cx.config.password_reset != PasswordReset::Off => Purpose::Reset,
        _ => return Err(Code::Param),
    };
    let refused = |error| match error {
        Error::NoSuchAccount => Code::NoSuchPhone,
        other => other.into(),
    };
    let Some(delivery) = &cx.config.delivery else {
        cx.core.accounts().may_ask_for_code(phone, purpose).await.map_err(refused)?;
        return Err(Code::Server);
    };
    let code = cx.core.accounts().issue_code(phone, purpose).await.map_err(refused)?;
    delivery.deliver(VerificationCode { phone, code: code.expose_secret() }).await.map_err(|error| {
        tracing::warn!(
            adapter = "qplus",
            error = %causes(&error),
            "verification code not delivered"
        );
        Code::Server
    })?;
    Ok(Done {})
}
