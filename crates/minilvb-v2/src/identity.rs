//! Determines the caller of a request by its signature or token (contract minilvb-v2 §2.3, §2.4).

use std::{net::IpAddr, sync::Arc};

use http::{
    HeaderMap,
    header::{AUTHORIZATION, HeaderName, USER_AGENT},
};
use relive_core::{
    Core, Dialect, Session,
    sign::liteav::{self, Freshness, SignedTimes},
};
use relive_wire::Object;

use crate::{code::Code, config::Config, fields};

const LITEAV_SIG: HeaderName = HeaderName::from_static(liteav::HEADER);

/// The input of a handler beside its own request.
pub(crate) struct Context<'a> {
    pub(crate) core: &'a Core,
    pub(crate) config: &'a Config,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) client: IpAddr,
    /// The bytes of the body, which are signed.
    pub(crate) body: &'a [u8],
    /// The parsed body.
    pub(crate) object: &'a Object<'a>,
}

impl Context<'_> {
    /// The session of the caller. It is found by the signature if there is one, else by the bearer token, else by the
    /// token in the body. A user id in the body must be the caller's.
    pub(crate) async fn caller(&self) -> Result<Arc<Session>, Code> {
        if let Some(signature) = self.signature() {
            let session = self.signer().await?;
            if !self.core.sessions().is_alive(&session) || !self.is_signed_by(&session, signature) {
                return Err(Code::InvalidToken);
            }
            self.check_age()?;
            self.core.sessions().record_signed_use(&session);
            return Ok(session);
        }
        let token = self.bearer().or_else(|| self.object.get("token")?.text()).ok_or(Code::InvalidToken)?;
        let session = self.core.sessions().authenticate(Dialect::MinilvbV2, token).await?;
        let named = self.object.present("userid");
        if named.is_some_and(|named| named.text().map(fields::trim) != Some(session.user_id())) {
            return Err(Code::InvalidToken);
        }
        Ok(session)
    }

    /// Refuses an invalid signature, but neither a missing one nor one made with an expired token.
    pub(crate) async fn check_signature_if_any(&self) -> Result<(), Code> {
        let Some(signature) = self.signature() else { return Ok(()) };
        let session = self.signer().await?;
        if self.is_signed_by(&session, signature) { Ok(()) } else { Err(Code::InvalidToken) }
    }

    /// The session of the user whose id is in the body.
    async fn signer(&self) -> Result<Arc<Session>, Code> {
        let user_id = fields::required_user_id(self.object).map_err(|_| Code::InvalidToken)?;
        self.core.sessions().signed(&user_id).await?.ok_or(Code::InvalidToken)
    }

    fn is_signed_by(&self, session: &Session, signature: &str) -> bool {
        liteav::verify(session.expose_token(), self.body, signature)
    }

    /// The signature; `None` if the header is missing or empty. A header that is no text becomes a signature that is
    /// never valid.
    fn signature(&self) -> Option<&str> {
        let value = self.headers.get(LITEAV_SIG)?;
        Some(value.to_str().map_or("not text", str::trim)).filter(|text| !text.is_empty())
    }

    /// Whether the client is an iOS app: its system's HTTP library names itself.
    pub(crate) fn is_ios(&self) -> bool {
        let agent = self.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        agent.is_some_and(|agent| agent.contains("CFNetwork/"))
    }

    fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// Refuses a signed request that is too old or from the future (contract minilvb-v2 §2.4).
    fn check_age(&self) -> Result<(), Code> {
        let lifetime = fields::time(self.object, "expires")?;
        let Some(sent) = fields::time(self.object, "timestamp")? else { return Ok(()) };
        let freshness = Freshness {
            clock_skew: self.config.clock_skew,
            longest_lifetime: self.core.config().sessions.v2_token_ttl,
        };
        let checked = freshness.check(SignedTimes { sent, lifetime }, self.core.now());
        checked.map_err(|not_fresh| Code::ClockOff(not_fresh.ahead))
    }
}
