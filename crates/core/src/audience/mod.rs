//! Audiences: who is in a host's broadcast, one row per user, whichever dialect it came through.
//!
//! A member belongs to the dialect it entered through last and times out by that dialect's rules: sxb by its beat,
//! qplus with its session, minilvb-v1 never. "One room per user" is sxb's rule and moves only what sxb seated. Leaving
//! through any dialect takes the row away.

mod group;
mod seat;

use std::sync::Arc;

use diesel::prelude::*;

pub use self::group::{GroupMember, MemberNames};
pub(crate) use self::{group::leave_recordings, seat::seat_host};
use crate::{
    AccountId, Core, Dialect, Error, Page, Result, Role, RoomNumber, UnixSeconds, Window, account, broadcast,
    live::{Change, Listed, MemberState},
    memory::HeartbeatOutcome,
    room, rule,
    session::{self, Session, TokenHash},
    store::{Tx, conn::on, schema::audience},
};

/// A row of the table.
#[derive(Debug, Clone, Queryable, Insertable)]
// With every column named, the text of an insert is always the same.
#[diesel(table_name = audience, treat_none_as_default_value = false)]
pub(crate) struct MemberRow {
    pub(crate) host_id: AccountId,
    pub(crate) account_id: AccountId,
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    pub(crate) group_id: Option<String>,
    pub(crate) listed: bool,
    pub(crate) nickname: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) position: i64,
    pub(crate) beat_at: UnixSeconds,
    pub(crate) session: Option<Vec<u8>>,
}

impl MemberRow {
    /// As the read model wants it.
    pub(crate) fn state(&self, user_id: &str) -> MemberState {
        MemberState {
            host: self.host_id,
            account: self.account_id,
            user_id: user_id.into(),
            role: self.role,
            dialect: self.dialect,
            listed: Listed::new(self.listed, self.group_id.as_deref()),
            position: self.position,
            beat_at: self.beat_at,
            session: self.session.as_deref().and_then(TokenHash::from_bytes),
        }
    }
}

/// A member as member lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The member's id.
    pub user_id: Arc<str>,
    /// What it is there.
    pub role: Role,
}

/// Audiences. From [`Core::audiences`].
#[derive(Debug, Clone, Copy)]
pub struct Audiences<'a>(pub(crate) &'a Core);

impl Audiences<'_> {
    /// sxb: enters a room on air with a role, and leaves the room it sat in before. Entering again renews the clock.
    /// Only the owner is host, and the owner is nothing else.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn enter(&self, account: AccountId, room: RoomNumber, role: Role) -> Result<()> {
        let now = self.0.expire_due().await?;
        // A sibling may just have let it out, or closed the room: only the tables know.
        if !self.0.has_siblings() && self.0.memory().beat_in(account, room, role, now) {
            return Ok(());
        }
        self.0.store().write(move |tx| seat::sit(tx, room, account, Some(role))).await
    }

    /// sxb: leaves a room on air. Success also for who is not there.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn leave(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let host = broadcast::host_on_air(tx, room)?;
                remove(tx, host, account).map(|_| ())
            })
            .await
    }

    /// sxb: asks for the microphone. Who is not in the room yet is let in as a viewer; nobody's role changes.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn request_mic(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0.store().write(move |tx| seat::sit(tx, room, account, None)).await
    }

    /// sxb: a member went on mic, or off it. Without effect for the host and for who is not there.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn set_mic(&self, account: AccountId, room: RoomNumber, on: bool) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let host = broadcast::host_on_air(tx, room)?;
                seat::set_role(tx, host, account, if on { Role::OnMic } else { Role::Viewer })
            })
            .await
    }

    /// sxb: a sign of life of a user, wherever it sits, with the role it has there; of a host also the number of
    /// likes it shows. Costs no write as long as role and likes stay the same.
    pub async fn beat(&self, account: AccountId, role: Role, likes: Option<i64>) -> Result<()> {
        let now = self.0.expire_due().await?;
        // As it would be stored: what differs for ever would cost a write with every beat.
        let likes = likes.map(|likes| likes.clamp(0, i64::from(i32::MAX)));
        let HeartbeatOutcome { new_role_at, likes_differ } = self.0.memory().beat(account, role, likes, now);
        if new_role_at.is_none() && !likes_differ {
            return Ok(());
        }
        self.0
            .store()
            .write(move |tx| {
                if let Some(host) = new_role_at {
                    seat::set_role(tx, host, account, role)?;
                }
                match likes {
                    Some(likes) if likes_differ => broadcast::report_likes(tx, account, likes),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// The members of a room on air, the host first, then in order of entry. Nobody if it is not on air.
    pub async fn members(&self, room: RoomNumber, window: Window) -> Result<Page<Member>> {
        self.0.expire_due().await?;
        let live = self.0.memory().live();
        let Some(audience) = live.host_of_room(room).and_then(|host| live.audience(host)) else {
            return Ok(Page::default());
        };
        let items = audience
            .page(window.offset, window.limit)
            .map(|member| Member { user_id: Arc::clone(&member.user_id), role: member.role })
            .collect();
        Ok(Page { total: audience.len(), items })
    }

    /// qplus: watches a room until it stops, the broadcast ends or the session does. Without effect if the room is not
    /// on air, and for its owner.
    ///
    /// Errors: [`Error::InvalidSession`] if the session has ended meanwhile.
    pub async fn watch(&self, session: &Session, room: RoomNumber) -> Result<()> {
        let (account, digest) = (session.account, session.digest);
        self.0
            .store()
            .write(move |tx| match broadcast::host_on_air(tx, room) {
                Ok(host) if host == account => Ok(()),
                Ok(host) => seat::watch(tx, host, account, &digest),
                Err(Error::NotOnAir) => Ok(()),
                Err(error) => Err(error),
            })
            .await
    }

    /// qplus: stops watching a room, on air or not.
    pub async fn unwatch(&self, session: &Session, room: RoomNumber) -> Result<()> {
        let account = session.account;
        self.0
            .store()
            .write(move |tx| match room::owner(tx.conn, room)? {
                Some(host) if host != account => remove(tx, host, account).map(|_| ()),
                _ => Ok(()),
            })
            .await
    }
}

/// Takes somebody out of an audience; whether it was there.
pub(crate) fn remove(tx: &mut Tx<'_>, host: AccountId, account: AccountId) -> Result<bool> {
    let gone = on!(tx.conn, |c| diesel::delete(audience::table.find((host, account))).execute(c))?;
    if gone > 0 {
        tx.changed(Change::Left { host, account });
    }
    Ok(gone > 0)
}

/// Sends an audience home.
pub(crate) fn clear(tx: &mut Tx<'_>, host: AccountId) -> Result<()> {
    let gone =
        on!(tx.conn, |c| diesel::delete(audience::table.filter(audience::host_id.eq(host))).execute(c))?;
    if gone > 0 {
        tx.changed(Change::AudienceCleared { host });
    }
    Ok(())
}

/// Whoever sits somewhere through a session that is over leaves.
pub(crate) fn leave_with_session(tx: &mut Tx<'_>, digest: &TokenHash) -> Result<()> {
    let gone: Vec<(AccountId, AccountId)> =
        on!(tx.conn, |c| diesel::delete(audience::table.filter(audience::session.eq(digest.bytes())))
            .returning((audience::host_id, audience::account_id))
            .get_results(c))?;
    for (host, account) in gone {
        tx.changed(Change::Left { host, account });
    }
    Ok(())
}

/// An account that is about to be deleted, or registered, leaves every audience.
pub(crate) fn leave_everywhere(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    let gone: Vec<AccountId> =
        on!(tx.conn, |c| diesel::delete(audience::table.filter(audience::account_id.eq(account)))
            .returning(audience::host_id)
            .get_results(c))?;
    for host in gone {
        tx.changed(Change::Left { host, account });
    }
    Ok(())
}

/// Takes out a member that fell silent, unless the table knows of a newer beat.
pub(crate) fn expire(tx: &mut Tx<'_>, host: AccountId, account: AccountId) -> Result<()> {
    let row: Option<MemberRow> = on!(tx.conn, |c| audience::table.find((host, account)).first(c).optional())?;
    let Some(row) = row else {
        tx.changed(Change::Left { host, account });
        return Ok(());
    };
    let timeouts = tx.config().timeouts;
    let over = match row.dialect {
        Dialect::Sxb => rule::silent_member_leaves_at(row.beat_at, row.role, timeouts) <= tx.now,
        // The read model shares the session's own clock, unless the session was pushed out of memory and read again.
        Dialect::Qplus => match row.session.as_deref().and_then(TokenHash::from_bytes) {
            Some(digest) => session::cache_session(tx, &digest)?.is_none_or(|used_at| {
                rule::idle_session_ends_at(used_at, tx.config().sessions.qplus_idle) <= tx.now
            }),
            None => false,
        },
        Dialect::MinilvbV1 | Dialect::MinilvbV2 => false,
    };
    if over {
        remove(tx, host, account)?;
    } else if let Some(user) = account::by_id(tx.conn, account)? {
        tx.changed(Change::Member(Box::new(row.state(&user.user_id))));
    }
    Ok(())
}
