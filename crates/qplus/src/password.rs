//! The forgotten password, and the codes that prove a phone (contract qplus §4.3, §5.1).

use std::{net::IpAddr, sync::Arc};

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

pub(crate) struct ModifyUserPwd<'a> {
    phone: &'a str,
    password: &'a str,
    session: &'a str,
    auth_code: &'a str,
    client: IpAddr,
}

impl<'a> TryFrom<&'a Input<'_>> for ModifyUserPwd<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            phone: input.text("phone")?,
            password: input.text("password")?,
            session: input.session()?,
            auth_code: input.text("authCode")?,
            client: input.client,
        })
    }
}

/// Sets a new password for whoever has the phone and ends all its sessions. Old clients send phone and password only;
/// whether that is enough is the operator's decision.
pub(crate) async fn reset(cx: &Context, request: ModifyUserPwd<'_>) -> Result<Done, Code> {
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
            // No proof, or too often: nothing tells whether the phone is known.
            Error::WrongCode | Error::RateLimited => Code::Param,
            other => other.into(),
        })?;
    let user_id: String = account.user_id.chars().take(128).collect();
    tracing::info!(adapter = "qplus", account = ?user_id, client = %request.client, "password replaced by phone");
    Ok(Done {})
}

/// A session is no more than one of the proofs: that it is over is no answer of its own.
async fn live_session(cx: &Context, token: &str) -> Result<Option<Arc<Session>>, Code> {
    match cx.session(token).await {
        Ok(session) => Ok(Some(session)),
        Err(Code::SessionExpired) => Ok(None),
        Err(code) => Err(code),
    }
}

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

/// Sends a six-digit code to a phone: to register with it or, with `"purpose":"reset"`, to prove it to `ModifyUserPwd`.
pub(crate) async fn send_code(cx: &Context, request: AuthCode<'_>) -> Result<Done, Code> {
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
