//! Accounts: registration, login, profiles, and the overview for operators.

use secrecy::{ExposeSecret as _, SecretString};

use super::core::Accounts;
use crate::{
    Account, AccountId, AccountOverview, Actor, Dialect, Error, Identifier, IssuedSession, NewAccount,
    Password, Picture, PictureId, ProfileUpdate, Purpose, ResetProof, Result, UnixSeconds, UserId,
    domain::{
        account, actor,
        login::{self, Admitted},
        overview, registration, report, verification,
    },
    limit::Limit,
    login::queue::Claim,
    model::{live_room, password::StoredPassword, random},
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        head_pictures,
    },
};

/// Random names tried for an account that is registered by phone; with ten digits a second try is unlikely.
const NAME_TRIES: usize = 8;

impl Accounts<'_> {
    /// The account with a number.
    pub async fn get(&self, id: AccountId) -> Result<Option<Account>> {
        Ok(self.0.store().read(move |conn| accounts::by_id(conn, id)).await?.map(Account::from))
    }

    /// The account with a user id, guest or registered.
    pub async fn find(&self, user_id: &UserId) -> Result<Option<Account>> {
        let user_id = user_id.clone();
        Ok(self.0.store().read(move |conn| accounts::by_user_id(conn, &user_id)).await?.map(Account::from))
    }

    /// The registered account with a phone number.
    pub async fn find_by_phone(&self, phone: &str) -> Result<Option<Account>> {
        let phone = phone.to_owned();
        Ok(self.0.store().read(move |conn| accounts::by_phone(conn, &phone)).await?.map(Account::from))
    }

    /// Checks that an actor may act, without creating a guest.
    ///
    /// Errors: [`Error::ProofRequired`], [`Error::InvalidSession`] if the account has been deleted.
    pub async fn may_act(&self, actor: Actor) -> Result<()> {
        let used_after = self.0.now() - self.0.config().sessions.room_service_idle;
        self.0.store().read(move |conn| actor::may_act(conn, &actor, used_after)).await
    }

    /// Accounts in the order of their user ids, from the first after `after` on: for reading all accounts page by page.
    pub async fn list(&self, after: Option<&UserId>, limit: usize) -> Result<Vec<Account>> {
        let after = after.cloned().unwrap_or_default();
        let rows = self.0.store().read(move |conn| accounts::after(conn, &after, limit)).await?;
        Ok(rows.into_iter().map(Account::from).collect())
    }

    /// The account with a user id, guest or registered, with everything that the dialects show of it.
    pub async fn overview(&self, user_id: &UserId) -> Result<Option<AccountOverview>> {
        let (user_id, policy, now) = (user_id.clone(), self.0.config().sessions, self.0.now());
        self.0.store().snapshot(move |conn| overview::overview(conn, &user_id, policy, now)).await
    }

    /// Registers an account. If a guest has the user id, its broadcast ends and it leaves the audiences of all broadcasts;
    /// the account keeps the room number and the recordings, and starts with a new profile. The broadcasts and memberships of
    /// guests whose ids differ in ASCII case only end as well.
    ///
    /// Errors, first match: [`Error::RegistrationClosed`] (not for the operator), [`Error::AccountExists`],
    /// [`Error::PhoneExists`], [`Error::EmailExists`], [`Error::RateLimited`], [`Error::Busy`].
    pub async fn register(&self, new: NewAccount) -> Result<Account> {
        self.check_open()?;
        // Checked before the password is hashed, which is expensive, and again when the account is stored.
        let early = new.clone();
        self.0.store().snapshot(move |conn| registration::check(conn, &early)).await?;
        self.0.spend(Limit::Registrations)?;
        let claim = Claim::new_password(self.0.client());
        let outcome = match self.0.hasher().hash(claim, &new.password, &new.user_id).await {
            Ok(stored) => self.0.write(move |tx| registration::register(tx, &new, &stored)).await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.0.give_back(Limit::Registrations);
        }
        outcome.map(Account::from)
    }

    /// Checks whether [`Accounts::register`] would find all identifiers of a new account free; stores nothing.
    ///
    /// Errors, first match: [`Error::AccountExists`], [`Error::PhoneExists`], [`Error::EmailExists`].
    pub async fn check_free(&self, new: NewAccount) -> Result<()> {
        self.0.store().snapshot(move |conn| registration::check(conn, &new)).await
    }

    /// The registered account because of which [`Accounts::register`] refuses a user id with [`Error::AccountExists`]: the id
    /// is its own, in any ASCII case, or its phone or e-mail address.
    pub async fn holder(&self, user_id: &UserId) -> Result<Option<Account>> {
        let user_id = user_id.clone();
        let found = self.0.store().snapshot(move |conn| registration::holder(conn, &user_id)).await?;
        Ok(found.map(Account::from))
    }

    /// Refuses clients, but not the operator, while registration is closed.
    fn check_open(self) -> Result<()> {
        if self.0.client().is_some() && !self.0.config().accounts.open_registration {
            return Err(Error::RegistrationClosed);
        }
        Ok(())
    }

    /// Registers an account with a phone and the code sent to it; user id and nickname are generated. `address` is the
    /// address of the new profile.
    ///
    /// Errors: [`Error::RegistrationClosed`], [`Error::WrongCode`], [`Error::PhoneExists`], and those of
    /// [`Accounts::register`].
    pub async fn register_by_phone(
        &self,
        phone: &str,
        password: Password,
        code: &SecretString,
        address: &str,
    ) -> Result<Account> {
        self.check_open()?;
        let (wanted, code) = (phone.to_owned(), code.clone());
        let use_code = move |tx: &mut Tx<'_>| verification::use_registration_code(tx, &wanted, &code);
        if !self.0.write(use_code).await? {
            return Err(Error::WrongCode);
        }
        let name = self.free_name().await?;
        let new = NewAccount {
            phone: Some(phone.to_owned()),
            address: address.to_owned(),
            ..NewAccount::new(name, password)
        };
        let account = self.register(new).await?;
        let nickname = format!("nick-{}", account.id);
        let update = ProfileUpdate { nickname: Some(nickname), ..ProfileUpdate::default() };
        self.update_profile(account.id, update).await?;
        self.get(account.id).await?.ok_or(Error::NoSuchAccount)
    }

    async fn free_name(&self) -> Result<UserId> {
        for _ in 0..NAME_TRIES {
            let name = UserId::new(format!("user{:010}", random::number(self.0.random())));
            if self.find(&name).await?.is_none() {
                return Ok(name);
            }
        }
        Err(Error::Busy)
    }

    /// Checks a password without opening a session. `forms` are the possible readings of the client's text; one must match.
    ///
    /// Errors: [`Error::NoSuchAccount`], [`Error::WrongPassword`], [`Error::RateLimited`] after too many failures from
    /// this address or of this account, [`Error::Busy`].
    pub async fn verify(&self, identifier: Identifier, forms: &[Password]) -> Result<Account> {
        self.check(identifier, forms).await.map(|(row, _)| row.into())
    }

    /// Logs in: checks the password and opens a session by the policy of the dialect. Errors: those of
    /// [`Accounts::verify`].
    pub async fn login(
        &self,
        dialect: Dialect,
        identifier: Identifier,
        forms: &[Password],
    ) -> Result<(Account, IssuedSession)> {
        let (row, stored) = self.check(identifier, forms).await?;
        let account = row.clone();
        let issued = self.0.write(move |tx| login::open(tx, &account, &stored, dialect)).await?;
        Ok((row.into(), issued))
    }

    /// RoomService: logs the user of an IM ticket in. A user id that is not registered is a guest, which is created if it does not
    /// exist.
    ///
    /// Errors: [`Error::WrongPassword`] for a ticket that is not valid for this user and application, or that was made before
    /// the password was last set; [`Error::ProofRequired`] if a registered account differs from the user id in ASCII case only.
    pub async fn login_by_ticket(
        &self,
        user_id: &UserId,
        application: i64,
        ticket: &SecretString,
    ) -> Result<IssuedSession> {
        let made_at = self.0.cloud().ticket_made_at(ticket.expose_secret(), application, user_id);
        let made_at = made_at.ok_or(Error::WrongPassword)?;
        let user_id = user_id.clone();
        self.0.write(move |tx| login::open_by_ticket(tx, &user_id, made_at, Admitted::Anyone)).await
    }

    /// RoomService: a user id for a test user, which no account has: the wanted one if it has the form of such names, or else a
    /// random one (contract roomservice §4.15).
    ///
    /// Errors: [`Error::Busy`] if every name that was tried is in use.
    pub async fn test_user(&self, wanted: Option<&UserId>) -> Result<UserId> {
        let wanted = wanted.filter(|id| live_room::is_generated("user", id)).cloned();
        let random = (0..NAME_TRIES).map(|_| UserId::from(live_room::generated("user", self.0.random())));
        for name in wanted.into_iter().chain(random) {
            if self.find(&name).await?.is_none() {
                return Ok(name);
            }
        }
        Err(Error::Busy)
    }

    /// RoomService: logs a registered account in by the sign for the room service.
    ///
    /// Errors: those of [`Accounts::login_by_ticket`], [`Error::NoSuchAccount`].
    pub async fn login_by_sign(
        &self,
        user_id: &UserId,
        expires: UnixSeconds,
        sign: &SecretString,
    ) -> Result<IssuedSession> {
        let made_at = self.0.cloud().room_service_made_at(user_id, expires, sign.expose_secret());
        let made_at = made_at.ok_or(Error::WrongPassword)?;
        let user_id = user_id.clone();
        self.0.write(move |tx| login::open_by_ticket(tx, &user_id, made_at, Admitted::Registered)).await
    }

    /// Finds the account of an identifier and checks that one of the forms is its password.
    async fn check(
        &self,
        identifier: Identifier,
        forms: &[Password],
    ) -> Result<(AccountRow, StoredPassword)> {
        let found = self.0.store().read(move |conn| login::find(conn, &identifier)).await?;
        let throttle = self.0.throttle();
        let counted = |error| match error {
            Error::RateLimited => self.0.refuse(Limit::LoginFailures),
            error => error,
        };
        let known = found.and_then(|row| Some((StoredPassword(row.password.clone()?), row)));
        let Some((stored, row)) = known else {
            throttle.fail_unknown(self.0.client(), self.0.steady()).map_err(counted)?;
            return Err(Error::NoSuchAccount);
        };
        let begun = throttle.begin(row.id, self.0.client(), || self.0.steady()).await.map_err(counted)?;
        let right = self.0.hasher().verify(begun.claim(), forms, &row.user_id, stored.clone()).await?;
        begun.decide(right, self.0.steady());
        if right { Ok((row, stored)) } else { Err(Error::WrongPassword) }
    }

    /// Replaces the password and ends the account's sessions in all dialects.
    ///
    /// Errors: [`Error::NoSuchAccount`] if no registered account has that id.
    pub async fn set_password(&self, user_id: &UserId, password: &Password) -> Result<()> {
        let stored = self.0.hasher().hash(Claim::new_password(self.0.client()), password, user_id).await?;
        let user_id = user_id.clone();
        self.0.write(move |tx| account::set_password(tx, &user_id, &stored)).await
    }

    /// Checks that a code for a phone could be used.
    ///
    /// Errors: [`Error::PhoneExists`], [`Error::RegistrationClosed`] (register), [`Error::NoSuchAccount`] (reset).
    pub async fn may_ask_for_code(&self, phone: &str, purpose: Purpose) -> Result<()> {
        let phone = phone.to_owned();
        let open = self.0.config().accounts.open_registration;
        self.0.store().read(move |conn| verification::useful(conn, &phone, purpose, open)).await
    }

    /// Makes a six-digit code for a phone, valid for ten minutes, which replaces an older one. The caller delivers the code.
    ///
    /// Errors: those of [`Accounts::may_ask_for_code`], [`Error::RateLimited`] less than a minute after the last one, or
    /// beyond a budget.
    pub async fn issue_code(&self, phone: &str, purpose: Purpose) -> Result<SecretString> {
        let phone = phone.to_owned();
        self.0.write(move |tx| verification::issue_code(tx, &phone, purpose)).await
    }

    /// Opens a grant: for ten minutes the account with a phone may set a new password once.
    ///
    /// Errors: [`Error::NoSuchAccount`].
    pub async fn grant_reset(&self, phone: &str) -> Result<()> {
        let phone = phone.to_owned();
        self.0.write(move |tx| verification::grant_reset(tx, &phone)).await
    }

    /// Sets a new password for the account with a phone, ends all its sessions, and returns the account.
    ///
    /// Errors: [`Error::NoSuchAccount`]; [`Error::WrongCode`] without a valid proof, also for an unknown phone;
    /// [`Error::RateLimited`] beyond ten times in an hour; [`Error::Busy`].
    pub async fn reset_password(
        &self,
        phone: &str,
        password: &Password,
        proof: ResetProof,
    ) -> Result<Account> {
        let account = match (self.find_by_phone(phone).await?, &proof) {
            (Some(account), _) => account,
            (None, ResetProof::NotNeeded) => return Err(Error::NoSuchAccount),
            (None, ResetProof::Of { .. }) => return Err(Error::WrongCode),
        };
        let (id, phone) = (account.id, phone.to_owned());
        let use_proof = move |tx: &mut Tx<'_>| verification::use_reset_proof(tx, id, &phone, &proof);
        if !self.0.write(use_proof).await? {
            return Err(Error::WrongCode);
        }
        if !self.0.throttle().may_reset(id, self.0.steady()) {
            return Err(Error::RateLimited);
        }
        let stored =
            self.0.hasher().hash(Claim::new_password(self.0.client()), password, &account.user_id).await?;
        self.0.write(move |tx| account::replace_password(tx, id, &stored)).await?;
        Ok(account)
    }

    /// Changes a profile; a broadcast on air shows the new nickname at once.
    ///
    /// Errors: [`Error::NoSuchAccount`].
    pub async fn update_profile(&self, account: AccountId, update: ProfileUpdate) -> Result<()> {
        self.0.write(move |tx| account::update_profile(tx, account, &update)).await
    }

    /// Stores a head picture, which replaces the last one, and returns its new number.
    ///
    /// Errors: [`Error::NoSuchAccount`].
    pub async fn set_head_picture(&self, account: AccountId, picture: Picture) -> Result<PictureId> {
        self.0.write(move |tx| account::set_head_picture(tx, account, &picture)).await
    }

    /// The bytes of a head picture.
    pub async fn head_picture(&self, id: PictureId) -> Result<Option<Picture>> {
        self.0.store().read(move |conn| head_pictures::find(conn, id)).await
    }

    /// Stores a report about a host. Without effect for an unknown host.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn report(&self, reporter: Actor, host: &UserId) -> Result<()> {
        let host = host.clone();
        self.0.write(move |tx| report::report(tx, &reporter, &host)).await
    }

    /// Deletes an account and all its data; its room number is never given to another account.
    ///
    /// Errors: [`Error::NoSuchAccount`].
    pub async fn delete(&self, user_id: &UserId) -> Result<()> {
        let user_id = user_id.clone();
        self.0.write(move |tx| account::delete(tx, &user_id)).await
    }
}
