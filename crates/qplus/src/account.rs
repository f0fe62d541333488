//! Accounts: `Login`, `Register`, `ModifyUserInfo`.

use relive_core::{Dialect, Identifier, NewAccount, Password, ProfileUpdate, Sex, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::{
    code::Code,
    context::Context,
    envelope::Done,
    fields::{Input, email, longer, new_password, phone},
};

/// The address of a new account; no reply shows it (contract qplus §4.2).
const DEFAULT_ADDRESS: &str = "中国,上海";

/// Request of `Login`.
pub(crate) struct Login<'a> {
    account: &'a str,
    password: &'a str,
}

impl<'a> TryFrom<&'a Input<'_>> for Login<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { account: input.text("account")?, password: input.text("password")? })
    }
}

/// Reply of `Login`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoginReply {
    /// The account name, even if the user typed a phone number or an e-mail address.
    account: UserId,
    nick_name: String,
    /// 0: the user has no room. Clients compare the number with the text `0`.
    live_room_id: i64,
    session_id: String,
    head_pic_id: i64,
    sex: u8,
}

/// Opens a session beside existing ones (contract qplus §4.1).
pub(crate) async fn login(cx: &Context<'_>, request: Login<'_>) -> Result<LoginReply, Code> {
    // An empty password is always wrong here, although another dialect may have registered one.
    let forms: &[Password] =
        if request.password.is_empty() { &[] } else { &[Password::plain(request.password)] };
    let identifier = Identifier::Any(request.account.to_owned());
    let (account, session) = cx.core.accounts().login(Dialect::Qplus, identifier, forms).await?;
    let room = cx.core.rooms().number_of(account.id).await?;
    Ok(LoginReply {
        nick_name: account.display_name().to_owned(),
        live_room_id: room.map_or(0, |room| room.0),
        session_id: session.token.expose_secret().to_owned(),
        head_pic_id: account.profile.head_picture.map_or(0, |picture| picture.0),
        sex: match account.profile.sex {
            Sex::Unknown | Sex::Male => 1,
            Sex::Female => 2,
        },
        account: account.user_id,
    })
}

/// Request of `Register`.
pub(crate) struct Register<'a> {
    account: &'a str,
    phone: &'a str,
    email: &'a str,
    password: &'a str,
    auth_code: &'a str,
}

impl<'a> TryFrom<&'a Input<'_>> for Register<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            account: input.text("account")?,
            phone: input.text("phone")?,
            email: input.text("email")?,
            password: input.text("password")?,
            auth_code: input.text("authCode")?,
        })
    }
}

impl Register<'_> {
    /// Checks the account name. Control characters are refused, and so is white space at the ends: another dialect
    /// trims user ids.
    fn user_id(&self) -> Result<UserId, Code> {
        let account = self.account;
        let valid = !account.is_empty()
            && !longer(account, 64)
            && account.trim() == account
            && !account.chars().any(char::is_control);
        if valid { Ok(account.into()) } else { Err(Code::Param) }
    }

    /// Whether this is the form of the second client: a verification code, but no account name (contract qplus §5.1).
    fn is_by_phone(&self) -> bool {
        self.account.trim().is_empty() && !self.auth_code.trim().is_empty()
    }
}

/// Registers an account; opens no session, because clients log in afterwards (contract qplus §4.2, §5.1).
pub(crate) async fn register(cx: &Context<'_>, request: Register<'_>) -> Result<Done, Code> {
    if request.is_by_phone() {
        let (phone, password) = (phone(request.phone)?, new_password(request.password)?);
        let code = SecretString::from(request.auth_code);
        cx.core.accounts().register_by_phone(phone, password, &code, DEFAULT_ADDRESS).await?;
        return Ok(Done {});
    }
    let user_id = request.user_id()?;
    let (phone, email) = (phone(request.phone)?.to_owned(), email(request.email)?.to_owned());
    let new = NewAccount {
        phone: Some(phone),
        email: Some(email),
        address: DEFAULT_ADDRESS.to_owned(),
        ..NewAccount::new(user_id, new_password(request.password)?)
    };
    cx.core.accounts().register(new).await?;
    Ok(Done {})
}

/// Request of `ModifyUserInfo`.
pub(crate) struct ModifyUserInfo<'a> {
    session: &'a str,
    nickname: &'a str,
    sex: i64,
    address: &'a str,
}

impl<'a> TryFrom<&'a Input<'_>> for ModifyUserInfo<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self {
            session: input.session()?,
            nickname: input.text("nickName")?,
            sex: input.integer("sex")?,
            address: input.text("address")?,
        })
    }
}

impl ModifyUserInfo<'_> {
    /// Checks the fields, at least one of which has to be set (contract qplus §4.4).
    fn update(&self) -> Result<ProfileUpdate, Code> {
        let sex = match self.sex {
            0 => None,
            1 => Some(Sex::Male),
            2 => Some(Sex::Female),
            _ => return Err(Code::Param),
        };
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (nickname, address) = (given(self.nickname), given(self.address));
        let nothing = nickname.is_none() && sex.is_none() && address.is_none();
        if nothing || longer(self.nickname, 64) || longer(self.address, 128) {
            return Err(Code::Param);
        }
        Ok(ProfileUpdate { nickname, sex, address, ..ProfileUpdate::default() })
    }
}

/// Changes the profile of the caller. Fields that are empty or 0 are left unchanged.
pub(crate) async fn modify(cx: &Context<'_>, request: ModifyUserInfo<'_>) -> Result<Done, Code> {
    let session = cx.session(request.session).await?;
    cx.core.accounts().update_profile(session.account(), request.update()?).await?;
    Ok(Done {})
}
