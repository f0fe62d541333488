//! Groups: audiences as the dialect without rooms names them (minilvb-v1), of lives and of recordings.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{Audiences, MemberRow, remove, seat};
use crate::{
    AccountId, Dialect, Page, Result, Window,
    account::{self, Actor},
    broadcast,
    live::{Change, RecordingCounters},
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, audience, recording_audience, recordings},
    },
};

/// How a member wants to be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberNames {
    /// Nickname, may be empty.
    pub nickname: String,
    /// Picture URL, may be empty.
    pub avatar: String,
}

/// A member as group lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The member's id.
    pub user_id: String,
    /// Nickname, may be empty.
    pub nickname: String,
    /// Picture URL, may be empty.
    pub avatar: String,
}

impl Audiences<'_> {
    /// Enters the audience of a host under a group name; whether that host is on air, or exists, does not matter. One
    /// group of a host at a time; entering again keeps the place and replaces the names. The host may enter its own
    /// group and is then listed, but never a viewer.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn enter_group(&self, actor: Actor, host: &str, group: &str, names: MemberNames) -> Result<()> {
        let (host, group) = (host.to_owned(), group.to_owned());
        self.0
            .store()
            .write(move |tx| {
                let member = account::acting(tx, &actor)?;
                let host = account::ensure(tx, &host)?.id;
                let row = seat::arriving(tx, host, member.id, Dialect::MinilvbV1)?;
                let position = if row.listed { row.position } else { tx.next_position()? };
                let row = MemberRow {
                    group_id: Some(group.clone()),
                    listed: true,
                    nickname: Some(names.nickname.clone()),
                    avatar: Some(names.avatar.clone()),
                    position,
                    ..row
                };
                seat::put(tx, &row, &member.user_id)
            })
            .await
    }

    /// Leaves a group; without effect for who is not in it.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn quit_group(&self, actor: Actor, host: &str, group: &str) -> Result<()> {
        let (host, group) = (host.to_owned(), group.to_owned());
        self.0
            .store()
            .write(move |tx| {
                let member = account::acting(tx, &actor)?.id;
                let Some(host) = account::by_user_id(tx.conn, &host)?.map(|row| row.id) else {
                    return Ok(());
                };
                let Some(row) = seat::get(tx, host, member)?.filter(|row| row.listed) else { return Ok(()) };
                let of = match row.group_id {
                    Some(of) => Some(of),
                    None => own_group(tx.conn, host)?,
                };
                if of.as_ref() == Some(&group) {
                    remove(tx, host, member)?;
                }
                Ok(())
            })
            .await
    }

    /// Enters the audience of a recording: one more viewer of it, if it exists and the member is new.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn enter_recording(
        &self,
        actor: Actor,
        owner: &str,
        file_id: &str,
        names: MemberNames,
    ) -> Result<()> {
        let (owner, file_id) = (owner.to_owned(), file_id.to_owned());
        self.0
            .store()
            .write(move |tx| {
                let member = account::acting(tx, &actor)?.id;
                let owner = account::ensure(tx, &owner)?.id;
                let row = recording_audience::table.find((owner, &file_id, member));
                let known = on!(tx.conn, |c| diesel::update(row)
                    .set((
                        recording_audience::nickname.eq(&names.nickname),
                        recording_audience::avatar.eq(&names.avatar)
                    ))
                    .execute(c))?;
                if known > 0 {
                    return Ok(());
                }
                let position = tx.next_position()?;
                on!(tx.conn, |c| diesel::insert_into(recording_audience::table)
                    .values((
                        recording_audience::owner_id.eq(owner),
                        recording_audience::file_id.eq(&file_id),
                        recording_audience::account_id.eq(member),
                        recording_audience::nickname.eq(&names.nickname),
                        recording_audience::avatar.eq(&names.avatar),
                        recording_audience::position.eq(position),
                    ))
                    .execute(c))?;
                step_viewers(tx, owner, &file_id, 1)
            })
            .await
    }

    /// Leaves the audience of a recording; without effect for who is not in it.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn quit_recording(&self, actor: Actor, owner: &str, file_id: &str) -> Result<()> {
        let (owner, file_id) = (owner.to_owned(), file_id.to_owned());
        self.0
            .store()
            .write(move |tx| {
                let member = account::acting(tx, &actor)?.id;
                let Some(owner) = account::by_user_id(tx.conn, &owner)?.map(|row| row.id) else {
                    return Ok(());
                };
                let row = recording_audience::table.find((owner, &file_id, member));
                if on!(tx.conn, |c| diesel::delete(row).execute(c))? > 0 {
                    step_viewers(tx, owner, &file_id, -1)?;
                }
                Ok(())
            })
            .await
    }

    /// The members of a group in order of entry: those of the host's audience, then those of the recording whose file
    /// id the group's name is.
    pub async fn group(&self, host: &str, group: &str, window: Window) -> Result<Page<GroupMember>> {
        self.0.expire_due().await?;
        let (core, host, group) = (self.0.clone(), host.to_owned(), group.to_owned());
        let listed = move |host: AccountId, group: &str, of_latest_broadcast: bool| {
            let live = core.memory().live();
            live.audience(host).map(|audience| audience.group(group, of_latest_broadcast, window))
        };
        self.0
            .store()
            .snapshot(move |conn| {
                let Some(host) = account::by_user_id(conn, &host)?.map(|row| row.id) else {
                    return Ok(Page::default());
                };
                let mut page = live_group(conn, host, &group, &listed)?;
                // By places, not by items: who has left meanwhile leaves a gap, which nobody else fills.
                let rest = Window {
                    offset: window.offset.saturating_sub(page.total),
                    limit: window.limit.saturating_sub(page.total.saturating_sub(window.offset)),
                };
                let watching = recording_group(conn, host, &group, rest)?;
                page.total += watching.total;
                page.items.extend(watching.items);
                Ok(page)
            })
            .await
    }
}

fn own_group(conn: &mut Conn, host: AccountId) -> Result<Option<String>> {
    Ok(broadcast::latest(conn, host)?.map(|row| row.group()))
}

/// Id, names given on entering, names in the profile.
type Row = (String, Option<String>, Option<String>, String, String);

/// Memory knows who is where in a list of any length, the tables what they are called.
fn live_group(
    conn: &mut Conn,
    host: AccountId,
    group: &str,
    listed: &impl Fn(AccountId, &str, bool) -> Option<Page<AccountId>>,
) -> Result<Page<GroupMember>> {
    let own = own_group(conn, host)?.is_some_and(|own| own == group);
    let Page { total, items } = listed(host, group, own).unwrap_or_default();
    let mut rows = rows(conn, host, &items)?;
    let member = |(user_id, nickname, avatar, profile_nickname, profile_avatar): Row| GroupMember {
        user_id,
        nickname: nickname.unwrap_or(profile_nickname),
        avatar: avatar.unwrap_or(profile_avatar),
    };
    Ok(Page { total, items: items.iter().filter_map(|account| rows.remove(account)).map(member).collect() })
}

/// The rows of some members. Who has left meanwhile has none.
fn rows(conn: &mut Conn, host: AccountId, members: &[AccountId]) -> Result<HashMap<AccountId, Row>> {
    let all = || {
        audience::table.inner_join(accounts::table).filter(audience::host_id.eq(host)).select((
            audience::account_id,
            (accounts::user_id, audience::nickname, audience::avatar, accounts::nickname, accounts::avatar),
        ))
    };
    let mut found = HashMap::with_capacity(members.len());
    match conn {
        // In process a loop costs nothing, and its statement stays prepared.
        Conn::Sqlite(c) => {
            for member in members {
                found.extend(prepared!(all().filter(audience::account_id.eq(member))).load::<(_, Row)>(c)?);
            }
        }
        Conn::Postgres(c) => {
            found.extend(all().filter(audience::account_id.eq_any(members)).load::<(_, Row)>(c)?);
        }
    }
    Ok(found)
}

fn recording_group(
    conn: &mut Conn,
    owner: AccountId,
    file_id: &str,
    window: Window,
) -> Result<Page<GroupMember>> {
    let members = || {
        recording_audience::table
            .inner_join(accounts::table)
            .filter(recording_audience::owner_id.eq(owner).and(recording_audience::file_id.eq(file_id)))
    };
    let rows: Vec<(String, String, String)> = on!(conn, |c| members()
        .order((recording_audience::position, recording_audience::account_id))
        .limit(window.sql_limit())
        .offset(window.sql_offset())
        .select((accounts::user_id, recording_audience::nickname, recording_audience::avatar))
        .load(c))?;
    let member = |(user_id, nickname, avatar)| GroupMember { user_id, nickname, avatar };
    let items = rows.into_iter().map(member).collect();
    Page::read(window, items, || Ok(on!(conn, |c| members().count().get_result(c))?))
}

/// An account that is about to be deleted leaves the audience of every recording.
pub(crate) fn leave_recordings(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    let gone: Vec<(AccountId, String)> = on!(tx.conn, |c| diesel::delete(
        recording_audience::table.filter(recording_audience::account_id.eq(account))
    )
    .returning((recording_audience::owner_id, recording_audience::file_id))
    .get_results(c))?;
    for (owner, file_id) in gone {
        step_viewers(tx, owner, &file_id, -1)?;
    }
    Ok(())
}

fn step_viewers(tx: &mut Tx<'_>, owner: AccountId, file_id: &str, step: i64) -> Result<()> {
    let counters: Option<RecordingCounters> = on!(tx.conn, |c| prepared!(
        diesel::update(
            recordings::table
                .filter(recordings::account_id.eq(owner).and(recordings::file_id.eq(file_id)))
                .filter(
                    (recordings::viewers + step)
                        .ge(0)
                        .and((recordings::viewers + step).le(i64::from(i32::MAX)))
                )
        )
        .set(recordings::viewers.eq(recordings::viewers + step))
        .returning((recordings::id, recordings::likes, recordings::viewers))
    )
    .get_result(c)
    .optional())?;
    if let Some(counters) = counters {
        tx.changed(Change::RecordingCounters(counters));
    }
    Ok(())
}
