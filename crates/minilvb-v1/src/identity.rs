//! Decides on whose behalf a request acts.
//!
//! Requests of this dialect carry no credential. A `userid` that belongs to no registered account is trusted. The owner
//! of a registered account signs its requests as in the second generation: with the header `Liteav-Sig`, made with a
//! session token of minilvb-v2. The core decides which user ids need such a proof. If the operator trusts the ids of
//! imported accounts (`trust_imported`), those accounts need none.
//!
//! Source: contract minilvb-v1 §2; contract minilvb-v2 §2.3, §2.4.

use http::{HeaderMap, HeaderName};
use relive_core::{
    Actor, Core, UserId,
    sign::liteav::{self, Freshness, SignedTimes},
};
use relive_wire::Value;

use crate::{
    code::{Code, Fault, Refusal},
    config::Config,
    fields::Fields,
};

const LITEAV_SIG: HeaderName = HeaderName::from_static(liteav::HEADER);

/// The input of a handler beside its own request.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) core: &'a Core,
    config: Config,
    signature: Option<&'a str>,
    body: &'a [u8],
    fields: Fields<'a>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        core: &'a Core,
        config: Config,
        headers: &'a HeaderMap,
        body: &'a [u8],
        fields: Fields<'a>,
    ) -> Self {
        let signature = headers.get(LITEAV_SIG).and_then(|value| value.to_str().ok());
        Self { core, config, signature: signature.filter(|text| !text.is_empty()), body, fields }
    }

    /// Determines the actor behind a user id. An invalid signature is treated like a missing one: the core then refuses
    /// the user id of a registered account, and accepts the user id of a guest.
    pub(crate) async fn actor(&self, user_id: &UserId) -> Result<Actor, Refusal> {
        let unproven = || {
            let user_id = user_id.clone();
            if self.config.trust_imported {
                Actor::Trusted { user_id, guests: true }
            } else {
                Actor::Unproven(user_id)
            }
        };
        let Some(signature) = self.signature else { return Ok(unproven()) };
        let Some(session) = self.core.sessions().signed(user_id).await? else { return Ok(unproven()) };
        if !self.core.sessions().is_alive(&session)
            || !liteav::verify(session.expose_token(), self.body, signature)
        {
            return Ok(unproven());
        }
        if !self.is_fresh()? {
            return Ok(unproven());
        }
        self.core.sessions().record_signed_use(&session);
        Ok(Actor::Proven(session.account()))
    }

    /// Determines the actor like [`Context::actor`], but refuses guests if the operator does not admit them to
    /// broadcasting (`guests = false`).
    pub(crate) async fn broadcaster(&self, user_id: &UserId) -> Result<Actor, Refusal> {
        match self.actor(user_id).await? {
            Actor::Unproven(_) if !self.config.guests => Err(Code::Sign.into()),
            Actor::Trusted { user_id, .. } => Ok(Actor::Trusted { user_id, guests: self.config.guests }),
            actor => Ok(actor),
        }
    }

    /// Checks that the signed `timestamp`, if there is one, is recent enough.
    fn is_fresh(&self) -> Result<bool, Refusal> {
        let Some(sent) = self.seconds("timestamp")? else { return Ok(true) };
        let times = SignedTimes { sent, lifetime: self.seconds("expires")? };
        let freshness = Freshness {
            clock_skew: self.config.clock_skew,
            longest_lifetime: self.core.config().sessions.v2_token_ttl,
        };
        Ok(freshness.check(times, self.core.now()).is_ok())
    }

    /// A number that is not negative, as a JSON number or a text; `None` if it is missing.
    #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
    fn seconds(&self, name: &'static str) -> Result<Option<f64>, Refusal> {
        let number = match self.fields.get(name) {
            None => return Ok(None),
            Some(Value::Int(number)) => Some(*number as f64),
            Some(Value::Float(number)) => Some(*number),
            Some(Value::Text(text)) => text.parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
            Some(number) if number.is_finite() => Err(Refusal::input(name, Fault::OutOfRange)),
            _ => Err(Refusal::input(name, Fault::WrongType)),
        }
    }
}
