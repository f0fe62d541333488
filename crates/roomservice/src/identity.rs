//! Reads the parameters of the query, and finds the caller of a request by its token (contract roomservice §2, §4.1).

use std::{borrow::Cow, sync::Arc};

use relive_core::{Core, Dialect, Session};
use relive_wire::Object;

use crate::{
    code::Code,
    config::Config,
    fields::{self, Input},
};

/// The input of a handler beside its own request.
pub(crate) struct Context<'a> {
    pub(crate) core: &'a Core,
    pub(crate) config: &'a Config,
    pub(crate) parameters: &'a Parameters<'a>,
    /// The session of the caller; `None` in calls that need no token.
    pub(crate) caller: Option<&'a Session>,
    /// The name under which the call was called.
    pub(crate) name: &'a str,
}

impl<'a> Context<'a> {
    /// The session of the caller.
    pub(crate) fn caller(&self) -> Result<&'a Session, Code> {
        self.caller.ok_or(Code::Unauthorized)
    }
}

/// The parameters of a request: those of the query, and those of a form that are missing there.
#[derive(Debug)]
pub(crate) struct Parameters<'a>(Vec<(&'static str, Cow<'a, str>)>);

/// The parameters that are read.
const NAMES: [&str; 6] = ["userID", "token", "sdkAppID", "userSig", "txTime", "sign"];

impl<'a> Parameters<'a> {
    /// Reads the query. A plus sign in it is no blank: clients do not encode the user id.
    pub(crate) fn new(query: &'a str, input: &'a Input<'_>) -> Self {
        let known = |(name, value): (Cow<'_, str>, Cow<'a, str>)| {
            let name = NAMES.into_iter().find(|known| *known == name)?;
            (!value.is_empty()).then_some((name, value))
        };
        let mut found: Vec<_> = if query.contains('+') {
            let query = query.replace('+', "%2B");
            let owned = |(name, value): (_, Cow<'_, str>)| (name, value.into_owned().into());
            form_urlencoded::parse(query.as_bytes()).map(owned).filter_map(known).collect()
        } else {
            form_urlencoded::parse(query.as_bytes()).filter_map(known).collect()
        };
        if input.is_form {
            for name in NAMES {
                if let Some(text) = input.object.get(name).and_then(|value| value.text())
                    && !text.is_empty()
                    && !found.iter().any(|(known, _)| *known == name)
                {
                    found.push((name, text.into()));
                }
            }
        }
        Self(found)
    }

    /// The last value of a parameter, neither missing nor empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// The session of the token, which must belong to the user in the query, and to the user in the body if one is named there.
    pub(crate) async fn caller(&self, core: &Core, body: &Object<'_>) -> Result<Arc<Session>, Code> {
        let user_id = self.get("userID").ok_or(Code::Parameter("userID"))?;
        let token = self.get("token").ok_or(Code::Parameter("token"))?;
        let digits = token.strip_suffix(&token_suffix(core)).ok_or(Code::Unauthorized)?;
        let session = core.sessions().authenticate(Dialect::RoomService, digits).await?;
        if *session.user_id() != *user_id {
            return Err(Code::Unauthorized);
        }
        match fields::text(body, "userID", usize::MAX)? {
            Some(named) if !named.is_empty() && *named != *user_id => Err(Code::Unauthorized),
            _ => Ok(session),
        }
    }
}

/// The part of a token behind its random digits: `*` and the IM application (contract roomservice §4.1).
pub(crate) fn token_suffix(core: &Core) -> String {
    format!("*{}", core.config().cloud.im_sdkappid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_from_the_query_and_then_from_a_form() {
        let form: Object<'_> = [("userID", "form"), ("token", "t")]
            .map(|(name, text)| (name.into(), relive_wire::Value::Text(text.into())))
            .into_iter()
            .collect();
        let form = Input { object: form, is_form: true };
        let both = Parameters::new("userID=%E5%B0%8F+a&x=y&userID=&sdkAppID=7", &form);
        assert_eq!(both.get("userID"), Some("小+a"));
        assert_eq!((both.get("token"), both.get("sdkAppID"), both.get("sign")), (Some("t"), Some("7"), None));
        let json = Input { is_form: false, ..form };
        let query = Parameters::new("userID=a&userID=b", &json);
        assert_eq!((query.get("userID"), query.get("token")), (Some("b"), None));
    }
}
