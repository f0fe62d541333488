//! One line of an import: a JSON object with the fields of an account. A refusal names the id and the field, and never
//! quotes a value, which may be a password in the wrong place.

use std::fmt;

use anyhow::{Context as _, anyhow, bail, ensure};
use relive_core::{NewAccount, Sex, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, error::Category};

use super::{OriginalServer, shown};
use crate::cli::user::check_id;

const FIELDS: [&str; 9] =
    ["id", "password", "phone", "email", "nickname", "avatar", "sex", "frontcover", "address"];

/// A line whose id is known.
pub(super) struct Line {
    pub(super) user_id: UserId,
    members: Members,
}

impl Line {
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        // Serde's own message may quote a password.
        let mut members: Members = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data => anyhow!("not a JSON object"),
            _ => anyhow!("not JSON, at column {}", error.column()),
        })?;
        let id = members.required("id")?;
        let id = id.expose_secret();
        check_id(id).context("id").with_context(|| shown(id))?;
        Ok(Self { user_id: UserId::from(id), members })
    }

    /// The password as the original server stored it.
    pub(super) fn stored_password(&mut self) -> anyhow::Result<SecretString> {
        self.members.required("password").with_context(|| shown(&self.user_id))
    }

    pub(super) fn account(mut self, origin: OriginalServer) -> anyhow::Result<NewAccount> {
        let user_id = self.user_id.clone();
        self.read_account(origin).with_context(|| shown(&user_id))
    }

    fn read_account(&mut self, origin: OriginalServer) -> anyhow::Result<NewAccount> {
        let members = &mut self.members;
        let stored = members.required("password")?;
        let password = origin.password(stored.expose_secret()).context("password")?;
        let new = NewAccount {
            phone: members.filled("phone")?,
            email: members.filled("email")?,
            nickname: members.filled("nickname")?.unwrap_or_default(),
            avatar: members.filled("avatar")?.unwrap_or_default(),
            sex: match members.filled("sex")? {
                None => Sex::Unknown,
                Some(name) if name.eq_ignore_ascii_case("male") => Sex::Male,
                Some(name) if name.eq_ignore_ascii_case("female") => Sex::Female,
                Some(_) => bail!("sex: neither \"male\" nor \"female\""),
            },
            frontcover: members.filled("frontcover")?.unwrap_or_default(),
            address: members.filled("address")?.unwrap_or_default(),
            imported: true,
            ..NewAccount::new(self.user_id.clone(), password)
        };
        members.ensure_no_others()?;
        Ok(new)
    }
}

/// The members of an object in their order, without those that have been read.
struct Members(Vec<(usize, String, Value)>);

impl Members {
    fn take(&mut self, name: &str) -> anyhow::Result<Option<Value>> {
        let mut found = self.0.extract_if(.., |(_, key, _)| key == name);
        let first = found.next();
        ensure!(found.next().is_none(), "{name}: given twice");
        Ok(first.map(|(_, _, value)| value))
    }

    /// A text that must be there; it may be empty.
    fn required(&mut self, name: &str) -> anyhow::Result<SecretString> {
        match self.take(name)? {
            Some(Value::String(text)) => Ok(text.into()),
            None => bail!("{name}: missing"),
            Some(other) => bail!("{name}: {} instead of a text", kind(&other)),
        }
    }

    /// A text; `None` if it is missing, `null` or empty.
    fn filled(&mut self, name: &str) -> anyhow::Result<Option<String>> {
        match self.take(name)? {
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            None | Some(Value::Null) => Ok(None),
            Some(other) => bail!("{name}: {} instead of a text", kind(&other)),
        }
    }

    fn ensure_no_others(&self) -> anyhow::Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((position, _, _)) => {
                bail!("field {position} has an unknown name; known are {}", FIELDS.join(", "))
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    members.push((members.len() + 1, name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
