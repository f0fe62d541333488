//! Audiences: entering, beating, leaving, member lists.

use std::sync::Arc;

use super::core::Audiences;
use crate::{
    AccountId, Actor, GroupMember, Member, MemberNames, Page, Result, Role, RoomNumber, Session, Window,
    domain::{audience, group},
    model::counter::LARGEST_COUNT,
    read_model::memory::HeartbeatOutcome,
    table::broadcasts,
};

impl Audiences<'_> {
    /// sxb: enters a room on air with a role, and leaves the room it sat in before. Entering again renews the clock.
    /// Only the owner is host, and the owner is nothing else.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn enter(&self, account: AccountId, room: RoomNumber, role: Role) -> Result<()> {
        let now = self.0.expire_due().await?;
        // A sibling may just have let it out, or closed the room: only the tables know.
        if !self.0.has_siblings() && self.0.memory().beat_in_room(account, room, role, now) {
            return Ok(());
        }
        self.0.store().write(move |tx| audience::enter(tx, room, account, Some(role))).await
    }

    /// sxb: leaves a room on air. Success also for who is not there.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn leave(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0.store().write(move |tx| audience::leave(tx, room, account)).await
    }

    /// sxb: asks for the microphone. Who is not in the room yet is let in as a viewer; nobody's role changes.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn request_mic(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0.store().write(move |tx| audience::enter(tx, room, account, None)).await
    }

    /// sxb: a member went on mic, or off it. Without effect for the host and for who is not there.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn set_mic(&self, account: AccountId, room: RoomNumber, on: bool) -> Result<()> {
        let role = if on { Role::OnMic } else { Role::Viewer };
        self.0.store().write(move |tx| audience::set_role_in_room(tx, room, account, role)).await
    }

    /// sxb: a sign of life of a user, wherever it sits, with the role it has there; of a host also the number of
    /// likes it shows. Costs no write as long as role and likes stay the same.
    pub async fn beat(&self, account: AccountId, role: Role, likes: Option<i64>) -> Result<()> {
        let now = self.0.expire_due().await?;
        // As it would be stored: a number that always differs would cost a write with every beat.
        let likes = likes.map(|likes| likes.clamp(0, LARGEST_COUNT));
        let HeartbeatOutcome { new_role_at, likes_differ } = self.0.memory().beat(account, role, likes, now);
        if new_role_at.is_none() && !likes_differ {
            return Ok(());
        }
        let new_role = new_role_at.map(|host| (host, role));
        let likes = likes.filter(|_| likes_differ);
        self.0.store().write(move |tx| audience::beat(tx, account, new_role, likes)).await
    }

    /// The members of a room, the host first, then in order of entry: of a room on air, or of one that sxb has prepared, whose
    /// host is a member already (contract sxb §0). Any other room has no members.
    pub async fn members(&self, room: RoomNumber, window: Window) -> Result<Page<Member>> {
        self.0.expire_due().await?;
        let on_air = self.0.memory().live().host_of_room(room);
        let host = match on_air {
            Some(host) => Some(host),
            None => self.0.store().read(move |conn| broadcasts::preparing_host(conn, room)).await?,
        };
        let live = self.0.memory().live();
        let Some(audience) = host.and_then(|host| live.audience(host)) else {
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
        self.0.store().write(move |tx| audience::watch(tx, room, account, &digest)).await
    }

    /// qplus: stops watching a room, on air or not.
    pub async fn unwatch(&self, session: &Session, room: RoomNumber) -> Result<()> {
        let account = session.account;
        self.0.store().write(move |tx| audience::unwatch(tx, room, account)).await
    }

    /// Enters the audience of a host under a group name; whether that host is on air, or exists, does not matter. One
    /// group of a host at a time; entering again keeps the place and replaces the names. The host may enter its own
    /// group and is then listed, but never a viewer.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn enter_group(&self, actor: Actor, host: &str, group: &str, names: MemberNames) -> Result<()> {
        let (host, group) = (host.to_owned(), group.to_owned());
        self.0.store().write(move |tx| group::enter(tx, &actor, &host, &group, &names)).await
    }

    /// Leaves a group; without effect for who is not in it.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn quit_group(&self, actor: Actor, host: &str, group: &str) -> Result<()> {
        let (host, group) = (host.to_owned(), group.to_owned());
        self.0.store().write(move |tx| group::quit(tx, &actor, &host, &group)).await
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
        self.0.store().write(move |tx| group::enter_recording(tx, &actor, &owner, &file_id, &names)).await
    }

    /// Leaves the audience of a recording; without effect for who is not in it.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn quit_recording(&self, actor: Actor, owner: &str, file_id: &str) -> Result<()> {
        let (owner, file_id) = (owner.to_owned(), file_id.to_owned());
        self.0.store().write(move |tx| group::quit_recording(tx, &actor, &owner, &file_id)).await
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
        self.0.store().snapshot(move |conn| group::page(conn, &host, &group, window, &listed)).await
    }
}
