//! Sessions: authentication, refresh, logout.

use std::sync::Arc;

use super::core::Sessions;
use crate::{
    AccountId, Dialect, Error, IssuedSession, RefreshOffer, Result, Session, UnixSeconds, UserId,
    domain::session,
    model::session::TokenHash,
    store::conn::Conn,
    table::sessions::{self, SessionRow},
};

impl Sessions<'_> {
    /// The session of a token. In a dialect whose sessions end when they are idle, the use prolongs the session.
    ///
    /// Errors: [`Error::InvalidSession`].
    pub async fn authenticate(&self, dialect: Dialect, token: &str) -> Result<Arc<Session>> {
        self.admit(dialect, token, Arc::clone).await
    }

    /// The account of a token's session. Counts as a use, as [`Sessions::authenticate`] does.
    ///
    /// Errors: [`Error::InvalidSession`].
    pub async fn account(&self, dialect: Dialect, token: &str) -> Result<AccountId> {
        self.admit(dialect, token, |session| session.account).await
    }

    async fn admit<T>(&self, dialect: Dialect, token: &str, take: impl Fn(&Arc<Session>) -> T) -> Result<T> {
        let digest = TokenHash::of(token);
        let now = self.0.now();
        let alive = |session: &Session| self.lives(session, now);
        let admit = |session: &Arc<Session>| {
            if session.dialect != dialect || !alive(session) {
                return Err(Error::InvalidSession);
            }
            self.0.memory().record_use(session, now);
            Ok(take(session))
        };
        // A sibling may have closed the session, or may have seen a later use of it.
        let trusted =
            |known: &Arc<Session>| !self.0.has_siblings() || (self.0.memory().is_fresh() && alive(known));
        let known = self.0.memory().sessions.peek(&digest, |known| trusted(known).then(|| admit(known)));
        match known.flatten() {
            Some(admitted) => admitted,
            None => admit(
                &self
                    .load(move |conn| sessions::by_digest(conn, &digest))
                    .await?
                    .ok_or(Error::InvalidSession)?,
            ),
        }
    }

    /// The minilvb-v2 session of a user, which signs the requests; also after the lifetime of its token.
    pub async fn signed(&self, user_id: &str) -> Result<Option<Arc<Session>>> {
        // A sibling may have opened a newer session, and a request does not name the session that signed it.
        if !self.0.has_siblings()
            && let Some(session) = self.0.memory().sessions.signed(user_id)
        {
            return Ok(Some(session));
        }
        let user_id = UserId::from(user_id);
        self.load(move |conn| sessions::by_signer(conn, &user_id)).await
    }

    /// Whether the token of a session is still valid.
    pub fn is_alive(&self, session: &Session) -> bool {
        self.lives(session, self.0.now())
    }

    /// Whether the token of a session is valid at a time. During the grace after a step of the time no session has ended because it
    /// was idle: the row of a session that was not used since the start tells its silence by another clock.
    fn lives(self, session: &Session, now: UnixSeconds) -> bool {
        session.is_alive(self.0.config().sessions, now)
            || (session.dialect != Dialect::MinilvbV2 && self.0.has_grace())
    }

    /// Reads a session from the table into the cache. Reads again if sessions were closed meanwhile, because this one may be
    /// among them.
    async fn load(
        &self,
        query: impl Fn(&mut Conn) -> Result<Option<(SessionRow, UserId)>> + Clone + Send + 'static,
    ) -> Result<Option<Arc<Session>>> {
        for _ in 0..8 {
            let mark = self.0.memory().sessions.mark();
            let Some((row, user_id)) = self.0.store().read(query.clone()).await? else { return Ok(None) };
            let Some(session) = row.session(user_id) else { return Ok(None) };
            if let Some(session) = self.0.memory().sessions.fill(session, mark, self.0.random()) {
                return Ok(Some(session));
            }
        }
        Err(Error::Busy)
    }

    /// Records that a client has used the session that signed its request; see [`Sessions::repeat_refresh`].
    pub fn record_signed_use(&self, session: &Arc<Session>) {
        if !session.is_used() {
            self.0.memory().record_use(session, self.0.now());
        }
    }

    /// Exchanges a refresh token for a new session (minilvb-v2). The old tokens are invalid at once. An offer that was
    /// accepted already is answered as by [`Sessions::repeat_refresh`].
    ///
    /// Errors: [`Error::InvalidSession`] for an unknown user, a wrong, used or expired refresh token.
    pub async fn refresh(&self, offer: &RefreshOffer) -> Result<IssuedSession> {
        let refreshing = offer.clone();
        match self.0.write(move |tx| session::refresh(tx, &refreshing)).await {
            Err(Error::InvalidSession) => self.repeat_refresh(offer).await,
            done => done,
        }
    }

    /// The tokens that an offer was exchanged for within the last 60 s, if it comes from the same address again and no
    /// client has used the new session: the answer may have been lost (contract minilvb-v2 §0).
    ///
    /// Errors: [`Error::InvalidSession`].
    pub async fn repeat_refresh(&self, offer: &RefreshOffer) -> Result<IssuedSession> {
        let user_id = offer.user_id.clone();
        let (row, user_id) = self
            .0
            .store()
            .read(move |conn| sessions::by_signer(conn, &user_id))
            .await?
            .ok_or(Error::InvalidSession)?;
        // The table learns of a use later than the memory.
        let digest = TokenHash::from_bytes(&row.digest).ok_or(Error::InvalidSession)?;
        if self.0.memory().sessions.peek(&digest, |session| session.is_used()) == Some(true) {
            return Err(Error::InvalidSession);
        }
        session::repeated(&row, user_id, offer, self.0.now(), self.0.config().sessions)
            .ok_or(Error::InvalidSession)
    }

    /// Ends the session of a token.
    ///
    /// Errors: [`Error::InvalidSession`] if the session has been closed already, or is expired.
    pub async fn close(&self, dialect: Dialect, token: &str) -> Result<()> {
        let session = self.authenticate(dialect, token).await?;
        self.end(&session).await
    }

    /// Ends a session.
    ///
    /// Errors: [`Error::InvalidSession`] if the session has been closed already.
    pub async fn end(&self, session: &Session) -> Result<()> {
        let digest = session.digest;
        let closed = self.0.write(move |tx| session::close(tx, &digest)).await?;
        if closed { Ok(()) } else { Err(Error::InvalidSession) }
    }

    /// Ends the sessions of an account in one dialect, and revokes its push URLs. Returns the number of sessions ended.
    pub async fn kick(&self, account: AccountId, dialect: Dialect) -> Result<usize> {
        self.0.write(move |tx| session::kick(tx, account, dialect)).await
    }
}
