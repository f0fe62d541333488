//! Audiences: entering, beating, leaving, member lists.

use super::core::Audiences;
use crate::{
    AccountId, Actor, FileId, GroupId, GroupMember, Member, MemberNames, Microphone, Page, RecordingId,
    Result, Role, RoomNumber, Session, UserId, Window,
    domain::{audience, group},
    model::counter::LARGEST_COUNT,
    read_model::memory::HeartbeatOutcome,
    store::conn::Conn,
    table::broadcasts,
};

impl Audiences<'_> {
    /// sxb: enters a room on air with a role, and leaves the sxb room that the account was in before. Entering again renews
    /// the deadline. The owner of the room is always its host, and no other member is.
    ///
    /// Errors: [`Error::NotOnAir`](crate::Error::NotOnAir).
    pub async fn enter(&self, account: AccountId, room: RoomNumber, role: Role) -> Result<()> {
        let now = self.0.expire_due().await?;
        // A sibling may just have removed the member or closed the room, so with siblings the tables decide.
        if !self.0.has_siblings() && self.0.memory().beat_in_room(account, room, role, now) {
            return Ok(());
        }
        self.0.write(move |tx| audience::enter(tx, room, account, Some(role))).await
    }

    /// sxb: leaves a room on air. Idempotent.
    ///
    /// Errors: [`Error::NotOnAir`](crate::Error::NotOnAir).
    pub async fn leave(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0.write(move |tx| audience::leave(tx, room, account)).await
    }

    /// sxb: asks for the microphone. An account that is not in the room enters as a viewer; a member keeps its role.
    ///
    /// Errors: [`Error::NotOnAir`](crate::Error::NotOnAir).
    pub async fn request_mic(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0.write(move |tx| audience::enter(tx, room, account, None)).await
    }

    /// sxb: gives a member the microphone or takes it away. Without effect on the host and on accounts not in the room.
    ///
    /// Errors: [`Error::NotOnAir`](crate::Error::NotOnAir).
    pub async fn set_mic(&self, account: AccountId, room: RoomNumber, mic: Microphone) -> Result<()> {
        let role = match mic {
            Microphone::On => Role::OnMic,
            Microphone::Off => Role::Viewer,
        };
        self.0.write(move |tx| audience::set_role_in_room(tx, room, account, role)).await
    }

    /// sxb: the heartbeat of a user, with its role in the room that it is in, and for a host with the likes that it shows.
    /// Writes nothing as long as role and likes stay the same.
    pub async fn beat(&self, account: AccountId, role: Role, likes: Option<i64>) -> Result<()> {
        let now = self.0.expire_due().await?;
        // Clamped as it is stored: otherwise a number out of range would differ at every beat and cause a write.
        let likes = likes.map(|likes| likes.clamp(0, LARGEST_COUNT));
        let HeartbeatOutcome { new_role_at, likes_differ } = self.0.memory().beat(account, role, likes, now);
        if new_role_at.is_none() && !likes_differ {
            return Ok(());
        }
        let new_role = new_role_at.map(|host| (host, role));
        let likes = likes.filter(|_| likes_differ);
        self.0.write(move |tx| audience::beat(tx, account, new_role, likes)).await
    }

    /// The members of a room, the host first, then in order of entry. A room on air has members, and so has a room that sxb
    /// has prepared: its host (contract sxb §0). Any other room has none.
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
            .page(window)
            .map(|member| Member { user_id: member.user_id.clone(), role: member.role })
            .collect();
        Ok(Page { total: audience.len(), items })
    }

    /// qplus: watches a room until [`Audiences::unwatch`], the end of the broadcast or the end of the session. Without effect
    /// if the room is not on air, and for its owner.
    ///
    /// Errors: [`Error::InvalidSession`](crate::Error::InvalidSession) if the session has ended meanwhile.
    pub async fn watch(&self, session: &Session, room: RoomNumber) -> Result<()> {
        let (account, digest) = (session.account, session.digest);
        self.0.write(move |tx| audience::watch(tx, room, account, &digest)).await
    }

    /// qplus: stops watching a room, on air or not.
    pub async fn unwatch(&self, session: &Session, room: RoomNumber) -> Result<()> {
        let account = session.account;
        self.0.write(move |tx| audience::unwatch(tx, room, account)).await
    }

    /// Enters the audience of a host under a group name; the host need neither be on air nor exist. A member is in one group of
    /// a host at a time; entering again keeps the position and replaces the names. A host that enters its own group is
    /// listed, but is not counted as a viewer.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn enter_group(
        &self,
        actor: Actor,
        host: &UserId,
        group: &GroupId,
        names: MemberNames,
    ) -> Result<()> {
        let (host, group) = (host.clone(), group.clone());
        self.0.write(move |tx| group::enter(tx, &actor, &host, &group, &names)).await
    }

    /// Leaves a group. Idempotent.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn quit_group(&self, actor: Actor, host: &UserId, group: &GroupId) -> Result<()> {
        let (host, group) = (host.clone(), group.clone());
        self.0.write(move |tx| group::quit(tx, &actor, &host, &group)).await
    }

    /// Enters the audience of a recording, and counts a viewer of the recording if the member is new. Changes nothing if there is
    /// no such recording.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn enter_recording(
        &self,
        actor: Actor,
        owner: &UserId,
        file_id: &FileId,
        names: MemberNames,
    ) -> Result<()> {
        let (owner, file_id) = (owner.clone(), file_id.clone());
        self.0.write(move |tx| group::enter_recording(tx, &actor, &owner, &file_id, &names)).await
    }

    /// Leaves the audience of a recording. Idempotent.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn quit_recording(&self, actor: Actor, owner: &UserId, file_id: &FileId) -> Result<()> {
        let (owner, file_id) = (owner.clone(), file_id.clone());
        self.0.write(move |tx| group::quit_recording(tx, &actor, &owner, &file_id)).await
    }

    /// The members of a group in order of entry: first those in the host's audience, then those of the host's recording whose
    /// file id is the name of the group.
    pub async fn group(&self, host: &UserId, group: &GroupId, window: Window) -> Result<Page<GroupMember>> {
        self.0.expire_due().await?;
        let (core, host, group) = (self.0.clone(), host.clone(), group.clone());
        let query = move |conn: &mut Conn| {
            let listed = |host: AccountId, group: &GroupId, of_latest_broadcast: bool| {
                let live = core.memory().live();
                live.audience(host).map(|audience| audience.group(group, of_latest_broadcast, window))
            };
            let positions = |recording: RecordingId, window: Window| {
                core.memory().live().recording_audiences().page(recording, window)
            };
            group::page(conn, &host, &group, window, &listed, &positions)
        };
        self.0.store().snapshot(query).await
    }
}
